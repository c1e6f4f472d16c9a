import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnswerRequest } from '../../core/chat.ts';
import { modelName, tenantId } from '../../core/ids.ts';
import { toUnitVector } from '../../core/vector.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { anAnswer } from '../../testing/builders.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { EmbeddingModel } from '../embedding-model.ts';
import { createLexicalEmbedding } from '../embedding-model/lexical.ts';
import type { IdleReply, IdleThinker } from '../idle-thinker.ts';
import { createCascade } from './cascade.ts';
import { createJudge, voteOf } from './judge.ts';

const { signal } = new AbortController();
const asked = { question: 'where is the tower', tenant: tenantId('local') };
const prose = {
  a: 'The tower stands in the old part of town, beside the market and the river.',
  b: 'It is found in the old part of town, beside the market and the river.',
};

/** An embedder that gives two texts a chosen cosine. */
const withCosine = (cosine: number, kind: EmbeddingModel['kind'] = 'minilm'): EmbeddingModel => ({
  id: 'chosen',
  kind,
  dimensions: 2,
  maxBatch: 2,
  similarityMin: 0.9,
  fits: () => true,
  embed: async () => [
    toUnitVector(Float32Array.of(1, 0)),
    toUnitVector(Float32Array.of(cosine, Math.sqrt(1 - cosine * cosine))),
  ],
  close: async () => undefined,
});

const cascade = (embedding: EmbeddingModel) =>
  createCascade({ embedding, clock: new FakeClock(), logger: silentLogger });

describe('cascade', () => {
  it('decides by words first and asks the embedder only about the rest', async () => {
    const embedding = { ...withCosine(0.99), embed: () => Promise.reject(new Error('must not be asked')) };
    const result = await cascade(embedding).compare({ ...asked, fresh: 'Paris.', stored: 'paris' }, { signal });
    assert.deepEqual(result, { verdict: 'same', by: 'rules' });
  });

  it('calls prose the same from 0.95, different up to 0.50, and is unsure between', async () => {
    const verdicts = [];
    for (const cosine of [0.96, 0.94, 0.51, 0.5]) {
      const { verdict } = await cascade(withCosine(cosine)).compare(
        { ...asked, fresh: prose.a, stored: prose.b },
        { signal },
      );
      verdicts.push(verdict);
    }
    assert.deepEqual(verdicts, ['same', 'unsure', 'unsure', 'different']);
  });

  it('does not trust a high cosine against a guard', async () => {
    const negated = prose.a.replace('stands', 'never stands');
    const result = await cascade(withCosine(0.99)).compare({ ...asked, fresh: prose.a, stored: negated }, { signal });
    assert.equal(result.verdict, 'unsure');
  });

  it('calls no two right answers different by their words alone', async () => {
    const right: readonly (readonly [string, string])[] = [
      ['The capital of France is Paris.', 'Paris is the capital city of France, on the river Seine.'],
      [
        'You should see a doctor if the fever lasts more than three days.',
        'Consult a physician when the temperature stays high for over three days.',
      ],
      [
        'Add pasta to salted boiling water and stir it well, then drain it.',
        'Boil the water, then add the pasta and some salt. Drain when it is tender.',
      ],
    ];
    for (const [fresh, stored] of right) {
      const { verdict } = await cascade(createLexicalEmbedding()).compare({ ...asked, fresh, stored }, { signal });
      assert.notEqual(verdict, 'different', fresh);
    }
  });

  it('is unsure when the embedder fails', async () => {
    const embedding = { ...withCosine(0.99), embed: () => Promise.reject(new Error('down')) };
    const result = await cascade(embedding).compare({ ...asked, fresh: prose.a, stored: prose.b }, { signal });
    assert.deepEqual(result, { verdict: 'unsure', by: 'embedding' });
  });
});

/** Plays the judge: one reply per call, in order. */
function scripted(replies: readonly (string | IdleReply)[]): IdleThinker & { readonly requests: AnswerRequest[] } {
  const requests: AnswerRequest[] = [];
  return {
    simulated: false,
    requests,
    async ask(request) {
      const reply = replies[requests.length]!;
      requests.push(request);
      if (typeof reply !== 'string') return reply;
      return { kind: 'answer', answer: { ...anAnswer(), text: reply }, digest: 'd', simulated: false };
    },
  };
}

const judged = (thinker: IdleThinker, texts = { fresh: prose.a, stored: prose.b }) =>
  createJudge(thinker, { model: modelName('judge') }).compare({ ...asked, ...texts }, { signal });

describe('judge', () => {
  it('takes a verdict that holds in both orders', async () => {
    assert.deepEqual(await judged(scripted(['YES', 'yes.'])), { verdict: 'same', by: 'model' });
    assert.deepEqual(await judged(scripted(['**No**', 'NO'])), { verdict: 'different', by: 'model' });
  });

  it('discards a contradiction, a speech, a dropped call and the words of a simulation', async () => {
    const simulated: IdleReply = {
      kind: 'answer',
      answer: { ...anAnswer(), text: 'YES' },
      digest: '',
      simulated: true,
    };
    for (const replies of [
      ['YES', 'NO'],
      ['Well, it depends', 'YES'],
      [{ kind: 'dropped', reason: 'full' } as const],
      [simulated, simulated],
    ]) {
      assert.equal((await judged(scripted(replies))).verdict, 'unsure');
    }
  });

  it('shows the question asked now and both answers, at temperature 0, in both orders', async () => {
    const thinker = scripted(['YES', 'YES']);
    await judged(thinker);
    const [first, second] = thinker.requests.map((request) => {
      assert.ok(request.kind === 'chat' && request.options['temperature'] === 0 && request.model === 'judge:latest');
      return request.messages.at(-1)!.content;
    });
    for (const text of [first!, second!])
      assert.ok([asked.question, prose.a, prose.b].every((part) => text.includes(part)));
    assert.ok(first!.indexOf(prose.a) < first!.indexOf(prose.b) && second!.indexOf(prose.a) > second!.indexOf(prose.b));
  });

  it('judges no answer of which it would see a part only', async () => {
    const thinker = scripted([]);
    assert.equal((await judged(thinker, { fresh: 'x'.repeat(6_001), stored: 'y' })).verdict, 'unsure');
    assert.equal(thinker.requests.length, 0);
  });

  it('reads a vote only where it stands first', () => {
    assert.deepEqual(['Yes, it does', ' no', 'nothing', 'I say yes', ''].map(voteOf), [
      true,
      false,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
