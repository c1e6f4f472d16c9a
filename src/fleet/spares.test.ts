/** Machines that are stopped and started again: what they cost, what lets them serve, and that none is left behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { usdMicros, type EpochMs } from '../core/units.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createMemoryLedger } from '../ledger/ledger/memory.ts';
import { aRunningFleet, type FleetRigOptions } from '../testing/fleet-rig.ts';
import { fleetOutlook } from './outlook.ts';

/** Idle machines are stopped after 300 s. */
const withSpares = { sparesMax: 2 };

async function aFleet(options: Partial<FleetRigOptions> = {}) {
  const { ledger = createMemoryLedger() } = options;
  const running = await aRunningFleet({ ...options, ledger, policy: { ...withSpares, ...options.policy } });
  const { clock, fleet, phases, oneReady } = running;
  /** It served, nobody asked any more, and its disk is left. */
  const oneStopped = async () => {
    (await oneReady())();
    await clock.advance(330_000);
    assert.deepEqual(phases(), ['stopped']);
    return fleet.state.all()[0]!.label;
  };
  const restarts = () => fleet.rentals(10).flatMap((rental) => rental.restarts ?? []);
  return { ...running, ledger, oneStopped, restarts };
}

/** By others. */
const spend = ({ ledger, clock }: { ledger: Ledger; clock: { now(): EpochMs } }, amount: number): void =>
  ledger.append({
    kind: 'cost',
    at: clock.now(),
    component: 'gpu_busy',
    subject: 'another',
    seconds: 0,
    amount: usdMicros(amount),
  });

