import type { Brand } from './ids.ts';
import { assert } from './assert.ts';

/** L2 norm 1, so that the dot product is the cosine similarity. */
export type UnitVector = Brand<Float32Array, 'UnitVector'>;

/**
 * Scales to norm 1, in place.
 * @throws Error when the vector is zero or not finite: such a vector has no direction.
 */
export function toUnitVector(values: Float32Array): UnitVector {
  let sum = 0;
  for (const value of values) sum += value * value;
  const norm = Math.sqrt(sum);
  assert(norm > 0 && Number.isFinite(norm), `vector of norm ${norm} has no direction`);
  for (let i = 0; i < values.length; i++) values[i]! /= norm;
  return values as UnitVector;
}

/** Cosine similarity of two unit vectors of one length, in [-1, 1] up to rounding. */
export function dot(a: UnitVector, b: UnitVector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
