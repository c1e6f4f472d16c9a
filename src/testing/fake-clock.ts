import type { Clock, Timer } from '../core/clock.ts';
import { addMs, epochMs, type EpochMs } from '../core/units.ts';

interface Pending {
  dueMs: number;
  everyMs: number | undefined;
  callback: () => void;
}

/** A clock that moves only when told; timers fire in order of their due time. */
export class FakeClock implements Clock {
  #elapsedMs = 0;
  #pending = new Set<Pending>();
  readonly #startedAt: EpochMs;

  constructor(startedAt = epochMs(1_767_225_600_000)) {
    this.#startedAt = startedAt;
  }

  now(): EpochMs {
    return addMs(this.#startedAt, this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(ms: number, callback: () => void): Timer {
    return this.#add(ms, undefined, callback);
  }

  every(ms: number, callback: () => void): Timer {
    return this.#add(ms, ms, callback);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        timer.clear();
        reject(signal.reason);
      });
    });
  }

  /** Moves time on, firing what falls due, and lets promise callbacks run after each timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await settle();
    for (;;) {
      let next: Pending | undefined;
      for (const timer of this.#pending)
        if (timer.dueMs <= untilMs && (!next || timer.dueMs < next.dueMs)) next = timer;
      if (!next) break;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      if (next.everyMs === undefined) this.#pending.delete(next);
      else next.dueMs += Math.max(1, next.everyMs);
      next.callback();
      await settle();
    }
    this.#elapsedMs = untilMs;
    await settle();
  }

  /** Timers not yet fired: a test can check that none leaks. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  #add(ms: number, everyMs: number | undefined, callback: () => void): Timer {
    const pending = { dueMs: this.#elapsedMs + Math.max(0, ms), everyMs, callback };
    this.#pending.add(pending);
    return { clear: () => void this.#pending.delete(pending) };
  }
}

/** Runs every promise callback that is ready. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
