import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aRecord } from '../../../test/support/running-admin.ts';
import { firstTokenPace, hitPace, quantile } from './latency.ts';

describe('pace', () => {
  it('takes the smallest value that enough do not exceed', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual([quantile(values, 0.95), quantile(values, 1), quantile([7], 0.5)], [95, 100, 7]);
    assert.equal(quantile([], 0.95), undefined);
  });

  it('measures hits whole, and thinkers to their first word; failures are neither', () => {
    const records = [
      aRecord({ cache: 'exact', totalMs: 2, ttftMs: 1 }),
      aRecord({ cache: 'semantic', totalMs: 9, ttftMs: 8 }),
      aRecord({ cache: 'coalesced', totalMs: 999 }),
      aRecord({ cache: 'miss', totalMs: 2_000, ttftMs: 300 }),
      aRecord({ cache: 'bypass', totalMs: 3_000, ttftMs: 400 }),
      aRecord({ cache: 'miss', totalMs: 60_000, outcome: 'timeout' }),
    ];
    const [hits, answers] = [hitPace(records), firstTokenPace(records)];
    assert.deepEqual([hits.n, hits.p95Ms, answers.n, answers.p95Ms], [2, 9, 2, 400]);
  });

  it('has parts in the order of time, few enough to draw', () => {
    const newestFirst = Array.from({ length: 100 }, (_, index) => aRecord({ cache: 'exact', totalMs: 100 - index }));
    const { parts } = hitPace(newestFirst);
    assert.ok(parts.length <= 24 && parts.length > 10);
    assert.deepEqual(
      [...parts],
      parts.toSorted((a, b) => a! - b!),
    );
  });

  it('says that there is nothing', () => {
    assert.deepEqual(hitPace([]), { n: 0, p95Ms: undefined, parts: [], since: undefined });
  });
});
