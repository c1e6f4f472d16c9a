import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { usdMicros } from '../core/units.ts';
import { anOffer } from '../testing/fake-market.ts';
import { createMemoryLedger } from '../ledger/ledger/memory.ts';
import { aRunningFleet, type FleetRigOptions } from '../testing/fleet-rig.ts';

async function aFleet(options: Partial<FleetRigOptions> = {}) {
  const { ledger = createMemoryLedger() } = options;
  const running = await aRunningFleet({ ...options, ledger });
  const { clock } = running;
  const spent = async () => {
    const { total } = await ledger.totals({ from: clock.now() - 40 * 86_400_000, to: clock.now() + 1 } as never);
    return total;
  };
  return { ...running, ledger, spent };
}

describe('reconciler: from nothing and back', () => {
  it('rents nothing while nobody asks', async () => {
    const { clock, market, phases } = await aFleet();
    await clock.advance(600_000);
    assert.deepEqual([phases(), market.calls.includes('rent')], [[], false]);
  });

  it('writes the intent before it rents, serves when ready, drains when idle, and destroys', async () => {
    const { clock, market, fleet, phases, oneReady, pool, store, spent } = await aFleet();
    const end = await oneReady();
    assert.deepEqual(
      pool.views().map(({ kind, state }) => [kind, state]),
      [['rented', 'ready']],
    );
    const { label } = fleet.state.all()[0]!;
    assert.match(label, /^gw-test-[0-9A-Za-z]{22}$/);
    end();
    await clock.advance(299_000);
    assert.deepEqual(phases(), ['ready']);
    await clock.advance(30_000);
    assert.deepEqual([phases(), market.alive.length, pool.views().length], [[], 0, 0]);
    assert.deepEqual(
      store
        .events(50)
        .map(({ kind }) => kind)
        .toReversed(),
      ['requested', 'creating', 'starting', 'ready', 'draining', 'destroying', 'gone'],
    );
    await clock.advance(60_000);
    const bill = market.billed + 1_000;
    const total = await spent();
    assert.ok(Math.abs(total - bill) <= 0.01 * bill, `metered ${total}, billed ${bill}`);
    // Its keys are forgotten with it.
    assert.equal(store.get(label)?.secrets, '');
  });

  it('rents only while it leads, and goes on to manage what it has rented when it does not', async () => {
    const held = { token: 7 };
    const lease = { leads: false, confirm: async () => (lease.leads ? held : undefined) };
    const { clock, market, ask, phases, oneReady } = await aFleet({ lease });
    const waiting = ask();
    await clock.advance(60_000);
    assert.deepEqual([phases(), market.calls.includes('rent')], [[], false]);
    waiting();
    lease.leads = true;
    const end = await oneReady();
    lease.leads = false;
    end();
    await clock.advance(400_000);
    assert.deepEqual([phases(), market.alive.length], [[], 0]);
  });

  it('passes on to the next offer when one is taken, and stops when the market refuses', async () => {
    const { clock, market, ask, phases, events, fleet } = await aFleet();
    market.failures.rent = [new AppError('offer_gone', 'taken'), new AppError('offer_gone', 'taken')];
    ask();
    await clock.advance(12_000);
    assert.deepEqual([phases(), market.alive.length], [['creating'], 1]);
    market.failures.rent = [new AppError('provider_refused', 'no credit')];
    fleet.halt('now', 'test');
    await clock.advance(30_000);
    fleet.release();
    await clock.advance(60_000);
    assert.deepEqual(phases(), []);
    assert.equal(events.filter(({ kind }) => kind === 'provider-refused').length, 1);
    assert.equal(fleet.launcher.refusal, 'no credit');
  });

  it('benches what does not start in time, says why, and takes another', async () => {
    const { clock, market, ask, fleet } = await aFleet();
    ask();
    await clock.advance(15_000);
    const first = market.alive[0]!;
    await clock.advance(130_000);
    assert.equal(first.destroyed, true);
    assert.match(
      fleet.bench.reasonAgainst(first.offer) ?? '',
      /^machine m1 is benched until .*: still creating after 1\d\d s$/,
    );
    await clock.advance(30_000);
    assert.notEqual(market.alive[0]?.offer.machineId, first.offer.machineId);
  });

  it('destroys a machine whose status will never get better', async () => {
    const { clock, market, ask, fleet } = await aFleet();
    ask();
    await clock.advance(15_000);
    const machine = market.alive[0]!;
    market.become(machine, 'loading', 'OCI runtime create failed: nvidia-container-cli');
    await clock.advance(15_000);
    assert.equal(machine.destroyed, true);
    assert.match(fleet.bench.reasonAgainst(machine.offer) ?? '', /OCI runtime/);
  });

  it('benches for good what lies about its answers', async () => {
    const { clock, ask, bootAll, market, fleet } = await aFleet({
      readiness: () => ({ kind: 'unfit', reason: 'it answers on the CPU', bench: 'permanent' }),
    });
    ask();
    await clock.advance(15_000);
    const machine = market.alive[0]!;
    bootAll();
    await clock.advance(15_000);
    assert.equal(machine.destroyed, true);
    assert.match(fleet.bench.reasonAgainst(machine.offer) ?? '', /until it is unblocked: it answers on the CPU/);
  });
});

