import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { createRedisCloudServer, type RedisCloudServer } from '../../sim/redis-cloud-server/server.ts';
import { createRedisCloudApi, type RedisCloudApi } from './api.ts';
import { planProvision, provision, type ProvisionStep, type ProvisionWish } from './provision.ts';

/** Waits take no time here; what is waited for is counted in looks. */
const clock = { ...systemClock, sleep: async () => {} };
const { signal } = new AbortController();
const wish: ProvisionWish = {
  name: 'answers',
  provider: 'AWS',
  region: 'eu-west-1',
  size: { kind: 'essentials', bytes: 1e9 },
  replication: true,
  persistence: 'none',
  sourceIps: ['10.0.0.0/8'],
  paymentMethodId: undefined,
};

describe('provisioning at Redis Cloud', () => {
  let server: RedisCloudServer;
  let api: RedisCloudApi;
  const waits: string[] = [];
  const apiWith = (apiKey: string, baseUrl: string): RedisCloudApi =>
    createRedisCloudApi({
      baseUrl,
      apiKey,
      secretKey: 'secret',
      fetch,
      clock,
      onWaiting: (what, status) => void waits.push(`${what}: ${status}`),
    });
  let baseUrl = '';
  beforeEach(async () => {
    server = createRedisCloudServer();
    baseUrl = await server.listen();
    api = apiWith('key', baseUrl);
    waits.length = 0;
  });
  afterEach(() => server.close());

  const run = async (agree: (step: ProvisionStep) => boolean = () => true, asked: ProvisionStep[] = []) => {
    const result = await provision(
      {
        api,
        say: () => {},
        confirm: async (step) => {
          asked.push(step);
          return agree(step);
        },
      },
      wish,
      await planProvision(api, wish, signal),
      signal,
    );
    return { result, asked };
  };
  const creating = () => server.requests.filter((each) => each.startsWith('POST'));

  it('says what it would make and cost, and makes nothing', async () => {
    const { plan } = await planProvision(api, wish, signal);
    assert.equal(plan.monthlyUsd, 23);
    assert.deepEqual(
      plan.steps.map(({ kind }) => kind),
      ['subscription', 'database'],
    );
    assert.match(plan.steps[0]!.what, /Single-Zone_1GB \(1 GB, 1024 connections, 2000 commands\/s\) at AWS eu-west-1/);
    assert.match(plan.steps[1]!.what, /TLS, one replica, eviction volatile-lru/);
    assert.ok(plan.entries.log > 100_000 && plan.entries.ft < plan.entries.log);
    assert.deepEqual(creating(), []);
  });

  it('makes subscription and database, waits for its tasks, and brings endpoint, password and certificate', async () => {
    const { result, asked } = await run();
    assert.equal(asked.length, 2);
    assert.equal(server.subscriptions.length, 1);
    const [database] = server.databases;
    assert.deepEqual(
      [database!.security.enableTls, database!.replication, database!.dataEvictionPolicy],
      [true, true, 'volatile-lru'],
    );
    assert.equal(result!.endpoint, database!.publicEndpoint);
    assert.equal(result!.password, database!.security.password);
    assert.match(result!.certificate!, /BEGIN CERTIFICATE/);
    assert.ok(waits.includes('the subscription: processing-in-progress'));
  });

  it('makes nothing when the first step is not confirmed, and keeps to the subscription when the second is not', async () => {
    assert.equal((await run(() => false)).result, undefined);
    assert.deepEqual(creating(), []);
    assert.equal((await run(({ kind }) => kind === 'subscription')).result, undefined);
    assert.deepEqual([server.subscriptions.length, server.databases.length], [1, 0]);
  });

  it('goes on where a broken run ended, and makes nothing twice', async () => {
    server.failNext('fixedDatabaseCreateRequest', 'no capacity in this zone');
    await assert.rejects(run(), { code: 'provider_refused', message: /no capacity in this zone/ });
    const { result, asked } = await run();
    assert.deepEqual(
      asked.map(({ kind }) => kind),
      ['database'],
    );
    assert.deepEqual([server.subscriptions.length, server.databases.length], [1, 1]);
    const again = await run(() => assert.fail('nothing is left to confirm'));
    assert.equal(again.result!.databaseId, result!.databaseId);
  });

  it('waits when it asks too often, and gives up on what will not change', async () => {
    server.throttle(3);
    assert.equal((await planProvision(api, wish, signal)).plan.monthlyUsd, 23);
    assert.ok(waits.some((each) => /429/.test(each)));
    server.throttle(100);
    await assert.rejects(planProvision(api, wish, signal), { code: 'provider_unavailable' });
    server.throttle(0);
    await assert.rejects(planProvision(apiWith('wrong', baseUrl), wish, signal), {
      code: 'provider_refused',
      message: /401.*REDIS_CLOUD_API_KEY/,
    });
  });

  it('never repeats what may have been made', async () => {
    const prepared = await planProvision(api, wish, signal);
    let tries = 0;
    const broken = createRedisCloudApi({
      baseUrl,
      apiKey: 'key',
      secretKey: 'secret',
      clock,
      fetch: (async (url: string, init: RequestInit) => {
        if (init.method !== 'POST') return fetch(url, init);
        tries += 1;
        await fetch(url, init);
        throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
      }) as typeof fetch,
    });
    await assert.rejects(provision({ api: broken, say: () => {}, confirm: async () => true }, wish, prepared, signal), {
      code: 'provider_unavailable',
      message: /may have been taken/,
    });
    assert.equal(tries, 1);
  });

  it('names what there is when nothing fits', async () => {
    await assert.rejects(
      planProvision(api, { ...wish, region: 'mars-1' }, signal),
      /its regions: eu-west-1, us-east-1/,
    );
    const large = { kind: 'essentials', bytes: 1e12 } as const;
    await assert.rejects(planProvision(api, { ...wish, size: large }, signal), /the largest holds 12000 MB; use --pro/);
    await assert.rejects(
      planProvision(api, { ...wish, paymentMethodId: 1 }, signal),
      /payment method 1 is not of this account/,
    );
  });

  it('asks what a Pro subscription costs before it makes one, with the Query Engine', async () => {
    const pro: ProvisionWish = { ...wish, size: { kind: 'pro', gib: 50, opsPerSecond: 10_000 } };
    const prepared = await planProvision(api, pro, signal);
    assert.equal(Math.round(prepared.plan.monthlyUsd), Math.round(4 * 0.308 * 730));
    assert.equal(server.subscriptions.length, 0);
    const result = await provision({ api, say: () => {}, confirm: async () => true }, pro, prepared, signal);
    assert.equal(result!.place.kind, 'pro');
    assert.deepEqual(server.databases[0]!.modules, [{ name: 'RediSearch' }]);
    assert.equal(result!.tls, true);
  });
});
