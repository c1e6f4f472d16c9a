import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { GuardName } from '../../guard-name.ts';
import { rewrites, traps } from '../../traps/traps.ts';
import { featuresOf } from '../text/features.ts';
import { guards, hardGuards, softGuards } from './guards.ts';

const names = Object.keys(guards) as GuardName[];

describe('guards', () => {
  for (const guard of names) {
    it(`${guard}: vetoes every trap of its kind, of which there are at least 25`, () => {
      const own = traps.filter(({ kind }) => kind === guard);
      assert.ok(own.length >= 25, String(own.length));
      const served = own.filter(({ a, b }) => !guards[guard](featuresOf(a), featuresOf(b)));
      assert.deepEqual(served, []);
    });
  }

  it('are each hard, soft, or the rule of the same content words', () => {
    assert.deepEqual([...hardGuards, ...softGuards, 'content'].toSorted(), names.toSorted());
  });

  it('let rewordings pass', () => {
    const vetoed = rewrites
      .map(({ a, b }) => ({ a, b, by: names.filter((name) => guards[name](featuresOf(a), featuresOf(b))) }))
      .filter(({ by }) => by.some((name) => name !== 'content'));
    assert.deepEqual(vetoed, []);
  });

  it('leave alone what only looks like a number, a formula or a statement', () => {
    for (const [a, b] of [
      ['How can one open any lock?', 'How does somebody open any lock?'],
      ['My old card expires, when does the new one come?', 'My old card expires, when does a new card come?'],
      ['What is your opinion of Harbour Tools (company)?', 'What is your opinion of the company Harbour Tools?'],
      ['I need a spare key for my boat', 'Am I allowed to have a spare key?'],
      ['is it warm in china', 'Is it warm in China?'],
    ] as const) {
      const by = hardGuards.filter((name) => guards[name](featuresOf(a), featuresOf(b)));
      assert.deepEqual(by, [], `${a} | ${b}`);
    }
  });

  it('still see a number, a formula and a statement', () => {
    for (const [name, a, b] of [
      ['number', 'Can I take one pill?', 'Can I take two pills?'],
      ['code', 'What is 2 * (a + b)?', 'What is 2 * a + b?'],
      ['code', 'What does print(x) do?', 'What does print[x] do?'],
      ['code', 'You like it?', 'You like it.'],
    ] as const) {
      assert.ok(guards[name](featuresOf(a), featuresOf(b)), `${a} | ${b}`);
    }
  });

  it('are symmetric, and never speak against a text and itself', () => {
    const all = [...traps, ...rewrites].flatMap(({ a, b }) => [a, b]);
    const pieces =
      `not from to than five 5 1,000 3% $ Paris US enable unlock lock don't 5km May 12 :( / one and hundred how
      please In , . é 語 - today June 3rd 2025 v1.2 Python3 --force -x foo_bar useState /etc/hosts "a b" as JSON in words
      French translate list Monday next week € euros miles per cent 1990s 3pm 15:30 between careless careful over nicht
      is what != == 0x1F E1101 step by detail child "`.split(/\s+/);
    const text = fc.oneof(
      fc.constantFrom(...all),
      fc.array(fc.constantFrom('5 km', 'step by step', ...pieces), { maxLength: 12 }).map((words) => words.join(' ')),
      fc.string({ maxLength: 40 }),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
    );
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [a, b] = [featuresOf(one), featuresOf(other)];
        for (const name of names) {
          assert.equal(guards[name](a, b), guards[name](b, a), name);
          assert.equal(guards[name](a, a), false, name);
          assert.equal(guards[name](a, featuresOf(one)), false, name);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('take linear time on hostile texts', () => {
    const hostile =
      `$|-|1,|1-|'|_|a-|a.|--a|:|" |not |http://|(|12:|/|/a|a/|aA|A1|in a |as a |json |in one word |step |un|five |to ` +
      '|between a and |a1 |v1.|语|no |=|\\|@a|`|"|more |like a |i am |explain |say |in json |how many |select |count |  |.|please ,|why not |explain in one word ';
    for (const piece of hostile.split('|').filter((each) => each !== '')) {
      const text = piece.repeat(20_000);
      // Of this thread alone: a busy machine makes nothing quadratic.
      const startedUs = process.threadCpuUsage().user;
      featuresOf(text);
      const ms = (process.threadCpuUsage().user - startedUs) / 1e3;
      assert.ok(ms < 1_000, `${JSON.stringify(piece)} × 20,000 took ${ms} ms`);
    }
  });
});
