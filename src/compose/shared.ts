/** What several gateways do together beside the cache: who leads, the paces of keys, and what each has in flight. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { TenantId } from '../core/ids.ts';
import type { SharedUsage } from '../keys/shared-usage.ts';
import type { Lease } from '../redis/lease.ts';
import { createRedisLease } from '../redis/lease/redis.ts';
import { createSingleLease } from '../redis/lease/single.ts';
import { createSharedFlights, type SharedFlights } from '../redis/limits/shared-flights.ts';
import { createRedisSharedUsage } from '../redis/limits/shared-usage.ts';
import type { RedisConnection } from '../redis/redis-connection.ts';
import type { ComposeDeps } from './thinkers.ts';

export interface Shared {
  /** Of this gateway, the same after a restart. */
  readonly gateway: string;
  readonly redis: RedisConnection | undefined;
  /** Held by the gateway that rents machines and writes down what all have learned. With no Redis it is this one. */
  readonly lease: Lease;
  /** Of keys with limits; undefined where there is one gateway. */
  readonly usage: SharedUsage | undefined;
  /** Requests of this tenant that other gateways are answering. */
  elsewhere(tenant: TenantId): number;
  /** Begins to tell the others what is in flight here. */
  follow(inFlight: () => ReadonlyMap<TenantId, number>): void;
  close(): Promise<void>;
}

export function createShared(config: Config, deps: ComposeDeps, redis: RedisConnection | undefined): Shared {
  const { clock, logger } = deps;
  const { prefix } = config.redis;
  const gateway = gatewayId(config, deps);
  let flights: SharedFlights | undefined;
  if (redis === undefined) {
    const lease = createSingleLease();
    return {
      gateway,
      redis,
      lease,
      usage: undefined,
      elsewhere: () => 0,
      follow: () => {},
      close: () => lease.close(),
    };
  }
  const lease = createRedisLease({
    connection: redis,
    clock,
    logger,
    options: { prefix, name: 'leader', owner: gateway },
  });
  const usage = createRedisSharedUsage({ connection: redis, logger, prefix });
  return {
    gateway,
    redis,
    lease,
    usage,
    elsewhere: (tenant) => flights?.elsewhere(tenant) ?? 0,
    follow(inFlight) {
      flights ??= createSharedFlights({ connection: redis, clock, logger, prefix, owner: gateway, inFlight });
    },
    async close() {
      await usage.settled();
      await flights?.close();
      await lease.close();
    },
  };
}

/** Kept beside the data; without a place for it, of this process alone. */
function gatewayId({ dataDir, cache }: Config, { random, logger }: ComposeDeps): string {
  const path = join(dataDir, 'gateway-id');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // A first start.
  }
  const id = random.id(12);
  if (!cache.persist) return id;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(path, `${id}\n`, { mode: 0o600 });
  } catch (error) {
    logger.warn({ err: error }, 'the id of this gateway cannot be kept; the next start has another');
  }
  return id;
}
