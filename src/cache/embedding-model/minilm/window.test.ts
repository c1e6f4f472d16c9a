import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { smallVocabulary } from '../../../testing/random-minilm/write-random-minilm.ts';
import { referencePieces } from '../../../testing/random-minilm/reference-bert.ts';
import { groupByLength, meanPool } from './batching.ts';
import { fitsWindow } from './window.ts';

describe('fitsWindow', () => {
  it('takes ordinary questions and refuses empty texts', () => {
    assert.equal(fitsWindow('How do I boil an egg?', 256), true);
    assert.equal(fitsWindow(' \n', 256), false);
    assert.equal(fitsWindow('', 256), false);
  });

  it('takes a page of some hundred words and refuses two pages', () => {
    const sentence = 'the people of the capital learn to make long tables ';
    assert.equal(fitsWindow(sentence.repeat(10), 256), true);
    assert.equal(fitsWindow(sentence.repeat(40), 256), false);
  });

  it('refuses long texts without words: numbers, blobs, code, Chinese', () => {
    assert.equal(fitsWindow('8'.repeat(300), 256), false);
    assert.equal(fitsWindow('qzvkxwqj'.repeat(40), 256), false);
    assert.equal(fitsWindow('{};()'.repeat(60), 256), false);
    assert.equal(fitsWindow('語'.repeat(255), 256), false);
  });

  it('never takes a text of characters that needs more pieces than the window', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), (text) => {
        fc.pre(!/[a-z]{4}/i.test(text));
        const pieces = referencePieces(smallVocabulary, text, Number.MAX_SAFE_INTEGER).length;
        assert.ok(!fitsWindow(text, 64) || pieces <= 64, `${pieces} pieces`);
      }),
    );
  });
});

describe('groupByLength', () => {
  it('puts each text in one group, bounded in size, and pads little', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 256 }), { maxLength: 40 }), (lengths) => {
        const groups = groupByLength(lengths, 8);
        assert.deepEqual(
          groups.flat().sort((a, b) => a - b),
          lengths.map((_, index) => index),
        );
        for (const group of groups) {
          assert.ok(group.length >= 1 && group.length <= 8);
          const sizes = group.map((index) => lengths[index]!);
          assert.ok(Math.max(...sizes) <= Math.min(...sizes) * 1.5 + 8);
        }
      }),
    );
  });
});

describe('meanPool', () => {
  it('leaves padded tokens out and scales to norm 1', () => {
    const hidden = Float32Array.of(9, 9, 9, 9, 9, 9, 1, 0, 5, 8, 99, 99);
    const into = new Float32Array(4);
    meanPool(hidden, { row: 1, tokens: 3, length: 2, dimensions: 2 }, into, 2);
    assert.deepEqual(
      [...into].map((value) => Number(value.toFixed(4))),
      [0, 0, 0.6, 0.8],
    );
  });

  it('refuses a vector without direction', () => {
    const shape = { row: 0, tokens: 1, length: 1, dimensions: 2 };
    assert.throws(() => meanPool(new Float32Array(2), shape, new Float32Array(2), 0), /norm 0/);
    assert.throws(() => meanPool(Float32Array.of(NaN, 1), shape, new Float32Array(2), 0), /norm NaN/);
  });
});
