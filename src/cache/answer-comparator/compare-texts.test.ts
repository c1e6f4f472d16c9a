import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareTexts, foldAnswer } from './compare-texts.ts';

const verdict = (pairs: readonly (readonly [string, string])[], expected: 'same' | 'different' | undefined): void => {
  for (const [a, b] of pairs) {
    assert.equal(compareTexts(a, b), expected, `${a} | ${b}`);
    assert.equal(compareTexts(b, a), expected, `${b} | ${a}`);
  }
};

describe('compareTexts', () => {
  it('takes case, space and marks around words for no difference', () => {
    verdict(
      [
        ['Paris.', 'paris'],
        ['The **capital** is Paris.', 'the capital is  "Paris"!'],
        ['Sure!\n\n- one\n- two', 'sure - one - two'],
        ['A:?', 'a'],
      ],
      'same',
    );
  });

  it('keeps what changes the meaning', () => {
    verdict(
      [
        ['-5', '5'],
        ['f(1)', 'f(2)'],
        ['{"a":1}', '{"a":2}'],
        ['5 km', '5 miles'],
        ['3%', '3'],
        ['Paris', 'Lyon'],
        ['$5', '€5'],
      ],
      'different',
    );
  });

  it('compares JSON by value and numbers by amount', () => {
    verdict(
      [
        ['{"b":1,"a":[1,2]}', '```json\n{ "a": [1, 2], "b": 1 }\n```'],
        ['1,000 km', '1000 km'],
        ['42.0', '42'],
        ['The answer', 'an answer'],
      ],
      'same',
    );
    verdict([['{"a":[1,2]}', '{"a":[2,1]}']], 'different');
  });

  it('does not judge a short answer that only says more', () => {
    verdict(
      [
        ['Paris', 'Paris, France'],
        ['Yes', 'Yes, always'],
      ],
      undefined,
    );
  });

  it('sees a conflict of yes and no, and of leading numbers', () => {
    verdict(
      [
        ['Yes, you can return it within the usual time.', 'No, that is not possible once it has been opened at home.'],
        ['The tower is 330 metres tall and stands in Paris.', 'It is 324 metres tall, standing near the river Seine.'],
        ['It was built in 1889 for a world fair held there.', 'The building was finished in 1887 by an engineer.'],
        ['**No.** Cats cannot eat that and should never be given any.', 'Yes, cats can eat that in small amounts now.'],
      ],
      'different',
    );
  });

  it('leaves prose without a conflict to the next judge', () => {
    verdict(
      [
        ['The tower is 330 metres tall.', 'The tower, built in 1889, is 330 metres tall and made of wrought iron.'],
        ['Boil the water, then add the pasta and some salt.', 'Add pasta to salted boiling water and stir it well.'],
        ['1. Open the app\n2. Tap the card\n3. Freeze it', 'Open the app, tap the card, and choose to freeze it.'],
        [
          'No problem! Open the settings and choose a new name.',
          'Yes: open the settings, and choose a new name there.',
        ],
      ],
      undefined,
    );
  });

  it('is symmetric, and finds every text the same as itself', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc
        .array(fc.constantFrom('yes', 'no', '5', '5 km', 'Paris', '{"a":1}', '.', '-3', '\n1. x'))
        .map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        assert.equal(compareTexts(a, b), compareTexts(b, a));
        assert.equal(compareTexts(a, a), 'same');
        assert.equal(foldAnswer(foldAnswer(a)), foldAnswer(a));
      }),
    );
  });
});
