import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../testing/fake-clock.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { Economy, type EconomyOptions } from './economy.ts';
import type { Instance, RentalRequest } from './instance.ts';

const hourMs = 3_600_000;
const request: RentalRequest = {
  label: 'gw-a-1',
  image: 'ollama/ollama:latest',
  diskGb: 32,
  env: [],
  ports: [8443],
  onstart: null,
  args: null,
  runtype: 'args',
  bid: undefined,
  target: 'running',
};

function anEconomy(options: Partial<EconomyOptions> = {}): { clock: FakeClock; economy: Economy } {
  const clock = new FakeClock();
  const economy = new Economy({
    seed: 5,
    clock,
    badShare: 0,
    takenShare: 0,
    mtbfHours: Infinity,
    thinkers: 'none',
    ...options,
  });
  return { clock, economy };
}

/** The cheapest offer, rented. */
function rent(economy: Economy, change: Partial<RentalRequest> = {}): Instance {
  const [offer] = economy.offers().toSorted((a, b) => a.usdPerHour - b.usdPerHour);
  const instance = economy.rent(offer!.askId, { ...request, ...change });
  assert.ok(instance);
  return instance;
}

const usdOf = (instance: Instance, type: string): number =>
  instance.meter
    .items()
    .filter((item) => item.type === type)
    .reduce((sum, { nanoUsd }) => sum + nanoUsd, 0) / 1e9;

const nearly = (seen: number, expected: number, share = 1e-6): void =>
  assert.ok(Math.abs(seen - expected) <= share * Math.max(1e-9, Math.abs(expected)), `${seen}, expected ${expected}`);

describe('simulated market: what it costs', () => {
  it('bills the GPU while it runs, storage from the first second, traffic by the byte', async () => {
    const { clock, economy } = anEconomy();
    const instance = rent(economy, { env: [['GW_MODEL', 'qwen2:7b-instruct-q6_K']] });
    let bootMs = 0;
    while (instance.status !== 'running') {
      await clock.advance(1_000);
      bootMs += 1_000;
      assert.ok(bootMs < hourMs, 'it never runs');
      instance.settle();
      assert.ok(usdOf(instance, 'gpu') <= instance.usdPerHour / 3_600, 'at most the last second');
    }
    assert.ok(usdOf(instance, 'disk') > 0);
    const before = usdOf(instance, 'gpu');
    await clock.advance(10 * hourMs);
    instance.settle();
    nearly(usdOf(instance, 'gpu') - before, 10 * instance.rental.usdPerHour, 1e-4);
    nearly(usdOf(instance, 'disk'), (instance.storageUsdPerHour * (10 * hourMs + bootMs)) / hourMs);
    // Image, 240 MB to 2.4 GB, and model, 6.25 GB.
    const { inetDownCost } = instance.rental.machine;
    const gb = inetDownCost === 0 ? 7 : usdOf(instance, 'bwd') / inetDownCost;
    assert.ok(gb > 6.4 && gb < 8.8, `${gb} GB`);
    economy.close();
  });

  it('bills storage but no GPU while stopped, and nothing while the host is away or after the end', async () => {
    const { clock, economy } = anEconomy();
    const instance = rent(economy);
    await clock.advance(hourMs);
    const costs = () => {
      instance.settle();
      return [usdOf(instance, 'gpu'), usdOf(instance, 'disk')] as const;
    };
    instance.stop('stopped');
    const [gpu, disk] = costs();
    await clock.advance(hourMs);
    assert.equal(costs()[0], gpu);
    nearly(costs()[1] - disk, instance.storageUsdPerHour);
    instance.lose();
    const [, away] = costs();
    await clock.advance(600_000);
    assert.deepEqual(costs(), [gpu, away]);
    instance.destroy();
    await clock.advance(10 * hourMs);
    assert.deepEqual(costs(), [gpu, away]);
    economy.close();
  });

  it('lets others have the GPU of a stopped machine, and starts it again when they leave', async () => {
    const { clock, economy } = anEconomy({ occupiedShare: 0 });
    const instance = rent(economy);
    await clock.advance(hourMs);
    const isOffered = () => economy.offers().some(({ machine }) => machine.id === instance.rental.machine.id);
    assert.equal(isOffered(), false);
    instance.stop('stopped');
    assert.equal(isOffered(), true);
    instance.resume();
    assert.deepEqual([instance.status, isOffered()], ['loading', false]);
    await clock.advance(60_000);
    assert.equal(instance.status, 'running');
    instance.stop('stopped');
    economy.inject({ kind: 'gpu-taken', times: 1 });
    instance.resume();
    assert.equal(instance.status, 'scheduling');
    instance.settle();
    const gpu = usdOf(instance, 'gpu');
    await clock.advance(600_000);
    assert.equal(instance.status, 'scheduling', 'others keep it for two hours or so');
    instance.settle();
    assert.equal(usdOf(instance, 'gpu'), gpu, 'whoever waits pays no GPU');
    await clock.advance(24 * hourMs);
    assert.equal(instance.status, 'running');
    economy.close();
  });

  it('leaves a GPU to whoever has it when the stopped machine that waits for it is destroyed', async () => {
    const { clock, economy } = anEconomy({ occupiedShare: 0 });
    const instance = rent(economy);
    await clock.advance(hourMs);
    instance.stop('stopped');
    economy.inject({ kind: 'gpu-taken', times: 1 });
    instance.resume();
    instance.destroy();
    assert.equal(
      economy.offers().some(({ machine }) => machine.id === instance.rental.machine.id),
      false,
    );
    economy.close();
  });

  it('costs the same however often it is looked at', async () => {
    const totals: number[] = [];
    for (const looks of [1, 7, 100]) {
      const { clock, economy } = anEconomy();
      rent(economy);
      for (let i = 0; i < looks; i++) {
        await clock.advance((50 * hourMs) / looks);
        economy.bill();
      }
      totals.push(economy.bill().totalNanoUsd);
      economy.close();
    }
    assert.equal(new Set(totals).size, 1, totals.join(' '));
  });

  it('has a bill that is the sum of its items, and a balance that is what is left', async () => {
    const random = testRandom('bill');
    const { clock, economy } = anEconomy({ seed: random.seed, balanceUsd: 50, mtbfHours: 5, badShare: 0.2 });
    for (let i = 0; i < 12; i++) {
      if (economy.offers().length > 0) rent(economy);
      await clock.advance(random.int(2 * hourMs));
      const alive = economy.alive();
      if (alive.length > 4) alive[random.int(alive.length)]!.destroy();
    }
    const bill = economy.bill();
    assert.equal(
      bill.totalNanoUsd,
      bill.items.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0),
    );
    assert.equal(
      bill.totalNanoUsd,
      economy.history().reduce((sum, { nanoUsd }) => sum + nanoUsd, 0),
    );
    nearly(bill.balanceUsd, 50 - bill.totalNanoUsd / 1e9);
    economy.close();
  });

  it('stops everything when the money is gone, and takes it away two days later', async () => {
    const { clock, economy } = anEconomy({ balanceUsd: 0.5 });
    const [a, b] = [rent(economy), rent(economy)];
    const spentBy = 0.5 / (a.usdPerHour + b.usdPerHour);
    await clock.advance(Math.ceil(spentBy + 1) * hourMs);
    assert.deepEqual([a.status, b.status, a.intended], ['exited', 'exited', 'stopped']);
    const gpu = usdOf(a, 'gpu') + usdOf(b, 'gpu');
    assert.ok(gpu < 0.52, `${gpu}`);
    await clock.advance(49 * hourMs);
    assert.deepEqual(economy.views(), []);
    economy.close();
  });
});

