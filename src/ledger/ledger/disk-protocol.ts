/** What the embedded ledger and its disk thread say to each other. Plain data only: it is cloned. */
import type { Fact } from '../facts.ts';
import type { AnswerBucket, AnswerEntry, ChargeEntry, CostBucket, LedgerEntry, LedgerRange } from '../ledger.ts';

export interface DiskSetup {
  readonly dataDir: string;
  readonly answersMax: number;
  readonly fileBytesMax: number;
  readonly factsMax: number;
  /** For names of files set aside, milliseconds since the epoch. */
  readonly openedAt: number;
}

export interface Opened {
  /** Where a damaged file was moved to. */
  readonly setAside: string | undefined;
}

/** Rows in flat arrays: cloning objects would copy every property name with every row. */
export interface AnswerBatch {
  readonly rows: number;
  /** `numbersPerRow` a row, in the order of `encodeAnswers`. */
  readonly numbers: Float64Array;
  /** Request id, question and whose answer, per row, without anything between them: one text is cloned at once. */
  readonly text: string;
  /** Where each of the three ends. */
  readonly textEnds: Uint32Array;
  /** Tenants, models and thinkers, each once; rows name them by place. */
  readonly names: readonly string[];
}

/** Few beside answers: they travel as they are. */
export type OtherEntry = Exclude<LedgerEntry, AnswerEntry>;

export interface PageCursor {
  readonly at: number;
  readonly seq: number;
}

export interface EntryPage {
  readonly entries: readonly LedgerEntry[];
  readonly next: PageCursor | undefined;
}

export interface DiskCalls {
  append(answers: AnswerBatch, others: readonly OtherEntry[], facts: readonly Fact[]): void;
  /** Oldest first, from `at` on and after `seq`. */
  facts(range: LedgerRange, afterSeq: number, limit: number): readonly (Fact & { readonly seq: number })[];
  /** Sums of answers and costs per bucket; charges one by one, last of each day alone. */
  buckets(
    range: LedgerRange,
    bucketMs: number,
  ): {
    readonly answers: readonly AnswerBucket[];
    readonly costs: readonly CostBucket[];
    readonly charges: readonly ChargeEntry[];
  };
  page(
    range: LedgerRange,
    kinds: readonly LedgerEntry['kind'][],
    after: PageCursor | undefined,
    limit: number,
  ): EntryPage;
  /** Moves the damaged file away and starts an empty one. */
  reset(at: number): Opened;
  close(): void;
}

export const numbersPerRow = 14;
