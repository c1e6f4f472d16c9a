/**
 * The same embedding computed without ONNX and without the tokenizer library: plain loops in float64,
 * written from the papers' formulas. What the product computes must agree with it.
 */
import { normEpsilon, type BertLayer, type BertWeights, type Linear, type Norm } from './bert.ts';

type Matrix = Float64Array[];

/** @param ids word-pieces of one text, no padding. @returns the mean of the token vectors, norm 1. */
export function referenceEmbedding(weights: BertWeights, ids: readonly number[]): Float64Array {
  const { hidden } = weights.shape;
  let states: Matrix = ids.map((id, position) =>
    normalised(
      Float64Array.from(
        { length: hidden },
        (_, d) => weights.words[id * hidden + d]! + weights.positions[position * hidden + d]! + weights.types[d]!,
      ),
      weights.norm,
    ),
  );
  for (const layer of weights.layers) states = transformed(states, layer, weights.shape.heads);
  const mean = new Float64Array(hidden);
  for (const state of states) for (let d = 0; d < hidden; d++) mean[d]! += state[d]! / states.length;
  const norm = Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0));
  return mean.map((value) => value / norm);
}

function transformed(states: Matrix, layer: BertLayer, heads: number): Matrix {
  const hidden = states[0]!.length;
  const width = hidden / heads;
  const queries = states.map((state) => applied(layer.query, state));
  const keys = states.map((state) => applied(layer.key, state));
  const values = states.map((state) => applied(layer.value, state));
  return states.map((state, at) => {
    const mixed = new Float64Array(hidden);
    for (let head = 0; head < heads; head++) {
      const from = head * width;
      const scores = keys.map((key) => {
        let sum = 0;
        for (let d = from; d < from + width; d++) sum += queries[at]![d]! * key[d]!;
        return sum / Math.sqrt(width);
      });
      const largest = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - largest));
      const total = powers.reduce((sum, power) => sum + power, 0);
      for (const [other, power] of powers.entries()) {
        for (let d = from; d < from + width; d++) mixed[d]! += (power / total) * values[other]![d]!;
      }
    }
    const attended = applied(layer.attended, mixed);
    const first = normalised(
      state.map((value, d) => value + attended[d]!),
      layer.attendedNorm,
    );
    const active = applied(layer.up, first).map((value) => (value * (1 + erf(value / Math.SQRT2))) / 2);
    const down = applied(layer.down, active);
    return normalised(
      first.map((value, d) => value + down[d]!),
      layer.outputNorm,
    );
  });
}

function applied({ weight, bias }: Linear, input: Float64Array): Float64Array {
  const outputs = bias.length;
  const result = Float64Array.from(bias);
  for (let i = 0; i < input.length; i++) {
    for (let o = 0; o < outputs; o++) result[o]! += input[i]! * weight[i * outputs + o]!;
  }
  return result;
}

function normalised(values: Float64Array, { scale, shift }: Norm): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return values.map((value, d) => ((value - mean) / Math.sqrt(variance + normEpsilon)) * scale[d]! + shift[d]!);
}

/** Error function by its Taylor series; terms stay small enough below 6, beyond which it is 1 in float64. */
function erf(x: number): number {
  if (Math.abs(x) > 5.9) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    const part = term / (2 * n + 1);
    sum += part;
    if (Math.abs(part) < 1e-17) break;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Greedy longest-match word-pieces of lower-cased text without accents; [CLS] first, [SEP] last. */
export function referencePieces(vocabulary: readonly string[], text: string, window: number): number[] {
  const idOf = new Map(vocabulary.map((piece, id) => [piece, id]));
  // A word is cut at punctuation, at ASCII symbols, and around each Han character.
  const plain = text
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '');
  const words = plain.match(/[\p{P}$+<=>^`|~\p{Script=Han}]|[^\s\p{P}$+<=>^`|~\p{Script=Han}]+/gu) ?? [];
  const ids = words.flatMap((word) => {
    const pieces: number[] = [];
    for (let from = 0; from < word.length;) {
      let to = word.length;
      let id: number | undefined;
      while (to > from && (id = idOf.get((from > 0 ? '##' : '') + word.slice(from, to))) === undefined) to--;
      if (id === undefined) return [idOf.get('[UNK]')!];
      pieces.push(id);
      from = to;
    }
    return pieces;
  });
  return [idOf.get('[CLS]')!, ...ids.slice(0, window - 2), idOf.get('[SEP]')!];
}
