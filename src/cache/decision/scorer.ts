/**
 * The score and its certificates, refitted together: a model on all labels serves, five models that each leave
 * a fifth out give every label a score that did not know it, and the certificates count those.
 */
import {
  accumulate,
  addToBins,
  binomialTest,
  certify,
  controlErrorRate,
  emptyBins,
  missingLabels,
  type Certificate,
  type ScoreBins,
  type ShareTest,
} from './certificate.ts';
import { eProcessTest } from './e-process.ts';
import { comparedTargets, type DecisionEngineOptions } from './engine-types.ts';
import { inputCount, textInputCount } from './inputs.ts';
import type { LabelStore } from './label-store.ts';
import { priorWeights } from './prior-table.ts';
import { fitLogistic, scoreRow, type LogisticData, type LogisticPrior } from './ridge-logistic.ts';

export const foldCount = 5;

/** Of weights on standardised inputs: ten labels' worth against each. The intercept is learned almost freely. */
const precision = 10;
const interceptPrecision = 0.5;
/** A weight that moves less than this moves no decision. */
const tolerance = 1e-3;
/** No row is left out. */
const everyone = 255;
const rowsPerSlice = 2_000;
/** Of all requests, the part before which a target per request takes no label. */
const recentFrom = 0.5;

export const prior: LogisticPrior = {
  mean: Float64Array.from({ length: inputCount + 1 }, (_, i) => (i <= textInputCount ? priorWeights[i]! : 0)),
  precision: Float64Array.from({ length: inputCount + 1 }, (_, i) => (i === 0 ? interceptPrecision : precision)),
};

export interface GroupCertificates {
  readonly labels: number;
  /** By target, in the order of `targets`. */
  readonly byTarget: readonly (Certificate | undefined)[];
}

export interface Scores {
  readonly weights: Float64Array;
  readonly foldWeights: readonly Float64Array[];
  readonly pooled: GroupCertificates;
  /** Of groups with enough labels. */
  readonly groups: ReadonlyMap<number, GroupCertificates>;
  readonly missing: { readonly atLeast: number; readonly estimate: number | undefined };
  /** `LabelStore.taken` when the fit began. */
  readonly fittedOn: number;
}

export interface Scorer {
  /** The operator's own target first, then the compared ones. */
  readonly targets: readonly number[];
  readonly untaught: Scores;
  /** Yields between slices of work of about a millisecond. `usable(row)`: whether the breaker still trusts a label. */
  refit(
    labels: LabelStore,
    before: Scores,
    context: { readonly usable: (row: number) => boolean; readonly requests: number },
  ): Generator<void, Scores>;
}

export function createScorer(options: DecisionEngineOptions): Scorer {
  const targets = [options.target, ...comparedTargets];
  const alpha = 1 - options.confidence;
  const test: ShareTest = options.mode === 'strict' ? eProcessTest : binomialTest;
  const nobody: GroupCertificates = { labels: 0, byTarget: targets.map(() => undefined) };

  return {
    targets,
    untaught: {
      weights: prior.mean,
      foldWeights: Array.from({ length: foldCount }, () => prior.mean),
      pooled: nobody,
      groups: new Map(),
      missing: missingLabels(emptyBins(), options.target, alpha, test),
      fittedOn: 0,
    },

    *refit(labels, before, { usable, requests }) {
      const fittedOn = labels.taken;
      const data = (leaveOut: number): LogisticData => ({
        inputs: labels.inputs,
        width: labels.width,
        rows: labels.rows,
        labels: labels.labels,
        weights: labels.weights,
        folds: labels.folds,
        leaveOut,
      });
      const { weights } = yield* fitLogistic(data(everyone), prior, before.weights, tolerance);
      const foldWeights: Float64Array[] = [];
      for (let fold = 0; fold < foldCount; fold++) {
        const fit = yield* fitLogistic(data(fold), prior, before.foldWeights[fold]!, tolerance);
        foldWeights.push(fit.weights);
      }
      const all = emptyBins();
      const byGroup = new Map<number, ScoreBins>();
      // Wrong answers per request grow with the cache, so old requests would flatter a target per request.
      const from = options.measure === 'error-rate' ? requests * recentFrom : 0;
      let earliest = requests;
      let largestWeight = 1;
      for (let row = 0; row < labels.rows; row++) {
        if (row % rowsPerSlice === rowsPerSlice - 1) yield;
        if (!labels.certifies(row) || !usable(row) || labels.requests[row]! < from) continue;
        const label = {
          score: scoreRow(foldWeights[labels.folds[row]!]!, labels.inputs, row * labels.width),
          right: labels.labels[row] === 1,
          auditProbability: labels.audit[row]!,
        };
        earliest = Math.min(earliest, labels.requests[row]!);
        largestWeight = Math.max(largestWeight, 1 / label.auditProbability);
        addToBins(all, label);
        const group = labels.groups[row]!;
        let bins = byGroup.get(group);
        if (bins === undefined) byGroup.set(group, (bins = emptyBins()));
        addToBins(bins, label);
      }
      yield;
      const window = { requests: requests - earliest, largestWeight };
      accumulate(all);
      const pooled = certificatesOf(all, window);
      yield;
      const groups = new Map<number, GroupCertificates>();
      // Of a group alone nothing new can be said.
      if (byGroup.size > 1) {
        for (const [group, bins] of byGroup) {
          const own = certificatesOf(accumulate(bins), window);
          if (own.labels >= options.groupLabelsMin) groups.set(group, own);
          yield;
        }
      }
      const missing = stillMissing(missingLabels(all, options.target, alpha, test), pooled.byTarget[0]);
      return { weights, foldWeights, pooled, groups, missing, fittedOn };
    },
  };

  /** Counted without weights: it may say that enough are there while the certificate still wants one. */
  function stillMissing(counted: Scores['missing'], own: Certificate | undefined): Scores['missing'] {
    if (own !== undefined) return counted;
    const { atLeast, estimate } = counted;
    return { atLeast: Math.max(1, atLeast), estimate: estimate === undefined ? undefined : Math.max(1, estimate) };
  }

  function certificatesOf(
    bins: ScoreBins,
    window: { readonly requests: number; readonly largestWeight: number },
  ): GroupCertificates {
    return {
      labels: bins.labels.at(-1)!,
      byTarget: targets.map((target) =>
        options.measure === 'error-rate' ? controlErrorRate(bins, target, window) : certify(bins, target, alpha, test),
      ),
    };
  }
}
