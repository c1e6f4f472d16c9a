/** How often the market may be asked, and how long to wait when it refuses. */
import type { Clock } from '../../../core/clock.ts';
import type { Random } from '../../../core/random.ts';

/** The calls that are made: method and template of the path. One bucket each. */
export type Route = keyof typeof routes;

/** `perSecond` and `burst` of each bucket; `thresholdMs` is what a refusal is multiplied from. Stated by the market. */
const interval = (seconds: number) => ({ refillMs: seconds * 1_000, burst: 1, thresholdMs: seconds * 1_000 });
export const routes = {
  /** Ten a minute: some at once, and the rest of the minute slowly. */
  search: { refillMs: 10_000, burst: 4, thresholdMs: 6_000 },
  create: interval(4.5),
  list: interval(1),
  show: interval(2),
  destroy: interval(3),
  /** Stop and start. */
  change: interval(1),
  logs: interval(1),
  charges: interval(1),
  account: interval(1),
  market: interval(3),
} as const;

/** A little more than the stated interval: the network moves two calls closer together. */
const margin = 1.05;
const backoffMinMs = 1_000;
const backoffMaxMs = 60_000;

/** A token bucket per route; callers wait in the order in which they came. */
export class RateGate {
  readonly #clock: Clock;
  readonly #free = new Map<Route, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the call may be made. Rejects with the signal's reason. */
  async pass(route: Route, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { refillMs, burst } = routes[route];
    const step = refillMs * margin;
    const now = this.#clock.monotonicMs();
    // `free` is when the bucket is full again: a full one lets `burst` calls pass at once.
    const free = Math.max(this.#free.get(route) ?? now, now);
    const waitMs = free - (burst - 1) * step - now;
    this.#free.set(route, free + step);
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }
}

/** @param tries made so far, from 1 */
export function backoffMs(tries: number, thresholdMs: number, random: Random): number {
  const base = Math.max(thresholdMs, backoffMinMs) * 2 ** (tries - 1);
  return Math.min(backoffMaxMs, base * (0.5 + random.float()));
}
