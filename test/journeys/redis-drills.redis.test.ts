/** What gateways do while their Redis is ill: they answer, in time, from nobody else's memory, and agree afterwards. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startRedis, type RedisServer } from '../../src/testing/redis-kit.ts';
import { eventually, startRedisCluster, startSentinelGroup } from '../../src/testing/redis-shapes.ts';
import { createSearchServer } from '../../src/sim/resp-server/search-server.ts';
import { startTcpProxy, type TcpProxy } from '../../src/testing/tcp-proxy.ts';
import { createDrill, drillKeys, type Drill } from '../support/redis-drill.ts';
import { startSharedGateways, type SharedGateways } from '../support/shared-gateways.ts';

// Each has servers and gateways of its own, and mostly waits; three at a time, so that they are over in under a minute.
describe('drills', { concurrency: true }, () => {
  describe('two gateways whose Redis', { concurrency: false }, () => {
    let redis: RedisServer;
    let proxy: TcpProxy;
    let shared: SharedGateways;
    let drill: Drill;
    let again: NodeJS.Timeout | undefined;
    before(async () => {
      redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
      proxy = await startTcpProxy(redis.port);
      const url = `redis://127.0.0.1:${proxy.port}`;
      shared = await startSharedGateways({ redis: [{ url }, { url }], environment: drillKeys, control: 'with' });
      drill = createDrill(shared);
    });
    after(async () => {
      clearInterval(again);
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
        break: () => redis.client.call('CLIENT', 'PAUSE', '2000', 'ALL'),
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
        break: async () => {
          proxy.reset();
          again = setInterval(() => proxy.reset(), 100);
        },
        heal: async () => clearInterval(again),
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
          control: 'with',
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

  describe('two gateways', { concurrency: false }, () => {
    it('behind sentinels follow them to the new master, and lose no invalidation', async () => {
      const group = await startSentinelGroup();
      const redis = { url: group.url, sentinel: { name: group.name } };
      const shared = await startSharedGateways({ redis: [redis, redis], environment: drillKeys, control: 'with' });
      try {
        const drill = createDrill(shared);
        const promoted = async (): Promise<boolean> => {
          const [, port] = (await group.sentinels[0]!.client.call(
            'SENTINEL',
            'GET-MASTER-ADDR-BY-NAME',
            group.name,
          )) as string[];
          return Number(port) === group.replica.port;
        };
        await drill.through({
          break: () => group.master.kill(),
          heal: async () => {
            await eventually('its replica is the master', promoted);
            await group.master.restart();
          },
        });
      } finally {
        await shared.close();
        await group.stop();
      }
    });

    it('on a cluster serve what is left when one of three masters is dead', async () => {
      const cluster = await startRedisCluster();
      const shared = await startSharedGateways({
        redis: [{ url: cluster.url }, { url: cluster.url }],
        environment: drillKeys,
        control: 'with',
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
            control: 'with',
            withoutRedis: true,
          });
          try {
            const drill = createDrill(shared);
            await drill.answersInTime();
            const standing = shared.gateways[0]!.status().cache.shared;
            if (standing !== undefined) assert.ok(standing.state !== 'ready' || standing.stale);
          } finally {
            await shared.close();
          }
        });
      }
    });

    it('search by themselves, in time, when the Query Engine never answers', async () => {
      const redis = await startRedis();
      const engine = await createSearchServer({ behind: { host: '127.0.0.1', port: redis.port } });
      const section = { url: `redis://127.0.0.1:${await engine.listen()}`, backend: 'ft' };
      const shared = await startSharedGateways({
        redis: [section, section],
        environment: drillKeys,
        control: 'with',
      });
      try {
        const drill = createDrill(shared);
        for (const mode of ['hangs', 'absent'] as const) {
          await drill.through({
            break: async () => void (engine.mode = mode),
            heal: async () => void (engine.mode = 'works'),
            // Records have a connection of their own.
            hitsGoOn: true,
          });
        }
        assert.deepEqual(engine.faults, []);
      } finally {
        await shared.close();
        await engine.close();
        await redis.stop();
      }
    });
  });
});
