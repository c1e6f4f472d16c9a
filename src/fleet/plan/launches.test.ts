import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../core/units.ts';
import { billedLaunchS, chanceOfStart, launchesFor, leadTimeS } from './launches.ts';
import type { LaunchRecord } from './observation.ts';

const launch = (outcome: LaunchRecord['outcome'], tookS = 0, billedS = 0): LaunchRecord => ({
  at: epochMs(0),
  outcome,
  tookS,
  billedS,
});
const many = (count: number, outcome: LaunchRecord['outcome']): LaunchRecord[] =>
  Array.from({ length: count }, () => launch(outcome));
const starts = (missing: number, launches: readonly LaunchRecord[], launching = 0) =>
  launchesFor({ missing, launching, isUrgent: true, launches, policy: { hedging: 'urgent' } });

describe('what past starts say', () => {
  it('takes the 80th percentile of the last twenty that got ready, and the tick that notices', () => {
    const policy = { leadTimePriorS: 240, tickS: 10 };
    assert.equal(leadTimeS([launch('failed', 900)], policy), 250);
    const launches = [launch('ready', 5000), ...Array.from({ length: 20 }, (_, i) => launch('ready', 100 + 10 * i))];
    assert.equal(leadTimeS(launches, policy), 260);
    assert.equal(
      billedLaunchS([launch('ready', 200, 80), launch('ready', 200, 120), launch('failed', 0, 900)], 150),
      100,
    );
  });

  it('believes in nine of ten until it has seen otherwise, and counts no start that we gave back', () => {
    assert.equal(chanceOfStart(many(5, 'cancelled')), 0.9);
    assert.equal(chanceOfStart(many(10, 'failed')), 9 / 20);
    assert.equal(chanceOfStart(many(20, 'ready')), 29 / 30);
  });

  it('hedges a single start only where starts fail, several ones already at the usual odds, by two at most', () => {
    assert.equal(starts(1, []), 1);
    assert.equal(starts(4, []), 5);
    assert.equal(starts(1, many(3, 'failed')), 2);
    assert.equal(starts(1, many(20, 'failed')), 3);
    assert.equal(starts(4, many(20, 'failed'), 1), 5);
    assert.equal(starts(2, many(20, 'failed'), 6), 0);
  });
});