describe('simulated market: who has what', () => {
  it('moves prices a little each minute, the same whoever looks', async () => {
    const one = anEconomy({ seed: 9 });
    const other = anEconomy({ seed: 9 });
    for (let i = 0; i < 60; i++) {
      await one.clock.advance(60_000);
      one.economy.offers();
    }
    await other.clock.advance(60 * 60_000);
    const prices = (economy: Economy) =>
      economy.offers().map(({ machine, usdPerHour, minBid }) => [machine.id, usdPerHour, minBid]);
    assert.deepEqual(prices(one.economy), prices(other.economy));
    const before = new Map(one.economy.offers().map(({ machine, usdPerHour }) => [machine.id, usdPerHour]));
    await one.clock.advance(600_000);
    const moves = one.economy
      .offers()
      .flatMap(({ machine, usdPerHour }) => (before.has(machine.id) ? [usdPerHour / before.get(machine.id)!] : []));
    assert.ok(moves.some((move) => move !== 1) && moves.every((move) => move > 0.7 && move < 1.4), moves.join(' '));
    one.economy.close();
    other.economy.close();
  });

  it('replays a whole history from its seed', async () => {
    const play = async (seed: number) => {
      const { clock, economy } = anEconomy({ seed, mtbfHours: 3, badShare: 0.3, takenShare: 0.2 });
      for (let i = 0; i < 20; i++) {
        const [offer] = economy.offers();
        if (offer) economy.rent(offer.askId, { ...request, label: `gw-a-${i}` });
        await clock.advance(600_000);
        economy.inject({ kind: 'lose-share', share: 0.1 });
        economy.alive()[0]?.destroy();
      }
      const seen = economy.history();
      economy.close();
      return seen;
    };
    const seed = testRandom('replay').seed;
    assert.deepEqual(await play(seed), await play(seed));
    assert.notDeepEqual(await play(seed), await play(seed + 1));
  });

  it('keeps the price that was agreed, while the market jumps', async () => {
    const { clock, economy } = anEconomy();
    const instance = rent(economy);
    const agreed = instance.usdPerHour;
    const before = economy.offers().find(({ machine }) => machine !== instance.rental.machine)!;
    economy.inject({ kind: 'price-jump', factor: 3, forMs: hourMs });
    const during = economy.offers().find(({ machine }) => machine === before.machine)!;
    nearly(during.usdPerHour, before.usdPerHour * 3, 1e-3);
    assert.equal(instance.usdPerHour, agreed);
    await clock.advance(hourMs + 60_000);
    const after = economy.market.everything().find(({ machine }) => machine === before.machine)!;
    assert.ok(after.usdPerHour < before.usdPerHour * 1.5);
    economy.close();
  });

  it('gives a machine to one at a time, and under a new number when it is free again', () => {
    const { economy } = anEconomy();
    const instance = rent(economy);
    const { machine } = instance.rental;
    assert.ok(economy.offers().every((offer) => offer.machine.id !== machine.id));
    instance.destroy();
    assert.ok(economy.offers().some((offer) => offer.machine.id === machine.id));
    economy.close();
  });

  it('lets some offers be taken in the last moment', () => {
    const { economy } = anEconomy({ takenShare: 1 });
    const [offer] = economy.offers();
    assert.equal(economy.rent(offer!.askId, request), undefined);
    assert.ok(economy.offers().every(({ askId }) => askId !== offer!.askId));
    economy.close();
  });

  it('stops a bid that is too low, keeps its disk, and starts it again when the price falls', async () => {
    const { clock, economy } = anEconomy();
    const [offer] = economy.offers();
    assert.equal(economy.rent(offer!.askId, { ...request, bid: offer!.minBid * 0.9 }), undefined);
    const instance = economy.rent(offer!.askId, { ...request, bid: offer!.minBid * 1.3 })!;
    await clock.advance(hourMs);
    assert.equal(instance.status, 'running');
    economy.inject({ kind: 'price-jump', factor: 10, forMs: hourMs });
    await clock.advance(20_000);
    assert.deepEqual([instance.status, instance.intended], ['stopped', 'running']);
    await clock.advance(2 * hourMs);
    assert.equal(instance.status, 'running');
    nearly(instance.usdPerHour, offer!.minBid * 1.3);
    economy.close();
  });

  it('loses hosts, and gets them back', async () => {
    const { clock, economy } = anEconomy({ mtbfHours: 2 });
    const instance = rent(economy);
    const seen: string[] = [];
    for (let i = 0; i < 3_000 && seen.at(-1) !== 'offline'; i++) {
      await clock.advance(60_000);
      const status = String(instance.status);
      if (seen.at(-1) !== status) seen.push(status);
    }
    assert.deepEqual(seen.slice(-2), ['running', 'offline']);
    for (let i = 0; i < 60 && seen.at(-1) === 'offline'; i++) {
      await clock.advance(60_000);
      seen.push(String(instance.status));
    }
    assert.notEqual(seen.at(-1), 'offline');
    economy.close();
  });

  it('has a lost machine on the market again after its outage, although nobody rents it any more', async () => {
    const { clock, economy } = anEconomy({ occupiedShare: 0 });
    const instance = rent(economy);
    const offered = () => economy.offers().some(({ machine }) => machine.id === instance.rental.machine.id);
    instance.lose();
    instance.destroy();
    assert.equal(offered(), false);
    await clock.advance(hourMs);
    assert.equal(offered(), true);
    economy.close();
  });

  it('has machines that never come up, and that say so only in words', async () => {
    const { clock, economy } = anEconomy();
    economy.inject({ kind: 'next-flaw', flaw: 'stuck-loading', times: 1 });
    economy.inject({ kind: 'next-flaw', flaw: 'docker-error', times: 1 });
    const [stuck, broken, sound] = [rent(economy), rent(economy), rent(economy)];
    await clock.advance(2 * hourMs);
    assert.deepEqual([stuck.status, broken.status, sound.status], ['loading', 'loading', 'running']);
    assert.match(broken.statusMsg, /OCI runtime create failed/);
    economy.close();
  });

  it('leaves no timer behind', () => {
    const { clock, economy } = anEconomy({ mtbfHours: 5 });
    rent(economy);
    rent(economy);
    economy.close();
    assert.equal(clock.pendingTimers, 0);
  });
});
