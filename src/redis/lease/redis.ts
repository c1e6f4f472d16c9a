import type { Clock, Timer } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Leadership, Lease, LeaseStatus } from '../lease.ts';
import { replyList, replyText, type RedisConnection } from '../redis-connection.ts';

export interface RedisLeaseDeps {
  readonly connection: RedisConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: RedisLeaseOptions;
}

export interface RedisLeaseOptions {
  /** First word of every key. */
  readonly prefix: string;
  /** What is led: processes with the same name compete. */
  readonly name: string;
  /** Of this process, unique; people see it. */
  readonly owner: string;
  /** A leader that is gone is replaced after this long. */
  readonly ttlMs?: number;
}

const ttlMsDefault = 10_000;
/** Renewals in the time of one lease: two may fail. */
const renewalsPerTtl = 4;
/** It ends here this much before it ends on the server: clocks differ in pace, and a step takes a moment. */
const safetyShare = 0.2;
const callDeadlineMs = 1_000;

/**
 * KEYS[1] who leads and since which token, KEYS[2] the last token given out
 * ARGV[1] who asks, ARGV[2] milliseconds the lease lasts
 * Output: [token, leader]; the caller leads when the leader is itself.
 * Atomic: of two that ask at once one leads, and tokens grow, also when KEYS[2] was evicted: they are never below the
 * server's time.
 */
const takeScript = `
local held = redis.call('HMGET', KEYS[1], 'leader', 'token')
if held[1] == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {held[2], held[1]}
end
if held[1] then return {held[2], held[1]} end
local time = redis.call('TIME')
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local token = string.format('%.0f', math.max(last + 1, time[1] * 1000 + math.floor(time[2] / 1000)))
redis.call('SET', KEYS[2], token, 'PX', 864000000)
redis.call('HSET', KEYS[1], 'leader', ARGV[1], 'token', token)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {token, ARGV[1]}`;

/** KEYS[1] as above; ARGV[1] who gives it up. Output: 1 when it did. Atomic: nobody gives up what another holds. */
const dropScript = `
if redis.call('HGET', KEYS[1], 'leader') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** Held by whoever took it first, for as long as it renews it; a failover may lose it, which the token shows. */
export function createRedisLease({ connection, clock, logger, options }: RedisLeaseDeps): Lease {
  const { prefix, name, owner } = options;
  const ttlMs = options.ttlMs ?? ttlMsDefault;
  const keys = [`${prefix}:{lease-${name}}:leader`, `${prefix}:{lease-${name}}:token`] as const;
  const listeners = new Set<(held: Leadership | undefined) => void>();
  let held: Leadership | undefined;
  let status: LeaseStatus = { role: 'unknown', leader: undefined, token: undefined };
  let expiry: Timer | undefined;
  let asking: Promise<Leadership | undefined> | undefined;
  let closed = false;
  const renewal = clock.every(ttlMs / renewalsPerTtl, () => void ask());
  const stopFollowing = connection.onReady(() => void ask());
  void ask();

  return {
    name: `redis:${name}`,
    get held() {
      return held;
    },
    confirm: () => ask(),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    status: () => status,
    async close() {
      if (closed) return;
      closed = true;
      renewal.clear();
      stopFollowing();
      await asking;
      const was = held;
      become(undefined, 'unknown', undefined, undefined);
      if (was === undefined) return;
      await connection
        .call(['EVAL', dropScript, '1', keys[0], owner], { as: 'write', deadlineMs: callDeadlineMs })
        .catch((error: unknown) => logger.debug({ err: error, lease: name }, 'a lease ends by its time'));
    },
  };

  /** Takes or renews; one question at a time. Never rejects. */
  function ask(): Promise<Leadership | undefined> {
    if (closed) return Promise.resolve(undefined);
    asking ??= takeOrRenew().finally(() => (asking = undefined));
    return asking;
  }

  async function takeOrRenew(): Promise<Leadership | undefined> {
    // The lease lasts from when it was asked for, not from when the answer came.
    const beganMs = clock.monotonicMs();
    try {
      const reply = await connection.call(['EVAL', takeScript, '2', ...keys, owner, String(ttlMs)], {
        as: 'write',
        deadlineMs: Math.min(callDeadlineMs, ttlMs / renewalsPerTtl),
      });
      const [token, leader] = replyList(reply).map((each) => replyText(each));
      if (closed) return undefined;
      if (leader !== owner) {
        become(undefined, 'follower', leader, Number(token));
        return undefined;
      }
      const untilMs = beganMs + ttlMs * (1 - safetyShare);
      expiry?.clear();
      expiry = clock.after(Math.max(0, untilMs - clock.monotonicMs()), () =>
        become(undefined, 'unknown', undefined, undefined),
      );
      become({ token: Number(token) }, 'leader', owner, Number(token));
      return held;
    } catch (error) {
      // What is held stays so until its time; whether another holds it cannot be known.
      if (held === undefined && !closed) become(undefined, 'unknown', undefined, undefined);
      logger.debug({ err: error, lease: name }, 'a lease cannot be asked for now');
      return undefined;
    }
  }

  function become(
    next: Leadership | undefined,
    role: LeaseStatus['role'],
    leader: string | undefined,
    token: number | undefined,
  ): void {
    const before = held;
    status = { role, leader, token };
    if (next === undefined) {
      expiry?.clear();
      expiry = undefined;
    }
    if (before?.token === next?.token) return;
    held = next;
    logger.info(
      { lease: name, token: next?.token },
      next === undefined ? 'this gateway leads no more' : 'this gateway leads',
    );
    for (const listener of listeners) listener(next);
  }
}
