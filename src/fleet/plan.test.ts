import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addMs, epochMs, usdMicros, type EpochMs } from '../core/units.ts';
import {
  anObservation,
  aWorker,
  noDemand,
  openBudget,
  steadyDemand,
  workers,
  type ObservationFields,
} from '../testing/fleet-builders.ts';
import { planFleet } from './plan.ts';
import { emptyPlanMemory, type PlanMemory } from './plan/memory.ts';
import type { FleetObservation, LaunchRecord } from './plan/observation.ts';
import { fleetPolicyDefaults, type FleetPolicy } from './plan/policy.ts';
import type { FleetWish } from './plan/wishes.ts';

const noon = epochMs(Date.UTC(2026, 0, 5, 12));
const policy: FleetPolicy = { ...fleetPolicyDefaults, workersMax: 20, launchesPerMinuteMax: 10 };
const plan = (
  fields: ObservationFields | FleetObservation,
  options: { policy?: Partial<FleetPolicy>; memory?: PlanMemory; now?: EpochMs } = {},
) =>
  planFleet(
    'nextPricePerHour' in fields ? fields : anObservation(fields),
    { ...policy, ...options.policy },
    options.memory ?? emptyPlanMemory,
    options.now ?? noon,
  );
const launched = (wishes: readonly FleetWish[]) =>
  wishes.reduce((sum, wish) => sum + (wish.kind === 'launch' ? wish.count : 0), 0);
const ids = (wishes: readonly FleetWish[], kind: 'drain' | 'keep' | 'cancel-launch') =>
  wishes.flatMap((wish) => (wish.kind === kind ? [wish.worker] : []));

