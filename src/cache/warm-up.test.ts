import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aCache, digest, never } from '../../test/support/started-cache.ts';
import { aChatRequest, anAsker } from '../testing/builders.ts';
import { storeDown } from '../testing/fake-cache-store.ts';
import { FakeEmbeddingModel } from '../testing/fake-embedding-model.ts';
import { FakeVectorIndex } from '../testing/fake-vector-index.ts';
import { createSemanticCache } from './semantic-cache.ts';

describe('semantic cache', () => {
  describe('after a restart', () => {
    async function restarted(embedding = new FakeEmbeddingModel()) {
      const first = await aCache();
      await first.keep(aChatRequest({ text: 'what is the capital of france' }));
      await first.keep(aChatRequest({ text: 'how tall is the tower' }));
      const index = new FakeVectorIndex(embedding.dimensions);
      const cache = createSemanticCache({ ...first, index, embedding });
      const { warmed } = await cache.start();
      const request = aChatRequest({ text: 'what is the capital of france please' });
      const ask = async () => {
        const plan = cache.plan(request, anAsker(), digest);
        assert.ok(plan.kind === 'cacheable');
        return cache.semantic(plan, request, never);
      };
      return { ...first, cache, index, embedding, report: await warmed, ask };
    }

    it('serves semantic hits from entries stored before', async () => {
      const { report, ask } = await restarted();
      assert.deepEqual(report, { loaded: 2, otherEmbedder: 0 });
      assert.equal((await ask()).kind, 'hit');
    });

    it('lets vectors of two embedders never meet, and serves again once re-embedded', async () => {
      const { cache, index, store, report, ask } = await restarted(new FakeEmbeddingModel('fake-2'));
      assert.deepEqual(report, { loaded: 0, otherEmbedder: 2 });
      assert.equal(index.stats().vectors, 0);
      assert.equal((await ask()).kind, 'miss');
      const progress: string[] = [];
      const done = await cache.reembed({ onProgress: ({ done, total }) => void progress.push(`${done}/${total}`) });
      assert.deepEqual(done, { done: 2, unfit: 0 });
      assert.deepEqual(progress, ['0/2', '2/2']);
      assert.deepEqual(
        new Set([...store.entries.values()].map((each) => each.semantic?.embeddingModel)),
        new Set(['fake-2']),
      );
      assert.equal((await ask()).kind, 'hit');
    });

    it('leaves texts that the new embedder does not take in the exact tier', async () => {
      const embedding = new FakeEmbeddingModel('fake-2');
      embedding.fitsMax = 22;
      const { cache } = await restarted(embedding);
      assert.deepEqual(await cache.reembed(), { done: 1, unfit: 1 });
    });

    it('tries an ill embedder again, a bounded number of times', async () => {
      const embedding = new FakeEmbeddingModel('fake-2');
      const { cache, clock } = await restarted(embedding);
      embedding.failure = new Error('gone');
      const pending = assert.rejects(cache.reembed(), /gone/);
      for (let s = 0; s < 60; s++) await clock.advance(1_000);
      await pending;
      assert.equal(embedding.calls.length, 5);
      embedding.failure = undefined;
      assert.equal((await cache.reembed()).done, 2);
    });

    it('places no vector of an entry that goes while re-embedding', async () => {
      const embedding = new FakeEmbeddingModel('fake-2');
      const { cache, index, store } = await restarted(embedding);
      const [first] = store.entries.keys();
      await cache.reembed({ onProgress: ({ done }) => void (done === 0 && store.drop(first!, 'lru')) });
      assert.equal(index.stats().vectors, 1);
    });

    it('says what was loaded when the index fills up', async () => {
      const first = await aCache();
      await first.keep(aChatRequest());
      const index = new FakeVectorIndex(64);
      index.failure = storeDown();
      const { warmed } = await createSemanticCache({ ...first, index }).start();
      const report = await warmed;
      assert.equal(report.loaded, 0);
      assert.equal(report.failure, index.failure);
    });
  });
});
