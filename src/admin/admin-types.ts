/** What the operator port shows and takes. The CLI and the page speak these shapes over HTTP. */
import type { SharedHealth, EntryFilter, EntrySummary } from '../cache/cache-store.ts';
import type { CacheEntry } from '../cache/cache-store.ts';
import type { Feedback, FeedbackResult, LookupTrace, TracedCandidate } from '../cache/cache-types.ts';
import type { CaseVerdict, LearnerStatus, OpenCase } from '../cache/learner.ts';
import type { DoctorReport } from '../doctor/check.ts';
import type { WhyRecord } from '../cache/why-log.ts';
import type { EntryId, RequestId } from '../core/ids.ts';
import type { CacheSharing, KeyLimits } from '../keys/key-record.ts';
import type { ListedKey } from '../keys/key-ring.ts';
import type { RequestRecord } from '../telemetry/request-log.ts';

import type { RunTimeSettingView, SettingStepView, SettingsView } from './settings-types.ts';

export type * from './alert-types.ts';
export type * from './fleet-types.ts';
export type * from './money-types.ts';
export type * from './settings-types.ts';
export type { FeedbackReply } from '../cache/feedback-reply.ts';
export type { CaseVerdict, DoctorReport, OpenCase };

/** `viewer` sees everything and changes nothing. */
export type Role = 'operator' | 'viewer';

/** `GET /api/session`: who the page is, for the port. */
export interface SessionView {
  /** false: whoever reaches this port may do everything. */
  readonly keyRequired: boolean;
  /** undefined for one who must log in. */
  readonly role: Role | undefined;
  readonly via: 'key' | 'session' | 'local' | undefined;
}

/** Body of `POST /api/session`. */
export type LoginRequest = { readonly key: string } | { readonly link: string };

/** Of `POST /api/session/link`. */
export interface LoginLinkReply {
  /** Opens the page as the operator, once. */
  readonly path: string;
}

/** `GET /api/audit`, newest first. */
export interface AuditView {
  readonly entries: readonly AuditEntry[];
}

/** One change, or a try to change something. */
export interface AuditEntry {
  readonly at: number;
  readonly role: Role | undefined;
  readonly via: 'key' | 'session' | 'local' | undefined;
  /** Short name of the session. */
  readonly session?: string | undefined;
  /** Method and route. */
  readonly action: string;
  /** The path as it was asked. */
  readonly target: string;
  readonly status: number;
  readonly detail?: string | undefined;
}

/** Data of every event of `GET /api/live`; the event's name is the topic. */
export interface LiveMessage {
  /** When this held. */
  readonly at: number;
  readonly value: unknown;
}

/** Of the topic `requests`, newest first. `more`: after those that were told before; `all`: forget those. */
export interface LiveRequests {
  readonly kind: 'more' | 'all';
  readonly requests: readonly RequestRecord[];
}

/** One file of the dashboard, as it is sent. */
export interface PageFile {
  readonly contentType: string;
  readonly body: Buffer;
  readonly gzip: Buffer | undefined;
  readonly etag: string;
  /** Its name changes with its content. */
  readonly isImmutable: boolean;
}

/** Port: the dashboard's files. */
export interface DashboardFiles {
  /** undefined: there is no such file, or the dashboard was not built. */
  file(name: string): Promise<PageFile | undefined>;
}

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
    /** Where answers are shared with other gateways: how that stands. */
    readonly shared?: SharedHealth;
    /** How far the semantic tier has learned; absent where a fixed threshold decides. */
    readonly semantic?: LearnerStatus;
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
  /** Settings changed at run time, which hold instead of what the configuration says. */
  readonly overriding: readonly RunTimeSettingView[];
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number };
}

export interface CreateKeyRequest {
  readonly tenant: string;
  readonly name?: string | undefined;
  /** Empty: all. */
  readonly models?: readonly string[] | undefined;
  readonly limits?: KeyLimits | undefined;
  readonly cache?: CacheSharing | undefined;
  readonly expiresInS?: number | undefined;
}

export interface RotateKeyRequest {
  /** How long the old key goes on; 0: not at all. */
  readonly graceS?: number | undefined;
}

export interface KeyView extends Omit<ListedKey, 'sha256' | 'usage'> {
  readonly usage: {
    readonly requests: number;
    /** Of answers that thinkers made for it. */
    readonly tokens: number;
    readonly usd: number;
    readonly usdToday: number;
    readonly lastUsedAt: number | undefined;
  };
}

export interface KeyListView {
  /** Whether clients must show a key. */
  readonly required: boolean;
  readonly keys: readonly KeyView[];
}

