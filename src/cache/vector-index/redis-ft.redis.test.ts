import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { entryId, scope, tenantId } from '../../core/ids.ts';
import { addMs } from '../../core/units.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import type { RedisConnection } from '../../redis/redis-connection.ts';
import { createSearchServer, type SearchServer } from '../../sim/resp-server/search-server.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { eventually } from '../../testing/redis-shapes.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { aUnitVector, vectorIndexConformance } from './conformance.ts';
import { createRedisFtIndex, type RedisFtIndex } from './redis-ft.ts';

const realUrl = process.env['REDIS_TEST_URL'];
const { signal } = new AbortController();
const deps = { clock: systemClock, random: testRandom('redis-ft'), logger: silentLogger };
/** A test on a busy machine waits; the deadline itself is tested on its own. */
const patient = { deadlineMinMs: 5_000, deadlineMaxMs: 5_000 };

function indexOn(
  connection: RedisConnection,
  options: { dimensions?: number; searchDeadlineMs?: number; hnswFrom?: number } = {},
): RedisFtIndex {
  const { dimensions = 64, ...rest } = options;
  return createRedisFtIndex({
    ...deps,
    connection,
    dimensions,
    embeddingModelId: 'test-embedder',
    options: { prefix: 'test', rowTtlMs: () => 600_000, ...rest },
  });
}

interface World {
  readonly redis: RedisServer;
  readonly engine: SearchServer;
  readonly connection: RedisConnection;
  close(): Promise<void>;
}

async function openWorld(protocolMax: 2 | 3 = 3): Promise<World> {
  const redis = await startRedis();
  const engine = await createSearchServer({ behind: { host: '127.0.0.1', port: redis.port }, protocolMax });
  const connection = createRedisConnection({ url: `redis://127.0.0.1:${await engine.listen()}`, ...patient }, deps);
  await connection.ready(20_000);
  return {
    redis,
    engine,
    connection,
    async close() {
      await connection.close();
      await engine.close();
      await redis.stop();
    },
  };
}

/** The suite of every driver, over one connection: each index of it begins empty. */
function runConformance(
  name: string,
  open: () => Promise<{ connection: RedisConnection; close(): Promise<void>; faults?: () => readonly string[] }>,
): void {
  describe(name, () => {
    let world: Awaited<ReturnType<typeof open>>;
    before(async () => void (world = await open()));
    after(async () => {
      assert.deepEqual(world.faults?.() ?? [], []);
      await world.close();
    });
    vectorIndexConformance(name, async (dimensions) => {
      const index = indexOn(world.connection, { dimensions });
      await index.ready();
      await index.clear();
      return index;
    });
  });
}

for (const protocol of [2, 3] as const) {
  runConformance(`redis-ft on the simulated query engine, RESP${protocol}`, async () => {
    const world = await openWorld(protocol);
    return { connection: world.connection, close: () => world.close(), faults: () => world.engine.faults };
  });
}

if (realUrl !== undefined) {
  runConformance('redis-ft on the server of REDIS_TEST_URL', async () => {
    const connection = createRedisConnection({ url: realUrl, ...patient }, deps);
    await connection.ready(20_000);
    return { connection, close: () => connection.close() };
  });
} else {
  console.log('redis-ft is not run on a real Query Engine: REDIS_TEST_URL is not set');
}

