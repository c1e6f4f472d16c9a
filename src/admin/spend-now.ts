/** What it costs at this moment, today and this month, and where that leads. What is not known is absent, never 0. */
import type { AdminDeps } from './admin-deps.ts';
import type { SpendNowView } from './admin-types.ts';
import type { LedgerTotals } from '../ledger/ledger.ts';
import { epochMs } from '../core/units.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export async function spendNow({
  money,
  fleet,
  clock,
}: Pick<AdminDeps, 'money' | 'fleet' | 'clock'>): Promise<SpendNowView> {
  const now = clock.now();
  const midnight = Math.floor(now / dayMs) * dayMs;
  const date = new Date(now);
  const monthStart = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  const monthEnd = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  const totals = async (from: number): Promise<LedgerTotals> =>
    await money.ledger.totals({ from: epochMs(from), to: epochMs(now + 1) });
  const [today, month, lastDay] = await Promise.all([totals(midnight), totals(monthStart), totals(now - dayMs)]);
  const perHourUsd = money.burnUsdPerHour();
  // Nothing has a price: what was spent is not known to be nothing.
  const isPriced = month.total > 0 || perHourUsd !== undefined;
  const known = (micros: number) => (isPriced ? micros / 1e6 : undefined);
  const caps = fleet?.report().spend.caps;
  return {
    perHourUsd,
    today: { from: midnight, usd: known(today.total) },
    month: {
      from: monthStart,
      usd: known(month.total),
      costs: isPriced ? month.costs : undefined,
      forecastUsd: isPriced ? month.total / 1e6 + (lastDay.total / 1e6 / dayMs) * (monthEnd - now) : undefined,
    },
    caps: caps && { perDayUsd: caps.perDayUsd, perMonthUsd: caps.perMonthUsd },
  };
}
