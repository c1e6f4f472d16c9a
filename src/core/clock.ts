import type { EpochMs } from './units.ts';

export interface Timer {
  /** Idempotent. */
  clear(): void;
}

/** Time is a dependency: production passes `systemClock`, tests pass `FakeClock`. */
export interface Clock {
  /** For records. */
  now(): EpochMs;
  /** For durations: never goes back. Milliseconds, fractional. */
  monotonicMs(): number;
  /** Calls back once after `ms`. Does not keep the process alive. */
  after(ms: number, callback: () => void): Timer;
  /** Calls back every `ms`. Does not keep the process alive. */
  every(ms: number, callback: () => void): Timer;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now() as EpochMs,
  monotonicMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return { clear: () => clearTimeout(timer) };
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms).unref();
    return { clear: () => clearInterval(timer) };
  },
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
};
