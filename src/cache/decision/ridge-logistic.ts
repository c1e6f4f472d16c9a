/**
 * Penalised logistic regression by Newton steps, as a generator so that a fit over many rows never holds
 * the event loop: it yields after each block of rows and after each pass.
 */
import { assert } from '../../core/assert.ts';

export interface LogisticData {
  /** Row after row, `width` inputs each; no intercept, which every row has implicitly. */
  readonly inputs: Float32Array;
  readonly width: number;
  readonly rows: number;
  /** 1 = right. */
  readonly labels: Uint8Array;
  readonly weights: Float32Array;
  /** Row r takes part when `folds[r] !== leaveOut`; all rows when `leaveOut` is undefined. */
  readonly folds: Uint8Array;
  readonly leaveOut: number | undefined;
}

export interface LogisticPrior {
  /** Intercept first, then one per input. */
  readonly mean: Float64Array;
  readonly precision: Float64Array;
}

export interface LogisticFit {
  readonly weights: Float64Array;
  readonly steps: number;
  readonly converged: boolean;
}

const stepsMax = 15;
/** Halving 2^-20 of a step and still falling: rounding, not a direction. */
const halvingsMax = 20;
const toleranceDefault = 1e-6;
/** Rows between yields: under a millisecond of work at 45 inputs. */
const rowsPerSlice = 500;

/**
 * Maximises Σ ω (c log p + (1 − c) log (1 − p)) − ½ Σ λ (w − w⁰)².
 * A step is halved until the objective does not fall: without that, separable data send the weights to
 * where every probability is 0 or 1.
 * @param start weights to start from; intercept first.
 */
export function* fitLogistic(
  data: LogisticData,
  prior: LogisticPrior,
  start: Float64Array,
  tolerance = toleranceDefault,
): Generator<void, LogisticFit> {
  const size = data.width + 1;
  assert(start.length === size && prior.mean.length === size, `a fit of ${size} weights got ${start.length}`);
  let weights = Float64Array.from(start);
  let objective = yield* objectiveOf(data, prior, weights);
  for (let step = 1; step <= stepsMax; step++) {
    const { gradient, hessian } = yield* derivatives(data, prior, weights);
    const move = solveCholesky(hessian, gradient, size);
    let factor = 1;
    let next = weights;
    let nextObjective = -Infinity;
    for (let halving = 0; halving <= halvingsMax; halving++) {
      next = weights.map((weight, i) => weight + factor * move[i]!);
      nextObjective = yield* objectiveOf(data, prior, next);
      if (nextObjective >= objective) break;
      factor /= 2;
    }
    if (nextObjective < objective) return { weights, steps: step, converged: true };
    weights = next;
    objective = nextObjective;
    let largest = 0;
    for (const each of move) largest = Math.max(largest, Math.abs(each * factor));
    if (largest < tolerance) return { weights, steps: step, converged: true };
  }
  return { weights, steps: stepsMax, converged: false };
}

/** Linear score of one row: intercept and inputs from `offset`. */
export function scoreRow(weights: Float64Array, inputs: ArrayLike<number>, offset = 0): number {
  let sum = weights[0]!;
  for (let i = 1; i < weights.length; i++) sum += weights[i]! * inputs[offset + i - 1]!;
  return sum;
}

export function sigmoid(score: number): number {
  return score >= 0 ? 1 / (1 + Math.exp(-score)) : Math.exp(score) / (1 + Math.exp(score));
}

export const logit = (probability: number): number => Math.log(probability / (1 - probability));

function* objectiveOf(data: LogisticData, prior: LogisticPrior, weights: Float64Array): Generator<void, number> {
  const { inputs, width, rows, labels, folds, leaveOut } = data;
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum -= 0.5 * prior.precision[i]! * (weights[i]! - prior.mean[i]!) ** 2;
  for (let row = 0; row < rows; row++) {
    if (row % rowsPerSlice === rowsPerSlice - 1) yield;
    if (folds[row] === leaveOut) continue;
    const score = scoreRow(weights, inputs, row * width);
    // log p or log(1 − p), without losing small ones.
    const signed = labels[row] === 1 ? score : -score;
    sum -= data.weights[row]! * (signed > 0 ? Math.log1p(Math.exp(-signed)) : Math.log1p(Math.exp(signed)) - signed);
  }
  yield;
  return sum;
}

function* derivatives(
  data: LogisticData,
  prior: LogisticPrior,
  weights: Float64Array,
): Generator<void, { readonly gradient: Float64Array; readonly hessian: Float64Array }> {
  const { inputs, width, rows, labels, folds, leaveOut } = data;
  const size = width + 1;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  const x = new Float64Array(size);
  x[0] = 1;
  for (let row = 0; row < rows; row++) {
    if (row % rowsPerSlice === rowsPerSlice - 1) yield;
    if (folds[row] === leaveOut) continue;
    const offset = row * width;
    for (let i = 0; i < width; i++) x[i + 1] = inputs[offset + i]!;
    const p = sigmoid(scoreRow(weights, inputs, offset));
    const weight = data.weights[row]!;
    const residual = weight * (labels[row]! - p);
    const curvature = weight * p * (1 - p);
    for (let i = 0; i < size; i++) {
      const scaled = x[i]!;
      gradient[i]! += residual * scaled;
      const bend = curvature * scaled;
      if (bend === 0) continue;
      const at = i * size;
      for (let j = 0; j <= i; j++) hessian[at + j]! += bend * x[j]!;
    }
  }
  for (let i = 0; i < size; i++) {
    gradient[i]! -= prior.precision[i]! * (weights[i]! - prior.mean[i]!);
    hessian[i * size + i]! += prior.precision[i]!;
  }
  yield;
  return { gradient, hessian };
}

/** Solves H·x = g for a positive definite H of which the lower triangle is given; H is overwritten. */
export function solveCholesky(lower: Float64Array, right: Float64Array, size: number): Float64Array {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = lower[i * size + j]!;
      for (let k = 0; k < j; k++) sum -= lower[i * size + k]! * lower[j * size + k]!;
      if (i === j) {
        assert(sum > 0, `matrix is not positive definite at ${i}: ${sum}`);
        lower[i * size + i] = Math.sqrt(sum);
      } else lower[i * size + j] = sum / lower[j * size + j]!;
    }
  }
  const solution = Float64Array.from(right);
  for (let i = 0; i < size; i++) {
    let sum = solution[i]!;
    for (let k = 0; k < i; k++) sum -= lower[i * size + k]! * solution[k]!;
    solution[i] = sum / lower[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = solution[i]!;
    for (let k = i + 1; k < size; k++) sum -= lower[k * size + i]! * solution[k]!;
    solution[i] = sum / lower[i * size + i]!;
  }
  return solution;
}
