import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../testing/fake-clock.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { rewrites, traps, type Pair } from '../traps/traps.ts';
import { createDecisionEngine } from './engine.ts';
import { exchanges } from './exchange.ts';
import { textFeaturesOf } from './text-features.ts';

const exchanged = (a: string, b: string) => exchanges(textFeaturesOf(a), textFeaturesOf(b));

const engine = createDecisionEngine({
  embeddingModelId: 'e',
  clock: new FakeClock(),
  random: testRandom('exchange'),
});
const isRefused = (asked: string, stored: string): boolean =>
  engine.preview({ text: asked }, [{ entryId: 'e', text: stored, similarity: 1, storedAt: new FakeClock().now() }])
    .reason === 'refused';

describe('what no score is asked about', () => {
  it('are all traps, so that no traffic can teach the score to serve one', () => {
    const passes = (pair: Pair): boolean => !isRefused(pair.a, pair.b) || !isRefused(pair.b, pair.a);
    assert.deepEqual(traps.filter(passes), []);
  });

  it('are hardly any rewordings', () => {
    const refused = rewrites.filter(({ a, b }) => isRefused(a, b));
    assert.ok(refused.length <= 0.02 * rewrites.length, JSON.stringify(refused));
  });

  it('names the kind of difference', () => {
    assert.deepEqual(exchanged('how is the weather in lisbon today', 'what of the weather of zagreb for today'), [
      'entity',
    ]);
    assert.deepEqual(exchanged('Can my dog eat grapes?', 'Can my dog eat apples?'), ['content']);
    assert.deepEqual(exchanged('Who is the president?', 'Who was the president?'), ['content']);
    assert.deepEqual(exchanged('a dog chases a cat', 'a cat chases a dog'), ['order']);
    assert.deepEqual(
      exchanged('Why did the old bridge over the river fall?', 'When did the old bridge over the river fall?'),
      ['wh', 'content'],
    );
    assert.deepEqual(exchanged('Can I feed my dog rice?', 'Should I feed my dog rice?'), ['content']);
    assert.deepEqual(exchanged('What is life?', 'What is the meaning of life?'), ['content']);
  });

  it('leaves rewordings, typing errors and other forms of a word to the score', () => {
    for (const [a, b] of [
      ['How do I receive a refund?', 'How do I recieve a refund?'],
      ['How do I open an account?', 'How do I open accounts?'],
      ['What is the best way to learn piano?', 'How can I learn the piano?'],
      ['Cheap flights to Rome', 'Where can I find cheap flights to Rome?'],
      ['How can I join a choir?', 'How do I join a choir?'],
      ['Which are the best choirs in Vienna?', 'Which are the top choirs in Vienna?'],
      ['How do I obtain a licence for my boat?', 'How do I get a licence for my boat?'],
      ['Is tea bitter?', 'Is tea very bitter?'],
    ] as const) {
      assert.deepEqual(exchanged(a, b), [], `${a} | ${b}`);
    }
  });

  it('is the same whichever text was asked first, and nothing for a text and itself', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc
        .array(
          fc.constantFrom(...'who is was the a dog cat chases what how many why museum free 5 lisbon'.split(' ')),
          {
            maxLength: 8,
          },
        )
        .map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(text, text, (a, b) => {
        assert.deepEqual(exchanged(a, b), exchanged(b, a));
        assert.deepEqual(exchanged(a, a), []);
      }),
      { numRuns: 400 },
    );
  });
});
