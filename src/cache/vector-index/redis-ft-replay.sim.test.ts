/** The driver against recorded replies, strictly: what it asks is exactly what was asked of a real server. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { entryId, scope, tenantId } from '../../core/ids.ts';
import { epochMs } from '../../core/units.ts';
import { toUnitVector } from '../../core/vector.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import { createReplayServer, greetings, type Recording } from '../../sim/resp-server/replay-server.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { createRedisFtIndex } from './redis-ft.ts';

/**
 * Shapes as redis 8.0.6 with RediSearch 8.0.1 sends them; the rows are the ones to be careful with: a negative
 * distance, one row twice, one of another scope, an expired one, no number, and one without fields.
 */
const scriptOf = (protocol: 2 | 3): readonly Recording[] =>
  JSON.parse(
    readFileSync(join(import.meta.dirname, 'redis-ft', '__fixtures__', `driver-resp${protocol}.json`), 'utf8'),
  ) as Recording[];

const owner = { tenant: tenantId('acme'), model: 'qwen3:8b' };
const vector = toUnitVector(Float32Array.from({ length: 8 }, (_, i) => i + 1));
const { signal } = new AbortController();

describe('redis-ft on recorded replies', () => {
  for (const protocol of [2, 3] as const) {
    it(`asks what was recorded and reads the answers in RESP${protocol}`, async () => {
      const server = createReplayServer({
        script: scriptOf(protocol),
        greetings: greetings(protocol, ['ft.search', 'ft.create']),
      });
      const port = await server.listen();
      const connection = createRedisConnection(
        { url: `redis://127.0.0.1:${port}`, shape: 'single', deadlineMinMs: 5_000, deadlineMaxMs: 5_000 },
        { clock: systemClock, random: testRandom('replay'), logger: silentLogger },
      );
      await connection.ready(20_000);
      const index = createRedisFtIndex({
        connection,
        dimensions: 8,
        embeddingModelId: 'test-embedder',
        clock: systemClock,
        logger: silentLogger,
        options: { prefix: 'test', rowTtlMs: () => 60_000 },
      });
      try {
        await index.ready();
        assert.equal(index.state.kind, 'ready');
        await index.upsert(scope('scope-a'), entryId('one'), vector, {
          ...owner,
          expiresAt: epochMs(4_000_000_000_000),
        });
        assert.deepEqual(await index.nearest(scope('scope-a'), vector, 5, { signal, owner }), [
          { entryId: 'one', similarity: 1 },
          { entryId: 'two', similarity: 1 - 0.0845931768417 },
        ]);
        await assert.rejects(index.nearest(scope('scope-a'), vector, 5, { signal, owner }), /No such index/);
        assert.deepEqual(server.left, []);
      } finally {
        await index.close();
        await connection.close();
        await server.close();
      }
      // Only the look for an index that has gone may come on top.
      assert.deepEqual(
        server.faults.filter((fault) => !fault.startsWith('"FT.INFO"')),
        [],
      );
    });
  }

  it('fails a test that asks something else', async () => {
    const server = createReplayServer({ script: scriptOf(3), greetings: greetings(3, ['ft.search']) });
    const connection = createRedisConnection(
      {
        url: `redis://127.0.0.1:${await server.listen()}`,
        shape: 'single',
        deadlineMinMs: 5_000,
        deadlineMaxMs: 5_000,
      },
      { clock: systemClock, random: testRandom('replay'), logger: silentLogger },
    );
    try {
      await connection.ready(20_000);
      await assert.rejects(connection.call(['FT._LIST'], { as: 'read' }), /not recorded/);
      assert.match(server.faults.join(), /"FT\._LIST"; expected info-of-no-index/);
      assert.equal(server.left.length, scriptOf(3).length);
    } finally {
      await connection.close();
      await server.close();
    }
  });
});
