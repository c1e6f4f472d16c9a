/** Paces and daily costs of keys, kept together by all gateways in one hash per key. */
import { hash } from 'node:crypto';
import type { Logger } from '../../telemetry/logger.ts';
import { replyList, replyText, type RedisConnection, type RedisReply } from '../redis-connection.ts';

export interface SharedUsageDeps {
  readonly connection: RedisConnection;
  readonly logger: Logger;
  readonly prefix: string;
  /** A request waits no longer for it; then this gateway decides alone. */
  readonly deadlineMs?: number;
}

export interface UsageLimits {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly usdPerDay?: number | undefined;
}

export interface UsageVerdict {
  readonly usedUp: 'requests' | 'tokens' | undefined;
  readonly over: number;
  readonly microsToday: number;
}

export interface RedisSharedUsage {
  enter(subject: string, limits: UsageLimits): Promise<UsageVerdict | undefined>;
  used(subject: string, tokens: number, usdMicros: number): void;
  /** Resolves when what was used so far has been told, or could not be. */
  settled(): Promise<void>;
}

const deadlineMsDefault = 50;
/** Keys whose use could not be told; beyond it the use of further ones counts here alone. */
const untoldMax = 10_000;

/**
 * KEYS[1] the use of one key by all gateways
 * ARGV[1] requests, ARGV[2] tokens, ARGV[3] 1e-6 USD to be counted; ARGV[4] requests, ARGV[5] tokens a minute, 0: any
 * Output: [0 counted | 1 requests used up | 2 tokens used up, by how much (text), 1e-6 USD of today]
 * Atomic: of two gateways that ask for the last one of a minute's worth, one gets it. Buckets hold a minute's worth and
 * drain steadily by the server's clock; tokens and costs are counted when they are known, and may go into debt.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'at', 'requests', 'tokens', 'day', 'micros')
local minutes = math.max(0, now - tonumber(kept[1] or now)) / 60000
local perRequests, perTokens = tonumber(ARGV[4]), tonumber(ARGV[5])
local requests = math.max(0, tonumber(kept[2] or 0) - minutes * perRequests)
local tokens = math.max(0, tonumber(kept[3] or 0) - minutes * perTokens)
local day = string.format('%.0f', math.floor(now / 86400000))
local micros = kept[4] == day and tonumber(kept[5] or 0) or 0
local verdict, over = 0, 0
local asked = tonumber(ARGV[1])
if asked > 0 and perRequests > 0 and requests + asked > math.max(1, perRequests) then
  verdict, over = 1, requests + asked - math.max(1, perRequests)
elseif asked > 0 and perTokens > 0 and tokens >= perTokens then
  verdict, over = 2, tokens - perTokens + 1
else
  if perRequests > 0 then requests = requests + asked end
  tokens = tokens + tonumber(ARGV[2])
  micros = micros + tonumber(ARGV[3])
end
redis.call('HSET', KEYS[1], 'at', string.format('%.0f', now), 'requests', string.format('%.6f', requests),
  'tokens', string.format('%.6f', tokens), 'day', day, 'micros', string.format('%.0f', micros))
redis.call('PEXPIRE', KEYS[1], 172800000)
return {verdict, string.format('%.6f', over), micros}`;

interface Untold {
  tokens: number;
  micros: number;
  limits: UsageLimits;
}

export function createRedisSharedUsage(deps: SharedUsageDeps): RedisSharedUsage {
  const { connection, logger, prefix, deadlineMs = deadlineMsDefault } = deps;
  const untold = new Map<string, Untold>();
  /** Of the last request of a key: its use drains at the same pace. */
  const paces = new Map<string, UsageLimits>();
  let telling: Promise<void> | undefined;

  return {
    async enter(subject, limits) {
      paces.set(subject, limits);
      if (paces.size > untoldMax) paces.delete(paces.keys().next().value!);
      try {
        const [verdict, over, micros] = replyList(await run(subject, { requests: 1, tokens: 0, micros: 0, limits }));
        return {
          usedUp: verdict === 1 ? 'requests' : verdict === 2 ? 'tokens' : undefined,
          over: Number(replyText(over) ?? 0),
          microsToday: Number(micros) + (untold.get(subject)?.micros ?? 0),
        };
      } catch (error) {
        logger.debug({ err: error }, 'limits are kept by this gateway alone');
        return undefined;
      }
    },

    used(subject, tokens, micros) {
      const known = untold.get(subject);
      if (known === undefined && untold.size >= untoldMax) return;
      untold.set(subject, {
        tokens: (known?.tokens ?? 0) + tokens,
        micros: (known?.micros ?? 0) + micros,
        limits: paces.get(subject) ?? {},
      });
      telling ??= tell().finally(() => (telling = undefined));
    },

    async settled() {
      await telling;
    },
  };

  async function tell(): Promise<void> {
    // Together what came within one turn.
    await new Promise((resolve) => setImmediate(resolve));
    while (untold.size > 0) {
      const [subject, use] = untold.entries().next().value!;
      untold.delete(subject);
      try {
        await run(subject, { requests: 0, ...use });
      } catch (error) {
        const since = untold.get(subject);
        untold.set(subject, {
          ...use,
          tokens: use.tokens + (since?.tokens ?? 0),
          micros: use.micros + (since?.micros ?? 0),
        });
        logger.debug({ err: error }, 'what keys used is told to the other gateways later');
        return;
      }
    }
  }

  function run(
    subject: string,
    { requests, tokens, micros, limits }: { readonly requests: number } & Untold,
  ): Promise<RedisReply> {
    const key = `${prefix}:{use-${hash('sha256', subject, 'hex').slice(0, 16)}}`;
    const counts = [requests, tokens, micros, limits.requestsPerMinute ?? 0, limits.tokensPerMinute ?? 0].map(String);
    return connection.call(['EVAL', script, '1', key, ...counts], { as: 'write', deadlineMs });
  }
}
