/** Turns billed time into costs, in whole millionths of a dollar that add up. */
import type { EpochMs, UsdMicros } from '../../core/units.ts';
import { usdMicros } from '../../core/units.ts';
import type { CostComponent, Ledger } from '../ledger.ts';

export interface Bill {
  /** End of the time it is for. */
  readonly at: EpochMs;
  readonly component: CostComponent;
  readonly subject: string;
  readonly seconds: number;
  readonly pricePerHour: UsdMicros;
}

export interface Meter {
  /** Nothing is written for no time. */
  bill(bill: Bill): void;
}

/**
 * What is rounded off one bill is carried to the next of the same subject and component, so that a month of
 * bills of a minute each adds up to the month, to the millionth.
 */
export function createMeter(ledger: Pick<Ledger, 'append'>): Meter {
  const carried = new Map<string, number>();
  return {
    bill({ at, component, subject, seconds, pricePerHour }) {
      if (!(seconds > 0)) return;
      const key = `${component}|${subject}`;
      const exact = (pricePerHour * seconds) / 3600 + (carried.get(key) ?? 0);
      const amount = usdMicros(exact);
      carried.set(key, exact - amount);
      ledger.append({ kind: 'cost', at, component, subject, seconds, amount });
    },
  };
}
