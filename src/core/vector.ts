import type { Brand } from './ids.ts';
import { assert } from './assert.ts';

/** L2 norm 1, so that the dot product is the cosine similarity. */
export type UnitVector = Brand<Float32Array, 'UnitVector'>;

/** A direction in one signed byte a dimension: within 0.005 of every cosine. Its length says nothing. */
export type PackedVector = Brand<Int8Array, 'PackedVector'>;

/**
 * Scales to norm 1, in place.
 * @throws Error when the vector is zero or not finite: such a vector has no direction.
 */
export function toUnitVector(values: Float32Array): UnitVector {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
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

/** @param to as long as the vector. @returns what one step of its bytes is worth */
export function packVector(vector: UnitVector, to: Int8Array): number {
  let max = 0;
  for (let i = 0; i < vector.length; i++) max = Math.max(max, Math.abs(vector[i]!));
  const scale = max / 127;
  for (let i = 0; i < vector.length; i++) to[i] = Math.round(vector[i]! / scale);
  return scale;
}

/** @param bytes that `packVector` wrote */
export const packedVector = (bytes: Int8Array): PackedVector => bytes as PackedVector;

/** @throws Error when the vector is zero */
export const unitVectorOf = (vector: UnitVector | PackedVector): UnitVector =>
  vector instanceof Int8Array ? toUnitVector(new Float32Array(vector)) : vector;
