import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aCache, digest, never } from '../../test/support/started-cache.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { aChatRequest, anAsker } from '../testing/builders.ts';
import { FakeCacheStore, storeDown } from '../testing/fake-cache-store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { seededRandom } from '../core/random.ts';
import { createMemoryStore } from './cache-store/memory.ts';
import { anEntry } from './cache-store/conformance.ts';
import { Epoch } from './epoch.ts';
import { createSemanticCache } from './semantic-cache.ts';

const aRig = () => {
  const clock = new FakeClock();
  const store = new FakeCacheStore(clock);
  return { clock, store, epoch: () => new Epoch({ store, clock, logger: silentLogger }) };
};

describe('epoch', () => {
  it('serves nothing of the old epoch, exactly or in other words, and everything of the new one', async () => {
    const { cache, clock, plan, keep } = await aCache();
    const request = aChatRequest({ text: 'what is the capital of france' });
    const other = aChatRequest({ text: 'what is the capital of france please' });
    await keep(request);
    await clock.advance(1);
    assert.equal(await cache.bumpEpoch(), 1);
    for (const asked of [request, other]) {
      assert.equal((await cache.exact(plan(asked), asked, never)).kind, 'miss');
      assert.equal((await cache.semantic(plan(asked), asked, never)).kind, 'miss');
    }
    await keep(request);
    await clock.advance(1);
    assert.equal((await cache.exact(plan(request), request, never)).kind, 'hit');
    assert.equal((await cache.semantic(plan(other), other, never)).kind, 'hit');
  });

  it('holds over a restart', async () => {
    const first = await aCache();
    const request = aChatRequest();
    await first.keep(request);
    await first.cache.bumpEpoch();
    const again = createSemanticCache(first);
    await (
      await again.start()
    ).warmed;
    assert.equal(again.stats().epoch, 1);
    const plan = again.plan(request, anAsker(), digest);
    assert.ok(plan.kind === 'cacheable');
    assert.equal((await again.exact(plan, request, never)).kind, 'miss');
  });

  it('is durable before it is told, and removes the old rows afterwards, not the new ones', async () => {
    const { clock, store, epoch } = aRig();
    await store.put(anEntry('old', { storedAt: clock.now() }));
    await clock.advance(1);
    const made = epoch();
    await made.raise();
    assert.deepEqual(store.calls.slice(1, 4), ['putMeta', 'putMeta', 'flush']);
    await store.put(anEntry('new', { storedAt: clock.now() }));
    await made.swept();
    assert.deepEqual([...store.entries.keys()], ['entry-new']);
    assert.equal(store.meta.get('cache.flushed-at'), '');
  });

  it('says when it cannot be made durable, and holds for this process all the same', async () => {
    const { store, epoch } = aRig();
    const made = epoch();
    store.failure = storeDown();
    await assert.rejects(made.raise(), /down/);
    assert.equal(made.number, 1);
  });

  it('goes on removing after a restart what a crash has left', async () => {
    const { clock, store, epoch } = aRig();
    await store.put(anEntry('old', { storedAt: clock.now() }));
    await clock.advance(1);
    const purge = store.purge.bind(store);
    store.purge = () => Promise.reject(storeDown());
    const crashed = epoch();
    await crashed.raise();
    await crashed.swept();
    store.purge = purge;
    assert.equal(store.entries.size, 1);
    const next = epoch();
    await next.read();
    assert.equal(next.number, 1);
    await next.swept();
    assert.equal(store.entries.size, 0);
    assert.equal(store.meta.get('cache.flushed-at'), '');
  });

  it('takes two flushes at once', async () => {
    const { store, clock, epoch } = aRig();
    const made = epoch();
    await store.put(anEntry('old', { storedAt: clock.now() }));
    await clock.advance(1);
    assert.deepEqual(await Promise.all([made.raise(), made.raise()]), [1, 2]);
    await made.swept();
    assert.equal(store.entries.size, 0);
    assert.equal(store.meta.get('cache.epoch'), '2');
  });

  it('costs the same for one answer and for thousands, as long as nobody waits for the removal', async () => {
    const clock = new FakeClock();
    const store = createMemoryStore({
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      limits: { entriesMax: 50_000, bytesMax: 1e9 },
    });
    for (let i = 0; i < 20_000; i++) await store.put(anEntry(`e${i}`));
    await clock.advance(1);
    const epoch = new Epoch({ store, clock, logger: silentLogger });
    await epoch.raise();
    assert.equal(store.stats().entries, 20_000, 'removal has not begun when the flush is done');
    await epoch.swept();
    assert.equal(store.stats().entries, 0);
    await store.close();
  });
});
