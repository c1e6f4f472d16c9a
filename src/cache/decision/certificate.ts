/**
 * The loosest serving cut whose wrong share is certified from labels.
 *
 * Scores are binned on a fixed grid. The walk starts at the cut at which the model's own probabilities promise
 * the smallest p-value, and goes looser while the labels above the cut reject "the wrong share exceeds the
 * target": a fixed sequence of tests, of which only the first failure ends the walk, so that no correction
 * for the number of cuts is due. What is counted above a cut is weighed by traffic, see `Layer`. Source of the idea:
 * fixed-sequence testing in "Learn then Test" (Angelopoulos et al., 2021). Repeated looks, a score that is refitted,
 * and a start chosen by a model that knows the labels are not covered by the theorem: the result is a measurement,
 * and a breaker watches it.
 */
import { binomialLowerTail, faultlessMin } from './binomial.ts';

/** Log-odds per bin and the range covered; what lies beyond is in the outermost bins. */
const binWidth = 0.1;
const scoreMax = 12;
export const binCount = (2 * scoreMax) / binWidth;

/** Counts of labels by score, strictest first once `accumulate` has run. */
export interface ScoreBins {
  readonly labels: Float64Array;
  readonly wrong: Float64Array;
  /** Wrong ones as the model expects them. */
  readonly expected: Float64Array;
  /** Wrong ones over the probability with which each was drawn. */
  readonly weighted: Float64Array;
  /** Decisions that the labels stand for: one over the probability with which each was drawn. */
  readonly traffic: Float64Array;
}

export function emptyBins(): ScoreBins {
  return {
    labels: new Float64Array(binCount),
    wrong: new Float64Array(binCount),
    expected: new Float64Array(binCount),
    weighted: new Float64Array(binCount),
    traffic: new Float64Array(binCount),
  };
}

/** Bin 0 holds the highest scores. */
export function binOf(score: number): number {
  const bin = Math.floor((scoreMax - score) / binWidth);
  return bin < 0 ? 0 : bin >= binCount ? binCount - 1 : bin;
}

/** Smallest score of a bin. */
export const cutOf = (bin: number): number => scoreMax - (bin + 1) * binWidth;

export function addToBins(
  bins: ScoreBins,
  label: { readonly score: number; readonly right: boolean; readonly auditProbability: number },
): void {
  const bin = binOf(label.score);
  bins.labels[bin]! += 1;
  bins.traffic[bin]! += 1 / label.auditProbability;
  bins.expected[bin]! += 1 / (1 + Math.exp(label.score));
  if (label.right) return;
  bins.wrong[bin]! += 1;
  bins.weighted[bin]! += 1 / label.auditProbability;
}

/** Turns counts per bin into counts at or above each bin's cut. */
export function accumulate(bins: ScoreBins): ScoreBins {
  for (const counts of [bins.labels, bins.wrong, bins.expected, bins.weighted, bins.traffic]) {
    for (let bin = 1; bin < binCount; bin++) counts[bin]! += counts[bin - 1]!;
  }
  return bins;
}

export interface Certificate {
  /** Smallest score served, log-odds. */
  readonly cut: number;
  readonly labels: number;
  readonly wrong: number;
}

/** Says whether these counts reject "the wrong share exceeds the target". */
export type ShareTest = (labels: number, wrong: number, target: number, alpha: number) => boolean;

/** Exact at one look: Pr(Bin(labels, target) ≤ wrong) ≤ alpha. */
export const binomialTest: ShareTest = (labels, wrong, target, alpha) =>
  labels > 0 && binomialLowerTail(wrong, labels, target) <= alpha;

/** @param bins accumulated. @returns undefined when no cut passes. */
export function certify(bins: ScoreBins, target: number, alpha: number, test: ShareTest): Certificate | undefined {
  const looks = looksOf(bins);
  let certified: Certificate | undefined;
  for (const { bin, layers } of looks.slice(startOf(looks, target))) {
    const counts = { labels: bins.labels[bin]!, wrong: bins.wrong[bin]! };
    const passes =
      test === binomialTest
        ? layeredTail(layers, wrongOf, target) <= alpha
        : test(counts.labels, counts.wrong, target, alpha);
    if (!passes) break;
    certified = { cut: cutOf(bin), ...counts };
  }
  return certified;
}

/**
 * Labels of neighbouring scores, and how much of the traffic they stand for. Hits are labelled at a small rate and
 * misses all, so that a plain count above a cut has too many labels from just above it, where most wrong ones are.
 * Within a layer chance alone decides what is labelled; between layers their traffic does the weighing.
 * Source: post-stratified estimation (Holt and Smith, 1979).
 */
interface Layer {
  readonly labels: number;
  readonly wrong: number;
  readonly expected: number;
  /** Decisions it stands for: the sum of 1 over the probability with which each label was drawn. */
  readonly traffic: number;
}

const emptyLayer: Layer = { labels: 0, wrong: 0, expected: 0, traffic: 0 };

/** Fewer labels than this tell too little of a layer's own share. */
const layerLabelsMin = 25;

/** One for each bin with labels, strictest first: the layers of all that lies at or above its cut. */
function looksOf(bins: ScoreBins): readonly { readonly bin: number; readonly layers: readonly Layer[] }[] {
  const looks: { bin: number; layers: readonly Layer[] }[] = [];
  const whole: Layer[] = [];
  let open = emptyLayer;
  for (let bin = 0; bin < binCount; bin++) {
    const own = layerOf(bins, bin);
    // A bin without labels of its own says nothing new; the cut stays where labels are.
    if (own.labels === 0) continue;
    open = together(open, own);
    const last = whole.at(-1);
    const isThin = open.labels < layerLabelsMin && last !== undefined;
    looks.push({ bin, layers: isThin ? [...whole.slice(0, -1), together(last, open)] : [...whole, open] });
    if (open.labels < layerLabelsMin) continue;
    whole.push(open);
    open = emptyLayer;
  }
  return looks;
}

