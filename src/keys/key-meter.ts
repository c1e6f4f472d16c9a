/** How much of its limits one key has used. */
import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import type { EpochMs } from '../core/units.ts';
import type { KeyLimits } from './key-record.ts';

/** What is kept of a key over a restart. */
export interface KeyUsage {
  /** The UTC day that `microsToday` is for, days since the epoch. */
  readonly day: number;
  readonly microsToday: number;
  readonly requests: number;
  readonly tokens: number;
  readonly usdMicros: number;
  readonly lastUsedAt: EpochMs | undefined;
}

export interface KeyMeter {
  /** Counts one request. @throws rate_limited, with the time after which another try may pass */
  enter(limits: KeyLimits): void;
  /** After the answer: what it took. Hits take nothing and are not told. */
  used(tokens: number, usdMicros: number): void;
  /** What all gateways together have spent today; never less than what this one has. */
  heard(microsToday: number): void;
  /** Why this key may not cause more cost today; undefined while it may. */
  spent(limits: KeyLimits): AppError | undefined;
  usage(): KeyUsage;
}

const dayMs = 86_400_000;
const minuteMs = 60_000;

/**
 * Both rates are buckets of one minute's worth that fill steadily. Tokens are known when the answer is there, so
 * they may put the bucket into debt; the next request waits until it is paid off. Debt is bounded by what the
 * requests that were let in together can take.
 */
export function createKeyMeter(clock: Clock, kept?: KeyUsage): KeyMeter {
  let requestsUsed = 0;
  let tokensUsed = 0;
  let drainedMs = clock.monotonicMs();
  let day = kept?.day ?? 0;
  let microsToday = kept?.microsToday ?? 0;
  let microsOfAll = 0;
  let requests = kept?.requests ?? 0;
  let tokens = kept?.tokens ?? 0;
  let usdMicros = kept?.usdMicros ?? 0;
  let lastUsedAt = kept?.lastUsedAt;

  const drain = (limits: KeyLimits): void => {
    const nowMs = clock.monotonicMs();
    const minutes = (nowMs - drainedMs) / minuteMs;
    drainedMs = nowMs;
    requestsUsed = Math.max(0, requestsUsed - minutes * (limits.requestsPerMinute ?? 0));
    tokensUsed = Math.max(0, tokensUsed - minutes * (limits.tokensPerMinute ?? 0));
  };
  const turnDay = (): void => {
    const today = Math.floor(clock.now() / dayMs);
    if (today === day) return;
    day = today;
    microsToday = 0;
    microsOfAll = 0;
  };

  return {
    enter(limits) {
      const { requestsPerMinute, tokensPerMinute } = limits;
      if (requestsPerMinute !== undefined || tokensPerMinute !== undefined) {
        drain(limits);
        if (requestsPerMinute !== undefined && requestsUsed + 1 > Math.max(1, requestsPerMinute))
          throw limited('requests', requestsPerMinute, requestsUsed + 1 - Math.max(1, requestsPerMinute));
        if (tokensPerMinute !== undefined && tokensUsed >= tokensPerMinute)
          throw limited('tokens', tokensPerMinute, tokensUsed - tokensPerMinute + 1);
        if (requestsPerMinute !== undefined) requestsUsed += 1;
      }
      requests += 1;
      lastUsedAt = clock.now();
    },
    used(more, micros) {
      turnDay();
      tokensUsed += more;
      tokens += more;
      microsToday += micros;
      microsOfAll += micros;
      usdMicros += micros;
    },
    heard(micros) {
      turnDay();
      microsOfAll = micros;
    },
    spent({ usdPerDay }) {
      if (usdPerDay === undefined) return undefined;
      turnDay();
      if (Math.max(microsToday, microsOfAll) < usdPerDay * 1e6) return undefined;
      const untilMs = (day + 1) * dayMs - clock.now();
      return new AppError(
        'budget_exhausted',
        `this key has spent its $${usdPerDay} of today; cached answers continue, new questions wait until 00:00 UTC ` +
          'or until its operator raises usdPerDay',
        { retryAfterMs: untilMs },
      );
    },
    usage: () => {
      turnDay();
      return { day, microsToday, requests, tokens, usdMicros, lastUsedAt };
    },
  };
}

export function limited(what: 'requests' | 'tokens', perMinute: number, over: number): AppError {
  return new AppError(
    'rate_limited',
    `this key may use ${perMinute} ${what} a minute and has used them; try again later`,
    { retryAfterMs: Math.min(minuteMs * 10, Math.max(1000, (over / perMinute) * minuteMs)) },
  );
}
