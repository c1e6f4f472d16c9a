import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createSearchServer, type SearchServer } from '../../src/sim/resp-server/search-server.ts';
import { startRedis, type RedisServer } from '../../src/testing/redis-kit.ts';
import { askOf, startSharedGateways, type SharedGateways } from '../support/shared-gateways.ts';
import { until } from '../support/until.ts';

describe('two gateways on a Redis with the Query Engine', () => {
  let redis: RedisServer;
  let engine: SearchServer;
  let shared: SharedGateways;
  let a: string;
  let b: string;
  before(async () => {
    redis = await startRedis();
    engine = await createSearchServer({ behind: { host: '127.0.0.1', port: redis.port } });
    const url = `redis://127.0.0.1:${await engine.listen()}`;
    const section = { url, backend: 'ft', deadlineMaxMs: 1_000 };
    shared = await startSharedGateways({
      redis: [section, section],
      // A busy machine must not make a miss of what a test expects to be found.
      config: { cache: { lookupDeadlineMs: 2_000 } },
    });
    [a, b] = shared.gateways.map(({ gatewayUrl }) => gatewayUrl) as [string, string];
  });
  after(async () => {
    await shared.close();
    await engine.close();
    await redis.stop();
  });
  const standing = (at: number) => shared.gateways[at]!.status().cache.shared!;
  const entriesOf = (at: number) => shared.gateways[at]!.status().cache.entries;

  it('search there, and serve each other’s answers in other words', async () => {
    assert.equal(standing(0).backend, 'redis-ft');
    const told = await askOf(a, 'How long is a marathon?');
    assert.equal(told.cache, 'miss');
    await until('the row is in the index', () => engine.indexes[0]?.documents === 1 || entriesOf(1) === 1);
    const before = engine.searches;
    await until('the other finds it', async () => (await askOf(b, 'how long is a marathon')).cache === 'semantic');
    assert.ok(engine.searches > before);
    assert.deepEqual(engine.faults, []);
  });

  // In which time is what its drill measures.
  it('serve what is asked again, and everything without a fault, while a shard never answers', async () => {
    engine.mode = 'hangs';
    try {
      for (let i = 0; i < 3; i++) {
        const reworded = await askOf(b, `In how many kilometres is a marathon number ${i} done?`);
        assert.equal(reworded.status, 200);
        assert.equal((await askOf(b, 'How long is a marathon?')).cache, 'exact', 'records have their own connection');
      }
    } finally {
      engine.mode = 'works';
    }
  });

  it('answer without a fault while the engine is silent, and search by themselves when it stays so', async () => {
    engine.mode = 'absent';
    for (let i = 0; i < 3; i++) assert.equal((await askOf(b, `Is question ${i} answered?`)).status, 200);
    await until('it searches by itself', () => standing(1).backend === 'redis-log', 20_000);
    assert.match(standing(1).why, /each gateway/);
    await until(
      'what is stored is found here',
      async () => (await askOf(b, 'How long is a marathon')).cache === 'semantic',
      20_000,
    );
  });

  it('share the pace of a key, who leads, and the sums of their ledgers', async () => {
    const [first, second] = shared.gateways;
    assert.notEqual(first, second);
    const leader = await redis.client.hget('sc:{lease-leader}:leader', 'leader');
    assert.ok(leader !== null && leader.length > 0);
    await until(
      'both gateways have told of their ledgers',
      async () => (await redis.client.hlen('sc:{ledger}:gateways')) === 2,
      20_000,
    );
    await until(
      'each has said what it has in flight',
      async () => (await redis.client.hlen('sc:{flights}')) === 2,
      20_000,
    );
  });
});
