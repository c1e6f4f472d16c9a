/** Reads the ledger for reports. Bounded: single answers are looked at up to a number, sums cover the rest. */
import type { Clock } from '../core/clock.ts';
import { epochMs } from '../core/units.ts';
import { claimsOf, type ClaimsReport } from './claims.ts';
import { LatencyScan } from './latency.ts';
import type { HoldoutEntry, Ledger, LedgerRange } from './ledger.ts';
import type { Prices } from './prices.ts';
import { moneyReport, type FalseHits, type MoneyReport, type ReportOptions } from './report.ts';

export interface ReportsDeps {
  readonly ledger: Pick<Ledger, 'buckets' | 'entries'>;
  readonly clock: Clock;
  readonly prices: Prices;
  readonly pricePerHourUsd: () => number | undefined;
  readonly ownHosts: ReadonlySet<string>;
  readonly falseHits: () => FalseHits | undefined;
  readonly options: ReportOptions;
}

export interface Reports {
  /** @throws ledger_unavailable */
  report(range: LedgerRange): Promise<MoneyReport>;
  /** @throws ledger_unavailable */
  claims(range: LedgerRange): Promise<ClaimsReport>;
}

const dayMs = 86_400_000;
/** A percentile of more is no better, and these take about a second. */
const answersLookedMax = 100_000;

export function createReports(deps: ReportsDeps): Reports {
  const { ledger, clock, options } = deps;

  async function report(range: LedgerRange): Promise<MoneyReport> {
    const buckets = await ledger.buckets(range, dayMs);
    const holdouts: HoldoutEntry[] = [];
    for await (const entry of ledger.entries(range, ['holdout'])) if (entry.kind === 'holdout') holdouts.push(entry);
    return moneyReport({
      ...deps,
      range,
      now: clock.now(),
      buckets,
      holdouts,
      pricePerHourUsd: deps.pricePerHourUsd(),
      falseHits: deps.falseHits(),
    });
  }

  async function latency(range: LedgerRange, answers: number) {
    const scan = new LatencyScan();
    const to = Math.min(range.to, clock.now() + 1);
    // The newest ones, as far as traffic was even; a burst makes it somewhat more or fewer.
    const share = Math.min(1, answersLookedMax / Math.max(1, answers));
    const from = epochMs(Math.max(range.from, Math.floor(to - (to - range.from) * share)));
    for await (const entry of ledger.entries({ ...range, from }, ['answer']))
      if (entry.kind === 'answer') scan.add(entry);
    return scan.figures();
  }

  return {
    report,
    async claims(range) {
      const found = await report(range);
      return claimsOf({
        report: found,
        latency: await latency(range, found.queries),
        setupHours: options.operator?.setupHours,
      });
    },
  };
}
