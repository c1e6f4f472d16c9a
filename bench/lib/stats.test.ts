import assert from 'node:assert/strict';
import { it } from 'node:test';
import { percentile, wilson95 } from './stats.ts';

it('takes the smallest value that the share does not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 1), 100);
  assert.equal(percentile([7], 0.01), 7);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

it('gives Wilson intervals as published', () => {
  // Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  for (const [count, total, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const interval = wilson95(count, total);
    assert.ok(Math.abs(interval.low - low) < 5e-5, `${count}/${total}: ${interval.low}`);
    assert.ok(Math.abs(interval.high - high) < 5e-5, `${count}/${total}: ${interval.high}`);
  }
});

it('says nothing about a share of nothing', () => {
  assert.deepEqual(wilson95(0, 0), { low: 0, high: 1 });
});
