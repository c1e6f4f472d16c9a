import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../../core/units.ts';
import { alertRules } from './catalogue.ts';
import { evaluate, rowPrefix } from './evaluate.ts';
import {
  above,
  and,
  divide,
  each,
  equals,
  increase,
  minus,
  number,
  or,
  rate,
  share,
  sum,
  times,
  type Expression,
} from './expression.ts';
import { History } from './history.ts';
import { promDuration, toPromql } from './promql.ts';
import { recordings } from './rules/recordings.ts';
import { Watch, type Sample } from './watch.ts';

const minute = 60_000;

function historyOf(expression: Expression, rows: Readonly<Record<string, readonly number[]>>) {
  const history = new History();
  if (expression.kind !== 'series' && expression.kind !== 'range') throw new Error('a series is expected');
  const prefix = rowPrefix(expression.series);
  const length = Math.max(...Object.values(rows).map((values) => values.length));
  for (let at = 0; at < length; at++) {
    history.add(
      epochMs(at * minute),
      new Map(Object.entries(rows).map(([labels, values]) => [prefix + labels, values[at]!])),
    );
  }
  return { history, atMs: (length - 1) * minute };
}

describe('evaluation', () => {
  it('counts what a counter has grown by, over restarts too', () => {
    const grown = increase('c', 10 * minute);
    // Ten minutes of 6 a minute; the window holds the samples after its start, and is filled up to it.
    assert.equal(evaluate(grown, historyOf(grown, { '': Array.from({ length: 21 }, (_, at) => at * 6) })).get(''), 60);
    const restarted = [0, 6, 12, 0, 6, 12];
    const value = evaluate(grown, historyOf(grown, { '': restarted })).get('')!;
    assert.ok(value >= 24 && value < 30, String(value));
  });

  it('has no growth of a single sample, and none before the counter was there', () => {
    const grown = increase('c', 10 * minute);
    assert.equal(evaluate(grown, historyOf(grown, { '': [5] })).size, 0);
    // From 0, so nothing is added at the front: the counter cannot have been below zero.
    assert.equal(evaluate(grown, historyOf(grown, { '': [0, 10, 20] })).get(''), 20);
  });

  it('compares label set with label set, and a number with each', () => {
    const spent = each('spent');
    const moment = historyOf(spent, { 'period=day': [9], 'period=month': [10] });
    assert.deepEqual([...evaluate(above(spent, 9.5), moment)], [['period=month', 10]]);
    assert.deepEqual([...evaluate(above(divide(spent, spent), 0.5), moment)].length, 2);
    assert.deepEqual([...evaluate(and(spent, above(spent, 9.5)), moment)], [['period=month', 10]]);
    assert.deepEqual([...evaluate(or(above(spent, 9.5), spent), moment)].length, 2);
    assert.equal(evaluate(above(sum('nowhere'), 0), moment).size, 0);
  });

  it('has no share of nothing', () => {
    const whole = rate('c', 10 * minute);
    const moment = historyOf(whole, { '': [0, 0, 0] });
    assert.equal(evaluate(divide(whole, whole), moment).get(''), NaN);
    assert.equal(evaluate(share(whole, whole), moment).size, 0);
  });
});

describe('the text for Prometheus', () => {
  it('has brackets where the order of operators needs them, and nowhere else', () => {
    const [a, b] = [each('a'), each('b')];
    assert.equal(toPromql(minus(number(1), minus(a, b))), '1 - (a - b)');
    assert.equal(toPromql(minus(minus(a, b), number(1))), 'a - b - 1');
    assert.equal(toPromql(times(2, minus(a, b))), '2 * (a - b)');
    assert.equal(toPromql(and(or(a, b), above(a, b))), '(a or b) and a > b');
    assert.equal(toPromql(or(and(a, b), equals(a, 0))), 'a and b or a == 0');
    assert.equal(toPromql(share(a, b)), 'a / (b > 0)');
  });

  it('writes selectors, windows and values that look like patterns', () => {
    assert.equal(
      toPromql(increase('c_total', 90 * minute, { kind: ['a.b', 'c'], '!side': 'x' })),
      String.raw`sum(increase(c_total{kind=~"a\\.b|c",side!="x"}[90m]))`,
    );
    assert.deepEqual([1000, minute, 120 * minute, 7 * 1440 * minute].map(promDuration), ['1s', '1m', '2h', '7d']);
  });
});

describe('watch', () => {
  const redis = (value: number): Sample => ({ name: 'selfhost_redis_up', labels: {}, value });
  const down = alertRules.find(({ name }) => name === 'CacheDown')!;

  it('waits until the condition has held for its time, and starts anew after a gap', () => {
    const watch = new Watch({ rules: [down], recordings: [] });
    const levels = [1, 0, 0, 0, 1, 0, 0].map((value, step) => {
      const [state] = watch.tick(epochMs(step * 30_000), [redis(value)]);
      return `${state!.level}${state!.pending ? ' pending' : ''}`;
    });
    assert.deepEqual(levels, ['ok', 'ok pending', 'ok pending', 'alert', 'ok', 'ok pending', 'ok pending']);
  });

  it('warns before it alerts, and says since when', () => {
    const spent = alertRules.find(({ name }) => name === 'BudgetNearlySpent')!;
    const watch = new Watch({ rules: [spent], recordings: [] });
    const state = (value: number, at: number) => {
      const labels = { period: 'day' };
      const [told] = watch.tick(epochMs(at), [
        { name: 'selfhost_budget_usd', labels, value: 10 },
        { name: 'selfhost_budget_spent_usd', labels, value },
      ]);
      return { level: told!.level, since: told!.since };
    };
    assert.deepEqual(state(1, 0), { level: 'ok', since: 0 });
    assert.deepEqual(state(8.5, 1000), { level: 'warn', since: 1000 });
    assert.deepEqual(state(9, 2000), { level: 'warn', since: 1000 });
    assert.deepEqual(state(9.9, 3000), { level: 'alert', since: 3000 });
  });

  it('hears nothing of what is not configured as no fault, and needs no more rows than it has', () => {
    const watch = new Watch({ rules: alertRules, recordings });
    for (const state of watch.tick(epochMs(0), [])) assert.equal(state.level, 'ok', state.rule.name);
    assert.ok(watch.metricNames.includes('selfhost_request_duration_seconds'));
    assert.ok(!watch.states.some(({ rule }) => rule.name === 'GatewayDown'), 'who is gone cannot tell');
  });
});
