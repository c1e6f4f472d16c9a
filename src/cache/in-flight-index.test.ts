import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exactKey, scope } from '../core/ids.ts';
import { toUnitVector } from '../core/vector.ts';
import { InFlightIndex, type FlyingQuestion } from './in-flight-index.ts';

const a = scope('a');
const b = scope('b');
const aQuestion = (name: string, x: number, y: number): FlyingQuestion => ({
  key: exactKey(name),
  text: name,
  vector: toUnitVector(Float32Array.of(x, y)),
  context: undefined,
  outputLimit: undefined,
});
const east = toUnitVector(Float32Array.of(1, 0));
const keys = (index: InFlightIndex, k = 9, min = -1) =>
  index.nearest(a, east, k, min).map(({ question }) => question.key);

describe('in-flight index', () => {
  it('gives the nearest of the scope, most similar first, none below the floor', () => {
    const index = new InFlightIndex();
    index.add(a, aQuestion('north', 0, 1));
    index.add(a, aQuestion('east', 1, 0));
    index.add(a, aQuestion('between', 1, 1));
    index.add(b, aQuestion('elsewhere', 1, 0));
    assert.deepEqual(keys(index), ['east', 'between', 'north']);
    assert.deepEqual(keys(index, 2), ['east', 'between']);
    assert.deepEqual(keys(index, 9, 0.5), ['east', 'between']);
    assert.deepEqual(index.nearest(scope('c'), east, 9, -1), []);
  });

  it('forgets a question once, however often it is told', () => {
    const index = new InFlightIndex();
    const leave = index.add(a, aQuestion('one', 1, 0));
    index.add(a, aQuestion('two', 1, 0));
    leave();
    leave();
    assert.equal(index.size, 1);
    assert.deepEqual(keys(index), ['two']);
  });

  it('takes no more than its limits, and takes again when there is room', () => {
    const index = new InFlightIndex({ questionsMax: 3, perScopeMax: 2 });
    const leave = index.add(a, aQuestion('one', 1, 0));
    index.add(a, aQuestion('two', 1, 0));
    const refused = index.add(a, aQuestion('three', 1, 0));
    index.add(b, aQuestion('four', 1, 0));
    index.add(scope('c'), aQuestion('five', 1, 0));
    assert.equal(index.size, 3);
    refused();
    assert.equal(index.size, 3);
    leave();
    index.add(a, aQuestion('six', 1, 0));
    assert.deepEqual(keys(index).toSorted(), ['six', 'two']);
  });
});
