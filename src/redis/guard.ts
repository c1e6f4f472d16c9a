/** What every call goes through: is there a server, is it worth asking, did it answer in time? */
import type { Clock, Timer } from '../core/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { AdaptiveDeadline } from './adaptive-deadline.ts';
import { Breaker } from './breaker.ts';
import { callError, unavailable } from './faults.ts';
import { RedisReplyError, type RedisCallOptions, type RedisDirection } from './redis-connection.ts';

export type GuardMetrics = Pick<Metrics, 'redisCommands' | 'redisCommandDuration'>;

export interface GuardDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: GuardMetrics | undefined;
  readonly address: string;
  readonly deadline: AdaptiveDeadline;
  /** Why nothing can be sent now; undefined when it can. */
  readonly notReady: () => string | undefined;
  readonly onBreaker: () => void;
}

export type GuardedOptions<T> = Omit<RedisCallOptions, 'late'> & { readonly late?: ((reply: T) => void) | undefined };

export interface Guard {
  readonly breakers: Readonly<Record<RedisDirection, Breaker>>;
  readonly deadline: AdaptiveDeadline;
  /** Rejects after `ms`, whatever the work does; `settled` hears of its success, also when that is late. */
  within<T>(work: Promise<T>, ms: number, settled?: (tookMs: number, late: boolean, reply: T) => void): Promise<T>;
  guarded<T>(start: () => Promise<T>, options: GuardedOptions<T>): Promise<T>;
}

/** A server out of memory is read from, and left alone with writes for this long. */
const fullRestMs = 30_000;

export function createGuard(deps: GuardDeps): Guard {
  const { clock, logger, metrics, address, deadline } = deps;
  const breakers: Record<RedisDirection, Breaker> = { read: new Breaker(clock), write: new Breaker(clock) };
  return { breakers, deadline, within, guarded };

  function within<T>(
    work: Promise<T>,
    ms: number,
    settled?: (tookMs: number, late: boolean, reply: T) => void,
  ): Promise<T> {
    const beganMs = clock.monotonicMs();
    return new Promise((resolve, reject) => {
      let late = false;
      let done = false;
      const timer: Timer = clock.after(ms, () =>
        // A busy process may look at its clock before the reply that has long been there.
        setImmediate(() => {
          if (done) return;
          late = true;
          reject(unavailable(address, `no reply within ${Math.round(ms)} ms`));
        }),
      );
      work.then(
        (reply) => {
          done = true;
          settled?.(clock.monotonicMs() - beganMs, late, reply);
          if (late) return;
          timer.clear();
          resolve(reply);
        },
        (error: unknown) => {
          done = true;
          if (late) return;
          timer.clear();
          reject(callError(error, address));
        },
      );
    });
  }

  async function guarded<T>(
    start: () => Promise<T>,
    { as, deadlineMs, givesRoom, late }: GuardedOptions<T>,
  ): Promise<T> {
    const breaker = breakers[as];
    const why = deps.notReady();
    if (why !== undefined) throw unavailable(address, why);
    if (givesRoom !== true && !breaker.allows()) {
      metrics?.redisCommands.inc({ direction: as, outcome: 'refused' });
      throw unavailable(address, `${as}s rest after failures`);
    }
    const beganMs = clock.monotonicMs();
    try {
      const reply = await within(start(), deadlineMs ?? deadline.ms, (tookMs, isLate, reply) => {
        deadline.record(tookMs);
        if (isLate) late?.(reply);
      });
      breaker.succeeded();
      metrics?.redisCommands.inc({ direction: as, outcome: 'ok' });
      metrics?.redisCommandDuration.observe({ direction: as }, (clock.monotonicMs() - beganMs) / 1000);
      return reply;
    } catch (error) {
      judge(error, as);
      throw error;
    }
  }

  function judge(error: unknown, as: RedisDirection): void {
    const breaker = breakers[as];
    if (!(error instanceof RedisReplyError)) {
      metrics?.redisCommands.inc({ direction: as, outcome: 'failed' });
      const before = breaker.state;
      breaker.failed();
      if (before === 'closed' && breaker.state !== 'closed') {
        logger.warn({ redis: address, direction: as }, 'Redis does not answer in time; it is left alone for a while');
        deps.onBreaker();
      }
      return;
    }
    metrics?.redisCommands.inc({ direction: as, outcome: 'refused' });
    // It answered: whatever it says, it is there.
    breaker.succeeded();
    if (error.kind === 'OOM' && as === 'write') {
      breaker.open(fullRestMs);
      logger.error(
        { redis: address },
        'Redis is out of memory and evicts nothing; answers are not stored for 30 s. Raise maxmemory or set maxmemory-policy volatile-lru',
      );
      deps.onBreaker();
    }
  }
}
