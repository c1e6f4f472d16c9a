import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { tenantId } from '../../core/ids.ts';
import { createKeyRing } from '../../keys/key-ring.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { eventually } from '../../testing/redis-shapes.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { createRedisConnection } from '../connect.ts';
import type { RedisConnection } from '../redis-connection.ts';
import { createSharedFlights } from './shared-flights.ts';
import { createRedisSharedUsage } from './shared-usage.ts';

const deps = { clock: systemClock, random: testRandom('limits'), logger: silentLogger };
let redis: RedisServer;
const connections: RedisConnection[] = [];

async function connect(): Promise<RedisConnection> {
  const connection = createRedisConnection({ url: redis.url, deadlineMinMs: 2_000, deadlineMaxMs: 2_000 }, deps);
  connections.push(connection);
  await connection.ready(20_000);
  return connection;
}

before(async () => void (redis = await startRedis()));
after(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await redis.stop();
});

describe('limits of several gateways', () => {
  const usageOf = async () =>
    createRedisSharedUsage({ connection: await connect(), logger: silentLogger, prefix: 'test', deadlineMs: 5_000 });

  it('lets as many requests through as one gateway would, whoever asks first', async () => {
    const [a, b] = await Promise.all([usageOf(), usageOf()]);
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? a : b).enter('key-pace', { requestsPerMinute: 20 })),
    );
    const allowed = verdicts.filter((verdict) => verdict!.usedUp === undefined).length;
    // While they ran the bucket has drained a little.
    assert.ok(allowed >= 20 && allowed <= 22, `${allowed} of 60 were let in`);
    const refused = verdicts.find((verdict) => verdict!.usedUp === 'requests')!;
    assert.ok(refused.over > 0);
    assert.equal((await a.enter('another-key', { requestsPerMinute: 20 }))!.usedUp, undefined);
  });

  it('adds up tokens and costs of all, and lets nobody wait for it', async () => {
    const [a, b] = await Promise.all([usageOf(), usageOf()]);
    const limits = { tokensPerMinute: 1_000, usdPerDay: 1 };
    await Promise.all([a.enter('key-sum', limits), b.enter('key-sum', limits)]);
    for (let i = 0; i < 10; i++) (i % 2 === 0 ? a : b).used('key-sum', 150, 60_000);
    await Promise.all([a.settled(), b.settled()]);
    const verdict = await a.enter('key-sum', limits);
    assert.equal(verdict!.usedUp, 'tokens');
    assert.equal(verdict!.microsToday, 600_000);
    assert.ok((await redis.client.pttl((await redis.client.keys('test:{use-*'))[0]!)) > 0);
  });

  it('says nothing when nobody can be asked, so that each gateway decides alone', async () => {
    const connection = createRedisConnection({ url: 'redis://127.0.0.1:1' }, deps);
    connections.push(connection);
    const usage = createRedisSharedUsage({ connection, logger: silentLogger, prefix: 'test' });
    assert.equal(await usage.enter('key', { requestsPerMinute: 1 }), undefined);
    usage.used('key', 1, 1);
    await usage.settled();
  });

  it('holds one key to its limits over two key rings, and to its own when Redis is away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'selfhost-limits-'));
    const shared = await Promise.all([usageOf(), usageOf()]);
    const rings = shared.map((each) =>
      createKeyRing({
        ...deps,
        shared: each,
        options: {
          file: join(folder, 'keys.json'),
          configured: [],
          byAddress: [
            {
              from: '10.0.0.1',
              tenant: 'acme',
              models: [],
              cache: 'tenant',
              limits: { requestsPerMinute: 4, usdPerDay: 1 },
            },
          ],
          keysMax: 10,
        },
      }),
    );
    try {
      const callers = rings.map((ring) => ring.identify({}, '10.0.0.1'));
      for (let i = 0; i < 4; i++) await callers[i % 2]!.enter();
      for (const caller of callers) await assert.rejects(async () => caller.enter(), { code: 'rate_limited' });
      callers[0]!.used(10, 2_000_000);
      await shared[0].settled();
      assert.equal(callers[1]!.spent(), undefined, 'it has not heard yet');
      await assert.rejects(async () => callers[1]!.enter(), { code: 'rate_limited' });
      assert.equal(callers[1]!.spent()?.code, 'budget_exhausted');
      await redis.client.flushall();
      const connection = connections.at(-1)!;
      await connection.close();
      await callers[1]!.enter();
    } finally {
      for (const ring of rings) ring.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('requests in flight at several gateways', () => {
  it('are heard by the others, and forgotten with the gateway', async () => {
    const acme = tenantId('acme');
    const counts = [new Map([[acme, 3]]), new Map([[acme, 5]])];
    const boards = await Promise.all(
      counts.map(async (inFlight, at) =>
        createSharedFlights({
          ...deps,
          connection: await connect(),
          prefix: 'test',
          owner: `gateway-${at}`,
          inFlight: () => inFlight,
        }),
      ),
    );
    await eventually(
      'both have heard of each other',
      () => boards[0]!.elsewhere(acme) === 5 && boards[1]!.elsewhere(acme) === 3,
    );
    assert.deepEqual([boards[0]!.gateways, boards[0]!.elsewhere(tenantId('other'))], [1, 0]);
    await boards[1]!.close();
    await eventually('the gone one is forgotten', () => boards[0]!.gateways === 0 && boards[0]!.elsewhere(acme) === 0);
    await boards[0]!.close();
  });
});
