/** A small BERT with random weights, as weights and as an ONNX graph with the inputs and outputs of all-MiniLM-L6-v2. */
import { seededRandom } from '../../core/random.ts';
import { OnnxGraph } from './onnx-writer.ts';

export interface BertShape {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
  readonly positions: number;
}

export interface Linear {
  /** [inputs, outputs] row by row. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export interface Norm {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

export interface BertLayer {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly attended: Linear;
  readonly attendedNorm: Norm;
  readonly up: Linear;
  readonly down: Linear;
  readonly outputNorm: Norm;
}

export interface BertWeights {
  readonly shape: BertShape;
  readonly words: Float32Array;
  readonly positions: Float32Array;
  readonly types: Float32Array;
  readonly norm: Norm;
  readonly layers: readonly BertLayer[];
}

export const normEpsilon = 1e-12;

/** The same weights for the same seed, on every machine. */
export function randomBert(shape: BertShape, seed: number): BertWeights {
  const random = seededRandom(seed);
  // Box and Muller: two uniform numbers give a normal one.
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
  const array = (length: number, deviation: number, centre = 0): Float32Array =>
    Float32Array.from({ length }, () => centre + deviation * normal());
  const linear = (inputs: number, outputs: number): Linear => ({
    weight: array(inputs * outputs, 1 / Math.sqrt(inputs)),
    bias: array(outputs, 0.1),
  });
  const norm = (): Norm => ({ scale: array(shape.hidden, 0.2, 1), shift: array(shape.hidden, 0.1) });
  const { hidden, feedForward } = shape;
  return {
    shape,
    words: array(shape.vocabulary * hidden, 1),
    positions: array(shape.positions * hidden, 0.5),
    types: array(2 * hidden, 0.2),
    norm: norm(),
    layers: Array.from({ length: shape.layers }, () => ({
      query: linear(hidden, hidden),
      key: linear(hidden, hidden),
      value: linear(hidden, hidden),
      attended: linear(hidden, hidden),
      attendedNorm: norm(),
      up: linear(hidden, feedForward),
      down: linear(feedForward, hidden),
      outputNorm: norm(),
    })),
  };
}

export interface BertGraphOptions {
  /** Without it the graph has no `token_type_ids` input, as some exports. */
  readonly tokenTypes: boolean;
  /** `sentence_embedding` pools inside the graph, without scaling to norm 1. */
  readonly output: 'last_hidden_state' | 'sentence_embedding';
}

/** @returns the ONNX file of these weights. */
export function bertToOnnx(weights: BertWeights, options: BertGraphOptions): Buffer {
  const { hidden, heads, feedForward } = weights.shape;
  const graph = new OnnxGraph();
  const batched = ['batch', 'tokens'];
  const ids = graph.input('input_ids', batched);
  const mask = graph.op('Cast', [graph.input('attention_mask', batched)], { to: 1 });

  const linear = (input: string, name: string, from: Linear, inputs: number, outputs: number): string =>
    graph.op('Add', [
      graph.op('MatMul', [input, graph.floats(`${name}.weight`, [inputs, outputs], from.weight)]),
      graph.floats(`${name}.bias`, [outputs], from.bias),
    ]);
  const norm = (input: string, name: string, from: Norm): string =>
    graph.op(
      'LayerNormalization',
      [input, graph.floats(`${name}.scale`, [hidden], from.scale), graph.floats(`${name}.shift`, [hidden], from.shift)],
      { axis: -1, epsilon: { float: normEpsilon } },
    );
  const split = (input: string, order: readonly number[]): string =>
    graph.op('Transpose', [graph.op('Reshape', [input, graph.ints([0, 0, heads, hidden / heads])])], { perm: order });

  const tokens = graph.op('Gather', [graph.op('Shape', [ids]), graph.ints([1])]);
  const positions = graph.op('Slice', [
    graph.floats('positions', [weights.shape.positions, hidden], weights.positions),
    graph.ints([0]),
    tokens,
    graph.ints([0]),
  ]);
  const types = graph.floats('types', [2, hidden], weights.types);
  const typed = options.tokenTypes
    ? graph.op('Gather', [types, graph.input('token_type_ids', batched)])
    : graph.op('Gather', [types, graph.ints([0], true)]);
  const words = graph.op('Gather', [graph.floats('words', [weights.shape.vocabulary, hidden], weights.words), ids]);
  let state = norm(graph.op('Add', [graph.op('Add', [words, positions]), typed]), 'norm', weights.norm);

  const unmasked = graph.op('Sub', [graph.scalar(1), graph.op('Unsqueeze', [mask, graph.ints([1, 2])])]);
  const bias = graph.op('Mul', [unmasked, graph.scalar(-10_000)]);
  for (const [index, layer] of weights.layers.entries()) {
    const name = `layer${index}`;
    const query = split(linear(state, `${name}.query`, layer.query, hidden, hidden), [0, 2, 1, 3]);
    const key = split(linear(state, `${name}.key`, layer.key, hidden, hidden), [0, 2, 3, 1]);
    const value = split(linear(state, `${name}.value`, layer.value, hidden, hidden), [0, 2, 1, 3]);
    const scores = graph.op('Mul', [graph.op('MatMul', [query, key]), graph.scalar(1 / Math.sqrt(hidden / heads))]);
    const attention = graph.op('Softmax', [graph.op('Add', [scores, bias])], { axis: -1 });
    const merged = graph.op('Reshape', [
      graph.op('Transpose', [graph.op('MatMul', [attention, value])], { perm: [0, 2, 1, 3] }),
      graph.ints([0, 0, hidden]),
    ]);
    const attended = linear(merged, `${name}.attended`, layer.attended, hidden, hidden);
    state = norm(graph.op('Add', [state, attended]), `${name}.attendedNorm`, layer.attendedNorm);
    const up = linear(state, `${name}.up`, layer.up, hidden, feedForward);
    const erf = graph.op('Erf', [graph.op('Mul', [up, graph.scalar(Math.SQRT1_2)])]);
    const gelu = graph.op('Mul', [graph.op('Mul', [up, graph.scalar(0.5)]), graph.op('Add', [erf, graph.scalar(1)])]);
    const down = linear(gelu, `${name}.down`, layer.down, feedForward, hidden);
    const last = index === weights.layers.length - 1 && options.output === 'last_hidden_state';
    const sum = graph.op('Add', [state, down]);
    state = norm(sum, `${name}.outputNorm`, layer.outputNorm);
    if (last) graph.op('Identity', [state], {}, 'last_hidden_state');
  }
  if (options.output === 'last_hidden_state') graph.output('last_hidden_state', [...batched, hidden]);
  else {
    const column = graph.op('Unsqueeze', [mask, graph.ints([2])]);
    const axis = graph.ints([1]);
    const sums = graph.op('ReduceSum', [graph.op('Mul', [state, column]), axis], { keepdims: 0 });
    graph.op('Div', [sums, graph.op('ReduceSum', [column, axis], { keepdims: 0 })], {}, 'sentence_embedding');
    graph.output('sentence_embedding', ['batch', hidden]);
  }
  return graph.model();
}
