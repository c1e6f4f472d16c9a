/** What the operator port says about money. */
import type { Ledger, LedgerBuckets, LedgerRange, LedgerTotals } from '../ledger/ledger.ts';

export type { LedgerBuckets, LedgerRange, LedgerTotals };

/** What the composition root gives to the operator port. */
export interface MoneyFacts {
  readonly ledger: Pick<Ledger, 'totals' | 'buckets' | 'entries' | 'lost'>;
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
