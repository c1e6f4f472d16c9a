/** Works out expressions on the gateway's own history, as Prometheus would on what it has scraped. */
import { unreachable } from '../../core/assert.ts';
import type { ComparisonOperator, Expression, RangeFunction, Series } from './expression.ts';
import type { History, Point } from './history.ts';

/** Values by label set; '' is the empty set. A label set is a text, so that equal ones are the same key. */
export type Vector = ReadonlyMap<string, number>;

export interface Moment {
  readonly history: History;
  readonly atMs: number;
}

/** @returns undefined for nothing at all; a number by itself becomes the value of the empty label set */
export function evaluate(expression: Expression, moment: Moment): Vector {
  const value = work(expression, moment);
  return typeof value === 'number' ? new Map([['', value]]) : value;
}

/** A name for what one `Series` selects and how it is folded; rows of history begin with it. */
export function rowPrefix({ name, where, fold }: Series): string {
  const matchers = where.map(({ label, is, values }) => `${label}${is === 'one-of' ? '=' : '!='}${values.join('|')}`);
  return `${fold} ${name}{${matchers.join(',')}} `;
}

type Value = number | Vector;

function work(expression: Expression, moment: Moment): Value {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'time':
      return moment.atMs / 1000;
    case 'series':
      return rowsOf(expression.series, moment, (row) => moment.history.latest(row));
    case 'range': {
      const { fold, windowMs } = expression;
      return rowsOf(expression.series, moment, (row) =>
        foldRange(fold, moment.history.window(row, moment.atMs, windowMs), moment.atMs, windowMs),
      );
    }
    case 'abs':
      return mapped(work(expression.of, moment), Math.abs);
    case 'clamp-min':
      return mapped(work(expression.of, moment), (value) => Math.max(value, expression.min));
    case 'arithmetic': {
      const { operator } = expression;
      return joined(work(expression.left, moment), work(expression.right, moment), (left, right) => {
        switch (operator) {
          case '+':
            return left + right;
          case '-':
            return left - right;
          case '*':
            return left * right;
          case '/':
            return left / right;
          default:
            return unreachable(operator);
        }
      });
    }
    case 'comparison': {
      const { operator } = expression;
      return joined(work(expression.left, moment), work(expression.right, moment), (left, right) =>
        holds(operator, left, right) ? left : undefined,
      );
    }
    case 'and': {
      const right = asVector(work(expression.right, moment));
      return new Map([...asVector(work(expression.left, moment))].filter(([labels]) => right.has(labels)));
    }
    case 'or':
      // Of a label set that both sides have, the left value counts.
      return new Map([...asVector(work(expression.right, moment)), ...asVector(work(expression.left, moment))]);
    default:
      return unreachable(expression);
  }
}

function holds(operator: ComparisonOperator, left: number, right: number): boolean {
  switch (operator) {
    case '>':
      return left > right;
    case '<':
      return left < right;
    case '>=':
      return left >= right;
    case '==':
      return left === right;
    default:
      return unreachable(operator);
  }
}

/** Label sets that both sides have; a number goes with each. */
function joined(left: Value, right: Value, combine: (left: number, right: number) => number | undefined): Value {
  if (typeof left === 'number' && typeof right === 'number') {
    const value = combine(left, right);
    return value === undefined ? new Map() : value;
  }
  const out = new Map<string, number>();
  const labelSets = typeof left === 'number' ? (right as Vector) : left;
  for (const labels of labelSets.keys()) {
    const [a, b] = [at(left, labels), at(right, labels)];
    const value = a === undefined || b === undefined ? undefined : combine(a, b);
    if (value !== undefined) out.set(labels, value);
  }
  return out;
}

const at = (value: Value, labels: string): number | undefined =>
  typeof value === 'number' ? value : value.get(labels);
const asVector = (value: Value): Vector => (typeof value === 'number' ? new Map([['', value]]) : value);
const mapped = (value: Value, change: (value: number) => number): Value =>
  typeof value === 'number' ? change(value) : new Map([...value].map(([labels, each]) => [labels, change(each)]));

function rowsOf(series: Series, { history }: Moment, read: (row: string) => number | undefined): Vector {
  const prefix = rowPrefix(series);
  const out = new Map<string, number>();
  for (const row of history.rows(prefix)) {
    const value = read(row);
    if (value !== undefined) out.set(row.slice(prefix.length), value);
  }
  return out;
}

function foldRange(fold: RangeFunction, points: readonly Point[], atMs: number, windowMs: number): number | undefined {
  switch (fold) {
    case 'increase':
      return increaseOf(points, atMs, windowMs);
    case 'rate': {
      const grown = increaseOf(points, atMs, windowMs);
      return grown === undefined ? undefined : grown / (windowMs / 1000);
    }
    case 'avg_over_time':
      return points.length === 0 ? undefined : points.reduce((sum, { value }) => sum + value, 0) / points.length;
    default:
      return unreachable(fold);
  }
}

/**
 * What a counter has grown by in the window. As Prometheus counts it: the growth between the first and the last
 * point, carried on to the edges of the window where they are near, and never below zero at its beginning.
 */
function increaseOf(points: readonly Point[], atMs: number, windowMs: number): number | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return undefined;
  let grown = last.value - first.value;
  // A counter that falls has begun again at zero.
  points.forEach(({ value }, index) => {
    const before = points[index - 1];
    if (before !== undefined && value < before.value) grown += before.value;
  });
  const sampledMs = last.atMs - first.atMs;
  const stepMs = sampledMs / (points.length - 1);
  const near = stepMs * 1.1;
  let toStartMs = first.atMs - (atMs - windowMs);
  let toEndMs = atMs - last.atMs;
  if (toStartMs >= near) toStartMs = stepMs / 2;
  if (grown > 0 && first.value >= 0) toStartMs = Math.min(toStartMs, sampledMs * (first.value / grown));
  if (toEndMs >= near) toEndMs = stepMs / 2;
  return (grown * (sampledMs + toStartMs + toEndMs)) / sampledMs;
}
