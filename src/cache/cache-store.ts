import type { Answer } from '../core/answer.ts';
import type { EntryId, ExactKey, ModelName, RequestId, Scope, TenantId } from '../core/ids.ts';
import type { EpochMs } from '../core/units.ts';
import type { PackedVector, UnitVector } from '../core/vector.ts';

export interface CacheEntry {
  readonly id: EntryId;
  readonly exactKey: ExactKey;
  readonly tenant: TenantId;
  readonly model: ModelName;
  /** Model digest the answer came from; '' when the thinker did not say. */
  readonly digest: string;
  /** Present when the entry may serve other wordings. */
  readonly semantic?: {
    readonly scope: Scope;
    /** The last user text, as compared by the guards. */
    readonly text: string;
    /** `EmbeddingModel.id` of `vector`; entries of another model wait to be re-embedded. */
    readonly embeddingModel: string;
    readonly vector: UnitVector;
    /**
     * Direction of the user's earlier turns, in the space of `embeddingModel`: such an entry serves only
     * conversations whose own context points the same way.
     */
    readonly context?: UnitVector;
  };
  readonly answer: Answer;
  readonly storedAt: EpochMs;
  /** Fixed at write; hits never move it. */
  readonly expiresAt: EpochMs;
  readonly origin: RequestId;
  /** Thinker time that one hit saves, milliseconds. */
  readonly gpuMs: number;
}

export type RemovalReason = 'ttl' | 'lru' | 'disputed' | 'model_changed' | 'manual' | 'replaced';

/** What lists and re-embedding need, without the answer. */
export interface EntrySummary {
  readonly id: EntryId;
  readonly tenant: TenantId;
  readonly model: ModelName;
  readonly digest: string;
  readonly text: string;
  readonly scope: Scope | undefined;
  readonly embeddingModel: string | undefined;
  readonly storedAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly hits: number;
  readonly bytes: number;
}

export interface EntryFilter {
  readonly tenant?: TenantId;
  readonly model?: ModelName;
  /** Case-insensitive part of the prompt text. */
  readonly contains?: string;
  readonly olderThan?: EpochMs;
  /** Of the model that answered. */
  readonly digest?: string;
}

/** Port: the record store. Drivers in `cache-store/`. Trouble throws `cache_unavailable`; absent is a value. */
export interface CacheStore {
  readonly name: string;
  /** Resolves when stored entries can be read and counted. */
  ready(): Promise<void>;
  /** Live (unexpired) entry under this key. */
  getByKey(key: ExactKey): Promise<CacheEntry | undefined>;
  get(id: EntryId): Promise<CacheEntry | undefined>;
  /** Notes a served hit, for eviction and lists. Never throws, never waits. */
  touch(id: EntryId): void;
  /**
   * More wrong than right for other wordings: halves what keeping it counts for eviction. For this process;
   * never throws, never waits.
   */
  doubt(id: EntryId): void;
  /**
   * Visible to reads at once, durable within `flushWithinMs`. Replaces an entry of the same exact key; evicts to stay under the caps.
   * @param asOf `SharedStore.generation` when the question was asked: what has been invalidated since is not kept
   */
  put(entry: CacheEntry, asOf?: number): Promise<void>;
  remove(id: EntryId, reason: RemovalReason): Promise<boolean>;
  /** Bounded work per turn, however much it finds. @returns how many were removed. */
  purge(filter: EntryFilter, reason?: 'manual' | 'model_changed'): Promise<number>;
  /** Newest first. */
  list(
    filter: EntryFilter,
    page: { readonly limit: number; readonly before?: EpochMs },
  ): Promise<readonly EntrySummary[]>;
  /** Every live entry with a semantic part, in batches: feeds the vector index at start, and re-embedding. */
  semanticEntries(): AsyncIterable<readonly (EntrySummary & { readonly vector: UnitVector })[]>;
  /** Gives an entry its vector in another space; its context, which is of the old one, goes. Absent is fine. */
  setVector(id: EntryId, embeddingModel: string, vector: UnitVector): Promise<void>;
  /** Told of every removal, whatever the reason, so that the index can follow. */
  onRemoved(listener: (id: EntryId, scope: Scope | undefined, reason: RemovalReason) => void): void;
  /** Small facts that outlive the process, such as the last known digest of a model. */
  getMeta(key: string): Promise<string | undefined>;
  putMeta(key: string, value: string): Promise<void>;
  stats(): { readonly entries: number; readonly bytes: number };
  /** Of a store that other gateways write to as well; undefined when it is this process's own. */
  readonly shared?: SharedStore;
  /** Makes everything put so far durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface AddedEntry {
  readonly id: EntryId;
  readonly scope: Scope;
  readonly embeddingModel: string;
  readonly vector: PackedVector;
}

export type InvalidationSelector =
  | { readonly kind: 'all' }
  | { readonly kind: 'tenant'; readonly tenant: TenantId }
  | { readonly kind: 'scope'; readonly scope: Scope };

export interface SharedHealth {
  readonly backend: string;
  /** Why this backend, or what is wrong. */
  readonly why: string;
  readonly state: 'connecting' | 'ready' | 'down' | 'misconfigured' | 'closed';
  /** This gateway does not hear what others store; hits are verified all the same. */
  readonly stale: boolean;
  readonly writesWaiting: number;
  /** Invalidations that are not confirmed: what they are about is not served here. */
  readonly unconfirmed: number;
  /** Of the entries known here: equal in gateways that agree. */
  readonly digest: string;
  /** What a person should know, such as a server that evicts nothing. */
  readonly warnings: readonly string[];
}

/** What only a store has that several gateways share. */
export interface SharedStore {
  /** Told of every entry with a vector that this gateway did not put itself; at first of all there are. */
  onAdded(listener: (entry: AddedEntry) => void): void;
  /** Resolves when what was there at the start is known here. */
  synced(): Promise<void>;
  /**
   * Makes what is selected unreachable in every gateway, in O(1).
   * @returns a number that rises with every invalidation
   * @throws cache_unavailable when it could not be confirmed; this gateway serves nothing of it, and goes on trying
   */
  invalidate(selector: InvalidationSelector): Promise<number>;
  /** Rises with every invalidation, as far as is known here. */
  generation(): number;
  /** Keeps the value unless there is one. @returns the one that is kept, the same in every gateway */
  putMetaOnce(key: string, value: string): Promise<string>;
  /** Reads all of the store and mends what this gateway has missed. @returns how many entries differed */
  reconcile(): Promise<number>;
  health(): SharedHealth;
}
