/** Scores of hits and misses in equal bins. */

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly hits: number;
  readonly misses: number;
}

export interface Scored {
  readonly hit: boolean;
  readonly value: number;
}

/** Bins cover [from, 1]; what is below is in the first one, 1 itself in the last. */
export function binsOf(
  scored: readonly Scored[],
  { from, count }: { readonly from: number; readonly count: number },
): Bin[] {
  const width = (1 - from) / count;
  const hits = Array.from({ length: count }, () => 0);
  const misses = Array.from({ length: count }, () => 0);
  for (const { hit, value } of scored) {
    // A cut at the edge of a bin must not be crossed by rounding.
    const index = Math.min(count - 1, Math.max(0, Math.floor((value - from) / width + 1e-9)));
    (hit ? hits : misses)[index]! += 1;
  }
  return hits.map((each, index) => ({
    from: Number((from + index * width).toFixed(6)),
    to: Number((from + (index + 1) * width).toFixed(6)),
    hits: each,
    misses: misses[index]!,
  }));
}

/** Where to begin, so that what matters is wide: below the smallest value, in tenths, at most 0.8. */
export function lowerEnd(scored: readonly Scored[]): number {
  const smallest = Math.min(0.8, ...scored.map(({ value }) => value));
  return Math.max(0, Math.floor(smallest * 10) / 10);
}
