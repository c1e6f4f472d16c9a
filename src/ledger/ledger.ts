import type { AnswerSource } from '../core/chat.ts';
import type { RequestOutcome } from '../core/errors.ts';
import type { RequestId, TenantId } from '../core/ids.ts';
import type { EpochMs, UsdMicros } from '../core/units.ts';

export type { AnswerSource };

export const answerSources = ['thinker', 'fallback', 'coalesced', 'exact', 'semantic'] as const;

/** Every billed dollar is of one of these; together they are the bill. */
export const costComponents = [
  'gpu_busy',
  'gpu_idle',
  'gpu_cold',
  'storage',
  'bandwidth',
  'fixed',
  'fallback',
] as const;
export type CostComponent = (typeof costComponents)[number];

export interface AnswerEntry {
  readonly kind: 'answer';
  /** When the request came. */
  readonly at: EpochMs;
  readonly requestId: RequestId;
  readonly tenant: TenantId;
  readonly model: string;
  readonly source: AnswerSource;
  /** Only `ok` ones are answers; the others took time and are counted as what they are. */
  readonly outcome: RequestOutcome;
  /** '' for a stored answer. */
  readonly thinker: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** undefined where nothing was streamed. */
  readonly ttftMs: number | undefined;
  readonly totalMs: number;
  /** Waited in our queue; 0 for a hit. */
  readonly queuedMs: number;
  /** The thinker had to load the model first, for this long; 0 where it was warm, or a hit. */
  readonly loadMs: number;
  /** Time of a thinker that this answer took, without loading; 0 for a hit. */
  readonly gpuMs: number;
  /** Time of a thinker that a hit saved: what its stored answer took. 0 for a miss. */
  readonly avoidedGpuMs: number;
  /** Exact cache key of the question: a hash, no text. '' where the cache was not asked. */
  readonly question: string;
  /** The request that a thinker answered: it stored the answer, or led the flight. '' for its own. */
  readonly answerOf: string;
}

export interface CostEntry {
  readonly kind: 'cost';
  /** End of the time it is for. */
  readonly at: EpochMs;
  readonly component: CostComponent;
  /** Instance id, thinker name, or what a fixed cost is for. */
  readonly subject: string;
  readonly seconds: number;
  readonly amount: UsdMicros;
  /** What is billed once however many write it: a second entry of the same id is ignored. */
  readonly id?: string;
}

/**
 * What the provider says it charged, for the day that begins at `at`. Never added to costs: compared with them.
 * A later entry for the same day, component and subject takes the place of an earlier one: the day went on.
 */
export interface ChargeEntry {
  readonly kind: 'charge';
  readonly at: EpochMs;
  readonly component: 'gpu' | 'storage' | 'bandwidth';
  readonly subject: string;
  readonly amount: UsdMicros;
}

/**
 * A hit that a thinker answered as well, in the background: what the answer would have taken, measured. It is
 * what makes savings an estimate with an interval.
 */
export interface HoldoutEntry {
  readonly kind: 'holdout';
  readonly at: EpochMs;
  /** The hit. */
  readonly requestId: RequestId;
  readonly tenant: TenantId;
  readonly model: string;
  /** Of the fresh answer. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly gpuMs: number;
  /** What the stored answer took: what the hit was counted as having avoided. */
  readonly storedGpuMs: number;
}

export type LedgerEntry = AnswerEntry | CostEntry | ChargeEntry | HoldoutEntry;

/** Instants in [from, to); costs, whose `at` is an end, in (from, to]. */
export interface LedgerRange {
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Of answers; costs and charges are nobody's alone and are always in. */
  readonly tenant?: TenantId;
}

/** Sums over answers. `failed` by our fault: thinker, timeout, overload; `stopped` by readers, budgets and their own mistakes. */
export interface AnswerSums {
  readonly answers: number;
  readonly failed: number;
  readonly stopped: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly gpuMs: number;
  readonly avoidedGpuMs: number;
}

export interface LedgerTotals {
  /** Integers, 1e-6 USD; their sum is the total, exactly. */
  readonly costs: Readonly<Record<CostComponent, UsdMicros>>;
  /** Billed time of each component, seconds. */
  readonly seconds: Readonly<Record<CostComponent, number>>;
  readonly total: UsdMicros;
  readonly charged: UsdMicros;
  readonly answers: Readonly<Record<AnswerSource, number>>;
  readonly bySource: Readonly<Record<AnswerSource, AnswerSums>>;
  readonly failed: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly gpuMs: number;
  readonly avoidedGpuMs: number;
}

export interface AnswerBucket extends AnswerSums {
  /** Begin of the bucket: a multiple of its length since the epoch. */
  readonly at: EpochMs;
  readonly model: string;
  readonly source: AnswerSource;
}

export interface CostBucket {
  readonly at: EpochMs;
  readonly component: CostComponent;
  readonly subject: string;
  readonly seconds: number;
  readonly amount: UsdMicros;
}

export interface ChargeBucket {
  readonly at: EpochMs;
  readonly component: ChargeEntry['component'];
  readonly subject: string;
  readonly amount: UsdMicros;
}

/** Every list is in the order of `at`. Buckets in which nothing happened are absent. */
export interface LedgerBuckets {
  readonly answers: readonly AnswerBucket[];
  readonly costs: readonly CostBucket[];
  readonly charges: readonly ChargeBucket[];
}

/** Longest answers kept as single entries unless configured otherwise: about 500 MB of disk. */
export const answersMaxDefault = 2_000_000;
/** Answers beyond it are folded into sums of an hour each, so totals of whole hours stay exact for ever. */
export const foldMs = 3_600_000;
/** A name is cut here: clients send any. */
export const nameCharsMax = 256;

/** Port: append-only facts; totals are derived from them and never edited. Drivers in `ledger/`. */
export interface Ledger {
  readonly name: string;
  /** Takes the entry at once and has it on disk within a second; `flush` waits for that. Never throws, never waits. */
  append(entry: LedgerEntry): void;
  flush(): Promise<void>;
  /** @throws ledger_unavailable, as all that reads */
  totals(range: LedgerRange): Promise<LedgerTotals>;
  /** Sums per bucket; `bucketMs` is a multiple of an hour. */
  buckets(range: LedgerRange, bucketMs: number): Promise<LedgerBuckets>;
  /**
   * Oldest first; entries of one instant in the order of their appending. Answers that were folded are in the
   * sums alone. `kinds`: these alone.
   */
  entries(range: LedgerRange, kinds?: readonly LedgerEntry['kind'][]): AsyncIterable<LedgerEntry>;
  /** Entries that could not be written and are lost, since the start. */
  readonly lost: number;
  close(): Promise<void>;
}