function layerOf({ labels, wrong, expected, traffic }: ScoreBins, bin: number): Layer {
  const own = (counts: Float64Array): number => counts[bin]! - (bin === 0 ? 0 : counts[bin - 1]!);
  return { labels: own(labels), wrong: own(wrong), expected: own(expected), traffic: own(traffic) };
}

const together = (a: Layer, b: Layer): Layer => ({
  labels: a.labels + b.labels,
  wrong: a.wrong + b.wrong,
  expected: a.expected + b.expected,
  traffic: a.traffic + b.traffic,
});

const wrongOf = ({ wrong }: Layer): number => wrong;
const expectedOf = ({ expected }: Layer): number => expected;

/**
 * Pr(as few wrong ones as this | their share is the target). The weighed share is as sure as one of so many plain
 * labels would be as have its variance; of a single layer this is the exact binomial tail.
 */
function layeredTail(layers: readonly Layer[], countOf: (layer: Layer) => number, target: number): number {
  let traffic = 0;
  for (const layer of layers) traffic += layer.traffic;
  let share = 0;
  let smoothed = 0;
  let variance = 0;
  for (const layer of layers) {
    const part = layer.traffic / traffic;
    // Half a wrong one more than seen: a layer without a fault is not known to be faultless.
    const likely = (countOf(layer) + 0.5) / (layer.labels + 1);
    share += (part * countOf(layer)) / layer.labels;
    smoothed += part * likely;
    variance += (part * part * likely * (1 - likely)) / layer.labels;
  }
  const labels = (smoothed * (1 - smoothed)) / variance;
  return binomialLowerTail(share * labels, labels, target);
}

/** Where the model itself promises the smallest p-value. */
function startOf(looks: ReturnType<typeof looksOf>, target: number): number {
  let best = 0;
  let smallest = Infinity;
  for (const [i, { layers }] of looks.entries()) {
    const predicted = layeredTail(layers, expectedOf, target);
    if (predicted >= smallest) continue;
    smallest = predicted;
    best = i;
  }
  return best;
}

/**
 * Loosest cut at which wrong answers per request stay under the target in expectation, by conformal risk control
 * (Angelopoulos et al., 2022): (Σ wrong / π + largest loss) / (requests + 1) ≤ target.
 * @param requests all in the time of the labels, those without any candidate included.
 */
export function controlErrorRate(
  bins: ScoreBins,
  target: number,
  window: { readonly requests: number; readonly largestWeight: number },
): Certificate | undefined {
  let controlled: Certificate | undefined;
  for (let bin = 0; bin < binCount; bin++) {
    if ((bins.weighted[bin]! + window.largestWeight) / (window.requests + 1) > target) break;
    if (bins.labels[bin]! > 0) controlled = { cut: cutOf(bin), labels: bins.labels[bin]!, wrong: bins.wrong[bin]! };
  }
  return controlled;
}

/** More than this is no plan; it is said as "not with what has been seen". */
const missingMax = 1_000_000;

/**
 * Labels still missing until some cut can pass.
 * @returns `atLeast` if all further ones are right; `estimate` at the wrong shares seen, undefined where they are
 * above the target or too close to it.
 */
export function missingLabels(
  bins: ScoreBins,
  target: number,
  alpha: number,
  test: ShareTest,
): { readonly atLeast: number; readonly estimate: number | undefined } {
  const all = bins.labels[binCount - 1]!;
  let atLeast = faultlessTotal(target, alpha, test);
  let estimate: number | undefined;
  if (all === 0) return { atLeast, estimate };
  let fewest = Infinity;
  for (let bin = 0; bin < binCount; bin++) {
    const labels = bins.labels[bin]!;
    if (labels === 0 || (bin > 0 && labels === bins.labels[bin - 1]!)) continue;
    const wrong = bins.wrong[bin]!;
    fewest = Math.min(fewest, until((more) => test(labels + more, wrong, target, alpha)) ?? Infinity);
    // Half a wrong one more than seen: few labels without a fault are no proof of a faultless class.
    const share = Math.max((wrong + 0.5) / (labels + 1), bins.expected[bin]! / labels);
    if (share >= target) continue;
    const needed = until((more) => test(labels + more, Math.ceil(share * (labels + more)), target, alpha));
    // Of all labels to come only some fall above this cut.
    const total = needed === undefined ? Infinity : (needed * all) / labels;
    if (total <= missingMax) estimate = Math.min(estimate ?? Infinity, Math.ceil(total));
  }
  if (fewest < Infinity) atLeast = Math.min(atLeast, fewest);
  return { atLeast, estimate: estimate === undefined ? undefined : Math.max(estimate, atLeast) };
}

const faultlessTotal = (target: number, alpha: number, test: ShareTest): number =>
  test === binomialTest ? faultlessMin(target, alpha) : (until((more) => test(more, 0, target, alpha)) ?? missingMax);

/** Smallest count that passes, by doubling and bisection: a pass stays a pass with more of the same. */
function until(passes: (count: number) => boolean): number | undefined {
  if (passes(0)) return 0;
  let high = 1;
  while (!passes(high)) {
    high *= 2;
    if (high > missingMax) return undefined;
  }
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (passes(middle)) high = middle;
    else low = middle;
  }
  return high;
}
