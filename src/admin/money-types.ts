/** What the operator port says about money. */
import type { Reports } from '../ledger/reports.ts';
import type { Ledger, LedgerBuckets, LedgerRange, LedgerTotals } from '../ledger/ledger.ts';

export type { LedgerBuckets, LedgerRange, LedgerTotals };
export type { Claim, ClaimsReport, Verdict } from '../ledger/claims.ts';
export type { SavingsEstimate } from '../ledger/model/interval.ts';
export type { BaselineFigure, DriftDay, FalseHits, MoneyReport } from '../ledger/report.ts';

/** What the composition root gives to the operator port. */
export interface MoneyFacts {
  readonly ledger: Pick<Ledger, 'totals' | 'buckets' | 'entries' | 'lost'>;
  readonly reports: Reports;
}

/** `GET /api/ledger/totals`. Amounts in millionths of a dollar, integers. */
export interface LedgerTotalsView {
  readonly range: LedgerRange;
  readonly totals: LedgerTotals;
  /** Entries that could not be written since the start. */
  readonly lost: number;
}

/** `GET /api/ledger/buckets`. */
export interface LedgerBucketsView extends LedgerBuckets {
  readonly range: LedgerRange;
  readonly step: 'hour' | 'day';
}
