/**
 * The published per-entry decision, for comparison: each entry learns its own sigmoid over similarity from its own
 * labels, and explores with the probability that keeps wrong answers per request under `target`.
 * Reimplemented from the formulas of vCache (Schroeder et al., 2025).
 */
import type { Random } from '../../src/core/random.ts';
import { sigmoid } from '../../src/cache/decision/ridge-logistic.ts';
import { replayNearest, type Outcome, type ReplayInput } from './replay.ts';

interface Observation {
  readonly similarity: number;
  readonly right: boolean;
}

/** Fewer tell nothing of a sigmoid: always explore. */
const observationsMin = 6;
/** Confidence levels tried for the bound on the threshold, with the normal quantile of each. */
const levels = [
  { epsilon: 0.01, z: 2.326 },
  { epsilon: 0.02, z: 2.054 },
  { epsilon: 0.05, z: 1.645 },
  { epsilon: 0.1, z: 1.282 },
  { epsilon: 0.2, z: 0.842 },
  { epsilon: 0.3, z: 0.524 },
  { epsilon: 0.5, z: 0 },
] as const;

export function replayVcache(input: ReplayInput, target: number, random: Random): Outcome {
  const observed = new Map<number, Observation[]>();
  return replayNearest(input, ({ entry, similarity, right }, outcome) => {
    if (entry < 0) return 'insert';
    const observations = observed.get(entry) ?? [];
    observed.set(entry, observations);
    if (random.float() >= exploreProbability(observations, similarity, target)) return 'serve';
    observations.push({ similarity, right });
    outcome.labels += 1;
    // An explored answer that equals the stored one adds nothing to the cache.
    return right ? 'skip' : 'insert';
  });
}

/** Smallest over all levels of 1 − target / (1 − lower bound on being right). */
export function exploreProbability(observations: readonly Observation[], similarity: number, target: number): number {
  if (observations.length < observationsMin) return 1;
  const { threshold, slope, deviation } = fitSigmoid(observations);
  let smallest = 1;
  for (const { epsilon, z } of levels) {
    const right = (1 - epsilon) * sigmoid(slope * (similarity - (threshold + z * deviation)));
    smallest = Math.min(smallest, Math.max(0, 1 - target / (1 - right)));
  }
  return smallest;
}

/** Weak ridge keeps separable labels finite. */
const ridge = 0.01;
const steps = 25;

function fitSigmoid(observations: readonly Observation[]): { threshold: number; slope: number; deviation: number } {
  let intercept = 0;
  let slope = 1;
  let a = 1;
  let b = 0;
  let d = 1;
  for (let step = 0; step < steps; step++) {
    let g0 = -ridge * intercept;
    let g1 = -ridge * slope;
    a = ridge;
    b = 0;
    d = ridge;
    for (const { similarity, right } of observations) {
      const p = sigmoid(intercept + slope * similarity);
      const residual = (right ? 1 : 0) - p;
      const bend = p * (1 - p);
      g0 += residual;
      g1 += residual * similarity;
      a += bend;
      b += bend * similarity;
      d += bend * similarity * similarity;
    }
    const determinant = a * d - b * b;
    const move0 = (d * g0 - b * g1) / determinant;
    const move1 = (a * g1 - b * g0) / determinant;
    // Long steps overshoot where probabilities are near 0 or 1.
    const factor = Math.min(1, 10 / Math.max(Math.abs(move0), Math.abs(move1), 1e-9));
    intercept += factor * move0;
    slope += factor * move1;
    if (Math.abs(move0) + Math.abs(move1) < 1e-6) break;
  }
  const steep = Math.max(slope, 1e-3);
  const threshold = -intercept / steep;
  // Delta method on −intercept / slope.
  const determinant = a * d - b * b;
  const variance = (d - 2 * -threshold * b + threshold * threshold * a) / (determinant * steep * steep);
  return { threshold, slope: steep, deviation: Math.sqrt(Math.max(0, variance)) };
}
