import assert from 'node:assert/strict';
import { it } from 'node:test';
import { newQuestion, otherWording, storedMax, storedQuestion } from './questions.ts';

it('has 100,000 questions, all different, and another wording of each', () => {
  assert.ok(storedMax >= 100_000, `${storedMax}`);
  const all = new Set<string>();
  for (let n = 0; n < storedMax; n++) all.add(storedQuestion(n)).add(otherWording(n)).add(newQuestion(n));
  assert.equal(all.size, 3 * storedMax);
});

it('never repeats a new question, also beyond the number of combinations', () => {
  assert.notEqual(newQuestion(0), newQuestion(storedMax));
});
