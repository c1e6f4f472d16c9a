import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { binomialLowerTail, binomialUpperTail, faultlessMin, logGamma } from './binomial.ts';

/** The sum as the definition has it. */
function directTail(k: number, n: number, share: number): number {
  let sum = 0;
  let term = (1 - share) ** n;
  for (let i = 0; i <= k; i++) {
    sum += term;
    term *= ((n - i) / (i + 1)) * (share / (1 - share));
  }
  return sum;
}

const close = (actual: number, expected: number, tolerance = 1e-10): void =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual}, expected ${expected}`,
  );

describe('binomial tails', () => {
  it('equal the sum of their terms', () => {
    for (const n of [1, 2, 7, 59, 149, 500]) {
      for (const share of [0.01, 0.05, 0.1, 0.5, 0.9]) {
        // The first term must not vanish, or the sum starts from nothing.
        if (n * Math.log(1 - share) < -600) continue;
        for (const k of [0, 1, 3, Math.floor(n * share), Math.floor(n / 2), n - 1]) {
          if (k >= n) continue;
          close(binomialLowerTail(k, n, share), directTail(k, n, share));
        }
      }
    }
  });

  it('give the published smallest faultless samples at 95 %', () => {
    assert.deepEqual(
      [0.1, 0.05, 0.02, 0.01].map((share) => faultlessMin(share, 0.05)),
      [29, 59, 149, 299],
    );
    assert.ok(binomialLowerTail(0, 59, 0.05) <= 0.05);
    assert.ok(binomialLowerTail(0, 58, 0.05) > 0.05);
    close(binomialLowerTail(0, 59, 0.05), 0.95 ** 59);
  });

  it('run smoothly between whole counts', () => {
    let before = 0;
    for (let k = 0; k <= 10; k += 0.1) {
      const tail = binomialLowerTail(k, 100, 0.05);
      assert.ok(tail > before, `at ${k}`);
      before = tail;
    }
  });

  it('hold at counts of a full label store', () => {
    // Normal approximation with continuity correction, z = (1000.5 − 1000) / sqrt(950).
    close(binomialLowerTail(1_000, 20_000, 0.05), 0.5065, 0.002);
    assert.equal(binomialLowerTail(20_000, 20_000, 0.05), 1);
    assert.equal(binomialLowerTail(-1, 20_000, 0.05), 0);
  });

  it('add up to one with the upper tail', () => {
    close(binomialUpperTail(4, 50, 0.1) + binomialLowerTail(3, 50, 0.1), 1);
    assert.equal(binomialUpperTail(0, 50, 0.1), 1);
  });

  it('rest on a gamma function that knows factorials', () => {
    let factorial = 1;
    for (let n = 1; n <= 20; n++) {
      close(logGamma(n), Math.log(factorial), 1e-12);
      factorial *= n;
    }
    close(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-12);
  });
});
