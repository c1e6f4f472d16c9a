import type { Clock } from '../../../core/clock.ts';

export interface BreakerOptions {
  readonly clock: Clock;
  /** Failures in a row that open it. */
  readonly failuresMax: number;
  /** First rest; doubles with each failed probe, up to `restMaxMs`. */
  readonly restMs: number;
  readonly restMaxMs: number;
  /** Asks the server in the background, when a rest is over. Rejects while it is still ill. */
  readonly probe: () => Promise<void>;
}

export interface Breaker {
  /** Why no call should be made; undefined when it may. May start a probe, never waits for it. */
  refusal(): string | undefined;
  succeeded(): void;
  failed(): void;
}

/**
 * Opens after failures in a row. When its rest is over one background probe decides: a caller never
 * serves as the probe, because a server that loads its model first needs longer than a caller waits.
 */
export function createBreaker(options: BreakerOptions): Breaker {
  const { clock } = options;
  let failuresInRow = 0;
  let restMs = options.restMs;
  let openUntilMs: number | undefined;
  let probing = false;

  const close = (): void => {
    failuresInRow = 0;
    restMs = options.restMs;
    openUntilMs = undefined;
  };
  const probe = async (): Promise<void> => {
    probing = true;
    try {
      await options.probe();
      close();
    } catch {
      // What failed is told by `failed`, which the probe's own call goes through; here it only lengthens the rest.
      restMs = Math.min(options.restMaxMs, restMs * 2);
      openUntilMs = clock.monotonicMs() + restMs;
    } finally {
      probing = false;
    }
  };

  return {
    refusal() {
      if (openUntilMs === undefined) return undefined;
      const waitMs = openUntilMs - clock.monotonicMs();
      if (waitMs > 0) return `it failed ${failuresInRow} times in a row and rests for ${Math.ceil(waitMs)} ms more`;
      if (!probing) void probe();
      return `it failed ${failuresInRow} times in a row and is being tried again`;
    },
    succeeded() {
      if (openUntilMs === undefined) failuresInRow = 0;
    },
    failed() {
      failuresInRow++;
      if (failuresInRow >= options.failuresMax && openUntilMs === undefined) {
        openUntilMs = clock.monotonicMs() + restMs;
      }
    },
  };
}
