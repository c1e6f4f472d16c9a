import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, type Random } from '../../core/random.ts';
import { estimateSavings, tQuantile95, type SavingsDay } from './interval.ts';

describe('savings with an interval', () => {
  it('says what is missing rather than a number', () => {
    const day: SavingsDay = { sameUsd: 1, otherUsd: 1, holdouts: [] };
    assert.deepEqual(estimateSavings(alike(6, day), 1000), {
      kind: 'not-enough-data',
      why: '6 of 7 days with hits so far',
      days: 6,
      hits: 1000,
    });
    const few = estimateSavings(alike(9, day), 199);
    assert.equal(few.kind === 'not-enough-data' && few.why, '199 of 200 hits so far');
  });

  it('gives no interval without hold-outs', () => {
    const day: SavingsDay = { sameUsd: 1, otherUsd: 2, holdouts: [] };
    const found = estimateSavings(alike(7, day), 500);
    assert.ok(found.kind === 'estimate');
    assert.deepEqual([found.usd, found.low, found.high], [21, undefined, undefined]);
  });

  it('has no interval, rather than one of no width, where nothing has shown a spread', () => {
    const holdout = { countedUsd: 1, freshUsd: 1.1 };
    const found = (days: readonly SavingsDay[]) => {
      const estimate = estimateSavings(days, 500);
      assert.ok(estimate.kind === 'estimate');
      const { usd, low, high, method } = estimate;
      return { usd: Number(usd.toFixed(6)), low, high, method };
    };
    const none = { low: undefined, high: undefined };
    assert.deepEqual(found(alike(7, { sameUsd: 2, otherUsd: 0, holdouts: [] })), {
      usd: 14,
      ...none,
      method: 'every hit was of the same question: counted as what its own answer took',
    });
    assert.deepEqual(found(alike(7, { sameUsd: 0, otherUsd: 2, holdouts: [holdout, holdout] })), {
      usd: 15.4,
      ...none,
      method: 'stored times × 1.10; its 14 hold-outs are all alike, which says nothing about a spread',
    });
    const other: SavingsDay = { sameUsd: 0, otherUsd: 2, holdouts: [] };
    const varied = Array.from({ length: 20 }, (_, i) => ({ countedUsd: 1, freshUsd: 1 + i / 20 }));
    assert.deepEqual(found([...alike(6, other), { ...other, holdouts: varied }]), {
      usd: 14,
      ...none,
      method: 'counted as what stored answers took; an interval needs hold-outs of 2 days, all are of one',
    });
  });

  for (const world of [
    { name: 'a quiet team', hits: 120, bias: 1.2, sigma: 0.5, dayEffect: 0.1, share: 0.1 },
    { name: 'a busy desk', hits: 600, bias: 0.8, sigma: 0.8, dayEffect: 0.1, share: 0.05 },
    { name: 'two hits in a hundred held out', hits: 150, bias: 1.1, sigma: 0.6, dayEffect: 0.1, share: 0.02 },
    { name: 'days that differ', hits: 400, bias: 1, sigma: 0.4, dayEffect: 0.3, share: 0.1 },
  ]) {
    it(`covers the truth in at least 93 % of 200 simulated weeks: ${world.name}`, () => {
      const random = seededRandom(20_260_615);
      let covered = 0;
      let silent = 0;
      for (let week = 0; week < 200; week++) {
        const { days, hits, truth } = simulateWeek(random, world);
        const found = estimateSavings(days, hits);
        assert.ok(found.kind === 'estimate');
        // Too few hold-outs in a week give no interval, and claim nothing.
        if (found.low === undefined || found.high === undefined) {
          covered += 1;
          silent += 1;
        } else if (found.low <= truth && truth <= found.high) covered += 1;
      }
      console.log(`${world.name}: ${covered - silent} of ${200 - silent} weeks with an interval`);
      assert.ok(silent < 20, `${silent} weeks without an interval`);
      assert.ok(covered - silent >= 0.93 * (200 - silent), `${covered - silent} of ${200 - silent}`);
    });
  }

  it('knows Student’s t beyond its table', () => {
    assert.ok(Math.abs(tQuantile95(40) - 2.0211) < 1e-3);
    assert.ok(Math.abs(tQuantile95(1e6) - 1.96) < 1e-3);
  });
});

const alike = (count: number, day: SavingsDay): SavingsDay[] => Array.from({ length: count }, () => day);

interface World {
  readonly hits: number;
  readonly bias: number;
  readonly sigma: number;
  readonly dayEffect: number;
  readonly share: number;
}

/** What a thinker would have taken for a hit differs from what its stored answer took, and by day. */
function simulateWeek(random: Random, world: World) {
  const days: SavingsDay[] = [];
  let truth = 0;
  let hits = 0;
  for (let day = 0; day < 7; day++) {
    const effect = Math.exp(world.dayEffect * gauss(random));
    const holdouts: { countedUsd: number; freshUsd: number }[] = [];
    let otherUsd = 0;
    for (let i = 0; i < world.hits; i++) {
      const countedUsd = 0.0003 * Math.exp(0.7 * gauss(random));
      const noise = Math.exp(world.sigma * gauss(random) - world.sigma ** 2 / 2);
      const freshUsd = countedUsd * world.bias * effect * noise;
      otherUsd += countedUsd;
      truth += freshUsd;
      hits += 1;
      if (random.float() < world.share) holdouts.push({ countedUsd, freshUsd });
    }
    days.push({ sameUsd: 0.1, otherUsd, holdouts });
    truth += 0.1;
  }
  return { days, hits, truth };
}

const gauss = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
