import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { inputNames, textInputCount } from './inputs.ts';
import { pairInputs, textInputNames } from './pair-inputs.ts';
import { inputMeans, inputScales, priorWeights } from './prior-table.ts';
import { textFeaturesOf } from './text-features.ts';

const flags = { number: false, negation: false, antonym: false, order: false, entity: false };

function inputsOfPair(a: string, b: string, similarity = 0.8): Float64Array {
  const into = new Float64Array(textInputCount);
  pairInputs(textFeaturesOf(a), textFeaturesOf(b), similarity, flags, into);
  return into;
}

const named = (a: string, b: string): Record<string, number> =>
  Object.fromEntries([...inputsOfPair(a, b)].map((value, i) => [textInputNames[i]!, value]));

const word = fc.constantFrom(
  ...'how what why do I the a my card cards Paris London open close account is are 5 seven not pay paid paying bank'.split(
    ' ',
  ),
);
const sentence = fc.oneof(
  fc.array(word, { maxLength: 14 }).map((words) => words.join(' ')),
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);

describe('inputs of a pair', () => {
  it('are the same whichever text was asked first', () => {
    fc.assert(
      fc.property(sentence, sentence, (a, b) => {
        const forth = inputsOfPair(a, b);
        const back = inputsOfPair(b, a);
        for (const [i, name] of textInputNames.entries()) {
          assert.ok(Math.abs(forth[i]! - back[i]!) < 1e-9, `${name}: ${forth[i]} and ${back[i]}`);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are finite for any texts, long ones included', () => {
    const long = fc.string({ minLength: 2_000, maxLength: 4_000 });
    for (const pair of [fc.tuple(sentence, sentence), fc.tuple(long, sentence), fc.tuple(long, long)]) {
      fc.assert(
        fc.property(pair, ([a, b]) => {
          for (const value of inputsOfPair(a, b)) assert.ok(Number.isFinite(value));
        }),
        { numRuns: 30 },
      );
    }
  });

  it('find no difference between a text and itself', () => {
    fc.assert(
      fc.property(sentence, (text) => {
        const same = named(text, text);
        for (const name of [
          'unmatched-words',
          'uncovered-mass-max',
          'aligned-rarest-max',
          'edit-distance',
          'asks-differ',
        ]) {
          assert.equal(same[name], 0, name);
        }
        for (const name of ['overlap', 'same-stems', 'stem-overlap', 'shared-mass-of-union'])
          assert.equal(same[name], 1, name);
      }),
    );
  });

  it('see an exchanged word, and less of it when it is only misspelt', () => {
    const exchanged = named('How do I open a savings account?', 'How do I open a checking account?');
    const misspelt = named('How do I open a savings account?', 'How do I open a svaings account?');
    assert.equal(exchanged['unmatched-words'], 2);
    assert.equal(exchanged['same-stems'], 0);
    const left = (pair: Record<string, number>): number => pair['aligned-rarest-max']! / pair['rarest-uncovered-max']!;
    assert.ok(left(misspelt) < 0.8 * left(exchanged), `${left(misspelt)} and ${left(exchanged)}`);
  });

  it('see that another kind of answer is asked for', () => {
    assert.equal(named('How much does a passport cost?', 'Why does a passport cost?')['asks-differ'], 1);
    assert.equal(named('What is the reason the sky is blue?', 'Why is the sky blue?')['asks-differ'], 0);
    assert.equal(named('How many cards can I have?', 'How can I have cards?')['asks-differ'], 1);
  });

  it('come with a name, a mean, a scale and a prior each', () => {
    assert.equal(textInputNames.length, 38);
    assert.equal(inputNames.length, 44);
    assert.equal(new Set(inputNames).size, 44);
    assert.equal(inputMeans.length, 38);
    assert.ok(inputScales.length === 38 && inputScales.every((scale) => scale >= 0.1));
    assert.equal(priorWeights.length, 39);
  });
});