describe('the control law', () => {
  it('starts the first machine as soon as anything waits, and none before', () => {
    assert.deepEqual(plan({}).wishes, []);
    const { wishes } = plan({ demand: { ...noDemand, queued: 1, queuedWork: 300, oldestQueuedS: 1, idleS: 0 } });
    assert.equal(wishes[0]?.kind, 'launch');
    assert.equal(wishes[0]?.kind === 'launch' && wishes[0].urgency, 'urgent');
  });

  it('does nothing at all while machines or demand are unknown', () => {
    const unknown = { kind: 'unknown', reason: 'the list failed' } as const;
    fc.assert(
      fc.property(fc.nat(20), fc.nat(10_000), fc.boolean(), (count, perS, isList) => {
        const seen = anObservation({ workers: workers(count), demand: steadyDemand(perS) });
        const memory = { ...emptyPlanMemory, target: 3 };
        const held = plan(isList ? { ...seen, workers: unknown } : { ...seen, demand: unknown }, { memory });
        assert.deepEqual(held.wishes, []);
        assert.deepEqual(held.memory, memory);
      }),
    );
  });

  it('wants no fewer machines for more demand', () => {
    fc.assert(
      fc.property(fc.nat(8000), fc.nat(4000), fc.nat(5000), fc.nat(5000), (perS, more, queued, moreQueued) => {
        const at = (rate: number, work: number) =>
          plan({ demand: { ...steadyDemand(rate), queuedWork: work, queued: Math.ceil(work / 300) } }).target;
        assert.ok(at(perS, queued) <= at(perS + more, queued + moreQueued));
      }),
    );
  });

  it('never has more machines on their way than the caps allow', () => {
    fc.assert(
      fc.property(
        fc.record({ ready: fc.nat(6), launching: fc.nat(6), draining: fc.nat(4), perS: fc.nat(9000), age: fc.nat(60) }),
        fc.nat(12),
        fc.nat(12),
        fc.constantFrom('always', 'urgent', 'off'),
        ({ ready, launching, draining, perS, age }, workersMax, affordable, hedging) => {
          const all = [
            ...workers(ready),
            ...workers(launching, { phase: 'launching' }),
            ...workers(draining, { phase: 'draining' }),
          ];
          const { wishes, target } = plan(
            {
              workers: all,
              demand: { ...steadyDemand(perS), queued: age > 0 ? 5 : 0, oldestQueuedS: age, queuedWork: age * 100 },
              budget: { ...openBudget, workersMax: affordable },
            },
            { policy: { workersMax, hedging } },
          );
          const cap = Math.min(workersMax, affordable);
          assert.ok(target <= cap);
          const added = launched(wishes) + ids(wishes, 'keep').length;
          if (added > 0) assert.ok(ready + launching + added <= cap, `${ready} + ${launching} + ${added} > ${cap}`);
          // Nothing is both added and taken away.
          assert.ok(added === 0 || ids(wishes, 'drain').length + ids(wishes, 'cancel-launch').length === 0);
        },
      ),
    );
  });

  it('counts machines that are being started, so that one need is not met twice', () => {
    const demand = steadyDemand(1400);
    const { target, wishes } = plan({ demand });
    assert.equal(launched(wishes), target);
    assert.deepEqual(plan({ demand, workers: workers(target, { phase: 'launching' }) }).wishes, []);
  });

  it('keeps a start through a dip, and gives it back when the machines it was for are ready', () => {
    let memory = plan({ demand: steadyDemand(1400) }).memory;
    const launching = workers(memory.target, { phase: 'launching' });
    const dip = plan({ demand: steadyDemand(200), workers: launching }, { memory, now: addMs(noon, 60_000) });
    assert.deepEqual(dip.wishes, []);
    memory = dip.memory;
    const enough = plan(
      { demand: steadyDemand(200), workers: [...workers(memory.target), aWorker({ id: 'late', phase: 'launching' })] },
      { memory, now: addMs(noon, 120_000) },
    );
    assert.deepEqual(ids(enough.wishes, 'cancel-launch'), ['late']);
  });

  it('keeps what was needed for the hold time, then gives back one machine a minute', () => {
    const demand = steadyDemand(100);
    let { memory } = plan({ demand: steadyDemand(1400) });
    let ready = workers(memory.target);
    const started = ready.length;
    const goneAtS: number[] = [];
    for (let s = 10; s <= 1200; s += 10) {
      const next = plan({ demand, workers: ready }, { memory, now: addMs(noon, s * 1000), policy: { holdS: 600 } });
      memory = next.memory;
      for (const id of ids(next.wishes, 'drain')) {
        ready = ready.filter((worker) => worker.id !== id);
        goneAtS.push(s);
      }
    }
    assert.equal(ready.length, 1);
    assert.equal(goneAtS.length, started - 1);
    assert.ok(goneAtS[0]! > 600, `the first after ${goneAtS[0]} s`);
    for (let i = 1; i < goneAtS.length; i++) assert.ok(goneAtS[i]! - goneAtS[i - 1]! >= 60);
  });

  it('gives a large fleet back faster, a fifth of it in a minute', () => {
    const { wishes } = plan({ demand: steadyDemand(100), workers: workers(12) });
    assert.equal(ids(wishes, 'drain').length, 2);
    const { memory } = plan({ demand: steadyDemand(100), workers: workers(12) });
    assert.deepEqual(
      plan({ demand: steadyDemand(100), workers: workers(10) }, { memory, now: addMs(noon, 10_000) }).wishes,
      [],
    );
  });

  it('gives the last machine back after its idle time, never before, and starts none for an idle fleet', () => {
    const idle = (idleS: number, count: number, idleRule: FleetPolicy['idle']) =>
      plan(
        { demand: { ...noDemand, idleS }, workers: workers(count) },
        { policy: { idle: idleRule }, memory: emptyPlanMemory },
      );
    assert.deepEqual(ids(idle(299, 1, { kind: 'after', idleS: 300 }).wishes, 'drain'), []);
    assert.deepEqual(ids(idle(301, 1, { kind: 'after', idleS: 300 }).wishes, 'drain'), ['ready-0']);
    assert.deepEqual(idle(1e9, 1, { kind: 'never' }).wishes, []);
    assert.deepEqual(idle(10, 0, { kind: 'never' }).wishes, []);
    // 0.4 $/h: 150 s of start, 281 s of traffic and 373 s of two requests that wait.
    const { inputs } = idle(10, 1, fleetPolicyDefaults.idle);
    assert.ok(Math.abs(inputs!.stayWarmS - 805) < 5, `${inputs!.stayWarmS}`);
  });

  it('keeps to the schedule, over midnight and in local time', () => {
    const night = { days: [1], fromMinute: 22 * 60, toMinute: 2 * 60, workersMin: 3 };
    const at = (hour: number) =>
      plan({}, { policy: { schedule: [night], utcOffsetMinutes: 60 }, now: addMs(noon, (hour - 12) * 3_600_000) })
        .target;
    assert.deepEqual([20.5, 21, 24.9, 25.1].map(at), [0, 3, 3, 0]);
  });

  it('lets a draining machine serve again before it starts another', () => {
    const { wishes } = plan({
      demand: steadyDemand(400),
      workers: [aWorker({ id: 'a' }), aWorker({ id: 'b', phase: 'draining' })],
    });
    assert.deepEqual(ids(wishes, 'keep'), ['b']);
    assert.equal(launched(wishes), 0);
  });

  it('drains the machine whose speed costs most', () => {
    const { wishes } = plan({
      demand: steadyDemand(100),
      workers: [
        aWorker({ id: 'cheap', tokensPerS: 400 }),
        aWorker({ id: 'dear', tokensPerS: 400, pricePerHour: usdMicros(500_000) }),
        aWorker({ id: 'slow', tokensPerS: 250 }),
      ],
    });
    assert.deepEqual(ids(wishes, 'drain'), ['slow']);
  });

  it('never touches hosts of the user’s own, and counts on them', () => {
    const own = workers(3, { source: 'own', pricePerHour: usdMicros(0) });
    assert.deepEqual(plan({ demand: steadyDemand(800), workers: own }).wishes, []);
    assert.deepEqual(plan({ workers: own }).wishes, []);
    assert.ok(plan({ demand: steadyDemand(1600), workers: own }).target >= 1);
  });

  it('drains everything when the budget is spent, whatever the demand, known or not', () => {
    const stop = {
      kind: 'stop',
      bound: 'day',
      until: addMs(noon, 1000),
      reason: 'spent',
      alerts: [],
      rentalsOver: [],
    } as const;
    const all = [...workers(2), aWorker({ id: 'new', phase: 'launching' }), aWorker({ id: 'mine', source: 'own' })];
    const seen = anObservation({ workers: all, demand: steadyDemand(5000), budget: stop });
    for (const observation of [seen, { ...seen, demand: { kind: 'unknown', reason: 'no metrics' } as const }]) {
      const { wishes, target } = plan(observation);
      assert.equal(target, 0);
      assert.deepEqual(ids(wishes, 'drain'), ['ready-0', 'ready-1']);
      assert.deepEqual(ids(wishes, 'cancel-launch'), ['new']);
    }
  });

  it('drains at once what the budget no longer pays, and a rental that has cost its cap', () => {
    const capped = plan({ demand: steadyDemand(1500), workers: workers(5), budget: { ...openBudget, workersMax: 2 } });
    assert.equal(ids(capped.wishes, 'drain').length, 3);
    const over = plan({
      demand: steadyDemand(200),
      workers: workers(1),
      budget: { ...openBudget, rentalsOver: ['ready-0'] },
    });
    assert.deepEqual(ids(over.wishes, 'drain'), ['ready-0']);
    assert.equal(launched(over.wishes), 1);
  });

  it('starts more than needed only where starts fail and somebody waits', () => {
    const failed = Array.from({ length: 4 }, (_, i): LaunchRecord => launchAt(-4000 + i, i === 3 ? 'ready' : 'failed'));
    const waiting = { ...noDemand, queued: 3, queuedWork: 500, oldestQueuedS: 2, idleS: 0 };
    assert.equal(launched(plan({ demand: waiting, launches: failed }).wishes), 2);
    assert.equal(launched(plan({ demand: waiting, launches: failed }, { policy: { hedging: 'off' } }).wishes), 1);
    assert.equal(launched(plan({ demand: steadyDemand(200), workers: workers(1), launches: failed }).wishes), 0);
  });

  it('keeps its rate of starts, and stops after failures in a row, for longer each time', () => {
    const demand = steadyDemand(5000);
    const limits = { launchesPerMinuteMax: 3, launchesPerHourMax: 5 };
    assert.equal(launched(plan({ demand }, { policy: limits }).wishes), 3);
    const before = [launchAt(-100, 'pending'), launchAt(-90, 'pending'), launchAt(-80, 'pending')];
    assert.equal(launched(plan({ demand, launches: before }, { policy: limits }).wishes), 2);
    const failures = (count: number) => Array.from({ length: count }, (_, i) => launchAt(-300 + i, 'failed'));
    const startsAfter = (count: number, seconds: number) =>
      launched(plan({ demand, launches: failures(count) }, { now: addMs(noon, seconds * 1000) }).wishes) > 0;
    // The last one failed 300 s before noon, less a few seconds.
    assert.deepEqual([startsAfter(4, -290), startsAfter(5, -250), startsAfter(5, -230)], [true, false, true]);
    assert.deepEqual([startsAfter(6, -230), startsAfter(6, -160)], [false, true]);
  });

  describe('with stopped machines', () => {
    const spare = { ...policy, sparesMax: 4 };
    const restarted = (outcome: LaunchRecord['outcome'], count: number): LaunchRecord[] =>
      Array.from({ length: count }, (_, i) => ({ at: addMs(noon, i - 9999), outcome, tookS: 40, billedS: 20 }));
    const of = (wishes: readonly FleetWish[], kind: 'stop' | 'restart' | 'discard') =>
      wishes.flatMap((wish) => (wish.kind === kind ? [wish.worker] : []));
    /** Until eight minutes ago, and half of it since. */
    const past = (perS: number): typeof noDemand => ({
      ...steadyDemand(perS / 2),
      buckets: Array.from({ length: 60 }, (_, i) => (i < 10 ? perS * 10 : perS * 5)),
    });

    it('stops what a fleet without them would keep running, the one whose speed costs most first', () => {
      const all = [...workers(3, { tokensPerS: 400 }), aWorker({ id: 'slow', tokensPerS: 300 })];
      assert.deepEqual(plan({ demand: past(1200), workers: all }).wishes, []);
      const { wishes, target } = plan({ demand: past(1200), workers: all }, { policy: { ...spare, spareFactor: 1 } });
      assert.equal(target, 3);
      assert.deepEqual([of(wishes, 'stop'), wishes.length], [['slow'], 1]);
    });

    it('starts them before it rents, the last one stopped first, and rents what they are too few for', () => {
      const stopped = ['old', 'new'].map((id, i) =>
        aWorker({ id, phase: 'stopped', stoppedAt: addMs(noon, -100_000 + i * 50_000) }),
      );
      const one = plan({ demand: steadyDemand(300), workers: stopped }, { policy: spare });
      assert.deepEqual([of(one.wishes, 'restart'), launched(one.wishes)], [['new'], 0]);
      const many = plan({ demand: steadyDemand(1400), workers: stopped }, { policy: spare });
      assert.deepEqual(of(many.wishes, 'restart'), ['new', 'old']);
      assert.ok(launched(many.wishes) >= many.target - 2);
      // Those that come back count: nothing is asked for twice.
      const coming = stopped.map((worker) => ({ ...worker, phase: 'restarting' as const }));
      const next = plan({ demand: steadyDemand(300), workers: coming }, { policy: spare });
      assert.deepEqual([of(next.wishes, 'restart'), launched(next.wishes)], [[], 0]);
    });

    it('keeps them for as long as their disks are worth it, and one alone where their starts fail', () => {
      const stopped = (hours: number) => [
        aWorker({ id: 's', phase: 'stopped', stoppedAt: addMs(noon, -hours * 3.6e6) }),
      ];
      const idle = { ...noDemand, idleS: 50_000 };
      const gone = (hours: number, restarts: LaunchRecord[] = [], more: Partial<FleetPolicy> = {}) =>
        of(
          plan({ demand: idle, workers: stopped(hours), restarts }, { policy: { ...spare, ...more } }).wishes,
          'discard',
        ).length;
      assert.deepEqual([gone(5), gone(11)], [0, 1]);
      assert.deepEqual([gone(5, restarted('ready', 20)), gone(11, restarted('ready', 20))], [0, 0]);
      assert.equal(gone(13, restarted('ready', 20)), 1, 'twelve hours at most');
      assert.equal(gone(0.1, [], { sparesMax: 0 }), 1);
      const three = ['a', 'b', 'c'].map((id) => aWorker({ id, phase: 'stopped', stoppedAt: noon }));
      const left = (failures: number) =>
        3 -
        of(
          plan({ demand: idle, workers: three, restarts: restarted('failed', failures) }, { policy: spare }).wishes,
          'discard',
        ).length;
      // One finds out when that changes.
      assert.deepEqual([left(0), left(1), left(2), left(9)], [3, 3, 1, 1]);
    });

    it('stops the last one when it would have given it back, and gives it back where the market has a cheaper one', () => {
      const last = (idleS: number, price: number) =>
        plan(
          { demand: { ...noDemand, idleS }, workers: [aWorker({ id: 'a', pricePerHour: usdMicros(price) })] },
          { policy: spare },
        ).wishes.map(({ kind }) => kind);
      assert.deepEqual([last(700, 400_000), last(900, 400_000)], [[], ['stop']]);
      // The next one costs $0.40: an hour of this one costs more than a start saves.
      assert.deepEqual([last(2000, 440_000), last(2000, 500_000)], [['stop'], ['drain']]);
    });

    it('drops them all when the money runs out, and keeps them when the fleet is at its most', () => {
      const all = [...workers(2), aWorker({ id: 's', phase: 'stopped', stoppedAt: noon })];
      const demand = steadyDemand(3000);
      const poor = { ...openBudget, workersMax: 2, bound: 'day' as const };
      assert.deepEqual(of(plan({ demand, workers: all, budget: poor }, { policy: spare }).wishes, 'discard'), ['s']);
      const full = plan({ demand, workers: all }, { policy: { ...spare, workersMax: 2 } }).wishes;
      assert.deepEqual([of(full, 'discard'), of(full, 'restart')], [[], []]);
      const stop = { kind: 'stop', bound: 'day', until: noon, reason: 'spent', alerts: [], rentalsOver: [] } as const;
      assert.deepEqual(of(plan({ workers: all, budget: stop }, { policy: spare }).wishes, 'discard'), ['s']);
      const over = { ...openBudget, rentalsOver: ['s'] };
      assert.deepEqual(of(plan({ workers: all, budget: over }, { policy: spare }).wishes, 'discard'), ['s']);
    });

    it('looks back as far as without them where bursts come out of silence', () => {
      const bursts: typeof noDemand = {
        ...steadyDemand(80),
        buckets: Array.from({ length: 60 }, (_, i) => (i === 5 ? 30_000 : 0)),
      };
      const all = workers(6);
      assert.deepEqual(of(plan({ demand: bursts, workers: all }, { policy: spare }).wishes, 'stop'), []);
    });

    it('never has more machines running or on their way than the caps allow, nor more stopped than it may', () => {
      fc.assert(
        fc.property(
          fc.record({
            ready: fc.nat(5),
            launching: fc.nat(3),
            stopped: fc.nat(6),
            restarting: fc.nat(3),
            stopping: fc.nat(3),
          }),
          fc.nat(9000),
          fc.nat(10),
          fc.nat(5),
          ({ ready, launching, stopped, restarting, stopping }, perS, workersMax, sparesMax) => {
            const all = [
              ...workers(ready),
              ...workers(launching, { phase: 'launching' }),
              ...workers(restarting, { phase: 'restarting' }),
              ...workers(stopping, { phase: 'stopping' }),
              ...workers(stopped, { phase: 'stopped', stoppedAt: noon }),
            ];
            const { wishes } = plan(
              { workers: all, demand: steadyDemand(perS) },
              { policy: { ...spare, workersMax, sparesMax } },
            );
            const added = launched(wishes) + ids(wishes, 'keep').length + of(wishes, 'restart').length;
            if (added > 0) assert.ok(ready + launching + restarting + added <= workersMax, `${added} more`);
            const left = stopped - of(wishes, 'restart').length - of(wishes, 'discard').length;
            assert.ok(left <= sparesMax);
            if (of(wishes, 'stop').length > 0) assert.ok(stopped + stopping + of(wishes, 'stop').length <= sparesMax);
            // One thing is wished of a machine.
            const named = wishes.flatMap((wish) => (wish.kind === 'launch' ? [] : [wish.worker]));
            assert.equal(new Set(named).size, named.length);
          },
        ),
      );
    });
  });

  it('replays: the same inputs give the same plan, and its memory survives JSON', () => {
    const first = plan({ demand: steadyDemand(900), workers: workers(2) });
    assert.deepEqual(plan({ demand: steadyDemand(900), workers: workers(2) }), first);
    assert.deepEqual(JSON.parse(JSON.stringify(first.memory)), first.memory);
  });
});

/** Failed or ready at once, `seconds` from noon. */
function launchAt(seconds: number, outcome: LaunchRecord['outcome']): LaunchRecord {
  return { at: addMs(noon, seconds * 1000), outcome, tookS: 0, billedS: 0 };
}
