/**
 * Fits what the score knows before any traffic, for `src/cache/decision/prior-table.ts`: how each input is spread
 * among neighbours, and weights of known sign from strict edits.
 * Usage: node scripts/fit-prior.ts DATA_FOLDER [SEED]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchanges } from '../src/cache/decision/exchange.ts';
import { engineGuards } from '../src/cache/decision/guard-set.ts';
import { pairInputs, textInputNames } from '../src/cache/decision/pair-inputs.ts';
import { fitLogistic, type LogisticData } from '../src/cache/decision/ridge-logistic.ts';
import { textFeaturesOf } from '../src/cache/decision/text-features.ts';
import { lexicalVector } from '../src/cache/embedding-model/lexical.ts';
import { seededRandom } from '../src/core/random.ts';
import { dot } from '../src/core/vector.ts';
import { readIntents } from './fit-prior/read-intents.ts';
import { strictPairs, type LabelledPair } from './fit-prior/strict-edits.ts';

const folder = process.argv[2];
if (folder === undefined)
  throw new Error('which folder holds the intents? node scripts/fit-prior.ts DATA_FOLDER [SEED]');
const random = seededRandom(Number(process.argv[3] ?? 1));

/** Enough that the weights no longer move in the second figure. */
const textsMax = 8_000;
const neighbourSimilarityMin = 0.4;
const neighboursMax = 8;
const width = textInputNames.length;

/** Which way an input may speak; 0 = either. */
const signs: Readonly<Record<(typeof textInputNames)[number], -1 | 0 | 1>> = {
  similarity: 1,
  'log-distance': 1,
  overlap: 1,
  'unmatched-words': -1,
  'length-ratio': -1,
  'entity-differs': -1,
  'asks-differ': -1,
  'shared-mass-of-union': 1,
  'shared-mass-of-side-min': 1,
  'shared-mass-of-side-max': 1,
  'uncovered-mass-min': -1,
  'uncovered-mass-max': -1,
  'rarest-uncovered-min': -1,
  'rarest-uncovered-max': -1,
  'aligned-uncovered-mass-min': -1,
  'aligned-uncovered-mass-max': -1,
  'aligned-rarest-min': -1,
  'aligned-rarest-max': -1,
  'same-content': 1,
  'same-stems': 1,
  'one-side-contained': 1,
  'stem-overlap': 1,
  'in-order-share': 1,
  'bigram-overlap': 1,
  'one-asks-only': -1,
  'first-word-differs': -1,
  'last-word-differs': -1,
  'number-differs': -1,
  'negation-differs': -1,
  antonym: -1,
  'order-differs': -1,
  'content-key-differs': -1,
  numbers: 0,
  'edit-distance': -1,
  'word-lcs': 1,
  'content-words-of-shorter': 0,
  'shared-names': 0,
  'very-short': 0,
};

const all = readIntents(folder);
const texts = shuffled(all).slice(0, textsMax);
const vectors = texts.map(({ text }) => lexicalVector(text));
const neighbours = vectors.map((vector, i) => {
  const near: { j: number; similarity: number }[] = [];
  for (let j = 0; j < vectors.length; j++) {
    if (j === i) continue;
    const similarity = dot(vector, vectors[j]!);
    if (similarity >= neighbourSimilarityMin) near.push({ j, similarity });
  }
  return near.sort((a, b) => b.similarity - a.similarity).slice(0, neighboursMax);
});

const { means, scales } = spreadOf(
  neighbours.flatMap((near, i) => near.map(({ j }) => inputsOfPair({ a: texts[i]!.text, b: texts[j]!.text }).inputs)),
);
const pairs = strictPairs(texts, (i) => neighbours[i]!.map(({ j }) => j), random);
const rows = pairs.map((pair) => ({ ...inputsOfPair(pair), right: pair.right })).filter(({ vetoed }) => !vetoed);
const { weights, right } = signedFit(rows);
write();

function inputsOfPair({ a, b }: Pick<LabelledPair, 'a' | 'b'>): { inputs: Float64Array; vetoed: boolean } {
  const left = textFeaturesOf(a);
  const other = textFeaturesOf(b);
  const fired = new Set(engineGuards.filter(({ differs }) => differs(left.guard, other.guard)).map(({ name }) => name));
  const inputs = new Float64Array(width);
  const has = (name: Parameters<typeof fired.has>[0]): boolean => fired.has(name);
  const flags = {
    number: has('number'),
    negation: has('negation'),
    antonym: has('antonym'),
    order: has('order'),
    entity: has('entity'),
  };
  pairInputs(left, other, dot(lexicalVector(a), lexicalVector(b)), flags, inputs);
  const refused = engineGuards.some(({ name, hard }) => hard && fired.has(name)) || exchanges(left, other).length > 0;
  return { inputs, vetoed: refused };
}

