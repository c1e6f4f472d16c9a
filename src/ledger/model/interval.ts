/** What the cache saved, as an estimate with an interval: hold-outs correct what stored answers say they took. */

export interface SavingsDay {
  /** Value of hits of the same question: the stored answer is what a thinker would have done. */
  readonly sameUsd: number;
  /** Value of hits in other words, as their stored answers took; what hold-outs correct. */
  readonly otherUsd: number;
  /** Of this day: what the hit was counted as, and what a thinker then took for it. */
  readonly holdouts: readonly { readonly countedUsd: number; readonly freshUsd: number }[];
}

export type SavingsEstimate =
  | { readonly kind: 'not-enough-data'; readonly why: string; readonly days: number; readonly hits: number }
  | {
      readonly kind: 'estimate';
      readonly usd: number;
      /** 95 %; undefined without hold-outs, and exact where no hit was in other words. */
      readonly low: number | undefined;
      readonly high: number | undefined;
      readonly holdouts: number;
      /** Fresh time over counted time, of hold-outs. */
      readonly correction: number;
      readonly method: string;
    };

export const daysMin = 7;
export const hitsMin = 200;
/** Fewer say nothing about a spread. */
export const holdoutsMin = 10;

export function estimateSavings(days: readonly SavingsDay[], hits: number): SavingsEstimate {
  if (days.length < daysMin || hits < hitsMin) {
    const why =
      days.length < daysMin
        ? `${days.length} of ${daysMin} days with hits so far`
        : `${hits} of ${hitsMin} hits so far`;
    return { kind: 'not-enough-data', why, days: days.length, hits };
  }
  const same = sum(days, (day) => day.sameUsd);
  const other = sum(days, (day) => day.otherUsd);
  const holdouts = days.flatMap((day) => day.holdouts);
  if (other === 0)
    return {
      kind: 'estimate',
      usd: same,
      low: same,
      high: same,
      holdouts: holdouts.length,
      correction: 1,
      method: 'every hit was of the same question: counted as what its own answer took',
    };
  const counted = sum(holdouts, (one) => one.countedUsd);
  if (holdouts.length < holdoutsMin || counted <= 0)
    return {
      kind: 'estimate',
      usd: same + other,
      low: undefined,
      high: undefined,
      holdouts: holdouts.length,
      correction: 1,
      method: `counted as what stored answers took; an interval needs ${holdoutsMin} hold-outs, ${holdouts.length} are there`,
    };
  const correction = sum(holdouts, (one) => one.freshUsd) / counted;
  const residual = (one: { readonly countedUsd: number; readonly freshUsd: number }) =>
    one.freshUsd - correction * one.countedUsd;
  const perDay = days.filter((day) => day.holdouts.length > 0).map((day) => sum(day.holdouts, residual));
  // Days may differ from each other more than answers do, and few days hide it: the wider of the two.
  const halfWidth = Math.max(spread(perDay, counted), spread(holdouts.map(residual), counted));
  // On the scale of logarithms: times of answers are skewed, and a saving is not below zero.
  const factor = Math.exp(halfWidth / correction);
  return {
    kind: 'estimate',
    usd: same + correction * other,
    low: same + (correction / factor) * other,
    high: same + correction * factor * other,
    holdouts: holdouts.length,
    correction,
    method: `stored times × ${correction.toFixed(2)}, as ${holdouts.length} hold-outs say; 95 % by t over ${perDay.length} days`,
  };
}

/** Half of a 95 % interval of a ratio, from the residuals of its blocks. */
function spread(residuals: readonly number[], denominator: number): number {
  const n = residuals.length;
  if (n < 2) return 0;
  const squares = sum(residuals, (each) => each * each);
  return (tQuantile95(n - 1) * Math.sqrt((n / (n - 1)) * squares)) / denominator;
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

const tTable = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** Two-sided 95 % of Student's t; above 30 degrees of freedom by its usual expansion. */
export function tQuantile95(degrees: number): number {
  const tabled = tTable[Math.floor(degrees) - 1];
  if (tabled !== undefined) return tabled;
  const z = 1.959_964;
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
}
