/**
 * The outside world in one process: a market of GPU machines behind an HTTP API that looks like the real one,
 * and in each rented machine a simulated thinker behind the rules of our bootstrap. One seed replays everything.
 */
import { systemClock, type Clock } from '../core/clock.ts';
import { scaledClock } from '../core/scaled-clock.ts';
import type { EpochMs } from '../core/units.ts';
import { startVastServer, type VastServer } from './vast-server/server.ts';
import { Economy, type Bill, type EconomyOptions, type InstanceView } from './world/economy.ts';
import type { WorldFault } from './world/faults.ts';

export interface VastWorldOptions extends Omit<EconomyOptions, 'clock'> {
  /** The real clock, or a test's. */
  readonly clock?: Clock;
  /** Seconds of the world per second of `clock`; 1 when absent. */
  readonly timeScale?: number;
  /** Instant of `clock` at which the world's time and the clock agree: programs that share it agree on the time. */
  readonly anchor?: EpochMs;
  /** 0, a free one, when absent. */
  readonly port?: number;
  /** Loopback when absent. */
  readonly host?: string;
  /** The account's key; made from the seed when absent. */
  readonly key?: string;
  /** `off` for tests of other things; `on` when absent. */
  readonly rateLimits?: 'on' | 'off';
  /** Serves `/sim/…`, where faults are asked for over HTTP; false when absent. */
  readonly control?: boolean;
}

export interface VastWorld {
  readonly url: string;
  readonly key: string;
  /** The world's time. */
  readonly clock: Clock;
  /** Those that exist now, and so cost money. */
  instances(): readonly InstanceView[];
  /** All that was ever rented. */
  history(): readonly InstanceView[];
  bill(): Bill;
  inject(fault: WorldFault): void;
  /** Calls by `METHOD route status`. */
  calls(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export async function startVastWorld(options: VastWorldOptions): Promise<VastWorld> {
  const real = options.clock ?? systemClock;
  const { timeScale = 1, anchor } = options;
  const clock = timeScale === 1 && anchor === undefined ? real : scaledClock(real, timeScale, anchor);
  const economy = new Economy({ ...options, clock });
  const key = options.key ?? economy.makeKey();
  let server: VastServer;
  try {
    server = await startVastServer({
      economy,
      clock,
      key,
      port: options.port ?? 0,
      host: options.host ?? '127.0.0.1',
      rateLimits: options.rateLimits ?? 'on',
      control: options.control ?? false,
    });
  } catch (error) {
    economy.close();
    throw error;
  }
  return {
    url: server.url,
    key,
    clock,
    instances: () => economy.views(),
    history: () => economy.history(),
    bill: () => economy.bill(),
    inject: (fault) => economy.inject(fault),
    calls: () => server.calls(),
    async close() {
      economy.close();
      await server.close();
    },
  };
}

export type { Bill, InstanceView } from './world/economy.ts';
export type { WorldFault } from './world/faults.ts';
export { flaws, type Flaw } from './world/machine.ts';
