/** What the embedded store and its disk thread say to each other. Plain data only: it is cloned. */
import type { EntryFilter, EntrySummary } from '../cache-store.ts';
import type { DirectoryRecord } from './directory.ts';

export interface DiskSetup {
  readonly dataDir: string;
  /** Bound on the file; SQLite then reports it full. */
  readonly fileBytesMax: number;
  /** For names of files set aside, milliseconds since the epoch. */
  readonly openedAt: number;
}

/** A row as it is written. */
export interface StoredEntry extends DirectoryRecord {
  readonly digest: string;
  readonly embeddingModel: string | null;
  readonly origin: string;
  readonly text: string | null;
  readonly answerJson: string;
  readonly vector: Uint8Array | null;
  readonly context: Uint8Array | null;
}

/** Changes in the order they happened: a removal and a put of one key may be in one batch. */
export type DiskChange =
  | { readonly kind: 'put'; readonly entry: StoredEntry }
  | { readonly kind: 'remove'; readonly seq: number }
  | { readonly kind: 'hits'; readonly seq: number; readonly hits: number }
  | { readonly kind: 'vector'; readonly seq: number; readonly embeddingModel: string; readonly vector: Uint8Array }
  | { readonly kind: 'meta'; readonly key: string; readonly value: string };

export interface Opened {
  readonly nextSeq: number;
  readonly meta: readonly (readonly [string, string])[];
  /** Where a damaged file was moved to. */
  readonly setAside: string | undefined;
}

export type SummaryRow = EntrySummary & { readonly seq: number };
export type SemanticRow = SummaryRow & { readonly vectorBytes: Uint8Array };

/**
 * Rows in two flat arrays: cloning objects would copy every property name with every row, and a
 * start has hundreds of thousands.
 */
export interface DirectoryPage {
  readonly rows: number;
  /** Per row: seq, storedAt, expiresAt, bytes, hits, gpuMs. */
  readonly numbers: Float64Array;
  /** Per row: id, exactKey, tenant, model, scope. */
  readonly names: readonly (string | null)[];
}
export const numbersPerRow = 6;
export const namesPerRow = 5;

export interface DiskCalls {
  apply(changes: readonly DiskChange[]): void;
  /** Directory rows after `seq`, ascending; a short page is the last. */
  load(afterSeq: number, limit: number): DirectoryPage;
  list(filter: EntryFilter, limit: number, before: number | undefined, now: number): readonly SummaryRow[];
  /** What the filter finds after `afterSeq`, ascending, expired or not. */
  match(filter: EntryFilter, afterSeq: number, limit: number): readonly SummaryRow[];
  semantic(afterSeq: number, limit: number): readonly SemanticRow[];
  /** Moves the damaged file away and starts an empty one. */
  reset(at: number): Opened;
  close(): void;
}
