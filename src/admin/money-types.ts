/** What the operator port says about money. */
import type { WhatIfRunner } from '../whatif/run.ts';
import type { WhatIfChange, WhatIfReport, WhatIfSide } from '../whatif/what-if.ts';
import type { Reports } from '../ledger/reports.ts';
import type { CostComponent, Ledger, LedgerBuckets, LedgerRange, LedgerTotals } from '../ledger/ledger.ts';

export type { CostComponent, LedgerBuckets, LedgerRange, LedgerTotals };
export type { WhatIfChange, WhatIfReport, WhatIfSide };
export type { Claim, ClaimsReport, Verdict } from '../ledger/claims.ts';
export type { SavingsEstimate } from '../ledger/model/interval.ts';
export type { BaselineFigure, DriftDay, FalseHits, MoneyReport } from '../ledger/report.ts';

/** What the composition root gives to the operator port. */
export interface MoneyFacts {
  readonly ledger: Pick<Ledger, 'totals' | 'buckets' | 'entries' | 'lost'>;
  readonly reports: Reports;
  readonly whatIf: WhatIfRunner;
  /** Of everything that is paid for now; undefined while nothing has a price. */
  burnUsdPerHour(): number | undefined;
}

/** `GET /api/money/now`. Days and months are those of UTC. */
export interface SpendNowView {
  readonly perHourUsd: number | undefined;
  readonly today: { readonly from: number; readonly usd: number | undefined };
  readonly month: {
    readonly from: number;
    readonly usd: number | undefined;
    /** Millionths of a dollar. */
    readonly costs: LedgerTotals['costs'] | undefined;
    /** At its end, at the pace of the last 24 hours. */
    readonly forecastUsd: number | undefined;
  };
  /** Of the fleet; undefined where nothing is rented. */
  readonly caps: { readonly perDayUsd: number | undefined; readonly perMonthUsd: number | undefined } | undefined;
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
