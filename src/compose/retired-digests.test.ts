import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anEntry } from '../cache/cache-store/conformance.ts';
import { createMemoryStore } from '../cache/cache-store/memory.ts';
import { modelName } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import type { ThinkerView } from '../thinkers/thinker.ts';
import { createDigestMemory } from './digest-memory.ts';
import { createRetiredDigests } from './retired-digests.ts';

const model = modelName('qwen3:8b');
const lookMs = 30_000;

/** Thinkers that report one digest each; undefined = not heard of yet. */
async function aRig(...digests: (string | undefined)[]) {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const limits = { entriesMax: 1000, bytesMax: 1e8 };
  const store = createMemoryStore({ clock, random: seededRandom(1), logger: silentLogger, metrics, limits });
  const longLived = { expiresAt: (clock.now() + 1e9) as never };
  for (const digest of ['old', 'new']) {
    for (let i = 0; i < 5; i++) await store.put(anEntry(`${digest}${i}`, { digest, ...longLived }));
  }
  const reported = [...digests];
  const views = () =>
    reported.map((digest) => ({
      state: digest === undefined ? 'loading' : 'ready',
      models: new Map(digest === undefined ? [] : [[model, { name: model, digest, raw: {} }]]),
    })) as unknown as ThinkerView[];
  const open = () => createRetiredDigests({ store, clock, logger: silentLogger });
  const retired = await open();
  retired.follow({ views });
  const evicted = async () =>
    (await metrics.cacheEvictions.get()).values.find(({ labels }) => labels['reason'] === 'model_changed')?.value ?? 0;
  return { clock, store, reported, views, open, retired, evicted };
}

describe('retired digests', () => {
  it('removes the answers of a replaced model, says why, and leaves the others', async () => {
    const { clock, store, retired, evicted } = await aRig('new');
    retired.retire('old');
    await clock.advance(2 * lookMs);
    assert.equal(await evicted(), 5);
    assert.deepEqual(new Set((await store.list({}, { limit: 100 })).map(({ digest }) => digest)), new Set(['new']));
    await clock.advance(2 * lookMs);
    assert.equal(await store.getMeta('model.retired-digests'), '[]');
    retired.close();
    assert.equal(clock.pendingTimers, 1, "the store's own sweeper alone is left");
  });

  it('waits while any thinker still has the old digest, or has not told what it has', async () => {
    const { clock, reported, retired, evicted } = await aRig('new', 'old', undefined);
    retired.retire('old');
    await clock.advance(5 * lookMs);
    assert.equal(await evicted(), 0);
    reported[1] = 'new';
    await clock.advance(5 * lookMs);
    assert.equal(await evicted(), 0);
    reported[2] = 'new';
    await clock.advance(lookMs);
    assert.equal(await evicted(), 0, 'one look is not enough');
    await clock.advance(lookMs);
    assert.equal(await evicted(), 5);
  });

  it('starts to count anew when the digest comes back', async () => {
    const { clock, reported, retired, evicted } = await aRig('new');
    retired.retire('old');
    for (let i = 0; i < 4; i++) {
      await clock.advance(lookMs);
      reported[0] = i % 2 === 0 ? 'old' : 'new';
    }
    assert.equal(await evicted(), 0);
  });

  it('removes also what comes late, and goes on after a restart', async () => {
    const { clock, store, views, open, retired, evicted } = await aRig('new');
    retired.retire('old');
    retired.close();
    const again = await open();
    again.follow({ views });
    await clock.advance(2 * lookMs);
    assert.equal(await evicted(), 5);
    await store.put(anEntry('late', { digest: 'old', expiresAt: (clock.now() + 1e9) as never }));
    await clock.advance(lookMs);
    assert.equal(await evicted(), 6);
  });

  it('is told by the memory of digests when a model is pulled anew', async () => {
    const { store } = await aRig('new');
    const replaced: string[] = [];
    let digest = 'old';
    let note = () => {};
    const pool = {
      models: () => [{ name: model, digest, raw: {} }],
      digestOf: () => digest,
      onCapacity: (listener: () => void) => void (note = listener),
    };
    const memory = await createDigestMemory(store, silentLogger, (each) => replaced.push(each));
    memory.follow(pool as never);
    note();
    assert.deepEqual(replaced, []);
    digest = 'new';
    note();
    note();
    assert.deepEqual(replaced, ['old']);
  });
});
