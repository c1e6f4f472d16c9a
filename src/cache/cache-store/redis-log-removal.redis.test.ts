/** What removing an entry means where others write and servers fail. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { addMs } from '../../core/units.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { eventually } from '../../testing/redis-shapes.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import type { CacheEntry, CacheStore } from '../cache-store.ts';
import { anEntry } from './conformance.ts';
import { createRedisLogStore } from './redis-log.ts';
import { encodeBody, encodeVector } from './redis-log/body-codec.ts';
import { encodeHead, headOf } from './redis-log/head-codec.ts';
import { redisKeys } from './redis-log/keys.ts';

const deps = { clock: systemClock, random: testRandom('removal'), logger: silentLogger };
const keys = redisKeys('test');

describe('removing an entry that several gateways share', () => {
  const closing: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closing.toReversed()) await close();
  });

  async function aServer(...args: readonly string[]): Promise<RedisServer> {
    const server = await startRedis({ args });
    closing.push(() => server.stop());
    return server;
  }

  async function aStore({ url }: RedisServer): Promise<CacheStore> {
    const redis = createRedisConnection({ url, deadlineMinMs: 2_000, deadlineMaxMs: 5_000 }, deps);
    await redis.ready(20_000);
    const store = createRedisLogStore({
      ...deps,
      redis,
      prefix: 'test',
      journalPath: undefined,
      why: 'test',
      options: { entriesMax: 100, bytesMax: 2 ** 20 },
    });
    await store.ready();
    closing.push(async () => {
      await store.close();
      await redis.close();
    });
    return store;
  }

  const fresh = (name: string, changes: Partial<CacheEntry> = {}): CacheEntry => {
    const now = systemClock.now();
    return anEntry(name, { storedAt: now, expiresAt: addMs(now, 600_000), ...changes });
  };

  /** As another gateway does it whose row in the log has not been heard yet. */
  async function storeUnheard({ client }: RedisServer, entry: CacheEntry): Promise<void> {
    const head = encodeHead(headOf(entry, { bytes: 100, version: 0, writer: 'another' }));
    const body = encodeBody(entry, JSON.stringify(entry.answer));
    const vec8 = entry.semantic ? encodeVector(entry.semantic.vector) : Buffer.alloc(0);
    await client.hset(keys.record(entry.exactKey), 'head', head, 'body', body, 'vec8', vec8);
  }

  it('leaves what another gateway has stored under the same key since', async () => {
    const server = await aServer();
    const store = await aStore(server);
    const old = fresh('old');
    const other = fresh('other');
    await store.put(old);
    await store.put(other);
    const newer = fresh('newer', { exactKey: old.exactKey });
    await storeUnheard(server, newer);
    assert.equal(await store.remove(old.id, 'manual'), true);
    assert.equal((await store.getByKey(old.exactKey))?.id, newer.id);
    assert.equal(await store.remove(other.id, 'manual'), true);
    assert.equal(await server.client.exists(keys.record(other.exactKey)), 0);
  });

  it('leaves it also when many are removed at once, or make room', async () => {
    const server = await aServer();
    const store = await aStore(server);
    const entries = Array.from({ length: 50 }, (_, i) => fresh(`e${i}`));
    for (const entry of entries) await store.put(entry);
    const newer = fresh('newer', { exactKey: entries[7]!.exactKey });
    await storeUnheard(server, newer);
    assert.equal(await store.purge({}), 50);
    assert.deepEqual(await server.client.keys('test:*:e'), [keys.record(newer.exactKey)]);
  });

  it('is owed until a replica has heard of it, where there is one', async () => {
    const server = await aServer();
    const replica = await aServer('--replicaof', '127.0.0.1', String(server.port));
    await eventually('it follows', async () => /state=online/.test(await server.client.info('replication')));
    const store = await aStore(server);
    const entry = fresh('water');
    await store.put(entry);
    const asleep = replica.client.call('DEBUG', 'SLEEP', '2');
    await assert.rejects(store.remove(entry.id, 'manual'), { code: 'cache_unavailable' });
    assert.equal(store.shared!.health().unconfirmed, 1);
    await asleep;
    await eventually('it is confirmed', () => store.shared!.health().unconfirmed === 0);
    assert.equal(await replica.client.exists(keys.record(entry.exactKey)), 0);

    const another = fresh('fire');
    await store.put(another);
    await replica.kill();
    await eventually('it is gone', async () => /connected_slaves:0/.test(await server.client.info('replication')));
    assert.equal(await store.remove(another.id, 'manual'), true, 'one that is gone is not waited for');
  });
});
