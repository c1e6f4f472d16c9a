import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entryId, scope } from '../../core/ids.ts';
import { seededRandom } from '../../core/random.ts';
import { dot, packedVector, packVector, toUnitVector } from '../../core/vector.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { compileKernel } from '../../../scripts/build-kernel.ts';
import { aUnitVector, vectorIndexConformance } from './conformance.ts';
import { kernelBase64 } from './kernel-bytes.ts';
import { reserveMemory } from './kernel.ts';
import { layOut } from './layout.ts';
import { createMemoryVectorIndex, type MemoryVectorIndexOptions } from './memory.ts';
import type { ScanDeps } from './scan.ts';
import { scanDeps } from './scanner.ts';

type Changes = Partial<MemoryVectorIndexOptions>;
const { signal } = new AbortController();
const home = scope('home');

const variants: readonly (readonly [string, Changes])[] = [
  ['memory', {}],
  ['memory, no SIMD', { engine: 'plain' }],
  ['memory, sketches from the first row', { sketchRowsMin: 0 }],
  ['memory, sliced scans of all', { mainRowsMax: 0, largeScans: 'slices', sketchRowsMin: 0 }],
];
for (const [name, changes] of variants) {
  vectorIndexConformance(name, async (dimensions) =>
    createMemoryVectorIndex({ dimensions, vectorsMax: 5000, logger: silentLogger, ...changes }),
  );
}

