import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { exactKey } from '../../core/ids.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import type { RedisConnection } from '../../redis/redis-connection.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { delta, end, FakeUpstream, fromThinker, start } from '../../testing/fake-upstream.ts';
import { RecordingSink } from '../../testing/recording-sink.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { eventually } from '../../testing/redis-shapes.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { startTcpProxy, type TcpProxy } from '../../testing/tcp-proxy.ts';
import type { SharedFlight } from '../shared-flight.ts';
import { createRedisFlight } from './redis.ts';
import { claimScript } from './scripts.ts';

const deps = { clock: systemClock, random: testRandom('shared flight'), logger: silentLogger };
/** The lease of a leader and everything else that ends a wait by itself is far beyond the deadlines of these tests. */
const leaseMs = 120_000;

describe('a flight of several gateways', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  const connections: RedisConnection[] = [];
  const flights: SharedFlight[] = [];
  before(async () => {
    redis = await startRedis();
    proxy = await startTcpProxy(redis.port);
  });
  after(async () => {
    for (const flight of flights) flight.close();
    await Promise.all(connections.map((connection) => connection.close()));
    await proxy.close();
    await redis.stop();
  });

  async function aGateway(port = redis.port, lease = leaseMs): Promise<SharedFlight> {
    const connection = createRedisConnection(
      { url: `redis://127.0.0.1:${port}`, deadlineMinMs: 2_000, deadlineMaxMs: 2_000 },
      deps,
    );
    connections.push(connection);
    await connection.ready(20_000);
    const flight = createRedisFlight({
      ...deps,
      redis: connection,
      prefix: 'test',
      generation: () => 0,
      leaseMs: lease,
      waitMaxMs: 2_000,
    });
    flights.push(flight);
    return flight;
  }

  /** One that leads, and one at another gateway that follows and has heard the first word. */
  async function leaderAndFollower(question: string, followerPort?: number) {
    const [a, b] = await Promise.all([aGateway(), aGateway(followerPort)]);
    const key = exactKey(question);
    const first = new FakeUpstream();
    const second = new FakeUpstream();
    const sinks = [new RecordingSink(), new RecordingSink()] as const;
    a.run(key, { outputLimit: undefined, waitedMs: 0 }, sinks[0], first.start);
    await eventually('it leads', () => first.starts === 1);
    b.run(key, { outputLimit: undefined, waitedMs: 0 }, sinks[1], second.start);
    first.sink.origin(fromThinker);
    first.push(start, delta('The tides'));
    await eventually('the other hears it', () => sinks[1].text === 'The tides');
    assert.equal(second.starts, 0);
    const record = async () => (await redis.client.keys(`test:{${key}}:f0s:*`))[0]!;
    return { a, b, key, first, second, sinks, record };
  }

  it('is one call, told as it is made', async () => {
    const { first, second, sinks } = await leaderAndFollower('one call');
    first.push(delta(' follow the moon.'), end());
    await eventually('the end comes over', () => sinks[1].events.at(-1)?.type === 'end');
    assert.equal(sinks[1].text, 'The tides follow the moon.');
    assert.equal(sinks[1].origins[0]!.source, 'coalesced');
    assert.equal(second.starts, 0);
  });

  it('goes on at another gateway as soon as the record of its leader is evicted, where its reader is', async () => {
    const { second, sinks, record, first } = await leaderAndFollower('evicted');
    await redis.client.unlink(await record());
    // Far from the end of the lease: nothing but the missing record tells it.
    await eventually('the other asks', () => second.starts === 1);
    second.sink.origin(fromThinker);
    second.push(start, delta('The tides follow'), delta(' the moon.'), end());
    assert.equal(sinks[1].text, 'The tides follow the moon.');
    first.push(delta(' and the sun.'), end());
    assert.equal(sinks[0].text, 'The tides and the sun.');
  });

  it('goes on at another gateway when it was over, and its record evicted before all was read', async () => {
    const { second, record, first, sinks } = await leaderAndFollower('over');
    // In one turn of the server: nobody reads between.
    const name = await record();
    first.push(end());
    await redis.client.unlink(name);
    await eventually('it has its end, from the record or from its own call', () => {
      if (second.starts === 1 && sinks[1].events.at(-1)?.type !== 'end') {
        second.sink.origin(fromThinker);
        second.push(start, delta('The tides'), end());
      }
      return sinks[1].events.at(-1)?.type === 'end';
    });
  });

  it('is not joined by whoever comes after the record was evicted', async () => {
    const { a, key, record } = await leaderAndFollower('late');
    await redis.client.unlink(await record());
    const third = new FakeUpstream();
    a.run(key, { outputLimit: undefined, waitedMs: 0 }, new RecordingSink(), third.start);
    await eventually('it asks', () => third.starts === 1);
  });

  it('leaves no hole in an answer whose record was evicted and written on', async () => {
    const { first, second, sinks, record, b } = await leaderAndFollower('hole', proxy.port);
    proxy.setMode('blackhole');
    first.push(delta(' do not'));
    await eventually('it is written', async () => (await redis.client.xlen(await record())) >= 3);
    const name = await record();
    await redis.client.unlink(name);
    first.push(delta(' follow the moon.'));
    await eventually('the leader goes on', () => sinks[0].text.endsWith('moon.'));
    proxy.setMode('pass');
    await eventually('the other asks', () => second.starts === 1, 10_000);
    assert.equal(sinks[1].text, 'The tides');
    assert.equal(b.stats().following, 0);
  });

  it('leaves no hole in an answer whose record has lost a row in a failover', async () => {
    const { second, sinks, record } = await leaderAndFollower('lost row');
    const name = await record();
    const [last] = (await redis.client.xrevrange(name, '+', '-', 'COUNT', 1)) as unknown as [[string, string[]]];
    const next = Number(last[0].split('-')[1]) + 2;
    const row = [`0-${next}`, 'e', JSON.stringify([delta(' the moon.')])] as const;
    await redis.client.xadd(name, ...row);
    await eventually('the other asks', () => second.starts === 1);
    assert.equal(sinks[1].text, 'The tides');
  });

  it('is given up by a leader whose words a full server does not take', async () => {
    const { a, key, first, second, sinks } = await leaderAndFollower('full');
    await redis.client.config('SET', 'maxmemory', '1mb', 'maxmemory-policy', 'noeviction');
    try {
      first.push(delta(' do'));
      await eventually('the other asks', () => second.starts === 1);
      assert.deepEqual(await redis.client.keys(`test:{${key}}:f0*`), [`test:{${key}}:f0n`]);
      assert.equal(a.stats().leading, 0);
      first.push(delta(' not.'), end());
      assert.equal(sinks[0].text, 'The tides do not.');
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
  });

  it('is not waited for where whoever claimed it never heard that it leads', async () => {
    const key = exactKey('nobody');
    const start = `test:{${key}}:f0`;
    await redis.client.eval(claimScript, 3, start, `${start}n`, `${start}s:x`, leaseMs, '', 'x', leaseMs);
    const gateway = await aGateway();
    const upstream = new FakeUpstream();
    gateway.run(key, { outputLimit: undefined, waitedMs: 0 }, new RecordingSink(), upstream.start);
    await eventually('it asks', () => upstream.starts === 1);
  });

  it('keeps its record as long as it is led, also by one that has nothing to say', async () => {
    const gateway = await aGateway(redis.port, 300);
    const upstream = new FakeUpstream();
    gateway.run(exactKey('silent'), { outputLimit: undefined, waitedMs: 0 }, new RecordingSink(), upstream.start);
    await eventually('it leads', () => upstream.starts === 1);
    const [name] = await redis.client.keys('test:{silent}:f0s:*');
    await redis.client.pexpire(name!, 10_000);
    await eventually('it is prolonged', async () => (await redis.client.pttl(name!)) > 10_000);
  });
});
