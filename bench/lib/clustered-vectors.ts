import type { Random } from '../../src/core/random.ts';
import type { UnitVector } from '../../src/core/vector.ts';

/** Rows of one cluster are wordings of one question; topics make clusters resemble each other. */
const rowsPerCluster = 20;
const topics = 50;
const clusterToTopic = 0.7;
const rowToCluster = 0.9;
const queryToRow = 0.94;
/** Values drawn once; a vector takes a stretch of them, which is a hundred times faster than drawing each. */
const noisePool = 1 << 20;

export interface ClusteredVectors {
  readonly dimensions: number;
  readonly count: number;
  /** Row `i` is at `i * dimensions`. */
  readonly data: Float32Array;
  row(at: number): UnitVector;
  /** A stored row moved by noise to a cosine of about 0.94. */
  query(ofRow: number): UnitVector;
}

/** Seeded rows like those of a sentence embedder: 20 to a cluster (cosine 0.81 to each other), 50 topics. */
export function clusteredVectors(count: number, dimensions: number, random: Random): ClusteredVectors {
  const pool = Float32Array.from({ length: noisePool }, () => random.float() + random.float() + random.float() - 1.5);
  /** to ← normalised (weight × from + the rest × a random direction). */
  const move = (to: Float32Array, from: Float32Array, weight: number) => {
    const start = random.int(noisePool - dimensions);
    let noiseNorm = 0;
    for (let d = 0; d < dimensions; d++) noiseNorm += pool[start + d]! ** 2;
    const rest = Math.sqrt(1 - weight * weight) / Math.sqrt(noiseNorm);
    let norm = 0;
    for (let d = 0; d < dimensions; d++) {
      const value = weight * from[d]! + rest * pool[start + d]!;
      to[d] = value;
      norm += value * value;
    }
    const scale = 1 / Math.sqrt(norm);
    for (let d = 0; d < dimensions; d++) to[d]! *= scale;
  };
  const zero = new Float32Array(dimensions);
  const topicVectors = Array.from({ length: topics }, () => {
    const topic = new Float32Array(dimensions);
    move(topic, zero, 0);
    return topic;
  });
  const data = new Float32Array(count * dimensions);
  const centre = new Float32Array(dimensions);
  const row = (at: number) => data.subarray(at * dimensions, (at + 1) * dimensions) as UnitVector;
  for (let at = 0; at < count; at++) {
    if (at % rowsPerCluster === 0) move(centre, topicVectors[random.int(topics)]!, clusterToTopic);
    move(row(at), centre, rowToCluster);
  }
  return {
    dimensions,
    count,
    data,
    row,
    query(ofRow) {
      const query = new Float32Array(dimensions);
      move(query, row(ofRow), queryToRow);
      return query as UnitVector;
    },
  };
}

/**
 * The plain way: every row in float32, in JavaScript with four running sums.
 * @returns the position of the most similar row, and its cosine.
 */
export function plainNearest(
  { data, dimensions, count }: ClusteredVectors,
  query: UnitVector,
  removed: ReadonlySet<number>,
): { readonly at: number; readonly similarity: number } {
  let best = -1;
  let bestSimilarity = -Infinity;
  for (let at = 0, from = 0; at < count; at++, from += dimensions) {
    let a = 0;
    let b = 0;
    let c = 0;
    let e = 0;
    for (let d = 0; d < dimensions; d += 4) {
      a += data[from + d]! * query[d]!;
      b += data[from + d + 1]! * query[d + 1]!;
      c += data[from + d + 2]! * query[d + 2]!;
      e += data[from + d + 3]! * query[d + 3]!;
    }
    const similarity = a + b + (c + e);
    if (similarity > bestSimilarity && !removed.has(at)) {
      bestSimilarity = similarity;
      best = at;
    }
  }
  return { at: best, similarity: bestSimilarity };
}
