import type { CallOptions } from '../core/chat.ts';
import type { EntryId, Scope, TenantId } from '../core/ids.ts';
import type { EpochMs } from '../core/units.ts';
import type { PackedVector, UnitVector } from '../core/vector.ts';

export interface Neighbour {
  readonly entryId: EntryId;
  /** Cosine, [-1, 1], computed in float32 on the stored vector or within 0.005 of it. */
  readonly similarity: number;
}

/** Whose a row is: in the scope already, and filtered by once more where the rows of all lie together. */
export interface RowOwner {
  readonly tenant: TenantId;
  /** Digest of the model, or its name where no digest is known: as in the scope. */
  readonly model: string;
}

/** What a shared index keeps with a row. */
export interface RowFacts extends RowOwner {
  /** Of its entry: the row goes by itself then. */
  readonly expiresAt: EpochMs;
}

export interface NearestOptions extends CallOptions {
  readonly owner?: RowOwner;
}

/** Port: nearest stored vectors within one scope. Drivers in `vector-index/`. */
export interface VectorIndex {
  readonly dimensions: number;
  /** Its rows are there for every gateway: each is placed once, by the one that stores the answer. */
  readonly shared?: boolean;
  /** Replaces the entry's vector when it is there. @throws cache_unavailable when full or ill */
  upsert(scope: Scope, entryId: EntryId, vector: UnitVector | PackedVector, facts?: RowFacts): Promise<void>;
  /** At most k, most similar first, only from `scope`. @throws cache_unavailable */
  nearest(scope: Scope, query: UnitVector, k: number, options: NearestOptions): Promise<readonly Neighbour[]>;
  /** Absent is fine. */
  remove(scope: Scope, entryId: EntryId): Promise<void>;
  clear(): Promise<void>;
  stats(): { readonly vectors: number; readonly bytes: number };
  /**
   * Of an index that outlives the process and is shared: which of these rows it lacks, so that a start does not
   * write all of them again. Absent where every start begins empty.
   */
  lacking?(rows: readonly { readonly scope: Scope; readonly entryId: EntryId }[]): Promise<readonly boolean[]>;
  close(): Promise<void>;
}
