/** Bills the time of hosts of the operator's own: every second this process runs, split into busy and idle. */
import type { Clock } from '../../core/clock.ts';
import type { UsdMicros } from '../../core/units.ts';
import type { Ledger } from '../ledger.ts';
import { createMeter } from './meter.ts';

export interface MeteredHost {
  readonly name: string;
  readonly pricePerHour: UsdMicros;
  /** Time it has had at least one request; never goes back. */
  readonly busyMs: number;
}

export interface HostMeterDeps {
  readonly ledger: Pick<Ledger, 'append'>;
  readonly clock: Clock;
  /** Priced ones alone: what has no price is not billed. */
  readonly hosts: () => readonly MeteredHost[];
  readonly everyMs?: number;
}

/** Short enough that a crash loses cents, long enough that a month is some 90,000 rows. */
const everyMsDefault = 60_000;

export interface HostMeter {
  /** Bills what is left. */
  close(): void;
}

export function createHostMeter({ ledger, clock, hosts, everyMs = everyMsDefault }: HostMeterDeps): HostMeter {
  const meter = createMeter(ledger);
  const seen = new Map<string, { atMs: number; busyMs: number }>();
  for (const { name, busyMs } of hosts()) seen.set(name, { atMs: clock.monotonicMs(), busyMs });

  function bill(): void {
    const nowMs = clock.monotonicMs();
    const at = clock.now();
    for (const { name, pricePerHour, busyMs } of hosts()) {
      const last = seen.get(name);
      seen.set(name, { atMs: nowMs, busyMs });
      // Added since the last look: billed from here on.
      if (last === undefined) continue;
      const elapsedMs = nowMs - last.atMs;
      // One that was removed and added again counts from zero.
      const busy = Math.min(elapsedMs, busyMs >= last.busyMs ? busyMs - last.busyMs : busyMs);
      const common = { at, subject: name, pricePerHour };
      meter.bill({ ...common, component: 'gpu_busy', seconds: busy / 1000 });
      meter.bill({ ...common, component: 'gpu_idle', seconds: (elapsedMs - busy) / 1000 });
    }
  }

  const timer = clock.every(everyMs, bill);
  return {
    close() {
      timer.clear();
      bill();
    },
  };
}