describe('reconciler: unknown is never zero', () => {
  it('rents nothing while the market does not answer', async () => {
    const { clock, market, ask, phases } = await aFleet();
    market.failures.list = Array.from({ length: 60 }, () => new AppError('provider_unavailable', 'down'));
    for (let i = 0; i < 20; i++) ask();
    await clock.advance(200_000);
    assert.deepEqual([phases(), market.calls.includes('rent')], [[], false]);
  });

  it('does not believe an empty list while its machine answers', async () => {
    const { clock, market, ask, phases, oneReady } = await aFleet();
    await oneReady();
    market.listsNothing = true;
    for (let i = 0; i < 400; i++) ask(4_000);
    const rents = market.calls.filter((call) => call === 'rent').length;
    await clock.advance(600_000);
    assert.deepEqual(phases(), ['ready']);
    assert.equal(market.calls.filter((call) => call === 'rent').length, rents);
    market.listsNothing = false;
    await clock.advance(30_000);
    assert.ok(market.calls.filter((call) => call === 'rent').length > rents);
  });

  it('finds by its label what was rented without an answer', async () => {
    const { clock, market, ask, phases } = await aFleet();
    market.rentsInSilence = 1;
    ask();
    await clock.advance(30_000);
    assert.deepEqual([phases(), market.machines.length], [['creating'], 1]);
  });

  it('forgets a create that the market never confirmed', async () => {
    const { clock, market, ask, phases } = await aFleet();
    market.failures.rent = [new AppError('provider_unavailable', 'timeout')];
    ask();
    await clock.advance(12_000);
    assert.deepEqual(phases(), ['requested']);
    await clock.advance(80_000);
    assert.deepEqual(phases(), ['creating']);
    assert.equal(market.machines.length, 1);
  });

  it('destroys until the list shows it no more', async () => {
    const { clock, market, oneReady, phases, spent } = await aFleet();
    const end = await oneReady();
    end();
    market.ignoresDestroys = 2;
    market.failures.destroy = [new AppError('provider_unavailable', 'down')];
    await clock.advance(400_000);
    assert.deepEqual([phases(), market.alive.length], [[], 0]);
    await clock.advance(60_000);
    const bill = market.billed + 1_000;
    const total = await spent();
    assert.ok(Math.abs(total - bill) <= 0.01 * bill, `metered ${total}, billed ${bill}`);
  });
});

describe('reconciler: after a crash', () => {
  it('takes its machines back, and lets them serve again', async () => {
    const first = await aFleet();
    const end = await first.oneReady();
    first.crash();
    const second = await aFleet({ clock: first.clock, market: first.market, store: first.store, ledger: first.ledger });
    await second.clock.advance(20_000);
    assert.deepEqual(
      second.pool.views().map(({ state }) => state),
      ['ready'],
    );
    assert.equal(first.market.machines.length, 1);
    end();
  });

  it('destroys what carries its label and nothing knows', async () => {
    const { clock, market, phases, events } = await aFleet();
    await market.rent(anOffer().id, { label: 'gw-test-stranger' } as never);
    await market.rent(anOffer({ n: 2 }).id, { label: 'gw-other-fleet' } as never);
    await clock.advance(30_000);
    assert.deepEqual([phases(), market.alive.map(({ label }) => label)], [[], ['gw-other-fleet']]);
    assert.deepEqual(events, [{ kind: 'orphan-found', label: 'gw-test-stranger' }]);
  });

  it('goes on with a destroy that was under way, and takes time it did not see from the charges', async () => {
    const first = await aFleet();
    await first.oneReady();
    await first.clock.advance(600_000);
    first.market.failures.destroy = Array.from({ length: 9 }, () => new AppError('provider_unavailable', 'down'));
    first.fleet.halt('now', 'test');
    await first.clock.advance(1_000);
    await first.fleet.stop();
    // The destroy that had no answer was done, while nobody looked.
    await first.clock.advance(50_000);
    first.market.failures.destroy = [];
    await first.market.destroy(first.market.machines[0]!.id);
    await first.clock.advance(200_000);
    const second = await aFleet({ clock: first.clock, market: first.market, store: first.store, ledger: first.ledger });
    await second.clock.advance(120_000);
    assert.deepEqual(second.phases(), []);
    const bill = first.market.billed + 1_000;
    const total = await second.spent();
    assert.ok(Math.abs(total - bill) <= 0.01 * bill, `metered ${total}, billed ${bill}`);
  });

  it('stays stopped over a restart, until it is released', async () => {
    const first = await aFleet();
    first.fleet.halt('drain', 'by the operator');
    const second = await aFleet({ clock: first.clock, market: first.market, store: first.store, ledger: first.ledger });
    second.ask();
    await second.clock.advance(60_000);
    assert.deepEqual(second.phases(), []);
    second.fleet.release();
    await second.clock.advance(15_000);
    assert.deepEqual(second.phases(), ['creating']);
  });
});

