import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../../telemetry/logger.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { createMemoryStore } from '../cache-store/memory.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { StateKeeper } from './state-keeper.ts';

function aStore() {
  const clock = new FakeClock();
  const store = createMemoryStore({
    clock,
    random: testRandom('state-keeper'),
    logger: silentLogger,
    metrics: createMetrics(),
    limits: { entriesMax: 10, bytesMax: 1e6 },
  });
  const writes: string[] = [];
  const watched = {
    getMeta: (key: string) => store.getMeta(key),
    putMeta(key: string, value: string) {
      writes.push(key);
      return store.putMeta(key, value);
    },
  };
  const keeper = (read: () => unknown) =>
    new StateKeeper({ store: watched, clock, logger: silentLogger, name: 'learned', read });
  return { clock, store, writes, keeper };
}

/** Pieces are written one a turn. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
};
const long = 'x'.repeat(700_000);

describe('state keeper', () => {
  it('gives back what was kept, in as many pieces as it takes', async () => {
    const { keeper, writes } = aStore();
    const state = { labels: [1, 2, 3], long };
    const first = keeper(() => state);
    first.changed();
    await first.close();
    assert.deepEqual(await keeper(assert.fail).load(), state);
    assert.deepEqual(writes, ['learned.1.0', 'learned.1.1', 'learned.1.2', 'learned.head']);
  });

  it('writes half a minute after a change, once for many, and not without one', async () => {
    const { keeper, clock, writes } = aStore();
    const kept = keeper(() => 'small');
    await clock.advance(60_000);
    kept.changed();
    kept.changed();
    await clock.advance(29_000);
    await turns();
    assert.deepEqual(writes, []);
    kept.changed();
    await clock.advance(1_000);
    await turns();
    assert.deepEqual(writes, ['learned.1.0', 'learned.head']);
    await clock.advance(60_000);
    await kept.close();
    assert.equal(writes.length, 2);
  });

  it('keeps the last whole state when a writing stops in the middle', async () => {
    const { keeper, store } = aStore();
    const kept = keeper(() => ({ long, number: 1 }));
    kept.changed();
    await kept.close();
    // The next writing goes to the other generation and dies before its head.
    await store.putMeta('learned.0.0', '{"long":"yyy');
    assert.deepEqual(await keeper(assert.fail).load(), { long, number: 1 });
  });

  it('begins anew when what was kept is broken', async () => {
    const { keeper, store } = aStore();
    const kept = keeper(() => ({ long }));
    kept.changed();
    await kept.close();
    await store.putMeta('learned.1.1', 'cut');
    assert.equal(await keeper(assert.fail).load(), undefined);
    await store.putMeta('learned.head', '{nonsense');
    assert.equal(await keeper(assert.fail).load(), undefined);
    await store.putMeta('learned.head', '{"version":9,"pieces":1,"chars":1,"generation":0}');
    assert.equal(await keeper(assert.fail).load(), undefined);
  });

  it('empties the pieces it no longer needs, also those of an earlier process', async () => {
    const { keeper, store } = aStore();
    const first = keeper(() => ({ long }));
    first.changed();
    await first.close();
    const second = keeper(() => 'small');
    await second.load();
    second.changed();
    await second.close();
    assert.equal(await keeper(assert.fail).load(), 'small');
    for (const piece of [0, 1, 2]) assert.equal(await store.getMeta(`learned.1.${piece}`), '');
  });

  it('tries again with the next change when the store refuses', async () => {
    const { clock, store } = aStore();
    let refuses = true;
    const putMeta = (key: string, value: string) =>
      refuses ? Promise.reject(new Error('disk is full')) : store.putMeta(key, value);
    const kept = new StateKeeper({
      store: { getMeta: (key) => store.getMeta(key), putMeta },
      clock,
      logger: silentLogger,
      name: 'learned',
      read: () => 'state',
    });
    kept.changed();
    await kept.save();
    refuses = false;
    await kept.save();
    assert.equal(await kept.load(), 'state');
    await kept.close();
  });
});
