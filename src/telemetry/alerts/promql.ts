import type { Expression, Matcher, Series } from './expression.ts';

/** The expression in the language of Prometheus. */
export function toPromql(expression: Expression): string {
  return write(expression, 0);
}

/** `5m`, `1h`, `7d`: the largest unit that divides it. */
export function promDuration(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const [unit, size] = units.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/** How tightly an operator binds; a looser one inside a tighter one needs brackets. */
const binding = { or: 1, and: 2, comparison: 3, sum: 4, product: 5 } as const;

function write(expression: Expression, outer: number): string {
  switch (expression.kind) {
    case 'number':
      // 14.4 × 0.005 is not quite 0.072 in binary; people read this.
      return String(Number(expression.value.toPrecision(12)));
    case 'time':
      return 'time()';
    case 'series':
      return folded(expression.series, selector(expression.series));
    case 'range': {
      const { series, fold, windowMs } = expression;
      return folded(series, `${fold}(${selector(series)}[${promDuration(windowMs)}])`);
    }
    case 'abs':
      return `abs(${write(expression.of, 0)})`;
    case 'clamp-min':
      return `clamp_min(${write(expression.of, 0)}, ${expression.min})`;
    case 'and':
    case 'or':
      return joined(expression.kind, expression, binding[expression.kind], outer);
    case 'comparison':
      return joined(expression.operator, expression, binding.comparison, outer);
    case 'arithmetic': {
      const isProduct = expression.operator === '*' || expression.operator === '/';
      return joined(expression.operator, expression, isProduct ? binding.product : binding.sum, outer);
    }
  }
}

interface Pair {
  readonly left: Expression;
  readonly right: Expression;
}

function joined(operator: string, { left, right }: Pair, own: number, outer: number): string {
  // Operators of one strength read from left to right, so the right side must bind tighter.
  const text = `${write(left, own)} ${operator} ${write(right, own + 1)}`;
  return own < outer ? `(${text})` : text;
}

const folded = ({ fold }: Series, text: string): string => (fold === 'each' ? text : `${fold}(${text})`);

function selector({ name, where }: Series): string {
  return where.length === 0 ? name : `${name}{${where.map(matcher).join(',')}}`;
}

function matcher({ label, is, values }: Matcher): string {
  const [only] = values;
  const text = values.map(escape).join('|');
  if (values.length === 1) return `${label}${is === 'one-of' ? '=' : '!='}"${only}"`;
  return `${label}${is === 'one-of' ? '=~' : '!~'}"${text}"`;
}

/** Values are words of ours; a dot or a plus in them must not become a pattern. */
const escape = (value: string): string => value.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\\$&`);
