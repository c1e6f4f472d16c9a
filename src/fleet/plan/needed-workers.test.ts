import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { noDemand, steadyDemand, workers } from '../../testing/fleet-builders.ts';
import { burstPerS, neededWorkers, type NeedQuestion } from './needed-workers.ts';
import { fleetPolicyDefaults } from './policy.ts';

const quiet = noDemand.buckets;
const burstOf = (work: number, buckets: number): number[] =>
  quiet.map((_, i) => (i >= 20 && i < 20 + buckets ? work : 0));
/** Without a spare, but where the spare is what is asked. */
const lean = { ...fleetPolicyDefaults, spareFrom: Infinity };
const ask = (fields: Partial<NeedQuestion>) =>
  neededWorkers({ demand: noDemand, workers: [], launches: [], policy: lean, ...fields });

describe('needed workers', () => {
  it('asks of a burst only the speed that works it off in time, and of a long one all of its rate', () => {
    assert.equal(burstPerS(quiet, 6), 0);
    assert.equal(burstPerS(burstOf(1600, 1), 6), 100, '1600 tokens in 10 + 6 s');
    assert.equal(burstPerS(burstOf(1600, 1), 0), 160);
    const long = burstPerS(burstOf(1600, 30), 6);
    assert.ok(long > 156 && long < 160, `${long}`);
  });

  it('finds a speed at which a queue that is fed by the buckets never falls behind by more than the wait', () => {
    // Windows of five minutes at most are looked at, so longer loads may fall behind by what they hold beyond that.
    const loads = fc.array(fc.nat(5000), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(loads, fc.constantFrom(0, 3, 6, 10), (load, waitS) => {
        const speed = burstPerS(load, waitS);
        let behind = 0;
        for (const work of load) {
          behind = Math.max(0, behind + work - speed * 10);
          // Windows between those looked at are at most 2.5 times as long as the next shorter one.
          assert.ok(behind <= speed * (waitS + 1.5 * 120) + 1e-6);
        }
        for (const work of load) assert.ok(work <= speed * (10 + waitS) + 1e-6);
        assert.ok(load.reduce((sum, work) => sum + work, 0) <= speed * (300 + waitS) + 1e-6);
      }),
    );
  });

  it('keeps a margin over the worst burst, and raises it by the trend of one lead time', () => {
    const steady = ask({ demand: steadyDemand(1000) });
    // 1000 tokens/s over 305 s of work for 300 s of arrivals, 90 % of 400 tokens/s a machine.
    assert.ok(Math.abs(steady.inputs.forBursts - (1000 * 300) / 305 / 0.9 / 400) < 1e-9);
    const rising = ask({ demand: { ...steadyDemand(1000), perS600: 900 } });
    // 100 more in 150 s; 250 s of lead.
    assert.ok(Math.abs(rising.inputs.growth - (1 + ((100 / 150) * 250) / 1000)) < 1e-9);
    assert.ok(rising.workers > steady.workers);
    const falling = ask({ demand: { ...steadyDemand(1000), perS600: 1200 } });
    assert.equal(falling.workers, steady.workers);
  });

  it('carries the steady demand without one of its machines, from two machines on', () => {
    const policy = fleetPolicyDefaults;
    const { workers: count, inputs } = ask({ demand: steadyDemand(1000), policy });
    // 1000 tokens/s are two and a half machines, and one that may be lost.
    assert.equal(count, 4);
    assert.ok(inputs.forLoss > inputs.forBursts);
    assert.equal(ask({ demand: steadyDemand(300), policy }).inputs.forLoss, 0, 'a single machine has no spare');
    assert.equal(ask({ demand: steadyDemand(1000) }).inputs.forLoss, 0, 'no spare is wanted');
  });

  it('clears a backlog within its time, and says so', () => {
    const { workers: count, reason } = ask({
      demand: { ...noDemand, queued: 40, queuedWork: 120_000, oldestQueuedS: 100 },
    });
    assert.equal(count, 5);
    assert.equal(reason, '5 needed for a backlog of 120000 tokens at 400 tokens/s a machine');
  });

  it('reckons with the speed that was measured', () => {
    const demand = steadyDemand(1000);
    assert.equal(ask({ demand, workers: workers(3, { tokensPerS: 200 }) }).workers, 6);
    assert.equal(ask({ demand, workers: workers(3) }).workers, 3);
    assert.equal(ask({ demand, workers: workers(2, { source: 'own', tokensPerS: 400 }) }).workers, 1);
  });
});
