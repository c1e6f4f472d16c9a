/** What the operator port shows and takes. The CLI and the page speak these shapes over HTTP. */
import type { EntryFilter, EntrySummary } from '../cache/cache-store.ts';
import type { CacheEntry } from '../cache/cache-store.ts';
import type { EntryId } from '../core/ids.ts';
import type { RequestRecord } from '../telemetry/request-log.ts';

export interface StatusReport {
  readonly name: 'llm-self-host';
  readonly version: string;
  readonly startedAt: number;
  readonly uptimeS: number;
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly dataDir: string;
  readonly embedding: {
    readonly id: string;
    readonly kind: string;
    readonly why: string;
    readonly remedy: string | undefined;
    /** Re-embedding after a change of embedder; undefined when none runs. */
    readonly reembedding: { readonly done: number; readonly total: number } | undefined;
  };
  readonly cache: {
    readonly mode: string;
    readonly store: string;
    readonly entries: number;
    readonly bytes: number;
    readonly vectors: number;
  };
  readonly thinkers: readonly ThinkerReportView[];
  readonly traffic: {
    readonly requests: number;
    readonly hits: { readonly exact: number; readonly semantic: number; readonly coalesced: number };
    readonly misses: number;
    readonly bypasses: number;
    readonly errors: number;
    /** Of answered requests that could have hit; undefined before the first. */
    readonly hitShare: number | undefined;
    readonly tokensSaved: number;
    /** Requests the gateway is answering, those that share one upstream call included. */
    readonly open: number;
    /** Calls running on thinkers, and requests waiting for one. */
    readonly inFlight: number;
    readonly waiting: number;
    /** Over the request log (the last 1,000), milliseconds. */
    readonly latency: { readonly hit: Percentiles | undefined; readonly thinker: Percentiles | undefined };
  };
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number };
}

export interface Percentiles {
  readonly n: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export interface ThinkerReportView {
  readonly name: string;
  readonly kind: 'static' | 'simulated' | 'rented';
  readonly url: string;
  readonly state: string;
  readonly version: string;
  readonly models: readonly string[];
  readonly loaded: readonly string[];
  readonly inFlight: number;
  readonly maxConcurrency: number;
  readonly lastError: string | undefined;
}

/** What the composition root gives to the operator port. */
export interface AdminFacts {
  /** Everything but `adminUrl`-independent live numbers; computed on each call. */
  status(): StatusReport;
  requests(limit: number): readonly RequestRecord[];
  request(id: string): RequestRecord | undefined;
}

export interface CacheCommands {
  list(
    filter: EntryFilter,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<readonly EntrySummary[]>;
  show(id: EntryId): Promise<CacheEntry | undefined>;
  remove(id: EntryId): Promise<boolean>;
  purge(filter: EntryFilter): Promise<number>;
}

/** One row of `GET /api/cache/entries`. */
export interface CacheRowView {
  readonly id: string;
  readonly tenant: string;
  readonly model: string;
  readonly text: string;
  readonly embeddingModel: string | undefined;
  readonly storedAt: number;
  readonly ageS: number;
  readonly expiresInS: number;
  readonly hits: number;
  readonly bytes: number;
}

/** `before` asks for the next page; absent on the last one. */
export interface CacheListView {
  readonly entries: readonly CacheRowView[];
  readonly before?: number;
}

/** `GET /api/cache/entries/:id`: the whole entry but its vector. */
export interface CacheEntryView extends Omit<CacheEntry, 'semantic'> {
  readonly semantic: { readonly text: string; readonly embeddingModel: string } | undefined;
}

/** Body of `POST /api/cache/purge`. With no filter `all` must be true. */
export interface PurgeRequest {
  readonly model?: string | undefined;
  readonly contains?: string | undefined;
  readonly olderThanS?: number | undefined;
  readonly all?: true | undefined;
}

export interface PurgeReply {
  readonly removed: number;
}