describe('memory vector index alone', () => {
  it('runs the kernel that its source describes', async () => {
    assert.equal(kernelBase64, await compileKernel());
  });

  it('writes the same rows with and without SIMD, to the last bit', () => {
    for (const dimensions of [1, 7, 64, 384, 513, 1024]) {
      const random = seededRandom(dimensions);
      const rowsMax = 60;
      const { totalBytes, rowsAt, scratchAt } = layOut(dimensions, rowsMax);
      const [simd, plain] = (['simd', 'plain'] as const).map((kernel) => {
        const memory = reserveMemory(totalBytes);
        return scanDeps({ memory, dimensions, rowsMax, kernel }, 'main');
      });
      assert.deepEqual([simd!.kernel.name, plain!.kernel.name], ['simd', 'plain']);
      for (let slot = 0; slot < rowsMax; slot++) {
        const vector = aUnitVector(random, dimensions);
        if (slot % 3 === 0) for (let d = 1; d < dimensions; d++) if (random.float() < 0.9) vector[d] = 0;
        // Halves, where rounding has to agree on a direction.
        if (slot % 3 === 1) for (let d = 1; d < dimensions; d++) vector[d] = ((d % 254) + 0.5) / 254;
        const packed = new Int8Array(dimensions);
        packVector(vector, packed);
        for (const { rows } of [simd!, plain!]) rows.write(slot, slot % 2 === 0 ? vector : packedVector(packed));
      }
      const written = ({ memory }: ScanDeps) => Buffer.from(memory.buffer).subarray(rowsAt, scratchAt.main);
      assert.ok(written(simd!).equals(written(plain!)), `rows of ${dimensions} dimensions`);
    }
  });

  it('gives the same neighbours and similarities with and without SIMD, threads, and slices', async () => {
    const rows = 5000;
    const random = seededRandom(3);
    const centre = aUnitVector(random, 384);
    const vectors = Array.from({ length: rows }, (_, i) => {
      const vector = aUnitVector(random, 384);
      // A tenth lies near the query, as rewordings do; far rows are where sketches may differ.
      if (i % 10 === 0) for (let d = 0; d < 384; d++) vector[d] = 0.8 * centre[d]! + 0.6 * vector[d]!;
      return toUnitVector(vector);
    });
    const results: unknown[] = [];
    for (const changes of [
      {},
      { engine: 'plain' },
      { mainRowsMax: 2000 },
      { mainRowsMax: 2000, largeScans: 'slices' },
      { mainRowsMax: 2000, engine: 'plain' },
    ] satisfies Changes[]) {
      for (const sketchRowsMin of [0, Infinity]) {
        const index = createMemoryVectorIndex({
          dimensions: 384,
          vectorsMax: rows,
          logger: silentLogger,
          ...changes,
          sketchRowsMin,
        });
        for (const [i, vector] of vectors.entries()) await index.upsert(home, entryId(`row-${i}`), vector);
        results.push(await index.nearest(home, centre, 8, { signal }));
        await index.close();
      }
    }
    for (const result of results) assert.deepEqual(result, results[0]);
  });

  it('returns similarities within 0.0005, for dense and for sparse vectors and any number of dimensions', async () => {
    for (const dimensions of [1, 7, 64, 384, 1024]) {
      const random = seededRandom(dimensions);
      const index = createMemoryVectorIndex({ dimensions, vectorsMax: 200, logger: silentLogger });
      const vectors = new Map<string, ReturnType<typeof aUnitVector>>();
      for (let i = 0; i < 100; i++) {
        const vector = aUnitVector(random, dimensions);
        if (i % 2 === 0) for (let d = 1; d < dimensions; d++) if (random.float() < 0.95) vector[d] = 0;
        const norm = Math.sqrt(dot(vector, vector));
        for (let d = 0; d < dimensions; d++) vector[d]! /= norm;
        vectors.set(`row-${i}`, vector);
        await index.upsert(home, entryId(`row-${i}`), vector);
      }
      for (const query of vectors.values())
        for (const found of await index.nearest(home, query, 8, { signal }))
          assert.ok(Math.abs(found.similarity - dot(vectors.get(found.entryId)!, query)) < 0.0005);
      await index.close();
    }
  });

  for (const largeScans of ['thread', 'slices'] as const) {
    it(`never returns what is removed while a search runs in ${largeScans}`, async () => {
      const random = seededRandom(5);
      const index = createMemoryVectorIndex({
        dimensions: 32,
        vectorsMax: 6000,
        logger: silentLogger,
        mainRowsMax: 0,
        largeScans,
      });
      const vectors = new Map<string, ReturnType<typeof aUnitVector>>();
      for (let i = 0; i < 6000; i++) {
        const vector = aUnitVector(random, 32);
        vectors.set(`row-${i}`, vector);
        await index.upsert(home, entryId(`row-${i}`), vector);
      }
      const query = aUnitVector(random, 32);
      const bySimilarity = [...vectors.keys()].sort(
        (x, y) => dot(vectors.get(y)!, query) - dot(vectors.get(x)!, query),
      );
      const searching = index.nearest(home, query, 8, { signal });
      // The best go before the search can have ended, and their slots pass to another scope.
      await Promise.all([
        ...bySimilarity.slice(0, 8).map((id) => index.remove(home, entryId(id))),
        ...Array.from({ length: 8 }, (_, i) => index.upsert(scope('away'), entryId(`away-${i}`), query)),
      ]);
      const gone = new Set(bySimilarity.slice(0, 8));
      for (const { entryId } of await searching) assert.ok(vectors.has(entryId) && !gone.has(entryId), entryId);
      for (let i = 0; i < 6000; i += 2) {
        await index.remove(home, entryId(`row-${i}`));
        gone.add(`row-${i}`);
      }
      const left = bySimilarity.filter((id) => !gone.has(id));
      const found = await index.nearest(home, query, 8, { signal });
      assert.deepEqual(
        found.map(({ entryId }) => entryId),
        left.slice(0, 8),
      );
      await index.close();
    });
  }

  it('refuses a vector when full, and takes one again after a removal', async () => {
    const random = seededRandom(1);
    const index = createMemoryVectorIndex({ dimensions: 16, vectorsMax: 2, logger: silentLogger });
    await index.upsert(home, entryId('1'), aUnitVector(random, 16));
    await index.upsert(home, entryId('2'), aUnitVector(random, 16));
    await assert.rejects(index.upsert(home, entryId('3'), aUnitVector(random, 16)), { code: 'cache_unavailable' });
    await index.upsert(home, entryId('2'), aUnitVector(random, 16));
    await index.remove(home, entryId('1'));
    await index.upsert(home, entryId('3'), aUnitVector(random, 16));
    assert.equal(index.stats().vectors, 2);
    await index.close();
  });

  it('moves an entry that changes its scope', async () => {
    const random = seededRandom(1);
    const index = createMemoryVectorIndex({ dimensions: 16, vectorsMax: 10, logger: silentLogger });
    const vector = aUnitVector(random, 16);
    await index.upsert(home, entryId('1'), vector);
    await index.upsert(scope('away'), entryId('1'), vector);
    assert.deepEqual(await index.nearest(home, vector, 5, { signal }), []);
    assert.equal((await index.nearest(scope('away'), vector, 5, { signal })).length, 1);
    await index.close();
  });

  it('turns searches away when too many wait, and rejects those waiting when it closes', async () => {
    const random = seededRandom(1);
    const index = createMemoryVectorIndex({ dimensions: 16, vectorsMax: 4000, logger: silentLogger, mainRowsMax: 0 });
    for (let i = 0; i < 2000; i++) await index.upsert(home, entryId(`${i}`), aUnitVector(random, 16));
    const query = aUnitVector(random, 16);
    const searches = Array.from({ length: 70 }, () => index.nearest(home, query, 1, { signal }));
    const settled = Promise.allSettled(searches);
    await index.close();
    const codes = (await settled).map((one) =>
      one.status === 'rejected' ? (one.reason as { code: string }).code : 'found',
    );
    assert.equal(codes.filter((code) => code === 'cache_unavailable').length, 70);
  });
});
