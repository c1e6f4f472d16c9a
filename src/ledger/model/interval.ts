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
      /** 95 %; undefined where nothing was measured that has a spread: `method` says why. */
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
/** Answers of one day say nothing about how days differ. */
export const holdoutDaysMin = 2;

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
  const counted = sum(holdouts, (one) => one.countedUsd);
  const measured = days.filter((day) => day.holdouts.length > 0);
  const without = (method: string, correction = 1): SavingsEstimate => ({
    kind: 'estimate',
    usd: same + correction * other,
    low: undefined,
    high: undefined,
    holdouts: holdouts.length,
    correction,
    method,
  });
  if (other === 0) return without('every hit was of the same question: counted as what its own answer took');
  if (holdouts.length < holdoutsMin || counted <= 0)
    return without(
      `counted as what stored answers took; an interval needs ${holdoutsMin} hold-outs, ${holdouts.length} are there`,
    );
  if (measured.length < holdoutDaysMin)
    return without(
      `counted as what stored answers took; an interval needs hold-outs of ${holdoutDaysMin} days, all are of one`,
    );
  const correction = sum(holdouts, (one) => one.freshUsd) / counted;
  const residual = (one: { readonly countedUsd: number; readonly freshUsd: number }) =>
    one.freshUsd - correction * one.countedUsd;
  const perDay = measured.map((day) => sum(day.holdouts, residual));
  // Days may differ from each other more than answers do, and few days hide it: the wider of the two.
  const halfWidth = Math.max(spread(perDay, counted), spread(holdouts.map(residual), counted));
  // No machine takes the very same time twice: without a spread something else was measured, and 0 is no width.
  if (halfWidth <= spreadMin * correction)
    return without(
      `stored times × ${correction.toFixed(2)}; its ${holdouts.length} hold-outs are all alike, which says nothing about a spread`,
      correction,
    );
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

/** Of the ratio: less is the rounding of milliseconds. */
const spreadMin = 1e-6;

/** Half of a 95 % interval of a ratio, from the residuals of its blocks. */
function spread(residuals: readonly number[], denominator: number): number {
  const n = residuals.length;
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
