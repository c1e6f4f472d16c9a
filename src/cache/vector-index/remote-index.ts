import type { VectorIndex } from '../vector-index.ts';

/** An index in a server that may be away, or may have lost what it needs. */
export interface RemoteIndex extends VectorIndex {
  /** Looks whether it can be used; an index that is missing is made. Never rejects. */
  ready(): Promise<void>;
  readonly usable: boolean;
}
