import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../core/units.ts';
import { alertRules } from './catalogue.ts';
import { Notifier, type NotifierOptions, type Silence } from './notifier.ts';
import { isQuiet } from './quiet-hours.ts';
import type { AlertLevel, AlertState } from './watch.ts';

const hour = 3_600_000;
const page = alertRules.find(({ name }) => name === 'CacheDown')!;
const budget = alertRules.find(({ name }) => name === 'BudgetNearlySpent')!;
const ticket = alertRules.find(({ name }) => name === 'HitRateDrop')!;
/** Midnight, UTC. */
const midnight = 1_767_225_600_000;

function aNotifier(over: Partial<NotifierOptions> = {}) {
  const notifier = new Notifier({ renotifyMs: 4 * hour, settleMs: 0, quietHours: undefined, ...over });
  return (rule: typeof page, level: AlertLevel, atMs: number, silences: readonly Silence[] = []) => {
    const state: AlertState = {
      rule,
      level,
      pending: false,
      since: epochMs(0),
      alertFor: [],
      warnFor: [],
      values: new Map(),
    };
    return notifier
      .decide([state], silences, epochMs(midnight + atMs))
      .map((notice) => `${notice.status} ${notice.level}`)
      .join(' ');
  };
}

describe('what is worth a message', () => {
  it('tells the beginning, goes on in silence, reminds, and tells the end', () => {
    const decide = aNotifier();
    const told = [
      decide(page, 'ok', 0),
      decide(page, 'alert', 1),
      decide(page, 'alert', hour),
      decide(page, 'alert', 4 * hour + 1),
      decide(page, 'alert', 5 * hour),
      decide(page, 'ok', 6 * hour),
      decide(page, 'ok', 7 * hour),
    ];
    assert.deepEqual(told, ['', 'firing page', '', 'firing page', '', 'resolved page', '']);
  });

  it('tells when a warning becomes an alert, and not when it falls back', () => {
    const decide = aNotifier();
    assert.deepEqual(
      [decide(budget, 'warn', 0), decide(budget, 'alert', 1), decide(budget, 'warn', 2), decide(budget, 'alert', 3)],
      ['firing warn', 'firing page', '', ''],
    );
  });

  it('takes what comes back soon for one trouble', () => {
    const decide = aNotifier({ settleMs: 120_000 });
    const told = [
      decide(page, 'alert', 0),
      decide(page, 'ok', 60_000),
      decide(page, 'alert', 90_000),
      decide(page, 'ok', 120_000),
      decide(page, 'ok', 210_000),
    ];
    assert.deepEqual(told, ['firing page', '', '', '', 'resolved page']);
  });

  it('says nothing of what is silenced, tells it when the silence ends, and no end of what nobody heard of', () => {
    const decide = aNotifier();
    const silences = [{ id: 's', rule: 'CacheDown', until: epochMs(midnight + hour), comment: '' }];
    assert.equal(decide(page, 'alert', 0, silences), '');
    assert.equal(decide(budget, 'alert', 0, silences), 'firing page');
    assert.equal(decide(page, 'alert', hour, silences), 'firing page');
    assert.equal(decide(ticket, 'alert', 0, [{ ...silences[0]!, rule: '*' }]), '');
    assert.equal(decide(ticket, 'ok', 1), '');
  });

  it('lets what can wait wait for the morning, and forgets what is over by then', () => {
    const quietHours = { from: '22:00', to: '07:00', timeZone: 'UTC', pages: 'through' as const };
    const decide = aNotifier({ quietHours });
    assert.equal(decide(page, 'alert', 0), 'firing page');
    assert.equal(decide(ticket, 'alert', hour), '');
    assert.equal(decide(budget, 'warn', hour), '');
    assert.equal(decide(budget, 'ok', 2 * hour), '');
    assert.equal(decide(ticket, 'alert', 7 * hour), 'firing ticket');
    assert.equal(decide(budget, 'ok', 7 * hour), '');
    const strict = aNotifier({ quietHours: { ...quietHours, pages: 'wait' } });
    assert.equal(strict(page, 'alert', 0), '');
    assert.equal(strict(page, 'alert', 7 * hour), 'firing page');
  });

  it('tells an end that fell into the night in the morning', () => {
    const decide = aNotifier({ quietHours: { from: '22:00', to: '07:00', timeZone: 'UTC', pages: 'through' } });
    assert.equal(decide(ticket, 'alert', 21 * hour), 'firing ticket');
    assert.equal(decide(ticket, 'ok', 23 * hour), '');
    assert.equal(decide(ticket, 'ok', 31 * hour), 'resolved ticket');
  });
});

describe('quiet hours', () => {
  it('reach over midnight and follow the clock of their place, summer time included', () => {
    const at = (text: string) => epochMs(Date.parse(text));
    const night = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };
    assert.equal(isQuiet(night, at('2026-01-10T20:59:00Z')), false);
    assert.equal(isQuiet(night, at('2026-01-10T21:00:00Z')), true, '22:00 in winter');
    assert.equal(isQuiet(night, at('2026-07-10T20:00:00Z')), true, '22:00 in summer');
    assert.equal(isQuiet(night, at('2026-07-11T04:59:00Z')), true);
    assert.equal(isQuiet(night, at('2026-07-11T05:00:00Z')), false);
    const noon = { from: '12:00', to: '13:00', timeZone: 'UTC' };
    assert.equal(isQuiet(noon, at('2026-01-10T12:30:00Z')), true);
    assert.equal(isQuiet(noon, at('2026-01-10T13:00:00Z')), false);
  });
});
