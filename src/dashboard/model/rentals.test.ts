import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FleetMachine, FleetRental } from '../../admin/admin-types.ts';
import { epochMs, usdMicros } from '../../core/units.ts';
import { spansOf, stillBilling, useBySubject } from './rentals.ts';

const aRental = (overrides: Partial<FleetRental>): FleetRental => ({
  label: 'l',
  instanceId: undefined,
  machineId: 'm',
  hostId: 'h',
  gpu: 'RTX 4090',
  createdAt: 100,
  readyAt: 200,
  endedAt: 300,
  phase: 'gone',
  outcome: 'served',
  reason: '',
  endReason: undefined,
  pricePerHourUsd: 0.4,
  spentUsd: 0.1,
  ...overrides,
});

describe('rentals', () => {
  it('cuts spans to the window, and goes on to its end with what is not over', () => {
    const rentals = [
      aRental({ label: 'over', createdAt: 10, endedAt: 40 }),
      aRental({ label: 'running', createdAt: 80, readyAt: undefined, endedAt: undefined }),
      aRental({ label: 'before', createdAt: 20, readyAt: 30, endedAt: 120 }),
    ];
    assert.deepEqual(
      spansOf(rentals, { from: 50, to: 150 }).map(({ name, from, readyAt, to, isOver }) => [
        name,
        from,
        readyAt,
        to,
        isOver,
      ]),
      [
        ['before', 50, 50, 120, true],
        ['running', 80, undefined, 150, false],
      ],
    );
  });

  it('adds up GPU time by machine, and leaves out what is no GPU time', () => {
    const cost = (component: 'gpu_busy' | 'gpu_idle' | 'gpu_cold' | 'storage', subject: string, seconds: number) => ({
      at: epochMs(0),
      component,
      subject,
      seconds,
      amount: usdMicros(seconds * 100),
    });
    const uses = useBySubject({
      costs: [cost('gpu_busy', 'a', 10), cost('gpu_idle', 'b', 50), cost('gpu_cold', 'a', 5), cost('storage', 'a', 99)],
    });
    assert.deepEqual(
      uses.map(({ subject, busyS, idleS, coldS }) => [subject, busyS, idleS, coldS]),
      [
        ['b', 0, 50, 0],
        ['a', 10, 0, 5],
      ],
    );
  });

  it('counts machines that only store something as billing', () => {
    const machine = (billing: FleetMachine['billing'], billsPerHourUsd: number) =>
      ({ billing, billsPerHourUsd }) as FleetMachine;
    const machines = [machine('gpu', 0.5), machine('storage', 0.25), machine('nothing', 0)];
    assert.deepEqual(stillBilling({ machines }), { machines: 2, perHourUsd: 0.75 });
  });
});
