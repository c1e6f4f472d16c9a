import type { Clock } from './clock.ts';
import { epochMs, type EpochMs } from './units.ts';

/**
 * Time that runs `scale` times as fast as `base`, for simulations. Clocks of one anchor and scale agree,
 * also those of two processes.
 * @param anchor instant at which both show the same; now, when absent
 */
export function scaledClock(base: Clock, scale: number, anchor: EpochMs = base.now()): Clock {
  if (!(scale > 0)) throw new Error(`a time scale is ${scale}; expected a number above 0`);
  return {
    now: () => epochMs(anchor + (base.now() - anchor) * scale),
    monotonicMs: () => base.monotonicMs() * scale,
    after: (ms, callback) => base.after(ms / scale, callback),
    every: (ms, callback) => base.every(ms / scale, callback),
    sleep: (ms, signal) => base.sleep(ms / scale, signal),
  };
}
