import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../src/core/random.ts';
import { usdMicros } from '../../src/core/units.ts';
import { budgetDefaults } from '../../src/fleet/budget.ts';
import { baselinesFor, ourLaw, reference } from './contenders.ts';
import { faults, noFaults } from './faults.ts';
import { lowerBoundUsd } from './lower-bound.ts';
import { play, type RunOptions } from './run.ts';
import { figuresOf, meanOf } from './summary.ts';
import { curveAt, expovariate, plainDay, synthesize, type Requests } from './workload.ts';

/** An hour of one request a second, of 300 prompt and some 200 answer tokens: the tests need no recorded trace. */
const hour: Requests = (() => {
  const random = seededRandom(7);
  const at: number[] = [];
  for (let t = expovariate(random.float(), 1); t < 3500; t += expovariate(random.float(), 1)) at.push(t);
  return {
    count: at.length,
    atS: Float64Array.from(at),
    promptTokens: new Uint16Array(at.length).fill(300),
    completionTokens: Uint16Array.from(at, () => 20 + random.int(360)),
  };
})();
const requests = synthesize(hour, { ...plainDay, seed: 3 });
const run = (options: Partial<RunOptions> = {}) =>
  play({ requests, days: 1, seed: 3, budget: budgetDefaults, scaler: ourLaw().make(requests, 1), ...options });

describe('the fleet bench', () => {
  it('plays one seed the same way twice', () => {
    assert.deepEqual(run(), run());
  });

  it('thins the record by the day curve, and keeps a share for every hit rate', () => {
    assert.equal(curveAt(14 * 3600, plainDay), 1);
    assert.ok(Math.abs(curveAt(2 * 3600, plainDay) - plainDay.nightShare) < 1e-9);
    const half = synthesize(hour, { ...plainDay, seed: 3, hitRate: 0.5 });
    assert.ok(Math.abs(half.count / requests.count - 0.5) < 0.03);
    for (let i = 1; i < requests.count; i++) assert.ok(requests.atS[i]! >= requests.atS[i - 1]!);
  });

  it('bills what was rented, day by day, and no less than any law must pay', () => {
    const { bill, usd, machineHours } = run();
    assert.ok(Math.abs(bill.byDayUsd.reduce((sum, each) => sum + each, 0) - usd) < 1e-6);
    assert.ok(machineHours > 12 && usd > 3, `${machineHours} h, $${usd}`);
    const bound = lowerBoundUsd({
      requests,
      days: 1,
      waitS: 10,
      usdPerHourByTokenPerS: 0.2 / 400,
      startUsdByTokenPerS: 0,
    });
    assert.ok(bound > 0.5 && bound < usd, `${bound} < ${usd}`);
  });

  it('meets the objective on a quiet trace, where a fixed machine too few does not', () => {
    const ours = figuresOf(3, run());
    assert.ok(ours.missShare < 0.02, `${ours.missShare}`);
    const one = baselinesFor('conv').find(({ name }) => name === 'fixed 5')!;
    const fixed = figuresOf(3, run({ scaler: one.make(requests, 1) }));
    assert.ok(fixed.usd > 1.5 * ours.usd, `five machines all day cost more: ${fixed.usd} and ${ours.usd}`);
    assert.ok(figuresOf(3, run({ scaler: reference.make(requests, 1) })).usd < fixed.usd);
  });

  it('leaks nothing and passes no budget, whatever goes wrong', () => {
    const budget = { ...budgetDefaults, caps: { ...budgetDefaults.caps, perDay: usdMicros(4e6) } };
    for (const each of [noFaults, ...faults]) {
      const { leaked, breaches, launches, usd } = run({ faults: each, budget });
      assert.deepEqual([leaked, breaches], [0, 0], each.name);
      assert.ok(launches > 0 && usd < 4, `${each.name}: $${usd}`);
    }
  });

  it('counts machines that a deaf provider keeps billing', () => {
    const deaf = { ...noFaults, callFails: (nowS: number) => (nowS > 80_000 ? 1 : 0) };
    assert.ok(run({ faults: deaf }).leaked > 0);
  });

  it('counts a budget that was passed: a law without one passes it', () => {
    const budget = { ...budgetDefaults, caps: { ...budgetDefaults.caps, perDay: usdMicros(1e6) }, stopReserveS: -3600 };
    const greedy = baselinesFor('conv').find(({ name }) => name === 'fixed 5')!;
    assert.equal(run({ budget, scaler: greedy.make(requests, 1) }).breaches, 1);
  });

  it('gives the interval of a mean by Student', () => {
    const { mean, half } = meanOf([1, 2, 3, 4]);
    assert.equal(mean, 2.5);
    assert.ok(Math.abs(half - (3.182 * Math.sqrt(5 / 3)) / 2) < 1e-9);
  });
});
