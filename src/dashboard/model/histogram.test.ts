import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { binsOf, lowerEnd } from './histogram.ts';

const hit = (value: number) => ({ hit: true, value });
const miss = (value: number) => ({ hit: false, value });

describe('histogram', () => {
  it('counts everything once, ends included', () => {
    const scored = [miss(0.1), miss(0.5), miss(0.74), hit(0.75), hit(0.999), hit(1)];
    const bins = binsOf(scored, { from: 0.5, count: 2 });
    assert.deepEqual(bins, [
      { from: 0.5, to: 0.75, hits: 0, misses: 3 },
      { from: 0.75, to: 1, hits: 3, misses: 0 },
    ]);
  });

  it('keeps what lies on an edge on its upper side, whatever floating point says', () => {
    const bins = binsOf([hit(0.9), hit(0.95)], { from: 0.8, count: 4 });
    assert.deepEqual(
      bins.map(({ hits }) => hits),
      [0, 0, 1, 1],
    );
  });

  it('begins where the values begin', () => {
    assert.deepEqual(
      [lowerEnd([hit(0.93)]), lowerEnd([miss(0.61)]), lowerEnd([miss(-0.2)]), lowerEnd([])],
      [0.8, 0.6, 0, 0.8],
    );
  });
});
