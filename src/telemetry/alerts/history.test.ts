import assert from 'node:assert/strict';
import { it } from 'node:test';
import { epochMs } from '../../core/units.ts';
import { History } from './history.ts';

const options = { fineMs: 10, fineStepMs: 1, coarseMs: 100, coarseStepMs: 10, rowsMax: 3 };
const at = (ms: number) => epochMs(ms);

function filled(untilMs: number): History {
  const history = new History(options);
  for (let ms = 0; ms <= untilMs; ms++) history.add(at(ms), new Map([['a', ms]]));
  return history;
}

it('has every sample of the newest time and one a step before it', () => {
  const history = filled(200);
  assert.deepEqual(
    history.window('a', 200, 3).map(({ atMs }) => atMs),
    [198, 199, 200],
    'the start of a window lies outside it',
  );
  const long = history.window('a', 200, 1000).map(({ atMs }) => atMs);
  assert.deepEqual(long.slice(0, 3), [100, 110, 120]);
  assert.deepEqual(long.slice(-12), [180, 190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200]);
});

it('keeps no more than it has places for, however long it runs', () => {
  const history = filled(5000);
  assert.equal(history.window('a', 5000, 5000).length, 9 + 11);
  history.add(at(5001), new Map(['b', 'c'].map((row) => [row, 1])));
  assert.throws(() => history.add(at(5002), new Map([['d', 1]])), /more than 3 rows/);
});

it('knows a row that has no value from one that is 0', () => {
  const history = filled(2);
  history.add(at(3), new Map([['b', 0]]));
  assert.equal(history.latest('a'), undefined);
  assert.equal(history.latest('b'), 0);
  assert.equal(history.latest('c'), undefined);
  history.add(at(4), new Map([['a', 9]]));
  assert.deepEqual(history.window('a', 4, 3), [
    { atMs: 2, value: 2 },
    { atMs: 4, value: 9 },
  ]);
});

it('takes what is worked out from an instant at that instant', () => {
  const history = filled(10);
  history.amend(new Map([['r', 0.5]]));
  assert.equal(history.latest('r'), 0.5);
  assert.deepEqual(history.window('r', 10, 100), [{ atMs: 10, value: 0.5 }]);
});