function spreadOf(given: readonly Float64Array[]): { means: number[]; scales: number[] } {
  const means = textInputNames.map((_, i) => given.reduce((sum, inputs) => sum + inputs[i]!, 0) / given.length);
  const scales = textInputNames.map((_, i) =>
    // An input that hardly varies here may vary elsewhere: it keeps a scale of its own kind.
    Math.max(0.1, Math.sqrt(given.reduce((sum, inputs) => sum + (inputs[i]! - means[i]!) ** 2, 0) / given.length)),
  );
  return { means: means.map(rounded), scales: scales.map(rounded) };
}

/** Ridge fit in which weights of the wrong sign are held at 0, one after another until none is left. */
function signedFit(given: readonly { inputs: Float64Array; right: boolean }[]): { weights: number[]; right: number } {
  const standardised = new Float32Array(given.length * width);
  for (const [row, { inputs }] of given.entries()) {
    for (let i = 0; i < width; i++) {
      standardised[row * width + i] = Math.max(-5, Math.min(5, (inputs[i]! - means[i]!) / scales[i]!));
    }
  }
  const data: LogisticData = {
    inputs: standardised,
    width,
    rows: given.length,
    labels: Uint8Array.from(given, ({ right }) => (right ? 1 : 0)),
    weights: new Float32Array(given.length).fill(1),
    folds: new Uint8Array(given.length),
    leaveOut: 255,
  };
  const precision = new Float64Array(width + 1).fill(300);
  precision[0] = 0.01;
  const prior = { mean: new Float64Array(width + 1), precision };
  let start = new Float64Array(width + 1);
  for (let round = 0; round <= width; round++) {
    const fit = run(fitLogistic(data, prior, start));
    start = Float64Array.from(fit.weights);
    // The worst alone: inputs that say nearly the same thing often change sign together.
    let worst = -1;
    for (const [i, name] of textInputNames.entries()) {
      const against = fit.weights[i + 1]! * signs[name];
      if (
        against < 0 &&
        precision[i + 1]! < 1e6 &&
        (worst < 0 || against < fit.weights[worst + 1]! * signs[textInputNames[worst]!])
      ) {
        worst = i;
      }
    }
    if (worst < 0) {
      const weights = Array.from(fit.weights, (weight, i) => (precision[i]! > 1e6 ? 0 : rounded(weight)));
      return { weights, right: given.filter(({ right }) => right).length };
    }
    precision[worst + 1] = 1e9;
  }
  throw new Error('weights of the wrong sign remain after holding every one');
}

function run<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

function write(): void {
  const path = join(import.meta.dirname, '../src/cache/decision/prior-table.ts');
  const table = textInputNames.map((name, i) => `  // ${name}\n  [${means[i]}, ${scales[i]}, ${weights[i + 1]}],`);
  writeFileSync(
    path,
    `/**
 * Generated by scripts/fit-prior.ts: mean and standard deviation of each text input among neighbours, and its weight
 * (on the standardised input) from ${rows.length} strict edits, ${right} of which keep the answer. Made of ${texts.length}
 * questions of Banking77 (Casanueva et al. 2020, CC BY 4.0) and CLINC150 (Larson et al. 2019, CC BY 3.0).
 * Numbers only; none of the texts is here.
 */
const table: readonly (readonly [mean: number, scale: number, weight: number])[] = [
${table.join('\n')}
];

export const inputMeans: readonly number[] = table.map(([mean]) => mean);
export const inputScales: readonly number[] = table.map(([, scale]) => scale);
/** Intercept first. */
export const priorWeights: readonly number[] = [${weights[0]}, ...table.map(([, , weight]) => weight)];
`,
  );
  console.log(`${rows.length} pairs, ${right} right → ${path}`);
  for (const [i, name] of textInputNames.entries()) console.log(name.padEnd(28), means[i], scales[i], weights[i + 1]);
}

function shuffled<T>(from: readonly T[]): T[] {
  const out = [...from];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

function rounded(value: number): number {
  return Number(value.toFixed(4));
}
