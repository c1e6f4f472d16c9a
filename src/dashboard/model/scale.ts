/** Axes: round numbers, few of them, and where they lie. */

/** At most about `count` round steps that cover [min, max]; always at least two ticks. */
export function ticksOf(min: number, max: number, count: number): number[] {
  if (!(max > min)) return [min, min + 1];
  const step = roundStep((max - min) / Math.max(1, count));
  const first = Math.floor(min / step);
  const last = Math.ceil(max / step);
  // Multiplied, not added up: 0.1 three times is not 0.3.
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const digit = rough / power;
  return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

export interface Scale {
  (value: number): number;
}

/** Values outside are drawn at the edge. */
export function linearScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [d0, d1] = domain;
  const [r0, r1] = range;
  return (value) => r0 + ((Math.min(Math.max(value, d0), d1) - d0) / (d1 - d0 || 1)) * (r1 - r0);
}
