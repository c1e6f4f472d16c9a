import type { CallOptions } from '../core/chat.ts';
import type { EntryId, Scope } from '../core/ids.ts';
import type { UnitVector } from '../core/vector.ts';

export interface Neighbour {
  readonly entryId: EntryId;
  /** Cosine, [-1, 1], computed in float32 on the stored vector or within 0.005 of it. */
  readonly similarity: number;
}

/** Port: nearest stored vectors within one scope. Drivers in `vector-index/`. */
export interface VectorIndex {
  readonly dimensions: number;
  /** Replaces the entry's vector when it is there. @throws cache_unavailable when full or ill */
  upsert(scope: Scope, entryId: EntryId, vector: UnitVector): Promise<void>;
  /** At most k, most similar first, only from `scope`. @throws cache_unavailable */
  nearest(scope: Scope, query: UnitVector, k: number, options: CallOptions): Promise<readonly Neighbour[]>;
  /** Absent is fine. */
  remove(scope: Scope, entryId: EntryId): Promise<void>;
  clear(): Promise<void>;
  stats(): { readonly vectors: number; readonly bytes: number };
  close(): Promise<void>;
}
