/** What every vector index promises; each driver runs this suite. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Random } from '../../core/random.ts';
import type { UnitVector } from '../../core/vector.ts';
import type { Neighbour, VectorIndex } from '../vector-index.ts';
import { entryId, scope, type EntryId, type Scope } from '../../core/ids.ts';
import { seededRandom } from '../../core/random.ts';
import { dot, packedVector, packVector, toUnitVector } from '../../core/vector.ts';
import { testRandom } from '../../testing/seeded-random.ts';

const dimensions = 64;
/** What the port allows between a returned similarity and the true one. */
const tolerance = 0.005;
const { signal } = new AbortController();
const a = scope('scope-a');
const b = scope('scope-b');

export function aUnitVector(random: Random, size = dimensions): UnitVector {
  return toUnitVector(
    Float32Array.from({ length: size }, () => random.float() + random.float() + random.float() - 1.5),
  );
}

/** @param create an empty index of the given dimensions; the suite closes it. */
export function vectorIndexConformance(name: string, create: (dimensions: number) => Promise<VectorIndex>): void {
  const withIndex = async (run: (index: VectorIndex, random: Random) => Promise<void>): Promise<void> => {
    const index = await create(dimensions);
    try {
      await run(index, seededRandom(7));
    } finally {
      await index.close();
    }
  };

  describe(`${name} vector index`, () => {
    it('finds the nearest first, at most k, with true similarities', () =>
      withIndex(async (index, random) => {
        const vectors = await fill(index, a, 500, random);
        for (let round = 0; round < 20; round++) {
          const query = aUnitVector(random);
          assertNearest(await index.nearest(a, query, 8, { signal }), vectors, query, 8);
        }
      }));

    it('gives similarity 1 to a stored vector itself', () =>
      withIndex(async (index, random) => {
        const vectors = await fill(index, a, 100, random);
        for (const [id, vector] of vectors) {
          const [first] = await index.nearest(a, vector, 1, { signal });
          assert.equal(first?.entryId, id);
          assert.ok(Math.abs(first.similarity - 1) < tolerance && first.similarity <= 1);
        }
      }));

    it('takes a vector in bytes for the vector it was made of', () =>
      withIndex(async (index, random) => {
        const vectors = new Map<EntryId, UnitVector>();
        for (let at = 0; at < 100; at++) {
          const id = entryId(`packed-${at}`);
          const vector = aUnitVector(random);
          vectors.set(id, vector);
          const bytes = new Int8Array(dimensions);
          packVector(vector, bytes);
          await index.upsert(a, id, packedVector(bytes));
        }
        for (const query of [...vectors.values()].slice(0, 20)) {
          const found = await index.nearest(a, query, 8, { signal });
          assertNearest(found, vectors, query, 8);
        }
      }));

    it('never looks over the wall of a scope', () =>
      withIndex(async (index, random) => {
        const vector = aUnitVector(random);
        await index.upsert(a, entryId('in-a'), vector);
        await index.upsert(b, entryId('in-b'), aUnitVector(random));
        assert.deepEqual(ids(await index.nearest(b, vector, 5, { signal })), ['in-b']);
        assert.deepEqual(ids(await index.nearest(a, vector, 5, { signal })), ['in-a']);
        assert.deepEqual(await index.nearest(scope('scope-c'), vector, 5, { signal }), []);
      }));

    it('returns all there is when k is larger, and nothing for k = 0', () =>
      withIndex(async (index, random) => {
        const vectors = await fill(index, a, 5, random);
        const query = aUnitVector(random);
        assertNearest(await index.nearest(a, query, 50, { signal }), vectors, query, 50);
        assert.deepEqual(await index.nearest(a, query, 0, { signal }), []);
      }));

    it('replaces a vector on upsert', () =>
      withIndex(async (index, random) => {
        const before = aUnitVector(random);
        const after = toUnitVector(before.map((value) => -value));
        await index.upsert(a, entryId('one'), before);
        await index.upsert(a, entryId('one'), after);
        const found = await index.nearest(a, after, 5, { signal });
        assert.equal(found.length, 1);
        assert.ok(Math.abs(found[0]!.similarity - 1) < tolerance);
        assert.equal(index.stats().vectors, 1);
      }));

    it('forgets what was removed, and only that', () =>
      withIndex(async (index, random) => {
        const vectors = await fill(index, a, 300, random);
        for (const id of [...vectors.keys()].filter((_, at) => at % 3 === 0)) {
          await index.remove(a, id);
          vectors.delete(id);
        }
        await index.remove(a, entryId('absent'));
        await index.remove(b, [...vectors.keys()][0]!);
        assert.equal(index.stats().vectors, 200);
        const query = aUnitVector(random);
        assertNearest(await index.nearest(a, query, 50, { signal }), vectors, query, 50);
        const again = await fill(index, a, 100, random, 'later');
        for (const [id, vector] of again) vectors.set(id, vector);
        assertNearest(await index.nearest(a, query, 50, { signal }), vectors, query, 50);
      }));

    it('orders ties the same way each time', () =>
      withIndex(async (index, random) => {
        const vector = aUnitVector(random);
        for (const id of ['d', 'b', 'a', 'c']) await index.upsert(a, entryId(id), vector);
        assert.deepEqual(ids(await index.nearest(a, vector, 4, { signal })), ['a', 'b', 'c', 'd']);
      }));

    it('is empty after clear, and can be filled again', () =>
      withIndex(async (index, random) => {
        await fill(index, a, 50, random);
        await index.clear();
        assert.equal(index.stats().vectors, 0);
        assert.deepEqual(await index.nearest(a, aUnitVector(random), 5, { signal }), []);
        const vectors = await fill(index, b, 50, random);
        const query = aUnitVector(random);
        assertNearest(await index.nearest(b, query, 5, { signal }), vectors, query, 5);
      }));

    it('keeps a thousand scopes apart', () =>
      withIndex(async (index, random) => {
        const stored = new Map<Scope, Map<EntryId, UnitVector>>();
        for (let i = 0; i < 1000; i++) {
          const one = scope(`many-${i}`);
          stored.set(one, await fill(index, one, 3, random, `many-${i}`));
        }
        for (const [one, vectors] of stored) {
          const query = aUnitVector(random);
          assertNearest(await index.nearest(one, query, 5, { signal }), vectors, query, 5);
        }
      }));

    it('answers searches that run while it is written to', () =>
      withIndex(async (index, random) => {
        const vectors = await fill(index, a, 200, random);
        const query = aUnitVector(random);
        const [found] = await Promise.all([
          Promise.all(Array.from({ length: 20 }, () => index.nearest(a, query, 5, { signal }))),
          fill(index, b, 100, random, 'other'),
          ...[...vectors.keys()].slice(0, 50).map((id) => index.remove(a, id)),
        ]);
        for (const neighbours of found) for (const { entryId } of neighbours) assert.ok(vectors.has(entryId));
        for (const id of [...vectors.keys()].slice(0, 50)) vectors.delete(id);
        assertNearest(await index.nearest(a, query, 20, { signal }), vectors, query, 20);
      }));

    it('rejects an aborted search and a closed index', async () => {
      const index = await create(dimensions);
      const vector = aUnitVector(seededRandom(1));
      await index.upsert(a, entryId('one'), vector);
      await assert.rejects(index.nearest(a, vector, 1, { signal: AbortSignal.abort(new Error('gone')) }), /gone/);
      await index.close();
      await assert.rejects(index.nearest(a, vector, 1, { signal }), { code: 'cache_unavailable' });
    });

    it('agrees with brute force after any sequence of changes', async () => {
      const random = testRandom(`${name} against brute force`);
      const change = fc.record({
        kind: fc.constantFrom('upsert', 'upsert', 'upsert', 'remove'),
        scope: fc.constantFrom(a, b),
        id: fc.nat(30),
        vector: fc.nat(20),
      });
      const palette = Array.from({ length: 21 }, () => aUnitVector(random));
      await fc.assert(
        fc.asyncProperty(fc.array(change, { maxLength: 120 }), async (changes) => {
          const index = await create(dimensions);
          try {
            const model = new Map<Scope, Map<EntryId, UnitVector>>([
              [a, new Map()],
              [b, new Map()],
            ]);
            for (const one of changes) {
              // Entry ids are unique over all scopes, so each scope has its own here.
              const id = entryId(`${one.scope}-${one.id}`);
              if (one.kind === 'remove') {
                await index.remove(one.scope, id);
                model.get(one.scope)!.delete(id);
              } else {
                await index.upsert(one.scope, id, palette[one.vector]!);
                model.get(one.scope)!.set(id, palette[one.vector]!);
              }
            }
            for (const [one, vectors] of model)
              assertNearest(await index.nearest(one, palette[0]!, 8, { signal }), vectors, palette[0]!, 8);
          } finally {
            await index.close();
          }
        }),
        { seed: random.seed, numRuns: 40 },
      );
    });
  });
}

