import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aCache, never } from '../../test/support/started-cache.ts';
import { aChatRequest } from '../testing/builders.ts';
import { storeDown } from '../testing/fake-cache-store.ts';
import { embedGateDefaults } from './embed-gate.ts';
import type { HitPolicy } from './hit-policy.ts';

describe('semantic cache', () => {
  describe('when something fails', () => {
    it('says unavailable and counts it, for a store, an index, an embedder and a policy', async () => {
      const { cache, store, index, embedding, plan, keep, lookups } = await aCache();
      const request = aChatRequest();
      await keep(request);
      store.failure = storeDown();
      assert.equal((await cache.exact(plan(request), request, never)).kind, 'unavailable');
      assert.equal((await cache.semantic(plan(request), request, never)).kind, 'unavailable');
      store.failure = undefined;
      index.failure = storeDown();
      assert.equal((await cache.semantic(plan(request), request, never)).kind, 'unavailable');
      index.failure = undefined;
      embedding.failure = new Error('no weights');
      const other = aChatRequest({ text: 'something not embedded yet' });
      assert.equal((await cache.semantic(plan(other), other, never)).kind, 'unavailable');
      assert.deepEqual(await lookups(), { error: 4 });
      const broken: HitPolicy = {
        name: 'broken',
        decide() {
          throw new Error('a bug');
        },
      };
      const second = await aCache({}, { policy: broken });
      await second.keep(request);
      assert.equal((await second.cache.semantic(second.plan(request), request, never)).kind, 'unavailable');
    });

    it('gives a lookup up at its deadline, while the embedder hangs', async () => {
      const { cache, embedding, clock, plan } = await aCache();
      embedding.gate = new Promise(() => {});
      const pending = cache.semantic(plan(aChatRequest()), aChatRequest(), never);
      await clock.advance(99);
      await clock.advance(1);
      assert.equal((await pending).kind, 'unavailable');
      assert.equal(clock.pendingTimers, 0);
    });

    it('gives a lookup up at its deadline, while the index or the store hangs', async () => {
      const { cache, index, clock, plan } = await aCache({ exactDeadlineMs: 50 });
      index.gate = new Promise(() => {});
      const pending = cache.semantic(plan(aChatRequest()), aChatRequest(), never);
      await clock.advance(150);
      assert.equal((await pending).kind, 'unavailable');
      const hanging = await aCache({ exactDeadlineMs: 50 });
      hanging.store.gate = new Promise(() => {});
      const exact = hanging.cache.exact(hanging.plan(aChatRequest()), aChatRequest(), never);
      await hanging.clock.advance(50);
      assert.equal((await exact).kind, 'unavailable');
    });

    it('has one deadline for both tiers, so that a slow store is waited for once', async () => {
      const { cache, store, index, clock, plan } = await aCache();
      const asked = plan(aChatRequest());
      let open = () => {};
      store.gate = new Promise((resolve) => (open = resolve));
      const exact = cache.exact(asked, aChatRequest(), never);
      await clock.advance(100);
      open();
      assert.equal((await exact).kind, 'miss');
      index.gate = new Promise(() => {});
      let kind = 'waiting';
      const semantic = cache.semantic(asked, aChatRequest(), never).then((found) => (kind = found.kind));
      await clock.advance(49);
      assert.equal(kind, 'waiting');
      await clock.advance(1);
      assert.equal(await semantic, 'unavailable');
    });

    it('stops asking a dead embedder, and tries one lookup after a rest', async () => {
      const { cache, embedding, clock, plan } = await aCache();
      const ask = async (text: string) =>
        (await cache.semantic(plan(aChatRequest({ text })), aChatRequest(), never)).kind;
      embedding.failure = new Error('gone');
      for (let i = 0; i < 10; i++) assert.equal(await ask(`question ${i}`), 'unavailable');
      assert.equal(embedding.calls.length, 5);
      assert.equal(cache.stats().breaker, 'open');
      await clock.advance(1_000);
      assert.equal(cache.stats().breaker, 'half-open');
      await Promise.all([ask('probe a'), ask('probe b')]);
      assert.equal(embedding.calls.length, 6);
      embedding.failure = undefined;
      await clock.advance(1_999);
      assert.equal(await ask('still resting'), 'unavailable');
      await clock.advance(1);
      assert.equal(await ask('well again'), 'miss');
      assert.equal(cache.stats().breaker, 'closed');
    });

    it('bounds lookups in flight', async () => {
      const { cache, embedding, plan } = await aCache({ lookupsMax: 2 });
      let open = () => {};
      embedding.gate = new Promise((resolve) => (open = resolve));
      const kinds = [0, 1, 2].map((i) => cache.semantic(plan(aChatRequest({ text: `q ${i}` })), aChatRequest(), never));
      assert.equal((await kinds[2]!).kind, 'unavailable');
      open();
      assert.equal((await kinds[0]!).kind, 'miss');
    });

    it('refuses lookups while the embedder is full, and still keeps answers with their vectors', async () => {
      const { cache, embedding, index, clock, plan, keep } = await aCache({
        gate: { ...embedGateDefaults, inFlightMax: 1 },
      });
      let open = () => {};
      embedding.gate = new Promise((resolve) => (open = resolve));
      const first = cache.semantic(plan(aChatRequest({ text: 'a' })), aChatRequest(), never);
      const second = cache.semantic(plan(aChatRequest({ text: 'b' })), aChatRequest(), never);
      assert.equal((await second).kind, 'unavailable');
      await keep(aChatRequest({ text: 'c' }));
      open();
      assert.equal((await first).kind, 'miss');
      await clock.advance(0);
      assert.equal(index.stats().vectors, 1);
    });

    it('bounds writes in flight and counts what it drops; a failed write harms nobody', async () => {
      const { cache, store, clock, keep } = await aCache({ writesMax: 1 });
      let open = () => {};
      store.gate = new Promise((resolve) => (open = resolve));
      await keep(aChatRequest({ text: 'a' }));
      await keep(aChatRequest({ text: 'b' }));
      assert.equal(cache.stats().dropped, 1);
      store.failure = storeDown();
      open();
      await clock.advance(0);
      assert.deepEqual([cache.stats().writesFailed, cache.stats().kept], [1, 0]);
    });

    it('does not count a caller that left as a fault', async () => {
      const { cache, embedding, clock, plan, lookups } = await aCache();
      embedding.gate = new Promise(() => {});
      const controller = new AbortController();
      const pending = cache.semantic(plan(aChatRequest()), aChatRequest(), controller);
      controller.abort();
      assert.equal((await pending).kind, 'unavailable');
      assert.deepEqual(await lookups(), {});
      await clock.advance(100);
    });
  });
});
