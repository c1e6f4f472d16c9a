import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelName } from '../core/ids.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { createDemandTracker } from './demand.ts';

const x = modelName('x');

describe('createDemandTracker', () => {
  it('settles at a steady rate of arrivals and fades when they stop', async () => {
    const clock = new FakeClock();
    const demand = createDemandTracker({ clock });
    for (let i = 0; i < 600; i++) {
      await clock.advance(500);
      demand.arrived(x);
    }
    const rate = () => demand.read()[0]!.arrivalsPerSecond;
    assert.ok(Math.abs(rate() - 2) < 0.05, `${rate()} arrivals/s`);
    await clock.advance(60_000);
    assert.ok(Math.abs(rate() - 2 / Math.E) < 0.05, `${rate()} arrivals/s`);
  });

  it('counts what waits and what runs', () => {
    const demand = createDemandTracker({ clock: new FakeClock() });
    demand.arrived(x);
    demand.waiting(x, 1);
    demand.waiting(x, -1);
    demand.running(x, 1);
    const [row] = demand.read();
    assert.deepEqual([row?.model, row?.waiting, row?.inFlight], [x, 0, 1]);
  });

  it('stays within its bound for any number of names, and never forgets one with requests', async () => {
    const clock = new FakeClock();
    const demand = createDemandTracker({ clock });
    demand.running(x, 1);
    for (let i = 0; i < 3_000; i++) demand.arrived(modelName(`m${i}`));
    const rows = demand.read();
    assert.equal(rows.length, 256);
    assert.equal(rows.find(({ model }) => model === x)?.inFlight, 1);
  });
});
