import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../core/random.ts';
import { testRandom } from '../testing/seeded-random.ts';
import { arrivals } from './workload.ts';
import { questionFamilies } from './workload/families.ts';

describe('question families', () => {
  it('have unique ids and unique wordings, four for each that is no near miss', () => {
    const ids = new Set(questionFamilies.map(({ id }) => id));
    assert.equal(ids.size, questionFamilies.length);
    const wordings = questionFamilies.flatMap((family) => family.wordings.map((wording) => wording.toLowerCase()));
    assert.equal(new Set(wordings).size, wordings.length);
    const plain = questionFamilies.filter((family) => family.nearMissOf === undefined);
    assert.ok(plain.length >= 40);
    for (const family of plain) assert.equal(family.wordings.length, 4, family.id);
  });

  it('name an existing family as the one a near miss is mistaken for', () => {
    const plain = new Set(questionFamilies.filter((one) => one.nearMissOf === undefined).map(({ id }) => id));
    const near = questionFamilies.filter((one) => one.nearMissOf !== undefined);
    assert.ok(near.length >= 16);
    for (const { id, nearMissOf } of near) assert.ok(plain.has(nearMissOf!), `${id} is near ${nearMissOf}`);
  });
});

describe('arrivals', () => {
  it('are the same for the same seed and differ for another', () => {
    const run = (seed: number) => [...arrivals({ random: seededRandom(seed), requestsPerSecond: 5, count: 200 })];
    assert.deepEqual(run(7), run(7));
    assert.notDeepEqual(run(7), run(8));
  });

  it('come at the rate asked for, in order, with the share of near misses asked for', () => {
    const random = testRandom('arrivals');
    const all = [...arrivals({ random, requestsPerSecond: 20, count: 20_000, nearMissShare: 0.25 })];
    for (let i = 1; i < all.length; i++) assert.ok(all[i]!.atMs >= all[i - 1]!.atMs);
    const meanGapMs = all.at(-1)!.atMs / all.length;
    // The mean of 20,000 exponential gaps of 50 ms has a standard error of 0.35 ms.
    assert.ok(Math.abs(meanGapMs - 50) < 2.5, `mean gap ${meanGapMs} ms`);
    const nearMisses = all.filter((one) => one.nearMissOf !== undefined).length / all.length;
    assert.ok(Math.abs(nearMisses - 0.25) < 0.02, `share of near misses ${nearMisses}`);
  });

  it('make few families popular when skewed, and none when not', () => {
    const top = (skew: number) => {
      const counts = new Map<string, number>();
      const random = seededRandom(3);
      for (const { family } of arrivals({ random, requestsPerSecond: 1, count: 8_000, skew, nearMissShare: 0 }))
        counts.set(family, (counts.get(family) ?? 0) + 1);
      return Math.max(...counts.values()) / 8_000;
    };
    assert.ok(top(1.1) > 0.15);
    assert.ok(top(0) < 0.05);
  });

  it('refuse a rate that is not positive, naming it', () => {
    assert.throws(
      () => [...arrivals({ random: seededRandom(1), requestsPerSecond: 0, count: 1 })],
      /requestsPerSecond is 0/,
    );
  });
});
