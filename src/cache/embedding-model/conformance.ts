/** What every embedder promises; each driver's test runs it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EmbeddingModel } from '../embedding-model.ts';
import { dot } from '../../core/vector.ts';

const texts = [
  'How do I boil an egg?',
  'Largest moon of Jupiter',
  'a',
  'Wo ist der Bahnhof? 駅',
  'How do I boil an egg?',
];

/** @param open a driver that works; closed by each test. */
export function embeddingModelConformance(name: string, open: () => Promise<EmbeddingModel>): void {
  describe(`${name} as an embedding model`, () => {
    const promise = (title: string, test: (model: EmbeddingModel) => Promise<void>): void => {
      it(title, async () => {
        const model = await open();
        try {
          await test(model);
        } finally {
          await model.close();
        }
      });
    };
    const call = { signal: new AbortController().signal };

    promise('gives one vector of norm 1 per text, of the dimensions it says', async (model) => {
      const vectors = await model.embed(texts, call);
      assert.equal(vectors.length, texts.length);
      for (const vector of vectors) {
        assert.equal(vector.length, model.dimensions);
        assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-5);
      }
    });

    promise('gives a text the same vector alone, in a batch and in another order', async (model) => {
      const together = await model.embed(texts, call);
      const turned = await model.embed(texts.toReversed(), call);
      for (const [index, text] of texts.entries()) {
        const [alone] = await model.embed([text], call);
        assert.ok(dot(alone!, together[index]!) > 0.9999);
        assert.ok(dot(alone!, turned.at(-1 - index)!) > 0.9999);
      }
    });

    promise('gives each caller vectors of its own', async (model) => {
      const [first, second] = await model.embed([texts[0]!, texts[0]!], call);
      const before = second![0];
      first!.fill(0);
      assert.equal(second![0], before);
      assert.equal((await model.embed([texts[0]!], call))[0]![0], before);
    });

    promise('takes no text and the most it says, and refuses one more', async (model) => {
      assert.deepEqual(await model.embed([], call), []);
      const most = Array.from({ length: model.maxBatch }, (_, at) => `question ${at}`);
      assert.equal((await model.embed(most, call)).length, model.maxBatch);
      await assert.rejects(model.embed([...most, 'more'], call), { code: 'embedding_failed', message: /split them/ });
    });

    promise('refuses an aborted call', async (model) => {
      await assert.rejects(model.embed(['a'], { signal: AbortSignal.abort() }), { code: 'embedding_failed' });
    });

    promise('answers many callers at once', async (model) => {
      const many = await Promise.all(Array.from({ length: 20 }, (_, at) => model.embed([texts[at % 5]!], call)));
      const expected = await model.embed(texts, call);
      for (const [at, [vector]] of many.entries()) assert.ok(dot(vector!, expected[at % 5]!) > 0.9999);
    });

    promise('has a threshold in (0, 1) and judges fit without waiting', (model) => {
      assert.ok(model.similarityMin > 0 && model.similarityMin < 1);
      assert.equal(model.fits('How do I boil an egg?'), true);
      assert.equal(model.fits(''), false);
      assert.equal(model.fits('word '.repeat(20_000)), false);
      return Promise.resolve();
    });

    promise('can be closed twice', async (model) => {
      await model.close();
    });
  });
}
