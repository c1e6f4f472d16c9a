import type { RequestId, TenantId } from '../core/ids.ts';
import type { EpochMs, UsdMicros } from '../core/units.ts';

/** Who made the answer. `fallback`: a paid API outside, used while no thinker of ours could. */
export type AnswerSource = 'thinker' | 'fallback' | 'coalesced' | 'exact' | 'semantic';

/** Every billed dollar is of one of these; together they are the bill. */
export type CostComponent = 'gpu_busy' | 'gpu_idle' | 'gpu_cold' | 'storage' | 'bandwidth' | 'fixed' | 'fallback';

export interface AnswerEntry {
  readonly kind: 'answer';
  readonly at: EpochMs;
  readonly requestId: RequestId;
  readonly tenant: TenantId;
  readonly model: string;
  readonly source: AnswerSource;
  /** '' for a stored answer. */
  readonly thinker: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** undefined where nothing was streamed. */
  readonly ttftMs: number | undefined;
  readonly totalMs: number;
  /** Time of a thinker that this answer took; 0 for a hit. */
  readonly gpuMs: number;
  /** Time of a thinker that a hit saved: what its stored answer took. 0 for a miss. */
  readonly avoidedGpuMs: number;
}

export interface CostEntry {
  readonly kind: 'cost';
  /** End of the time it is for. */
  readonly at: EpochMs;
  readonly component: CostComponent;
  /** Instance id, thinker name, or '' for fixed costs. */
  readonly subject: string;
  readonly seconds: number;
  readonly amount: UsdMicros;
}

/** What the provider says it charged, for the day that begins at `at`. Never added to costs: compared with them. */
export interface ChargeEntry {
  readonly kind: 'charge';
  readonly at: EpochMs;
  readonly component: 'gpu' | 'storage' | 'bandwidth';
  readonly subject: string;
  readonly amount: UsdMicros;
}

export type LedgerEntry = AnswerEntry | CostEntry | ChargeEntry;

/** Instants in [from, to). */
export interface LedgerRange {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly tenant?: TenantId;
}

export interface LedgerTotals {
  /** Integers, 1e-6 USD; their sum is the total, exactly. */
  readonly costs: Readonly<Record<CostComponent, UsdMicros>>;
  readonly total: UsdMicros;
  readonly charged: UsdMicros;
  readonly answers: Readonly<Record<AnswerSource, number>>;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly gpuMs: number;
  readonly avoidedGpuMs: number;
}

/** Port: append-only facts; totals are derived from them and never edited. Drivers in `ledger/`. */
export interface Ledger {
  /** Takes the entry at once and has it on disk within a second; `flush` waits for that. */
  append(entry: LedgerEntry): void;
  flush(): Promise<void>;
  totals(range: LedgerRange): Promise<LedgerTotals>;
  /** Oldest first. */
  entries(range: LedgerRange): AsyncIterable<LedgerEntry>;
  close(): Promise<void>;
}