export interface NewKeyView {
  /** The key itself: told here and kept nowhere. */
  readonly key: string;
  /** Until now everybody could ask; from here on a key is needed. */
  readonly firstKey: boolean;
  readonly record: KeyView;
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
  /** GPU memory of the models it holds; undefined when it does not tell. */
  readonly vramUsedBytes: number | undefined;
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
  /** Requests that `request` finds. */
  readonly requestsMax: number;
  /** All since start. */
  requestsSeen(): number;
  /** What the semantic tier saw; holds text of prompts. */
  why(id: RequestId): WhyRecord | undefined;
  feedback(feedback: Feedback): FeedbackResult;
  /** Answers that a person may compare, newest first; texts. */
  openCases(): readonly OpenCase[];
  /** @returns false when it is not open any more */
  decideCase(id: string, verdict: CaseVerdict): boolean;
  settings(): SettingsView;
  /** @throws bad_request */
  changeSetting(name: string, value: number): SettingStepView;
  undoSetting(name: string): SettingStepView;
}

/** `GET /api/cache/decisions`: of the last requests that the semantic tier was asked about. */
export interface CacheDecisionsView {
  /** Of the last one; undefined before the first. */
  readonly policy: string | undefined;
  readonly state: LookupTrace['state'] | undefined;
  /** What the cut is a value of. */
  readonly decidesBy: 'probability' | 'similarity';
  /** Smallest value that is served; undefined while none is. */
  readonly cut: number | undefined;
  /** Newest first; undefined where nothing was close. */
  readonly scores: readonly {
    readonly hit: boolean;
    readonly similarity: number | undefined;
    readonly probability: number | undefined;
  }[];
  /** Closest to the cut first. */
  readonly nearMisses: readonly NearMissView[];
  readonly nearMissesFound: number;
}

export interface NearMissView {
  readonly requestId: string;
  readonly at: number;
  readonly model: string;
  readonly question: string;
  readonly closest: Pick<StoryCandidate, 'entryId' | 'text' | 'similarity' | 'probability' | 'says'>;
}

/** `GET /api/cache/audits`: comparisons that wait for a person. */
export interface CacheAuditsView {
  readonly state: 'on' | 'off';
  readonly why: string;
  /** Being compared by rules, vectors and models. */
  readonly pending: number;
  readonly cases: readonly OpenCase[];
}

/** Body of `POST /api/cache/audits/:id`. */
export interface CaseRequest {
  readonly verdict: CaseVerdict;
}

export interface CacheCommands {
  list(
    filter: EntryFilter,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<readonly EntrySummary[]>;
  show(id: EntryId): Promise<CacheEntry | undefined>;
  remove(id: EntryId): Promise<boolean>;
  purge(filter: EntryFilter): Promise<number>;
  /** Makes every stored answer unreachable at once. @returns the number of the new epoch */
  flush(): Promise<number>;
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

/** Of `POST /api/cache/flush`. */
export interface FlushReply {
  /** Rises with each flush. */
  readonly epoch: number;
}

export interface PurgeReply {
  readonly removed: number;
}

/** `GET /api/requests/:id/why`: the facts of a request, and what they mean in words. */
export interface RequestStory {
  readonly requestId: string;
  /** Why it was answered as it was, in one sentence. */
  readonly because: string;
  readonly request: RequestRecord;
  readonly steps: readonly StoryStep[];
  /** The last user text as it was compared; undefined where nothing was compared, or when it is forgotten. */
  readonly question: string | undefined;
  /** How the semantic tier decides; undefined where it was not asked, or when that is forgotten. */
  readonly decision:
    | {
        readonly policy: string;
        readonly state: LookupTrace['state'];
        /** Smallest probability that is served, or smallest cosine where the state is `fixed`; undefined while closed. */
        readonly cut: number | undefined;
        readonly auditsMissing: number | undefined;
        /** Cut and state in one sentence. */
        readonly says: string;
      }
    | undefined;
  /** Most similar first. */
  readonly candidates: readonly StoryCandidate[];
  readonly whatIf: LookupTrace['atTargets'];
  /** The same in sentences; empty where targets do not apply. */
  readonly otherTargets: readonly string[];
  /** The stored answer that was given; undefined when a thinker answered. */
  readonly served: StoryServed | undefined;
  /** Whether feedback about it can be taken. */
  readonly canBeJudged: boolean;
}

export interface StoryStep {
  readonly name: string;
  readonly ms: number | undefined;
  readonly says: string;
}

export interface StoryCandidate extends TracedCandidate {
  readonly chosen: boolean;
  /** What spoke for or against it. */
  readonly says: string;
}

export interface StoryServed {
  readonly entryId: string;
  readonly ageS: number | undefined;
  /** The request that a thinker answered; undefined when the answer was shared while it was made. */
  readonly askedBy: string | undefined;
  /** undefined when it is gone, or may serve its own request only. */
  readonly question: string | undefined;
  readonly stillStored: boolean;
}

/** Body of `POST /api/requests/:id/feedback`. */
export interface FeedbackRequest {
  readonly verdict: Feedback['verdict'];
}
