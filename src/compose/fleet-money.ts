/** Money of rented machines that the fleet's loop does not need: what was charged, what is left, what budgets come to. */
import type { Clock } from '../core/clock.ts';
import { addMs } from '../core/units.ts';
import { endOfDay, startOfDay, startOfMonth } from '../fleet/budget.ts';
import { rentalComponents } from '../fleet/meter.ts';
import type { Ledger, LedgerTotals } from '../ledger/ledger.ts';
import { createReconciliation } from '../ledger/reconcile.ts';
import type { Fleet } from './fleet.ts';
import type { ComposeDeps } from './thinkers.ts';

const everyMs = 60_000;
/** A forecast from less is noise. */
const elapsedMinMs = 3_600_000;

export function createFleetMoney(
  fleet: Pick<Fleet, 'market' | 'options'>,
  { clock, logger, metrics }: ComposeDeps,
  ledger: Ledger,
): { close(): Promise<void> } {
  const charged = metrics.chargedUsd.labels({});
  const reconciliation = createReconciliation({
    market: fleet.market,
    ledger,
    clock,
    logger,
    onCharged: (usd) => charged.inc(usd),
    onBalance: (usd) => metrics.providerBalanceUsd.set(usd),
  });
  const { caps, utcOffsetMinutes } = fleet.options.budget;
  if (caps.perDay !== undefined) metrics.budgetUsd.set({ period: 'day' }, caps.perDay / 1e6);
  if (caps.perMonth !== undefined) metrics.budgetUsd.set({ period: 'month' }, caps.perMonth / 1e6);
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const now = clock.now();
    const dayFrom = startOfDay(now, utcOffsetMinutes);
    const monthFrom = startOfMonth(now, utcOffsetMinutes);
    const to = addMs(now, 1);
    try {
      const [day, month] = await Promise.all([
        ledger.totals({ from: dayFrom, to }),
        ledger.totals({ from: monthFrom, to }),
      ]);
      const told = (period: 'day' | 'month', totals: LedgerTotals, from: number, end: number) => {
        const spent = rentalComponents.reduce((sum, each) => sum + totals.costs[each], 0) / 1e6;
        metrics.budgetSpentUsd.set({ period }, spent);
        metrics.budgetForecastUsd.set({ period }, (spent / Math.max(elapsedMinMs, now - from)) * (end - from));
      };
      told('day', day, dayFrom, endOfDay(now, utcOffsetMinutes));
      // The first day of the month after this one.
      told('month', month, monthFrom, startOfMonth(addMs(monthFrom, 32 * 86_400_000), utcOffsetMinutes));
    } catch (error) {
      logger.warn({ err: error }, 'what is spent of the budgets is not known');
    }
  }

  const start = (): void => void (reading ??= read().finally(() => (reading = undefined)));
  const timer: ReturnType<Clock['every']> = clock.every(everyMs, start);
  start();
  return {
    async close() {
      timer.clear();
      await reading;
      await reconciliation.close();
    },
  };
}
