import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../core/errors.ts';
import { entryId, scope, tenantId } from '../../core/ids.ts';
import { epochMs } from '../../core/units.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { aUnitVector, vectorIndexConformance } from './conformance.ts';
import { createMemoryVectorIndex } from './memory.ts';
import type { RemoteIndex } from './remote-index.ts';
import { createSwitchingIndex, type StoredRow } from './switching.ts';

const dimensions = 64;
const { signal } = new AbortController();
const openLocal = (size = dimensions) =>
  createMemoryVectorIndex({ dimensions: size, vectorsMax: 10_000, logger: silentLogger });

/** A server's index that can be taken away. */
function remoteIndex(size = dimensions) {
  const inner = openLocal(size);
  const state = { usable: true, failing: false, searches: 0 };
  const remote: RemoteIndex = {
    ...inner,
    get usable() {
      return state.usable;
    },
    ready: async () => {},
    async nearest(...args) {
      state.searches += 1;
      if (state.failing || !state.usable) throw new AppError('cache_unavailable', 'the server does not search');
      return inner.nearest(...args);
    },
  };
  return { remote, state, inner };
}

const random = testRandom('switching');
const a = scope('scope-a');
const rowsOf = (count: number): readonly StoredRow[] =>
  Array.from({ length: count }, (_, i) => ({
    scope: a,
    entryId: entryId(`row-${i}`),
    vector: aUnitVector(random),
    facts: { tenant: tenantId('acme'), model: 'm', expiresAt: epochMs(4e12) },
  }));

function open(rows: readonly StoredRow[], wantsRemote = () => true) {
  const clock = new FakeClock();
  const { remote, state, inner } = remoteIndex();
  const index = createSwitchingIndex({
    remote,
    openLocal,
    rows: async function* () {
      yield rows;
    },
    rowCount: () => rows.length,
    wantsRemote,
    clock,
    logger: silentLogger,
  });
  return { index, state, inner, clock };
}

for (const wants of [true, false]) {
  vectorIndexConformance(`switching (${wants ? 'to the server' : 'in this process'})`, async (size) => {
    const index = createSwitchingIndex({
      remote: remoteIndex(size).remote,
      openLocal: () => openLocal(size),
      rows: async function* () {},
      rowCount: () => 0,
      wantsRemote: () => wants,
      clock: new FakeClock(),
      logger: silentLogger,
    });
    await index.reconsider();
    return index;
  });
}

describe('switching vector index', () => {
  it('fills the index of the server with what it lacks before it searches there', async () => {
    const rows = rowsOf(20);
    const { index, state } = open(rows);
    assert.equal(index.where, 'local');
    await index.reconsider();
    assert.deepEqual([index.where, index.shared, index.stats().vectors], ['remote', true, 20]);
    assert.equal((await index.nearest(a, rows[3]!.vector, 1, { signal }))[0]?.entryId, 'row-3');
    assert.equal(state.searches, 1);
    await index.close();
  });

  it('searches by itself, with every row, when the server fails again and again, and goes back when it works', async () => {
    const rows = rowsOf(20);
    const { index, state, clock } = open(rows);
    await index.reconsider();
    state.failing = true;
    for (let i = 0; i < 5; i++)
      await assert.rejects(index.nearest(a, rows[0]!.vector, 1, { signal }), { code: 'cache_unavailable' });
    await index.reconsider();
    assert.deepEqual([index.where, index.shared], ['local', false]);
    assert.equal((await index.nearest(a, rows[7]!.vector, 1, { signal }))[0]?.entryId, 'row-7');
    state.failing = false;
    await clock.advance(16_000);
    await index.reconsider();
    assert.equal(index.where, 'remote');
    await index.close();
  });

  it('moves at once when the capability is gone', async () => {
    const rows = rowsOf(3);
    const { index, state } = open(rows);
    await index.reconsider();
    state.usable = false;
    await assert.rejects(index.nearest(a, rows[0]!.vector, 1, { signal }));
    await index.reconsider();
    assert.equal(index.where, 'local');
    assert.equal((await index.nearest(a, rows[1]!.vector, 1, { signal }))[0]?.entryId, 'row-1');
    await index.close();
  });

  it('does not take a caller that left for a failure', async () => {
    const { index, state } = open(rowsOf(1));
    await index.reconsider();
    state.failing = true;
    for (let i = 0; i < 10; i++) {
      await assert.rejects(index.nearest(a, aUnitVector(random), 1, { signal: AbortSignal.abort() }));
    }
    await index.reconsider();
    assert.equal(index.where, 'remote');
    await index.close();
  });
});
