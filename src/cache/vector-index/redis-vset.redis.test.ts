import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { entryId, scope } from '../../core/ids.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import type { RedisConnection } from '../../redis/redis-connection.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { freePort, startRedis } from '../../testing/redis-kit.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { aUnitVector, vectorIndexConformance } from './conformance.ts';
import { createRedisVsetIndex, parseVsimReply } from './redis-vset.ts';

/** Vector sets came with Redis 8: its binary is given, or has been built by `npm run redis8`. */
const built = join(import.meta.dirname, '..', '..', '..', '.cache', 'redis8', 'redis-server');
const program = process.env['REDIS8_SERVER'] ?? (existsSync(built) ? built : undefined);
const skip =
  program === undefined && 'no Redis 8 here: `npm run redis8` builds one, or set REDIS8_SERVER to its redis-server';
const deps = { clock: systemClock, random: testRandom('redis-vset'), logger: silentLogger };
const { signal } = new AbortController();
const bytes = (text: string) => Buffer.from(text);

const connect = (port: number): RedisConnection =>
  createRedisConnection({ url: `redis://127.0.0.1:${port}`, deadlineMinMs: 5_000, deadlineMaxMs: 5_000 }, deps);

const indexOn = (connection: RedisConnection, dimensions: number, embeddingModelId = 'test-embedder') =>
  createRedisVsetIndex({
    connection,
    dimensions,
    embeddingModelId,
    clock: systemClock,
    options: { prefix: 'test', setTtlMs: () => 600_000, effort: 1_000 },
  });

describe('redis-vset on Redis 8', { skip }, () => {
  let child: ChildProcess;
  let connection: RedisConnection;
  before(async () => {
    const port = await freePort();
    child = spawn(program!, ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
    connection = connect(port);
    await connection.ready(20_000);
  });
  after(async () => {
    await connection.close();
    child.kill('SIGKILL');
  });

  vectorIndexConformance('redis-vset', async (dimensions) => {
    const index = indexOn(connection, dimensions);
    await index.clear();
    return index;
  });

  it('knows which elements are there, and lets no set live for ever', async () => {
    const index = indexOn(connection, 64, 'another-embedder');
    const a = scope('scope-a');
    const vector = aUnitVector(testRandom('redis-vset rows'));
    await index.upsert(a, entryId('there'), vector);
    assert.deepEqual(await index.lacking!(['there', 'gone'].map((id) => ({ scope: a, entryId: entryId(id) }))), [
      false,
      true,
    ]);
    const [, keys] = (await connection.call(['SCAN', '0', 'MATCH', 'tests:*', 'COUNT', '1000'], { as: 'read' })) as [
      Buffer,
      Buffer[],
    ];
    for (const key of keys) assert.ok(Number(await connection.call(['PTTL', key], { as: 'read' })) > 0);
    assert.deepEqual(await index.nearest(scope('scope-b'), vector, 3, { signal }), []);
    await index.close();
  });
});

describe('redis-vset', () => {
  it('reads scores in every shape they come in', () => {
    const wanted = [
      { entryId: 'e0', similarity: 1 },
      { entryId: 'e6', similarity: 2 * 0.25 - 1 },
    ];
    assert.deepEqual(parseVsimReply([bytes('e0'), bytes('1'), bytes('e6'), bytes('0.25')]), wanted);
    assert.deepEqual(
      parseVsimReply([
        [bytes('e0'), bytes('1')],
        [bytes('e6'), bytes('0.25')],
      ]),
      wanted,
    );
    assert.deepEqual(parseVsimReply([]), []);
    assert.deepEqual(parseVsimReply(null), []);
  });

  it('says that a server has no vector sets', async () => {
    const redis = await startRedis();
    const connection = connect(redis.port);
    try {
      await connection.ready(20_000);
      const index = indexOn(connection, 64);
      await assert.rejects(index.nearest(scope('a'), aUnitVector(testRandom('none')), 1, { signal }), {
        code: 'cache_unavailable',
        message: /no vector sets/,
      });
      await index.close();
    } finally {
      await connection.close();
      await redis.stop();
    }
  });
});
