import { after, before } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { systemRandom } from '../../core/random.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { cacheStoreConformance } from './conformance.ts';
import { aRedisLogStore } from './redis-log/store-for-tests.ts';

let server: RedisServer | undefined;
/** The same suite on a server of yours; every test uses keys of its own there, and removes them. */
const urlGiven = process.env['REDIS_TEST_URL'];
before(async () => {
  if (urlGiven === undefined) server = await startRedis();
});
after(() => server?.stop());

cacheStoreConformance(
  'redis-log',
  async ({ clock, ...options }) => {
    const redis = createRedisConnection(
      { url: urlGiven ?? server!.url, deadlineMinMs: 2_000, deadlineMaxMs: 5_000 },
      { clock: systemClock, random: systemRandom, logger: silentLogger },
    );
    await redis.ready(10_000);
    const prefix = `t${systemRandom.id(8)}`;
    const store = aRedisLogStore({ redis, prefix, clock, options });
    return {
      store,
      dispose: async () => {
        let cursor = '0';
        for (const node of redis.nodes()) {
          do {
            const [next, names] = (await node.call(['SCAN', cursor, 'MATCH', `${prefix}:*`, 'COUNT', 1000], {
              as: 'read',
              deadlineMs: 5_000,
            })) as [Buffer, Buffer[]];
            cursor = next.toString();
            for (const name of names) await node.call(['UNLINK', name], { as: 'write', deadlineMs: 5_000 });
          } while (cursor !== '0');
        }
        await redis.close();
      },
    };
  },
  { vectors: 'rounded' },
);
