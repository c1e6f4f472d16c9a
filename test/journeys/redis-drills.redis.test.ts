/** What gateways do while their Redis is ill: they answer, in time, from nobody else's memory, and agree afterwards. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startRedis, type RedisServer } from '../../src/testing/redis-kit.ts';
import { startRedisCluster, startSentinelGroup } from '../../src/testing/redis-shapes.ts';
import { startTcpProxy, type TcpProxy } from '../../src/testing/tcp-proxy.ts';
import { createDrill, drillKeys, type Drill } from '../support/redis-drill.ts';
import { startSharedGateways, type SharedGateways } from '../support/shared-gateways.ts';

// Each has servers and gateways of its own, and mostly waits.
describe('drills', { concurrency: true }, () => {
  describe('two gateways whose Redis', { concurrency: false }, () => {
    let redis: RedisServer;
    let proxy: TcpProxy;
    let shared: SharedGateways;
    let drill: Drill;
    before(async () => {
      redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
      proxy = await startTcpProxy(redis.port);
      const url = `redis://127.0.0.1:${proxy.port}`;
      shared = await startSharedGateways({ redis: [{ url }, { url }], environment: drillKeys });
      drill = createDrill(shared);
    });
    after(async () => {
      await shared.close();
      await proxy.close();
      await redis.stop();
    });

    it('is killed and comes back', () =>
      drill.through({
        break: () => redis.kill(),
        heal: () => redis.restart(),
      }));

    it('pauses everything', () =>
      drill.through({
        break: () => redis.client.call('CLIENT', 'PAUSE', '700', 'ALL'),
        heal: () => redis.client.ping(),
      }));

    it('pauses writes: what is stored is served on', () =>
      drill.through({
        break: () => redis.client.call('CLIENT', 'PAUSE', '60000', 'WRITE'),
        heal: () => redis.client.call('CLIENT', 'UNPAUSE'),
        hitsGoOn: true,
      }));

    it('sleeps for three seconds', () =>
      drill.through({
        break: async () => void redis.client.call('DEBUG', 'SLEEP', '3').catch(() => undefined),
        heal: () => redis.client.ping(),
      }));

    it('is behind a black hole', () =>
      drill.through({
        break: async () => proxy.setMode('blackhole'),
        heal: async () => proxy.setMode('pass'),
      }));

    it('resets its connections', () =>
      drill.through({
        break: async () => proxy.reset(),
        heal: async () => undefined,
      }));

    it('refuses connections', () =>
      drill.through({
        break: async () => proxy.setMode('refuse'),
        heal: async () => proxy.setMode('pass'),
      }));

    it('is 30 ms away, each way', () =>
      drill.through({
        break: async () => proxy.setDelay(30),
        heal: async () => proxy.setDelay(0),
      }));
  });

  describe('two gateways whose Redis is full', { concurrency: false }, () => {
    for (const { policy, hitsGoOn } of [
      { policy: 'noeviction', hitsGoOn: true },
      { policy: 'volatile-lru', hitsGoOn: false },
    ]) {
      it(`under ${policy}`, async () => {
        const redis = await startRedis({ args: ['--maxmemory', '4mb', '--maxmemory-policy', policy] });
        const shared = await startSharedGateways({
          redis: [{ url: redis.url }, { url: redis.url }],
          environment: drillKeys,
        });
        try {
          const drill = createDrill(shared);
          await drill.through({
            // With no end nothing is evicted under either policy; with one, our entries make room for it and it for them.
            break: async () => {
              for (let i = 0; i < 60; i++) {
                await redis.client.set(`fill${i}`, Buffer.alloc(100_000), 'EX', 600).catch(() => undefined);
              }
            },
            heal: async () => {
              for (let i = 0; i < 60; i++) await redis.client.del(`fill${i}`);
            },
            hitsGoOn,
            keepsData: hitsGoOn,
            // Writes rest for half a minute after a refusal.
            agreeWithinMs: 60_000,
          });
        } finally {
          await shared.close();
          await redis.stop();
        }
      });
    }
  });

  it('two gateways behind sentinels follow them to the new master, and lose no invalidation', async () => {
    const group = await startSentinelGroup();
    const redis = { url: group.url, sentinel: { name: group.name } };
    const shared = await startSharedGateways({ redis: [redis, redis], environment: drillKeys });
    try {
      const drill = createDrill(shared);
      await drill.through({ break: () => group.master.kill(), heal: () => group.master.restart() });
    } finally {
      await shared.close();
      await group.stop();
    }
  });

  it('two gateways on a cluster serve what is left when one of three masters is dead', async () => {
    const cluster = await startRedisCluster();
    const shared = await startSharedGateways({
      redis: [{ url: cluster.url }, { url: cluster.url }],
      environment: drillKeys,
    });
    try {
      const drill = createDrill(shared);
      await drill.through({
        break: () => cluster.nodes[0]!.kill(),
        heal: () => cluster.nodes[0]!.restart(),
        keepsData: false,
      });
    } finally {
      await shared.close();
      await cluster.stop();
    }
  });

  describe('a gateway with a mistake in its configuration of Redis serves without it', { concurrency: false }, () => {
    let redis: RedisServer;
    before(async () => {
      redis = await startRedis({ args: ['--requirepass', 'right'], client: { password: 'right' } });
      await redis.client.call('ACL', 'SETUSER', 'poor', 'on', '>poorpoor', '~other:*', '-@all', '+@connection');
    });
    after(() => redis.stop());
    for (const [what, url] of [
      ['a wrong password', (port: number) => `redis://:wrong@127.0.0.1:${port}`],
      ['no TLS where it says TLS', (port: number) => `rediss://:right@127.0.0.1:${port}`],
      ['a user without rights', (port: number) => `redis://poor:poorpoor@127.0.0.1:${port}`],
    ] as const) {
      it(what, async () => {
        const shared = await startSharedGateways({
          redis: [{ url: url(redis.port) }],
          environment: drillKeys,
          withoutRedis: true,
        });
        try {
          const drill = createDrill(shared);
          // The first requests of a gateway take longest, with or without Redis.
          const firstMs = await drill.answersInTime(3, Infinity);
          await drill.answersInTime(20, Math.min(firstMs, 1_000));
          const standing = shared.gateways[0]!.status().cache.shared;
          if (standing !== undefined) assert.ok(standing.state !== 'ready' || standing.stale);
        } finally {
          await shared.close();
        }
      });
    }
  });
});
