import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testRandom } from '../../testing/seeded-random.ts';
import {
  fitLogistic,
  scoreRow,
  sigmoid,
  solveCholesky,
  type LogisticData,
  type LogisticFit,
} from './ridge-logistic.ts';

const nobody = 255;

function dataOf(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  weights?: readonly number[],
): LogisticData {
  const width = rows[0]!.length;
  return {
    inputs: Float32Array.from(rows.flat()),
    width,
    rows: rows.length,
    labels: Uint8Array.from(labels),
    weights: weights === undefined ? new Float32Array(rows.length).fill(1) : Float32Array.from(weights),
    folds: new Uint8Array(rows.length),
    leaveOut: nobody,
  };
}

const priorOf = (mean: readonly number[], precision: readonly number[]) => ({
  mean: Float64Array.from(mean),
  precision: Float64Array.from(precision),
});

function finish(work: Generator<void, LogisticFit>): LogisticFit & { yields: number } {
  for (let yields = 0; ; yields++) {
    const step = work.next();
    if (step.done === true) return { ...step.value, yields };
  }
}

const close = (actual: number, expected: number, tolerance = 1e-6): void =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual}, expected ${expected}`);

describe('fitLogistic', () => {
  it('finds the log-odds of the share when there is nothing else to go by', () => {
    const data = dataOf(
      Array.from({ length: 40 }, () => [0]),
      Array.from({ length: 40 }, (_, i) => (i < 30 ? 1 : 0)),
    );
    const fit = finish(fitLogistic(data, priorOf([0, 0], [0, 1]), new Float64Array(2)));
    close(fit.weights[0]!, Math.log(3));
    assert.equal(fit.converged, true);
  });

  it('finds the two groups of a saturated model, with weights as repetitions', () => {
    // x = 0: 1 of 4 right; x = 1: 3 of 4 right, its rows written once with weights.
    const data = dataOf([[0], [0], [0], [0], [1], [1]], [1, 0, 0, 0, 1, 0], [1, 1, 1, 1, 3, 1]);
    const { weights } = finish(fitLogistic(data, priorOf([0, 0], [0, 0]), new Float64Array(2), 1e-10));
    close(weights[0]!, Math.log(1 / 3));
    close(weights[0]! + weights[1]!, Math.log(3));
  });

  it('stays with the prior where there are no labels, and near it where there are few', () => {
    const none = { ...dataOf([[1]], [1]), rows: 0 };
    assert.deepEqual([...finish(fitLogistic(none, priorOf([1, -2], [1, 1]), Float64Array.of(1, -2))).weights], [1, -2]);
    const one = finish(fitLogistic(dataOf([[1]], [1]), priorOf([0, 0], [100, 100]), new Float64Array(2)));
    assert.ok(one.weights[1]! > 0 && one.weights[1]! < 0.01);
  });

  it('halves its steps, so that separable labels and a bad start end where the gradient vanishes', () => {
    const random = testRandom('ridge');
    const rows = Array.from({ length: 400 }, () => [random.float() * 10 - 5, random.float() * 10 - 5]);
    const labels = rows.map(([x]) => (x! > 0 ? 1 : 0));
    const data = dataOf(rows, labels);
    const prior = priorOf([0, 0, 0], [0.5, 0.5, 0.5]);
    const start = Float64Array.of(40, -30, 25);
    const first = finish(fitLogistic(data, prior, start, 1e-9));
    // From a start this bad a few data sets take more than the steps of one fit; the next goes on from there, as refits do.
    const { weights, converged } = first.converged ? first : finish(fitLogistic(data, prior, first.weights, 1e-9));
    assert.equal(converged, true);
    for (let j = 0; j < 3; j++) {
      let gradient = -0.5 * weights[j]!;
      for (let row = 0; row < data.rows; row++) {
        const x = j === 0 ? 1 : data.inputs[row * 2 + j - 1]!;
        gradient += x * (labels[row]! - sigmoid(scoreRow(weights, data.inputs, row * 2)));
      }
      assert.ok(Math.abs(gradient) < 1e-4, `gradient ${gradient} of weight ${j}`);
    }
  });

  it('leaves a fold out', () => {
    const data = dataOf([[0], [0], [0], [0]], [1, 1, 0, 0]);
    const folds = Uint8Array.of(0, 1, 1, 1);
    const { weights } = finish(
      fitLogistic({ ...data, folds, leaveOut: 0 }, priorOf([0, 0], [0, 1]), new Float64Array(2)),
    );
    close(weights[0]!, Math.log(1 / 2));
  });

  it('yields within a pass, so that its caller can stop for others', () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => [i % 7]);
    const { yields, steps } = finish(
      fitLogistic(
        dataOf(
          rows,
          rows.map(([x]) => (x! > 3 ? 1 : 0)),
        ),
        priorOf([0, 0], [1, 1]),
        new Float64Array(2),
      ),
    );
    // One yield in 500 rows of each pass; a step has at least two passes.
    assert.ok(yields >= steps * 2 * 10, `${yields} yields in ${steps} steps`);
  });

  it('solves what it says', () => {
    const solution = solveCholesky(Float64Array.of(4, 0, 0, 2, 5, 0, 1, 3, 6), Float64Array.of(9, 16, 16), 3);
    // 4x + 2y + z, 2x + 5y + 3z, x + 3y + 6z
    const [x, y, z] = solution as unknown as [number, number, number];
    close(4 * x + 2 * y + z, 9);
    close(2 * x + 5 * y + 3 * z, 16);
    close(x + 3 * y + 6 * z, 16);
    assert.throws(() => solveCholesky(Float64Array.of(1, 0, 2, 1), Float64Array.of(1, 1), 2), /not positive definite/);
  });
});
