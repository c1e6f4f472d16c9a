/** Monthly costs, written down by the hour: also those of the hours in which nothing ran. */
import type { Clock } from '../../core/clock.ts';
import { epochMs, usdMicros, type UsdMicros } from '../../core/units.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Ledger } from '../ledger.ts';

export interface FixedCost {
  readonly name: string;
  readonly perMonth: UsdMicros;
}

export interface FixedCostsDeps {
  readonly ledger: Pick<Ledger, 'append' | 'entries'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly costs: readonly FixedCost[];
}

export const hoursPerMonth = 730;
const hourMs = 3_600_000;
/** A gateway that was away for longer is billed for this long: whoever left it off has cancelled the machine as well. */
const gapHoursMax = 31 * 24;
const everyMs = 60_000;

/**
 * Every hour has an id, so that it is billed once, whatever dies and however many gateways share the ledger.
 * `started` resolves when the hours since the last run are written.
 */
export function createFixedCosts({ ledger, clock, logger, costs }: FixedCostsDeps): {
  readonly started: Promise<void>;
  close(): void;
} {
  /** Whole hours since the epoch that are billed, per cost. */
  const billed = new Map<string, number>();
  const hourNow = () => Math.floor(clock.now() / hourMs);

  function bill(): void {
    for (const { name, perMonth } of costs) {
      const done = billed.get(name);
      if (done === undefined) continue;
      for (let hour = done; hour < hourNow(); hour++) {
        const end = epochMs((hour + 1) * hourMs);
        ledger.append({
          kind: 'cost',
          at: end,
          component: 'fixed',
          subject: name,
          seconds: 3600,
          amount: fixedInHour(perMonth, hour),
          id: `fixed/${name}/${new Date(hour * hourMs).toISOString().slice(0, 13)}`,
        });
      }
      billed.set(name, hourNow());
    }
  }

  async function start(): Promise<void> {
    if (costs.length === 0) return;
    const earliest = hourNow() - gapHoursMax;
    const last = new Map<string, number>();
    try {
      const range = { from: epochMs(earliest * hourMs), to: clock.now() };
      for await (const entry of ledger.entries(range, ['cost']))
        if (entry.kind === 'cost' && entry.component === 'fixed') last.set(entry.subject, entry.at / hourMs);
    } catch (error) {
      logger.warn({ err: error }, 'fixed costs begin now: the ledger does not say until when they are written');
    }
    for (const { name } of costs) billed.set(name, Math.max(earliest, last.get(name) ?? hourNow()));
    bill();
  }

  const timer = clock.every(everyMs, bill);
  return { started: start(), close: () => timer.clear() };
}

/** Whole millionths, such that any run of hours adds up to its share of the months. */
export function fixedInHour(perMonth: UsdMicros, hour: number): UsdMicros {
  const until = (hours: number) => Math.round((perMonth * (hours % hoursPerMonth)) / hoursPerMonth);
  const begin = hour % hoursPerMonth;
  return usdMicros(begin === hoursPerMonth - 1 ? perMonth - until(begin) : until(begin + 1) - until(begin));
}