describe('redis-ft', () => {
  const a = scope('scope-a');
  const owner = { tenant: tenantId('acme, "the" {first}|second'), model: 'qwen3:8b' };
  const random = testRandom('redis-ft rows');

  const withWorld = (run: (world: World) => Promise<void>) => async () => {
    const world = await openWorld();
    try {
      await run(world);
      assert.deepEqual(world.engine.faults, []);
    } finally {
      await world.close();
    }
  };

  it(
    'filters by owner and time as well as by scope',
    withWorld(async ({ connection }) => {
      const index = indexOn(connection);
      await index.ready();
      const vector = aUnitVector(random);
      const expiresAt = addMs(systemClock.now(), 60_000);
      await index.upsert(a, entryId('own'), vector, { ...owner, expiresAt });
      await index.upsert(a, entryId('foreign'), vector, { ...owner, tenant: tenantId('acme'), expiresAt });
      await index.upsert(a, entryId('late'), vector, { ...owner, expiresAt: addMs(systemClock.now(), 1) });
      await eventually(
        'the late row has expired',
        async () => (await index.nearest(a, vector, 5, { signal })).length === 2,
      );
      assert.deepEqual(
        (await index.nearest(a, vector, 5, { signal, owner })).map((each) => each.entryId),
        ['own'],
      );
      await index.close();
    }),
  );

  it(
    'takes doubled and partial answers as fewer hits',
    withWorld(async ({ connection, engine }) => {
      const index = indexOn(connection);
      await index.ready();
      const vectors = Array.from({ length: 6 }, () => aUnitVector(random));
      for (const [at, vector] of vectors.entries()) await index.upsert(a, entryId(`e${at}`), vector);
      engine.mode = 'doubled';
      const doubled = await index.nearest(a, vectors[0]!, 6, { signal });
      assert.equal(new Set(doubled.map((each) => each.entryId)).size, doubled.length);
      assert.equal(doubled[0]!.entryId, 'e0');
      engine.mode = 'partial';
      assert.ok((await index.nearest(a, vectors[0]!, 6, { signal })).length < 6);
      await index.close();
    }),
  );

  it(
    'ends a search at its deadline when a shard never answers',
    withWorld(async ({ connection, engine }) => {
      const index = indexOn(connection, { searchDeadlineMs: 60 });
      await index.ready();
      const vector = aUnitVector(random);
      await index.upsert(a, entryId('one'), vector);
      engine.mode = 'hangs';
      const beganMs = performance.now();
      await assert.rejects(index.nearest(a, vector, 1, { signal }), { code: 'cache_unavailable' });
      assert.ok(performance.now() - beganMs < 3_000);
      await index.close();
    }),
  );

  it(
    'works with an index that somebody else made, and says what to do when there is none',
    withWorld(async ({ connection, engine }) => {
      engine.mode = 'no-create';
      const barred = indexOn(connection);
      await barred.ready();
      assert.equal(barred.state.kind, 'missing');
      assert.match((barred.state as { remedy: string }).remedy, /FT\.CREATE .* vec VECTOR FLAT/);
      const vector = aUnitVector(random);
      await assert.rejects(barred.nearest(a, vector, 1, { signal }), { code: 'cache_unavailable' });
      engine.mode = 'works';
      const allowed = indexOn(connection);
      await allowed.ready();
      engine.mode = 'no-create';
      await barred.ready();
      await barred.upsert(a, entryId('one'), vector);
      assert.equal((await barred.nearest(a, vector, 1, { signal }))[0]?.entryId, 'one');
      await Promise.all([barred.close(), allowed.close()]);
    }),
  );

  it(
    'notices that the engine is gone, and that the index was flushed',
    withWorld(async ({ connection, engine, redis }) => {
      const index = indexOn(connection);
      await index.ready();
      const vector = aUnitVector(random);
      await index.upsert(a, entryId('one'), vector);
      engine.mode = 'absent';
      await assert.rejects(index.nearest(a, vector, 1, { signal }), { code: 'cache_unavailable' });
      assert.equal(index.state.kind, 'absent');
      engine.mode = 'works';
      await redis.client.flushall();
      await index.ready();
      assert.deepEqual(await index.nearest(a, vector, 1, { signal }), []);
      await index.close();
    }),
  );

  it(
    'becomes a graph when it has grown, behind the same alias',
    withWorld(async ({ connection, engine }) => {
      const index = indexOn(connection, { hnswFrom: 50 });
      await index.ready();
      const vectors = Array.from({ length: 60 }, () => aUnitVector(random));
      for (const [at, vector] of vectors.entries()) await index.upsert(a, entryId(`e${at}`), vector);
      await index.ready();
      assert.deepEqual(
        engine.indexes.map(({ algorithm, documents }) => [algorithm, documents]),
        [['HNSW', 60]],
      );
      assert.equal((await index.nearest(a, vectors[7]!, 1, { signal }))[0]?.entryId, 'e7');
      assert.equal(index.stats().vectors, 60);
      await index.close();
    }),
  );

  it(
    'knows which rows are there already',
    withWorld(async ({ connection }) => {
      const index = indexOn(connection);
      await index.ready();
      await index.upsert(a, entryId('there'), aUnitVector(random));
      const rows = ['there', 'gone'].map((id) => ({ scope: a, entryId: entryId(id) }));
      assert.deepEqual(await index.lacking!(rows), [false, true]);
      await index.close();
    }),
  );
});
