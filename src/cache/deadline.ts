import type { Clock } from '../core/clock.ts';

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly ms: number;
  /** What the wait is rejected with when time is up; also the reason of the work's signal. */
  readonly expired: () => Error;
  /** The caller's own wish to stop; its reason rejects the wait. */
  readonly signal?: AbortSignal;
}

/**
 * Waits for `work` no longer than `ms`, even when the work ignores its signal. A late result is dropped.
 * @throws what the work throws, `expired()`, or the caller's abort reason
 */
export function withDeadline<T>(work: (signal: AbortSignal) => Promise<T>, options: DeadlineOptions): Promise<T> {
  const { clock, ms, expired, signal } = options;
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const stop = (reason: unknown) => {
      disarm();
      controller.abort(reason);
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    };
    const onAbort = () => stop(signal?.reason);
    const timer = clock.after(ms, () => stop(expired()));
    const disarm = () => {
      timer.clear();
      signal?.removeEventListener('abort', onAbort);
    };
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    work(controller.signal).then(
      (value) => {
        disarm();
        resolve(value);
      },
      (error: unknown) => {
        disarm();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
