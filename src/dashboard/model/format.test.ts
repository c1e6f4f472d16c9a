import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { intervalWords, share, usd, whole } from './format.ts';

describe('numbers of the dashboard', () => {
  it('writes what is not known as a dash, and never as nothing spent', () => {
    assert.deepEqual([usd(undefined), share(undefined), whole(undefined)], ['–', '–', '–']);
    assert.equal(usd(0), '$0');
  });

  it('tells small amounts with two digits that mean something', () => {
    const written = [1, 45, 370, 9_990, 12_345, 1_500_000, 3_240_000_000, -61_000_000].map((micros) => usd(micros));
    assert.deepEqual(written, [
      '$0.0000010',
      '$0.000045',
      '$0.00037',
      '$0.0100',
      '$0.01',
      '$1.50',
      '$3,240',
      '−$61.00',
    ]);
  });

  it('tells the ends of an interval apart, and does not call nothing an interval', () => {
    assert.equal(intervalWords({ low: 33, high: 49 }), '95 %: $33.00 to $49.00');
    assert.equal(intervalWords({ low: 1.9603, high: 1.9649 }), '95 %: $1.960 to $1.965');
    assert.equal(intervalWords({ low: 0.00012, high: 0.00013 }), '95 %: $0.00012 to $0.00013');
    assert.equal(intervalWords({ low: undefined, high: undefined }), 'no interval');
  });

  it('writes shares with one digit at most', () => {
    assert.deepEqual([share(0), share(0.05), share(0.8179), share(1)], ['0 %', '5 %', '81.8 %', '100 %']);
  });
});
