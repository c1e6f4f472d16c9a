import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aMoneyReport } from '../../../test/support/money-report.ts';
import { aStatus } from '../../../test/support/running-admin.ts';
import type { AlertView, FleetReport } from '../../admin/admin-types.ts';
import { actionsMax, actionsOf, type ActionFacts } from './actions.ts';

const calm = aStatus({ embedding: { ...aStatus().embedding, remedy: undefined } });
const facts = (overrides: Partial<ActionFacts> = {}): ActionFacts => ({
  status: calm,
  report: undefined,
  spend: undefined,
  fleet: undefined,
  audits: undefined,
  alerts: undefined,
  ...overrides,
});
const ids = (given: ActionFacts) => actionsOf(given).map(({ id }) => id);

describe('what to do next', () => {
  it('is nothing when nothing is wrong', () => {
    assert.deepEqual(ids(facts()), []);
  });

  it('puts what stops answers before what costs money, and says how much that is', () => {
    const fleet = { state: 'refused', says: 'not enough credit' } as FleetReport;
    const found = actionsOf(facts({ fleet, report: aMoneyReport() }));
    assert.deepEqual(found.map(({ id }) => id).slice(0, 2), ['fleet-stands', 'idle']);
    assert.ok(found[1]!.usdPerMonth! > 10 && found[1]!.usdPerMonth! < 100, String(found[1]!.usdPerMonth));
    assert.equal(found[1]!.href, '/what-if');
  });

  it('says what to set and what it comes to where a replay has looked, and nothing where it found nothing better', () => {
    const given = facts({ fleet: { state: 'serving', says: '' } as FleetReport, report: aMoneyReport() });
    const idle = { kind: 'sooner', idleS: 600, usdPerMonth: 61, waitsPerDay: 4, days: 6.96 } as const;
    const [action] = actionsOf({ ...given, idle });
    assert.deepEqual(
      [action!.title, action!.usdPerMonth, action!.href],
      ['Let machines sleep after 10 min', 61, '/what-if?idleS=10'],
    );
    assert.deepEqual(action!.apply, {
      change: { name: 'fleet.idleTimeoutMs', value: 600_000 },
      effect: ['A replay of 7 days costs $61.00 a month less, and 4 more questions a day wait for a start.'],
    });
    assert.equal(actionsOf(given)[0]!.apply, undefined);
    assert.deepEqual(ids({ ...given, idle: { kind: 'stay' } }), []);
  });

  it('puts the most urgent alert that fires and is not silenced among what to do now', () => {
    const rule = (name: string, severity: 'page' | 'ticket', level: 'ok' | 'alert', silenced = false) =>
      ({ name, severity, level, silenced, pending: false, summary: `${name}!`, action: 'Look.' }) as AlertView;
    const alerts = {
      rules: [rule('Quiet', 'page', 'ok'), rule('Slow', 'ticket', 'alert'), rule('Orphan', 'page', 'alert')],
      channels: [],
      silences: [],
    };
    const [first] = actionsOf(facts({ alerts }));
    assert.deepEqual([first!.title, first!.why, first!.urgency], ['Orphan fires', 'Orphan! Look. 1 more fire.', 'now']);
    assert.deepEqual(ids(facts({ alerts: { ...alerts, rules: [rule('Orphan', 'page', 'alert', true)] } })), []);
  });

  it('never asks for more than a person does', () => {
    const status = aStatus({ thinkers: [{ ...aStatus().thinkers[0]!, state: 'unreachable', lastError: 'refused' }] });
    const all = facts({
      status,
      report: aMoneyReport(),
      spend: {
        perHourUsd: 1,
        today: { from: 0, usd: 1 },
        month: { from: 0, usd: 50, costs: undefined, forecastUsd: 120 },
        caps: { perDayUsd: 5, perMonthUsd: 100 },
      },
      audits: { state: 'on', why: '', pending: 0, cases: [{} as never] },
    });
    const found = actionsOf(all);
    assert.equal(found.length, actionsMax);
    assert.equal(found[0]!.id, 'no-thinker');
    assert.match(found[0]!.why, /attic is unreachable: refused/);
  });

  it('does not call a sleeping fleet an outage', () => {
    const fleet = { state: 'asleep', says: 'nobody asks' } as FleetReport;
    assert.deepEqual(ids(facts({ status: { ...calm, thinkers: [] }, fleet })), []);
    assert.deepEqual(ids(facts({ status: { ...calm, thinkers: [] } })), ['no-thinker']);
  });

  it('asks for a price only where somebody owns a thinker', () => {
    const report = aMoneyReport({ costUsd: undefined });
    assert.ok(ids(facts({ report })).includes('unpriced'));
    const simulated = { ...calm.thinkers[0]!, kind: 'simulated' as const };
    assert.deepEqual(ids(facts({ status: { ...calm, thinkers: [simulated] }, report })).includes('unpriced'), false);
  });
});