describe('stopped machines', () => {
  it('stops what is not needed, and bills its disk alone', async () => {
    const { clock, market, fleet, pool, store, oneStopped } = await aFleet();
    const label = await oneStopped();
    assert.deepEqual([market.alive.map(({ status }) => status), pool.views().length], [['stopped'], 0]);
    const before = fleet.spend.spentOn(fleet.state.get(label)!);
    await clock.advance(3_600_000);
    const cost = fleet.spend.spentOn(fleet.state.get(label)!) - before;
    assert.ok(Math.abs(cost - 7_000) < 50, `an hour of its disk is 7000 µ$: ${cost}`);
    const [rental] = fleet.last().spend!.rentals;
    assert.deepEqual([rental?.kind, rental?.pricePerHour], ['stopped', 7_000]);
    const kinds = store.events(50).map(({ kind }) => kind);
    assert.deepEqual(kinds.slice(0, 3).toReversed(), ['draining', 'stopping', 'stopped']);
  });

  it('starts it from its disk for the next question, lets it serve after the same checks, and meters it as the market bills it', async () => {
    let checks = 0;
    const fleet = await aFleet({
      readiness: () => {
        checks += 1;
        return { kind: 'ready', model: undefined };
      },
    });
    const { clock, market, phases, oneStopped, ask, bootAll, pool, restarts, ledger, deps } = fleet;
    await oneStopped();
    const [rents, checked] = [market.calls.filter((call) => call === 'rent').length, checks];
    await clock.advance(600_000);
    const end = ask();
    await clock.advance(12_000);
    assert.deepEqual([phases(), market.alive[0]!.status], [['restarting'], 'loading']);
    assert.equal(pool.views().length, 0, 'nobody is sent to a machine that has not proven itself again');
    bootAll();
    await clock.advance(15_000);
    assert.deepEqual(phases(), ['ready']);
    assert.ok(checks > checked);
    assert.equal(market.calls.filter((call) => call === 'rent').length, rents, 'nothing new was rented');
    assert.deepEqual(
      restarts().map(({ outcome }) => outcome),
      ['ready'],
    );
    end();
    await clock.advance(400_000);
    assert.deepEqual(phases(), ['stopped']);
    fleet.fleet.halt('now', 'test');
    await clock.advance(120_000);
    assert.deepEqual([phases(), market.alive.length], [[], 0]);
    const bill = market.billed + 1_000;
    const { total } = await ledger.totals({ from: 0, to: deps.clock.now() + 1 } as never);
    assert.ok(Math.abs(total - bill) <= 0.01 * bill, `metered ${total}, billed ${bill}`);
  });

  it('gives it up when others have its GPU, blames nobody, and rents another', async () => {
    const { clock, market, fleet, oneStopped, ask, restarts, phases } = await aFleet();
    await oneStopped();
    const old = market.alive[0]!;
    market.gpusTaken.add(old.id);
    ask();
    await clock.advance(20_000);
    assert.deepEqual(phases(), ['restarting']);
    await clock.advance(40_000);
    assert.equal(old.destroyed, true);
    assert.deepEqual(
      market.alive.map(({ status }) => status),
      ['creating'],
    );
    assert.deepEqual(fleet.bench.rows(), []);
    assert.deepEqual(
      restarts().map(({ outcome }) => outcome),
      ['failed'],
    );
    assert.match(fleet.state.find(old.label)?.endReason ?? '', /^others have its GPU/);
  });

  it('gives it up when it does not start in time, or is not what it was', async () => {
    const late = await aFleet();
    await late.oneStopped();
    late.ask();
    await late.clock.advance(15_000);
    const old = late.market.alive[0]!;
    await late.clock.advance(250_000);
    assert.equal(old.destroyed, true);
    assert.match(late.fleet.bench.rows()[0]?.reason ?? '', /^still restarting after 2\d\d s$/);

    let sane = true;
    const changed = await aFleet({
      readiness: () =>
        sane
          ? { kind: 'ready', model: undefined }
          : { kind: 'unfit', reason: 'the model runs on its CPU', bench: 'permanent' },
    });
    await changed.oneStopped();
    sane = false;
    changed.ask();
    await changed.clock.advance(12_000);
    changed.bootAll();
    await changed.clock.advance(20_000);
    assert.equal(changed.market.machines[0]!.destroyed, true);
    assert.equal(changed.fleet.bench.rows()[0]?.until, undefined);
  });

  it('destroys it when its disk has cost what it saves, however rarely somebody asks', async () => {
    const { clock, market, oneStopped, phases } = await aFleet({ policy: { spareKeepMaxS: 1800 } });
    await oneStopped();
    await clock.advance(1_700_000);
    assert.deepEqual(phases(), ['stopped']);
    await clock.advance(160_000);
    assert.deepEqual([phases(), market.alive.length], [[], 0]);
  });

  it('keeps no more than it may: the rest is given back', async () => {
    const { clock, market, phases, oneReady, ask, bootAll, fleet } = await aFleet({
      policy: { sparesMax: 1, workersMin: 0 },
    });
    (await oneReady())();
    fleet.floor({ workers: 3, until: (clock.now() + 60_000) as never });
    await clock.advance(30_000);
    bootAll();
    await clock.advance(20_000);
    assert.deepEqual(phases(), ['ready', 'ready', 'ready']);
    ask()();
    await clock.advance(1_500_000);
    assert.deepEqual(
      market.alive.map(({ status }) => status),
      ['stopped'],
    );
    assert.deepEqual(phases(), ['stopped']);
  });

  it('goes with everything else: the kill switch, a spent budget, a blocked machine', async () => {
    const killed = await aFleet();
    await killed.oneStopped();
    killed.fleet.halt('drain', 'stopped by the operator');
    await killed.clock.advance(30_000);
    assert.deepEqual([killed.phases(), killed.market.alive.length], [[], 0]);

    const broke = await aFleet({ caps: { perDay: usdMicros(1e6) } });
    await broke.oneStopped();
    spend(broke, 999_000);
    await broke.clock.advance(60_000);
    assert.deepEqual([broke.phases(), broke.market.alive.length], [[], 0]);

    const blocked = await aFleet();
    const label = await blocked.oneStopped();
    blocked.fleet.giveUp(label, 'machine m1 is blocked');
    await blocked.clock.advance(30_000);
    assert.deepEqual([blocked.phases(), blocked.market.alive.length], [[], 0]);
  });

  it('starts none that the budget refuses, nor while the list is unknown', async () => {
    const unknown = await aFleet();
    await unknown.oneStopped();
    unknown.market.failures.list = Array.from({ length: 99 }, () => new AppError('provider_unavailable', 'down'));
    unknown.ask();
    await unknown.clock.advance(60_000);
    assert.deepEqual([unknown.phases(), unknown.market.calls.includes('start')], [['stopped'], false]);

    const poor = await aFleet({ caps: { perDay: usdMicros(1e6) } });
    const label = await poor.oneStopped();
    // Enough for its disk, not for a quarter of an hour of its GPU.
    spend(poor, 880_000);
    assert.equal(await poor.fleet.launcher.restart(poor.fleet.state.get(label)!, 'test'), false);
    assert.deepEqual(poor.phases(), ['stopped']);
  });

  it('stops again what the market runs unasked, and destroys what will not stop', async () => {
    const { clock, market, oneStopped, phases } = await aFleet();
    await oneStopped();
    market.become(market.alive[0]!, 'running');
    await clock.advance(12_000);
    assert.deepEqual([phases(), market.alive[0]!.status], [['stopped'], 'stopped']);

    const deaf = await aFleet();
    (await deaf.oneReady())();
    deaf.market.failures.stop = Array.from({ length: 99 }, () => new AppError('provider_unavailable', 'down'));
    await deaf.clock.advance(330_000);
    assert.deepEqual(deaf.phases(), ['stopping']);
    await deaf.clock.advance(150_000);
    assert.deepEqual([deaf.phases(), deaf.market.alive.length], [[], 0]);
  });

  it('gives it up when the market refuses to start it', async () => {
    const { clock, market, oneStopped, ask } = await aFleet();
    await oneStopped();
    market.failures.start = [new AppError('provider_refused', 'this machine is not yours to start')];
    ask();
    await clock.advance(30_000);
    assert.deepEqual(
      market.machines.map(({ destroyed, status }) => [destroyed, status]),
      [
        [true, 'stopped'],
        [false, 'creating'],
      ],
    );
  });

  it('tells whoever waits that it is a minute, and not four', async () => {
    const { fleet, oneStopped, ask, clock, deps } = await aFleet();
    const readyInS = () => {
      const outlook = fleetOutlook({
        now: clock.now(),
        rentals: fleet.state.all(),
        last: fleet.last(),
        halt: undefined,
        refusal: undefined,
        options: deps.options,
      });
      return outlook.kind === 'coming' ? Math.round(outlook.readyInMs / 1000) : -1;
    };
    await oneStopped();
    assert.equal(readyInS(), 70);
    ask();
    await clock.advance(20_000);
    assert.ok(readyInS() > 45 && readyInS() < 65, `${readyInS()}`);
  });

  it('counts its seconds as stopped', async () => {
    const { clock, deps, oneStopped } = await aFleet();
    await oneStopped();
    await clock.advance(600_000);
    const text = await deps.metrics.registry.metrics();
    const seconds = Number(/thinker_seconds_total\{phase="stopped"\} (\d+)/.exec(text)?.[1]);
    assert.ok(seconds > 590 && seconds < 640, text.match(/thinker_seconds.*/g)?.join());
    assert.match(text, /selfhost_thinkers\{state="stopped"\} 1/);
  });

  for (const phase of ['stopping', 'stopped', 'restarting'] as const)
    it(`finds a machine again that was ${phase} when we were killed`, async () => {
      const first = await aFleet();
      const { clock, market, store, ledger } = first;
      if (phase === 'stopping') {
        market.failures.stop = [new AppError('provider_unavailable', 'down')];
        (await first.oneReady())();
        await clock.advance(315_000);
      } else await first.oneStopped();
      if (phase === 'restarting') {
        // Killed between the row and the call.
        market.failures.start = [new AppError('provider_unavailable', 'down')];
        first.ask();
        await clock.advance(12_000);
      }
      assert.deepEqual(first.phases(), [phase]);
      first.crash();
      await clock.advance(30_000);
      const second = await aFleet({ clock, market, store, ledger });
      await clock.advance(20_000);
      if (phase !== 'restarting') assert.deepEqual(second.phases(), ['stopped']);
      else {
        second.bootAll();
        await clock.advance(20_000);
        assert.deepEqual(second.phases(), ['ready']);
      }
      second.fleet.halt('now', 'test');
      await clock.advance(120_000);
      assert.deepEqual([second.phases(), market.alive.length], [[], 0]);
      const bill = market.billed + 1_000;
      const { total } = await ledger.totals({ from: 0, to: clock.now() + 1 } as never);
      assert.ok(Math.abs(total - bill) <= 0.01 * bill, `metered ${total}, billed ${bill}`);
    });

  it('destroys a stopped machine of ours that nobody knows', async () => {
    const first = await aFleet();
    await first.oneStopped();
    first.crash();
    const second = await aFleet({ clock: first.clock, market: first.market });
    await first.clock.advance(30_000);
    assert.deepEqual([second.phases(), first.market.alive.length], [[], 0]);
    assert.ok(second.events.some(({ kind }) => kind === 'orphan-found'));
  });
});
