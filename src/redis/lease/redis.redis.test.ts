import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { eventually } from '../../testing/redis-shapes.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { createRedisConnection } from '../connect.ts';
import type { Leadership } from '../lease.ts';
import type { RedisConnection } from '../redis-connection.ts';
import { leaseConformance } from './conformance.ts';
import { createRedisLease } from './redis.ts';

const deps = { clock: systemClock, random: testRandom('lease'), logger: silentLogger };
let redis: RedisServer;
const connections: RedisConnection[] = [];

async function connect(port = redis.port): Promise<RedisConnection> {
  const connection = createRedisConnection(
    { url: `redis://127.0.0.1:${port}`, deadlineMinMs: 2_000, deadlineMaxMs: 2_000 },
    deps,
  );
  connections.push(connection);
  await connection.ready(20_000);
  return connection;
}

const leaseOn = (connection: RedisConnection, owner: string, name: string, ttlMs = 60_000) =>
  createRedisLease({ ...deps, connection, options: { prefix: 'test', name, owner, ttlMs } });

before(async () => void (redis = await startRedis()));
after(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await redis.stop();
});

let names = 0;
leaseConformance('redis', async () => ({
  lease: leaseOn(await connect(), 'one', `conformance-${names++}`),
  dispose: async () => {},
}));

describe('redis lease', () => {
  it('lets one of two lead, and the other take over with a larger token', async () => {
    const [a, b] = [leaseOn(await connect(), 'a', 'pair'), leaseOn(await connect(), 'b', 'pair')];
    const held = await Promise.all([a.confirm(), b.confirm()]);
    assert.equal(held.filter((each) => each !== undefined).length, 1);
    const [leader, follower] = held[0] === undefined ? [b, a] : [a, b];
    const first = leader.held!;
    assert.deepEqual(follower.status(), { role: 'follower', leader: leader.status().leader, token: first.token });
    await leader.close();
    const second = await follower.confirm();
    assert.ok(second!.token > first.token);
    await follower.close();
  });

  it('gives tokens that grow although the counter was evicted', async () => {
    const lease = leaseOn(await connect(), 'a', 'evicted');
    const first = await lease.confirm();
    await redis.client.del('test:{lease-evicted}:token');
    await lease.close();
    const again = leaseOn(await connect(), 'b', 'evicted');
    assert.ok((await again.confirm())!.token > first!.token);
    await again.close();
  });

  it('ends here before it ends on the server, when the server cannot be reached', async () => {
    const proxy = await startTcpProxy(redis.port);
    try {
      const a = leaseOn(await connect(proxy.port), 'a', 'cut', 1_500);
      const first = await a.confirm();
      const b = leaseOn(await connect(), 'b', 'cut', 1_500);
      const heard: { who: string; held: Leadership | undefined }[] = [];
      a.onChange((held) => void heard.push({ who: 'a', held }));
      b.onChange((held) => void heard.push({ who: 'b', held }));
      proxy.setMode('blackhole');
      await eventually('the other leads', () => b.held !== undefined);
      assert.deepEqual(heard[0], { who: 'a', held: undefined }, 'at no time two led');
      assert.equal(a.held, undefined);
      assert.ok(b.held!.token > first!.token);
      proxy.setMode('pass');
      await Promise.all([a.close(), b.close()]);
    } finally {
      await proxy.close();
    }
  });

  it('is nobody’s while there is no Redis', async () => {
    const connection = createRedisConnection({ url: 'redis://127.0.0.1:1' }, deps);
    connections.push(connection);
    const lease = leaseOn(connection, 'a', 'none');
    assert.equal(await lease.confirm(), undefined);
    assert.equal(lease.status().role, 'unknown');
    await lease.close();
  });
});
