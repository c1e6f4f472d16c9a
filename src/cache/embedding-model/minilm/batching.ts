/** A group of texts that run through the model together, as indexes into the texts given. */
export type Group = readonly number[];

/** Padding may add half of the real tokens and this many more; below it, one run is cheaper than two. */
const paddingSlack = 8;

/**
 * Groups texts of similar length, shortest first: every text of a group is padded to its longest.
 * @param lengths tokens of each text. @param groupMax most texts in a group.
 */
export function groupByLength(lengths: readonly number[], groupMax: number): Group[] {
  const order = lengths.map((_, index) => index).sort((a, b) => lengths[a]! - lengths[b]!);
  const groups: number[][] = [];
  let shortest = 0;
  for (const index of order) {
    const group = groups.at(-1);
    const length = lengths[index]!;
    if (group && group.length < groupMax && length <= shortest * 1.5 + paddingSlack) group.push(index);
    else {
      groups.push([index]);
      shortest = length;
    }
  }
  return groups;
}

/**
 * Mean of the token vectors where the mask is 1, scaled to norm 1.
 * @param hidden [batch, tokens, dimensions] flat. @param into receives `dimensions` values from `offset`.
 */
export function meanPool(
  hidden: Float32Array,
  shape: { readonly row: number; readonly tokens: number; readonly length: number; readonly dimensions: number },
  into: Float32Array,
  offset: number,
): void {
  const { row, tokens, length, dimensions } = shape;
  const sums = new Float64Array(dimensions);
  let at = row * tokens * dimensions;
  for (let token = 0; token < length; token++) {
    for (let d = 0; d < dimensions; d++) sums[d]! += hidden[at++]!;
  }
  normaliseInto(sums, into, offset);
}

/** Writes `values` scaled to norm 1. @throws Error when they have no direction: the model is broken. */
export function normaliseInto(values: ArrayLike<number>, into: Float32Array, offset: number): void {
  let square = 0;
  for (let d = 0; d < values.length; d++) square += values[d]! * values[d]!;
  const norm = Math.sqrt(square);
  if (!(norm > 0 && Number.isFinite(norm))) throw new Error(`the model gave a vector of norm ${norm}`);
  for (let d = 0; d < values.length; d++) into[offset + d] = values[d]! / norm;
}
