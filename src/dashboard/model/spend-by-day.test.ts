import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs, usdMicros } from '../../core/units.ts';
import type { CostComponent } from '../../admin/admin-types.ts';
import { spendByDay } from './spend-by-day.ts';

describe('spend by day', () => {
  it('adds up subjects, in the order of days, and loses nothing', () => {
    const cost = (day: number, component: CostComponent, usd: number) => ({
      at: epochMs(Date.UTC(2026, 5, day)),
      component,
      subject: 'machine',
      seconds: 1,
      amount: usdMicros(usd * 1e6),
    });
    const { bars, total } = spendByDay({
      costs: [cost(2, 'gpu_idle', 3), cost(1, 'gpu_busy', 1), cost(1, 'gpu_busy', 2), cost(1, 'fixed', 4)],
    });
    assert.deepEqual(bars, [
      { name: '06-01', parts: [3, 0, 0, 0, 0, 4, 0] },
      { name: '06-02', parts: [0, 3, 0, 0, 0, 0, 0] },
    ]);
    assert.equal(total, 10);
  });
});
