import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startRedis, type RedisServer } from '../../src/testing/redis-kit.ts';
import { askOf, startSharedGateways, type SharedGateways } from '../support/shared-gateways.ts';
import { textOf } from '../support/source-tree.ts';
import { until } from '../support/until.ts';

describe('two gateways on one Redis', () => {
  let redis: RedisServer;
  let shared: SharedGateways;
  let a: string;
  let b: string;
  before(async () => {
    redis = await startRedis();
    shared = await startSharedGateways({ redis: [{ url: redis.url }, { url: redis.url }] });
    [a, b] = shared.gateways.map(({ gatewayUrl }) => gatewayUrl) as [string, string];
  });
  after(async () => {
    await shared.close();
    await redis.stop();
  });
  const entriesOf = (at: number) => shared.gateways[at]!.status().cache.entries;
  const flush = (at: number) => fetch(`${shared.gateways[at]!.adminUrl}/api/cache/flush`, { method: 'POST' });

  it('answer with what the other has been told, also in other words', async () => {
    const told = await askOf(a, 'How long is a marathon?');
    assert.equal(told.cache, 'miss');
    await until('the answer is in the other gateway', () => entriesOf(1) === 1);
    const again = await askOf(b, 'How long is a marathon?');
    assert.deepEqual([again.cache, again.text], ['exact', told.text]);
    const reworded = await askOf(b, 'how long is a marathon');
    assert.deepEqual([reworded.cache, reworded.text], ['semantic', told.text]);
    assert.equal(shared.sim.stats().answers, 1);
  });

  it('forget together: what one has flushed, the other does not serve from then on', async () => {
    await askOf(a, 'Who painted the ceiling?');
    await until('the answer is in the other gateway', () => entriesOf(1) >= 1);
    assert.equal((await askOf(b, 'Who painted the ceiling?')).cache, 'exact');
    assert.equal((await flush(0)).status, 200);
    assert.equal((await askOf(b, 'Who painted the ceiling?')).cache, 'miss');
    assert.equal((await askOf(b, 'Who painted the ceiling?')).cache, 'exact');
  });

  it('say where answers are kept, and what they think of it', () => {
    const { store, shared: standing } = shared.gateways[0]!.status().cache;
    assert.equal(store, 'redis-log');
    assert.equal(standing?.state, 'ready');
    assert.equal(standing?.unconfirmed, 0);
  });

  it('serve without the server, join it when it is back, and agree', async () => {
    await redis.kill();
    const without = await askOf(a, 'What is the tallest tower?');
    assert.equal(without.status, 200);
    await redis.restart();
    await until(
      'it is ready again',
      () => shared.gateways.every((each) => each.status().cache.shared?.state === 'ready'),
      15_000,
    );
    await until(
      'answers are shared again',
      async () => {
        await askOf(a, 'What is the tallest tower?');
        return (await askOf(b, 'What is the tallest tower?')).cache === 'exact';
      },
      15_000,
    );
  });
});

describe('a gateway whose Redis is away at its start', () => {
  it('asks once for one question, remembers it for when there is a Redis, and joins', async () => {
    const redis = await startRedis();
    await redis.kill();
    const shared = await startSharedGateways({
      redis: [{ url: redis.url }, { url: redis.url }],
      environment: { SELFHOST_API_KEYS: 'acme:acme-key-0123456789,beta:beta-key-0123456789' },
      profile: 'demo',
      withoutRedis: true,
    });
    const [acme, beta] = ['acme', 'beta'].map((tenant) => ({ authorization: `Bearer ${tenant}-key-0123456789` }));
    const ask = (at: number, headers = acme) => askOf(shared.gateways[at]!.gatewayUrl, 'Is anybody there?', headers);
    try {
      const told = await Promise.all([ask(0), ask(0), ask(0)]);
      assert.deepEqual(
        told.map(({ status, text }) => [status, text]),
        told.map(() => [200, told[0].text]),
      );
      assert.equal(shared.sim.stats().answers, 1);
      await redis.restart();
      await until('both are ready', () => shared.gateways.every((each) => each.status().cache.shared?.stale === false));
      await until('what was remembered is written', async () => (await redis.client.keys('sc:*:e')).length === 1);
      await until('it is served where it was asked', async () => (await ask(0)).cache === 'exact', 15_000);
      assert.deepEqual([(await ask(1)).text, shared.sim.stats().answers], [told[0].text, 1]);
      assert.equal((await ask(1, beta)).cache, 'miss', 'to nobody else');
    } finally {
      await shared.close();
      await redis.stop();
    }
  });

  it('keeps nothing that is older than a flush it could not hear of', async () => {
    const redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const first = await startSharedGateways({ redis: [{ url: redis.url }] });
    try {
      const flushed = await fetch(`${first.gateways[0]!.adminUrl}/api/cache/flush`, { method: 'POST' });
      assert.equal(flushed.status, 200);
      await redis.kill();
      const second = await startSharedGateways({ redis: [{ url: redis.url }], withoutRedis: true });
      try {
        const [gateway] = second.gateways;
        const { gatewayUrl } = gateway!;
        const status = () => gateway!.status();
        assert.equal((await askOf(gatewayUrl, 'Is anybody there?')).status, 200);
        assert.equal(status().cache.entries, 1);
        await redis.restart();
        await until('it has heard of it', () => status().cache.shared?.stale === false && status().cache.entries === 0);
        assert.equal((await askOf(gatewayUrl, 'Is anybody there?')).cache, 'miss');
        await until(
          'it remembers',
          async () => (await askOf(gatewayUrl, 'Is anybody there?')).cache === 'exact',
          15_000,
        );
      } finally {
        await second.close();
      }
    } finally {
      await first.close();
      await redis.stop();
    }
  });
});

describe('a gateway whose Redis user has the rights of docs/redis.md, and no more', () => {
  it('does all it does elsewhere', async () => {
    const rule = /^user llm-self-host (.+)$/m.exec(textOf('docs/redis.md'))?.[1];
    assert.ok(rule, 'docs/redis.md has no ACL rule');
    const redis = await startRedis();
    await redis.client.call(
      'ACL',
      'SETUSER',
      'llm-self-host',
      ...rule.replace('PASSWORD', 'secret-of-redis').split(' '),
    );
    const url = `redis://llm-self-host:secret-of-redis@127.0.0.1:${redis.port}`;
    const shared = await startSharedGateways({ redis: [{ url }, { url }] });
    try {
      const [a, b] = shared.gateways;
      const told = await askOf(a!.gatewayUrl, 'How deep is the sea?');
      await until('the answer is shared', () => b!.status().cache.entries === 1);
      assert.deepEqual(await askOf(b!.gatewayUrl, 'How deep is the sea?').then(({ cache, text }) => [cache, text]), [
        'exact',
        told.text,
      ]);
      assert.equal((await fetch(`${a!.adminUrl}/api/cache/flush`, { method: 'POST' })).status, 200);
      assert.equal((await askOf(b!.gatewayUrl, 'How deep is the sea?')).cache, 'miss');
      const log = (await redis.client.call('ACL', 'LOG')) as unknown[];
      assert.deepEqual(log, [], 'a right was missing');
    } finally {
      await shared.close();
      await redis.stop();
    }
  });
});
