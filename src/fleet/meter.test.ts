import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { epochMs, usdMicros } from '../core/units.ts';
import { amountsOf, isRough, meteredComponents, newMeter, readMeter, totalOf, type MeterReading } from './meter.ts';

const prices = { pricePerHour: usdMicros(400_000), storagePerHour: usdMicros(7_000) };
const reading = (parts: Partial<MeterReading>): MeterReading => ({
  now: epochMs(0),
  gpuBilled: true,
  storageBilled: true,
  ready: true,
  busyMs: 0,
  ...parts,
});

describe('meter', () => {
  it('splits GPU time into the start, answers and waiting', () => {
    let meter = newMeter(epochMs(0));
    meter = readMeter(meter, reading({ now: epochMs(10_000), gpuBilled: false, ready: false }));
    meter = readMeter(meter, reading({ now: epochMs(20_000), ready: false }));
    meter = readMeter(meter, reading({ now: epochMs(30_000), ready: false }));
    meter = readMeter(meter, reading({ now: epochMs(40_000), busyMs: 4_000 }));
    const { coldMs, busyMs, idleMs, storageMs } = meter;
    // Storage began before the first look and the GPU between two: half of each of those times.
    assert.deepEqual(
      { coldMs, busyMs, idleMs, storageMs },
      { coldMs: 15_000, busyMs: 4_000, idleMs: 6_000, storageMs: 35_000 },
    );
  });

  it('counts a change that nobody saw at the least it can have cost, and knows that it is rough', () => {
    const seen = readMeter(newMeter(epochMs(0)), reading({ now: epochMs(600_000), ready: false }));
    assert.deepEqual([seen.coldMs, seen.storageMs, seen.unsureMs], [0, 0, 600_000]);
    const on = readMeter(seen, reading({ now: epochMs(1_600_000), ready: false }));
    assert.deepEqual([on.coldMs, on.unsureMs, isRough(on)], [1_000_000, 600_000, true]);
    const close = readMeter(newMeter(epochMs(0)), reading({ now: epochMs(3_000), ready: false }));
    assert.equal(isRough(readMeter(close, reading({ now: epochMs(4_000_000) }))), false);
  });

  it('adds up: the steps of a day are the day, exactly, in whole micro-dollars', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            ms: fc.integer({ min: -500, max: 70_000 }),
            busy: fc.integer({ min: 0, max: 90_000 }),
            on: fc.boolean(),
          }),
          { maxLength: 60 },
        ),
        (steps) => {
          let meter = newMeter(epochMs(0));
          let posted = 0;
          let before = 0;
          for (const { ms, busy, on } of steps) {
            meter = readMeter(
              meter,
              reading({ now: epochMs(meter.at + ms), busyMs: busy, gpuBilled: on, storageBilled: on }),
            );
            const total = totalOf(amountsOf(meter, prices));
            posted += total - before;
            before = total;
            assert.ok(meter.busyMs + meter.idleMs + meter.coldMs <= meter.at);
          }
          const amounts = amountsOf(meter, prices);
          assert.equal(
            posted,
            meteredComponents.reduce((sum, each) => sum + amounts[each].amount, 0),
          );
          assert.ok(Number.isInteger(posted));
        },
      ),
    );
  });
});
