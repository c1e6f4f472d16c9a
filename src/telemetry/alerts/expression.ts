/**
 * The conditions of alerts as data. One form, two readers: `promql.ts` writes it as text for Prometheus, and
 * `evaluate.ts` works it out on the gateway's own history.
 */

export type ArithmeticOperator = '+' | '-' | '*' | '/';
export type ComparisonOperator = '>' | '<' | '>=' | '==';
export type RangeFunction = 'increase' | 'rate' | 'avg_over_time';

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  /** Seconds since the Unix epoch. */
  | { readonly kind: 'time' }
  | { readonly kind: 'series'; readonly series: Series }
  | { readonly kind: 'range'; readonly series: Series; readonly fold: RangeFunction; readonly windowMs: number }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  /** Keeps what it holds for, with the value of the left side; the rest is gone. */
  | {
      readonly kind: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'abs'; readonly of: Expression }
  | { readonly kind: 'clamp-min'; readonly of: Expression; readonly min: number };

/** Which series, and how those that match are put together: to one, or each for itself. */
export interface Series {
  /** As exported, with the suffix of a histogram; or the name of a recording. */
  readonly name: string;
  readonly where: readonly Matcher[];
  readonly fold: 'sum' | 'max' | 'each';
}

export interface Matcher {
  readonly label: string;
  readonly is: 'one-of' | 'none-of';
  /** Whole values; never patterns, so that both readers mean the same. */
  readonly values: readonly string[];
}

/** `{ outcome: ['timeout', 'overloaded'] }`; a leading `!` in the label's name turns it around. */
export type Where = Readonly<Record<string, string | readonly string[]>>;

export const number = (value: number): Expression => ({ kind: 'number', value });
export const time: Expression = { kind: 'time' };
export const each = (name: string, where: Where = {}): Expression => ({
  kind: 'series',
  series: pick(name, where, 'each'),
});
export const sum = (name: string, where: Where = {}): Expression => ({
  kind: 'series',
  series: pick(name, where, 'sum'),
});
export const max = (name: string, where: Where = {}): Expression => ({
  kind: 'series',
  series: pick(name, where, 'max'),
});

const range =
  (fold: RangeFunction, over: Series['fold']) =>
  (name: string, windowMs: number, where: Where = {}): Expression => ({
    kind: 'range',
    series: pick(name, where, over),
    fold,
    windowMs,
  });
export const increase = range('increase', 'sum');
export const rate = range('rate', 'sum');
export const average = range('avg_over_time', 'each');

const arithmetic =
  (operator: ArithmeticOperator) =>
  (left: Expression, right: Expression | number): Expression => ({
    kind: 'arithmetic',
    operator,
    left,
    right: lift(right),
  });
export const minus = arithmetic('-');
export const divide = arithmetic('/');
export const times = (factor: number, of: Expression): Expression => ({
  kind: 'arithmetic',
  operator: '*',
  left: number(factor),
  right: of,
});

const comparison =
  (operator: ComparisonOperator) =>
  (left: Expression, right: Expression | number): Expression => ({
    kind: 'comparison',
    operator,
    left,
    right: lift(right),
  });
export const above = comparison('>');
export const below = comparison('<');
export const atLeast = comparison('>=');
export const equals = comparison('==');

export const and = (...parts: readonly Expression[]): Expression =>
  parts.reduce((left, right) => ({ kind: 'and', left, right }));
export const or = (...parts: readonly Expression[]): Expression =>
  parts.reduce((left, right) => ({ kind: 'or', left, right }));
export const abs = (of: Expression): Expression => ({ kind: 'abs', of });
export const clampMin = (of: Expression, min: number): Expression => ({ kind: 'clamp-min', of, min });

/** Nothing where the whole is 0: a share of nothing is no number, and would spoil every average it went into. */
export const share = (part: Expression, whole: Expression): Expression => divide(part, above(whole, 0));

/** Every series that an expression reads. */
export function seriesOf(expression: Expression): readonly { readonly series: Series; readonly windowMs: number }[] {
  switch (expression.kind) {
    case 'number':
    case 'time':
      return [];
    case 'series':
      return [{ series: expression.series, windowMs: 0 }];
    case 'range':
      return [{ series: expression.series, windowMs: expression.windowMs }];
    case 'abs':
    case 'clamp-min':
      return seriesOf(expression.of);
    default:
      return [...seriesOf(expression.left), ...seriesOf(expression.right)];
  }
}

const lift = (value: Expression | number): Expression => (typeof value === 'number' ? number(value) : value);

function pick(name: string, where: Where, fold: Series['fold']): Series {
  const matchers = Object.entries(where).map(([label, value]): Matcher => {
    const values = typeof value === 'string' ? [value] : value;
    return label.startsWith('!') ? { label: label.slice(1), is: 'none-of', values } : { label, is: 'one-of', values };
  });
  return { name, where: matchers, fold };
}