async function fill(
  index: VectorIndex,
  into: Scope,
  count: number,
  random: Random,
  label = 'row',
): Promise<Map<EntryId, UnitVector>> {
  const vectors = new Map<EntryId, UnitVector>();
  for (let i = 0; i < count; i++) {
    const id = entryId(`${label}-${i}`);
    const vector = aUnitVector(random);
    vectors.set(id, vector);
    await index.upsert(into, id, vector);
  }
  return vectors;
}

/** True similarities, in order, and nothing nearer left out; equal ones may swap within the tolerance. */
function assertNearest(
  found: readonly Neighbour[],
  vectors: ReadonlyMap<EntryId, UnitVector>,
  query: UnitVector,
  k: number,
): void {
  const truth = [...vectors.values()].map((vector) => dot(vector, query)).sort((x, y) => y - x);
  assert.equal(found.length, Math.min(k, vectors.size));
  assert.equal(new Set(ids(found)).size, found.length);
  for (const [at, { entryId, similarity }] of found.entries()) {
    const vector = vectors.get(entryId);
    assert.ok(vector, `${entryId} is not in this scope`);
    assert.ok(Math.abs(similarity - dot(vector, query)) < tolerance);
    assert.ok(Math.abs(similarity - truth[at]!) < tolerance, `place ${at} has ${similarity}, not ${truth[at]}`);
    assert.ok(at === 0 || similarity <= found[at - 1]!.similarity);
  }
}

const ids = (found: readonly Neighbour[]): EntryId[] => found.map(({ entryId }) => entryId);
