/** How many requests of each tenant are being answered at the other gateways: told and heard twice a second. */
import type { Clock } from '../../core/clock.ts';
import type { TenantId } from '../../core/ids.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { replyList, replyText, type RedisConnection } from '../redis-connection.ts';

export interface SharedFlightsDeps {
  readonly connection: RedisConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prefix: string;
  /** Of this process, unique. */
  readonly owner: string;
  readonly inFlight: () => ReadonlyMap<TenantId, number>;
}

export interface SharedFlights {
  /** As last heard; 0 when the others cannot be heard: then each gateway keeps the limit by itself. */
  elsewhere(tenant: TenantId): number;
  /** Other gateways that were heard of lately. */
  readonly gateways: number;
  close(): Promise<void>;
}

const everyMs = 500;
/** A gateway that has said nothing for so long is gone, and its requests with it. */
const staleAfterMs = 3_000;
/** The busiest ones; a tenant with less is far from any limit. */
const tenantsMax = 200;

/**
 * KEYS[1] what each gateway has in flight
 * ARGV[1] gateway, ARGV[2] its counts (JSON), ARGV[3] milliseconds after which a gateway counts as gone
 * Output: the counts of all others that are there, as JSON texts
 * Atomic: every gateway sees the others as they were at one instant; those that are gone leave the hash.
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], 60000)
local others = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at, counts = string.match(all[i + 1], '^(%d+) (.*)$')
  if at == nil or now - tonumber(at) > tonumber(ARGV[3]) then redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then others[#others + 1] = counts end
end
return others`;

export function createSharedFlights({
  connection,
  clock,
  logger,
  prefix,
  owner,
  inFlight,
}: SharedFlightsDeps): SharedFlights {
  const key = `${prefix}:{flights}`;
  let others = new Map<string, number>();
  let gateways = 0;
  let heardMs = -Infinity;
  let asking: Promise<void> | undefined;
  const timer = clock.every(everyMs, () => void (asking ??= exchange().finally(() => (asking = undefined))));

  return {
    elsewhere: (tenant) => (isFresh() ? (others.get(tenant) ?? 0) : 0),
    get gateways() {
      return isFresh() ? gateways : 0;
    },
    async close() {
      timer.clear();
      await asking;
      await connection.call(['HDEL', key, owner], { as: 'write' }).catch(() => {});
    },
  };

  function isFresh(): boolean {
    return clock.monotonicMs() - heardMs <= staleAfterMs;
  }

  async function exchange(): Promise<void> {
    const busiest = [...inFlight()].sort(([, a], [, b]) => b - a).slice(0, tenantsMax);
    const counts = JSON.stringify(Object.fromEntries(busiest));
    try {
      const reply = await connection.call(['EVAL', script, '1', key, owner, counts, String(staleAfterMs)], {
        as: 'write',
      });
      const heard = new Map<string, number>();
      const texts = replyList(reply).flatMap((each) => replyText(each) ?? []);
      for (const text of texts) {
        for (const [tenant, count] of Object.entries(JSON.parse(text) as Record<string, number>)) {
          heard.set(tenant, (heard.get(tenant) ?? 0) + count);
        }
      }
      others = heard;
      gateways = texts.length;
      heardMs = clock.monotonicMs();
    } catch (error) {
      logger.debug({ err: error }, 'the other gateways cannot be heard');
    }
  }
}
