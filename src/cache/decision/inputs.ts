/** All inputs of the score: names, scales and how they are made. */
import type { EpochMs } from '../../core/units.ts';
import type { EntryRecord } from './entry-records.ts';
import { pairInputs, textInputNames, type PairFlags } from './pair-inputs.ts';
import { inputMeans, inputScales } from './prior-table.ts';
import type { TextFeatures } from './text-features.ts';

/** What is learned from this traffic alone: the prior of their weights is 0, as no shipped text could tell. */
export const trafficInputNames = ['runner-up-gap', 'neighbours', 'age', 'hits', 'right', 'wrong'] as const;
export const inputNames: readonly string[] = [...textInputNames, ...trafficInputNames];
export const inputCount = inputNames.length;
export const textInputCount = textInputNames.length;

/** Changes when the meaning of an input does: labels taken before are then useless. */
export const inputsVersion = 'inputs-2';

export interface Traffic {
  /** Of the most similar *other* entry; undefined when there is none. */
  readonly runnerUp: number | undefined;
  readonly neighbours: number;
  readonly storedAt: EpochMs;
  readonly now: EpochMs;
  readonly entry: EntryRecord | undefined;
}

/** Beyond this many standard deviations an input says no more. */
const farthest = 5;
const raw = new Float64Array(inputCount);

/** @returns a fresh array of standardised inputs. */
export function inputsOf(
  query: TextFeatures,
  entry: TextFeatures,
  similarity: number,
  flags: PairFlags,
  traffic: Traffic,
): Float32Array {
  pairInputs(query, entry, similarity, flags, raw);
  const ageHours = Math.max(0, traffic.now - traffic.storedAt) / 3_600_000;
  raw[textInputCount] = Math.min(0.3, similarity - (traffic.runnerUp ?? similarity - 0.3));
  raw[textInputCount + 1] = Math.min(8, traffic.neighbours);
  raw[textInputCount + 2] = Math.log1p(ageHours);
  raw[textInputCount + 3] = Math.log1p(traffic.entry?.hits ?? 0);
  raw[textInputCount + 4] = Math.log1p(traffic.entry?.right ?? 0);
  raw[textInputCount + 5] = Math.log1p(traffic.entry?.wrong ?? 0);
  const inputs = new Float32Array(inputCount);
  for (let i = 0; i < inputCount; i++) inputs[i] = standardised(raw[i]!, i);
  return inputs;
}

const trafficMeans = [0.1, 4, 1, 0.3, 0.3, 0.3];
const trafficScales = [0.1, 2.7, 1, 0.6, 0.6, 0.6];

function standardised(value: number, i: number): number {
  const mean = i < textInputCount ? inputMeans[i]! : trafficMeans[i - textInputCount]!;
  const scale = i < textInputCount ? inputScales[i]! : trafficScales[i - textInputCount]!;
  const scaled = (value - mean) / scale;
  return scaled > farthest ? farthest : scaled < -farthest ? -farthest : scaled;
}