describe('reconciler: losses', () => {
  it('replaces a machine whose host is gone', async () => {
    const { clock, market, oneReady, phases, events } = await aFleet();
    await oneReady();
    market.become(market.alive[0]!, 'lost', 'host is offline');
    await clock.advance(15_000);
    assert.ok(events.some(({ kind }) => kind === 'machine-lost'));
    assert.equal(market.machines[0]!.destroyed, true);
    await clock.advance(15_000);
    assert.deepEqual(phases(), ['creating']);
  });

  it('replaces a machine that does not answer although the market says it runs', async () => {
    const { clock, market, oneReady, kill, fleet } = await aFleet();
    await oneReady();
    kill(fleet.state.all()[0]!.label);
    await clock.advance(100_000);
    assert.equal(market.machines[0]!.destroyed, true);
    assert.equal(market.machines.length, 2);
  });

  it('follows a machine to its new address', async () => {
    const { clock, market, oneReady, phases, pool, thinkers, fleet } = await aFleet();
    await oneReady();
    const before = thinkers.get(fleet.state.all()[0]!.label)!;
    market.alive[0]!.endpoint = { host: '127.0.0.2', port: 9443 };
    await clock.advance(20_000);
    assert.deepEqual([phases(), before.closed, pool.views().length], [['ready'], true, 1]);
    assert.notEqual(thinkers.get(fleet.state.all()[0]!.label), before);
  });

  it('takes back what was draining when it is needed after all', async () => {
    const { clock, oneReady, ask, phases, pool, fleet } = await aFleet();
    const end = await oneReady();
    const { label } = fleet.state.all()[0]!;
    const lease = pool.lease(fleet.state.all()[0]!.label as never);
    end();
    fleet.workers.drain(label, 'test');
    assert.deepEqual(phases(), ['draining']);
    for (let i = 0; i < 3; i++) ask();
    await clock.advance(15_000);
    assert.deepEqual([phases(), pool.views()[0]?.state], [['ready'], 'ready']);
    lease.release({ kind: 'completed', ttftMs: undefined });
    await clock.advance(15_000);
    assert.deepEqual(phases(), ['ready']);
  });
});

describe('reconciler: money', () => {
  it('never rents above the cap of an hour', async () => {
    const { clock, market, ask, bootAll } = await aFleet({ caps: { perHour: usdMicros(900_000) } });
    for (let i = 0; i < 200; i++) ask(2_000);
    for (let i = 0; i < 40; i++) {
      await clock.advance(15_000);
      bootAll();
      assert.ok(market.alive.length <= 2, `${market.alive.length} machines at $0.40 under a cap of $0.90`);
    }
    assert.equal(market.alive.length, 2);
  });

  it('stops everything when the day is spent, tells it once, and rents nothing more that day', async () => {
    const { clock, market, ask, bootAll, phases, events, spent } = await aFleet({
      caps: { perDay: usdMicros(1_000_000) },
    });
    for (let i = 0; i < 100; i++) ask(2_000);
    for (let i = 0; i < 500; i++) {
      await clock.advance(30_000);
      bootAll();
    }
    assert.deepEqual([phases(), market.alive.length], [[], 0]);
    assert.ok((await spent()) <= 1_000_000, String(await spent()));
    const alerts = events.filter(({ kind }) => kind === 'budget-alert').map((event) => 'share' in event && event.share);
    assert.deepEqual(
      alerts.filter((share, i) => alerts.indexOf(share) !== i),
      [],
    );
    assert.equal(events.filter(({ kind }) => kind === 'budget-stop').length, 1);
  });

  it('creates no more than the bound, whatever is wanted', async () => {
    const { clock, market, ask } = await aFleet({
      policy: { launchesPerMinuteMax: 100, launchesPerHourMax: 1000, workersMax: 100, breakerFailures: 1000 },
      caps: { perHour: usdMicros(1e9), perDay: usdMicros(1e12), perMonth: usdMicros(1e13) },
    });
    market.offers = Array.from({ length: 300 }, (_, i) => anOffer({ n: i }));
    for (let i = 0; i < 2_000; i++) ask(4_000);
    await clock.advance(59_000);
    assert.equal(market.machines.length, 6);
    await clock.advance(3_000_000);
    assert.ok(market.machines.length <= 40, `${market.machines.length} creates within the hour`);
  });
});
