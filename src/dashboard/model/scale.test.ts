import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { linearScale, ticksOf } from './scale.ts';

describe('axes', () => {
  it('have round numbers that cover what is shown', () => {
    assert.deepEqual(ticksOf(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
    assert.deepEqual(ticksOf(0, 37, 4), [0, 10, 20, 30, 40]);
    assert.deepEqual(ticksOf(-120, 430, 3), [-200, 0, 200, 400, 600]);
    assert.deepEqual(ticksOf(0, 0.00045, 3), [0, 0.0002, 0.0004, 0.0006]);
    assert.deepEqual(ticksOf(5, 5, 3), [5, 6]);
  });

  it('draw what is outside at the edge', () => {
    const scale = linearScale([0, 10], [100, 0]);
    assert.deepEqual([0, 5, 10, 20, -1].map(scale), [100, 50, 0, 0, 100]);
    assert.equal(linearScale([3, 3], [0, 10])(3), 0);
  });
});
