/** The connection to Redis, where one is configured, and the stores that stand on it. */
import { join } from 'node:path';
import type { CacheStore } from '../cache/cache-store.ts';
import { createEmbeddedStore } from '../cache/cache-store/embedded.ts';
import { createMemoryStore } from '../cache/cache-store/memory.ts';
import { createNoStore } from '../cache/cache-store/none.ts';
import { createRedisLogStore } from '../cache/cache-store/redis-log.ts';
import type { Config } from '../config/schema.ts';
import type { RedisConnection } from '../redis/redis-connection.ts';
import type { ComposeDeps } from './thinkers.ts';

/** A start does not wait longer for a server that is away: it is served without, and joined when it comes. */
const startWaitMs = 1_500;

/** undefined where none is configured. Never fails for a server that is away. @throws config_invalid */
export async function connectRedis({ redis }: Config, deps: ComposeDeps): Promise<RedisConnection | undefined> {
  const { url, ...options } = redis;
  if (url === undefined) return undefined;
  // The library is half a megabyte of program, which a gateway with no Redis does without.
  const { createRedisConnection } = await import('../redis/connect.ts');
  const connection = createRedisConnection({ ...options, url }, deps);
  await connection.ready(startWaitMs).catch((error: unknown) => {
    deps.logger.warn({ redis: connection.address, why: (error as Error).message }, 'starting without Redis');
  });
  return connection;
}

/**
 * A connection for searches alone: one that hangs at a dead shard holds up what comes behind it on its connection, and
 * must not hold up the records. Its metrics would count the other one twice.
 */
export async function connectForSearch(
  { redis }: Config,
  { clock, random, logger }: ComposeDeps,
): Promise<RedisConnection> {
  const { url, ...options } = redis;
  const { createRedisConnection } = await import('../redis/connect.ts');
  const connection = createRedisConnection({ ...options, url: url! }, { clock, random, logger });
  await connection.ready(startWaitMs).catch(() => {});
  return connection;
}

export interface Stores {
  /** Of the answers. */
  readonly store: CacheStore;
  /** Of what this gateway has learned by itself; the same one where nothing is shared. */
  readonly facts: CacheStore;
}

export async function openStores(
  config: Config,
  deps: ComposeDeps & { readonly redis: RedisConnection | undefined },
): Promise<Stores> {
  const { clock, random, logger, metrics, redis } = deps;
  const { cache } = config;
  if (cache.mode === 'off') return same(createNoStore());
  const options = { entriesMax: cache.entriesMax, bytesMax: cache.bytesMax, hotBytesMax: cache.hotBytesMax };
  const base = { clock, random, logger };
  const own = (counted: boolean): Promise<CacheStore> | CacheStore =>
    cache.persist
      ? createEmbeddedStore({ ...base, ...(counted && { metrics }), dataDir: config.dataDir, options })
      : createMemoryStore({ ...base, ...(counted && { metrics }), limits: options });
  if (redis === undefined) return same(await own(true));
  return {
    store: createRedisLogStore({
      ...base,
      metrics,
      redis,
      prefix: config.redis.prefix,
      journalPath: cache.persist ? join(config.dataDir, 'redis-unconfirmed.json') : undefined,
      why: 'each gateway searches by itself, fed by the log in Redis',
      options,
    }),
    facts: await own(false),
  };
}

const same = (store: CacheStore): Stores => ({ store, facts: store });
