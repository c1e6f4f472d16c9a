/** What the operator port says about money. */
import type { WhatIfRunner } from '../whatif/run.ts';
import type { WhatIfChange, WhatIfReport, WhatIfSide } from '../whatif/what-if.ts';
import type { Reports } from '../ledger/reports.ts';
import type { Ledger, LedgerBuckets, LedgerRange, LedgerTotals } from '../ledger/ledger.ts';

export type { LedgerBuckets, LedgerRange, LedgerTotals };
export type { WhatIfChange, WhatIfReport, WhatIfSide };
export type { Claim, ClaimsReport, Verdict } from '../ledger/claims.ts';
export type { SavingsEstimate } from '../ledger/model/interval.ts';
export type { BaselineFigure, DriftDay, FalseHits, MoneyReport } from '../ledger/report.ts';

/** What the composition root gives to the operator port. */
export interface MoneyFacts {
  readonly ledger: Pick<Ledger, 'totals' | 'buckets' | 'entries' | 'lost'>;
  readonly reports: Reports;
  readonly whatIf: WhatIfRunner;
}

/** Body of `POST /api/money/whatif`: up to ten sets of changed settings, replayed over the same days. */
export interface WhatIfRequest {
  readonly days?: number | undefined;
  readonly changes: readonly WhatIfChange[];
}

/** Its reply, a report for each. */
export interface WhatIfReply {
  readonly reports: readonly WhatIfReport[];
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
