import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs, usdMicros } from '../../core/units.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import type { CostEntry, LedgerEntry } from '../ledger.ts';
import { createMemoryLedger } from '../ledger/memory.ts';
import { createFixedCosts, fixedInHour, hoursPerMonth } from './fixed-costs.ts';
import { createHostMeter } from './host-meter.ts';
import { createMeter } from './meter.ts';

const ever = { from: epochMs(0), to: epochMs(Number.MAX_SAFE_INTEGER) };
const minuteMs = 60_000;
const hourMs = 3_600_000;

describe('meter', () => {
  it('loses nothing to rounding: bills of odd seconds add up to the whole', () => {
    const random = testRandom('meter');
    const entries: CostEntry[] = [];
    const meter = createMeter({ append: (entry: LedgerEntry) => void entries.push(entry as CostEntry) });
    const pricePerHour = usdMicros(682_333);
    let seconds = 0;
    for (let i = 0; i < 5_000; i++) {
      const each = random.float() * 70;
      seconds += each;
      meter.bill({ at: epochMs(i), component: 'gpu_idle', subject: 'a', seconds: each, pricePerHour });
    }
    const total = entries.reduce((sum, { amount }) => sum + amount, 0);
    assert.ok(Math.abs(total - (pricePerHour * seconds) / 3600) <= 1, `${total}`);
    assert.ok(entries.every(({ amount }) => Number.isInteger(amount)));
  });
});

describe('host meter', () => {
  it('bills every second of a host once, as busy or as idle', async () => {
    const clock = new FakeClock();
    const ledger = createMemoryLedger();
    const host = { name: 'gpu', pricePerHour: usdMicros(500_000), busyMs: 0 };
    const meter = createHostMeter({ ledger, clock, hosts: () => [host] });
    host.busyMs += 15_000;
    await clock.advance(10 * minuteMs);
    host.busyMs += 30_000;
    await clock.advance(50_000);
    meter.close();
    const { costs, seconds, total } = await ledger.totals(ever);
    assert.deepEqual([seconds.gpu_busy, seconds.gpu_idle], [45, 605]);
    assert.equal(total, costs.gpu_busy + costs.gpu_idle);
    assert.ok(Math.abs(total - (500_000 * 650) / 3600) <= 2);
  });

  it('bills a host that comes later from then on, and one that started over', async () => {
    const clock = new FakeClock();
    const ledger = createMemoryLedger();
    let hosts = [{ name: 'a', pricePerHour: usdMicros(3_600_000), busyMs: 0 }];
    const meter = createHostMeter({ ledger, clock, hosts: () => hosts });
    await clock.advance(minuteMs);
    hosts = [...hosts, { name: 'b', pricePerHour: usdMicros(3_600_000), busyMs: 500_000 }];
    await clock.advance(minuteMs);
    // Removed and added again: counts from zero.
    hosts = hosts.map((host) => ({ ...host, busyMs: 1_000 }));
    await clock.advance(minuteMs);
    meter.close();
    const { costs } = await ledger.buckets(ever, hourMs);
    const secondsOf = (subject: string) =>
      costs.filter((row) => row.subject === subject).reduce((sum, row) => sum + row.seconds, 0);
    assert.deepEqual([secondsOf('a'), secondsOf('b')], [180, 60]);
  });
});

describe('fixed costs', () => {
  const costs = [{ name: 'box', perMonth: usdMicros(30_000_001) }];

  it('adds up to the month over any 730 hours', () => {
    for (const from of [0, 17, 490_001, 729]) {
      let sum = 0;
      for (let hour = from; hour < from + hoursPerMonth; hour++) sum += fixedInHour(costs[0]!.perMonth, hour);
      assert.equal(sum, 30_000_001);
    }
  });

  it('is written once an hour, and once for all gateways that share a ledger', async () => {
    const clock = new FakeClock();
    const ledger = createMemoryLedger();
    const options = { ledger, clock, logger: silentLogger, costs };
    const both = [createFixedCosts(options), createFixedCosts(options)];
    for (const each of both) await each.started;
    await clock.advance(3 * hourMs);
    for (const each of both) each.close();
    const entries: LedgerEntry[] = [];
    for await (const entry of ledger.entries(ever)) entries.push(entry);
    assert.equal(entries.length, 3);
  });

  it('is written for the hours in which nothing ran', async () => {
    const clock = new FakeClock();
    const ledger = createMemoryLedger();
    const first = createFixedCosts({ ledger, clock, logger: silentLogger, costs });
    await first.started;
    await clock.advance(2 * hourMs);
    first.close();
    await clock.advance(48 * hourMs);
    const second = createFixedCosts({ ledger, clock, logger: silentLogger, costs });
    await second.started;
    second.close();
    assert.equal((await ledger.totals(ever)).seconds.fixed, 50 * 3600);
  });
});
