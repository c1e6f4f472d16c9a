/** The policies compared, and what is counted of each. */
import type { DecisionEngineOptions } from '../../src/cache/decision/engine-types.ts';
import type { EngineGuard } from '../../src/cache/decision/guard-set.ts';
import { textInputNames } from '../../src/cache/decision/pair-inputs.ts';
import { binomialUpperTail } from '../../src/cache/decision/binomial.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Row } from '../lib/rows.ts';
import { round, wilson95 } from '../lib/stats.ts';
import { replayEngine, replayThreshold, type LabelPlan, type Outcome, type ReplayInput } from './replay.ts';
import { replayVcache } from './vcache.ts';

export interface Arm {
  readonly arm: string;
  /** Largest share of wrong hits (vcache: wrong answers per request); null for a fixed threshold. */
  readonly target: number | null;
  /** What the target bounds: wrong ones among hits, or wrong answers among all requests. */
  readonly bounds: 'hits' | 'requests';
  /** Share of requests with a candidate that may get a label. */
  readonly labelRate: number;
  /** Of how many shuffles; side arms need fewer. */
  readonly shuffles: number;
  run(input: ReplayInput, seed: number): Outcome;
}

export interface ArmContext {
  readonly embeddingModelId: string;
  readonly shuffles: number;
  readonly sideShuffles: number;
  /** Chance that a label is wrong. */
  readonly noise: number;
}

export const thresholds = [0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99] as const;
export const targets = [0.01, 0.02, 0.05, 0.1] as const;
const labelRates = [1, 0.2, 0.02] as const;
/** At which side arms are compared. */
const comparedTargets = [0.05, 0.1] as const;

/** Of the hits; grey misses are labelled at the label rate, as their fresh answer exists anyway. */
const hitAuditRate = 0.1;

const cosineInputs = ['similarity', 'log-distance'] as const;
const cosine = (target: number): Partial<DecisionEngineOptions> => ({ target, coldStart: 'nothing' });

export function armsOf(context: ArmContext): Arm[] {
  const { shuffles, sideShuffles } = context;
  return [
    ...thresholds.map((threshold): Arm => ({
      arm: `static ${threshold}`,
      target: null,
      bounds: 'hits',
      labelRate: 0,
      shuffles,
      run: (input) => replayThreshold(input, threshold),
    })),
    ...targets.map((target): Arm => ({
      arm: 'vcache',
      target,
      bounds: 'requests',
      labelRate: 1,
      shuffles: sideShuffles,
      run: (input, seed) => replayVcache(input, target, seededRandom(seed)),
    })),
    ...labelRates.flatMap((labelRate) =>
      targets.map((target) => ours('ours', labelRate === 1 ? shuffles : sideShuffles, { target }, { labelRate })),
    ),
    ...comparedTargets.flatMap((target) => [
      ours('ours, nothing uncertified', sideShuffles, { target, coldStart: 'nothing' }, {}),
      ours('ours, strict', sideShuffles, { target, mode: 'strict' }, {}),
      ours('ours, no traffic inputs', sideShuffles, { target }, { inputs: textInputNames }),
      ours('ours, wrong per request', sideShuffles, { target, measure: 'error-rate' }, {}),
      ours('cosine alone, certified', shuffles, cosine(target), { inputs: cosineInputs, guards: [] }),
      ours('cosine and guards, certified', sideShuffles, cosine(target), { inputs: cosineInputs }),
    ]),
  ];

  function ours(
    arm: string,
    shuffles: number,
    options: Partial<DecisionEngineOptions>,
    only: {
      readonly labelRate?: number;
      readonly inputs?: readonly string[];
      readonly guards?: readonly EngineGuard[];
    },
  ): Arm {
    const { labelRate = 1, inputs, guards } = only;
    const rate = Math.min(hitAuditRate, labelRate);
    const plan: LabelPlan = { missRate: labelRate, noise: context.noise };
    const audits = { auditFirst: rate, auditLater: rate, auditSuspect: rate };
    return {
      arm,
      target: options.target ?? null,
      bounds: options.measure === 'error-rate' ? 'requests' : 'hits',
      labelRate,
      shuffles,
      run: (input, seed) =>
        replayEngine(input, plan, {
          embeddingModelId: context.embeddingModelId,
          seed,
          options: { ...options, ...audits },
          ...(inputs !== undefined && { inputs }),
          ...(guards !== undefined && { guards }),
        }),
    };
  }
}

/**
 * Of all shuffles together. Shuffles share their text, so the interval is that of one stream's worth of hits.
 * `over` counts shuffles whose wrong share of what the target bounds exceeds it, `overSurely` those beyond chance at 5 %.
 */
export function rowOf(
  arm: Arm,
  outcomes: readonly Outcome[],
  about: { readonly dataset: string; readonly embedder: string; readonly seed: number; readonly oracle: number },
): Row {
  const n = outcomes.length;
  const mean = (of: (outcome: Outcome) => number): number => outcomes.reduce((sum, each) => sum + of(each), 0) / n;
  const queries = mean((each) => each.queries);
  const hits = mean((each) => each.hits);
  const wrong = mean((each) => each.wrong);
  const share = hits === 0 ? 0 : wrong / hits;
  const interval = wilson95(wrong, hits);
  const { target } = arm;
  const bounded = (each: Outcome): number => (arm.bounds === 'hits' ? each.hits : each.queries);
  const isOver = (each: Outcome): boolean => target !== null && each.wrong > target * bounded(each);
  const isSurelyOver = (each: Outcome): boolean =>
    isOver(each) && binomialUpperTail(each.wrong, bounded(each), target!) <= 0.05;
  const opened = outcomes.filter((each) => each.openedAt !== undefined);
  const meanOpened = (of: (outcome: Outcome) => number): number | null =>
    opened.length === 0 ? null : Math.round(opened.reduce((sum, each) => sum + of(each), 0) / opened.length);
  return {
    dataset: about.dataset,
    embedder: about.embedder,
    arm: arm.arm,
    target,
    labelRate: arm.labelRate,
    seed: about.seed,
    shuffles: n,
    queries,
    hits: round(hits, 1),
    wrong: round(wrong, 1),
    correct: round(hits - wrong, 1),
    hitRate: round(hits / queries, 4),
    lateHitRate: round((2 * mean((each) => each.lateHits)) / queries, 4),
    errN: round(wrong / queries, 4),
    fhs: round(share, 4),
    fhsLow: round(interval.low, 4),
    fhsHigh: round(interval.high, 4),
    oracle: round(about.oracle / queries, 4),
    over: outcomes.filter(isOver).length,
    overSurely: outcomes.filter(isSurelyOver).length,
    labels: round(
      mean((each) => each.labels),
      0,
    ),
    shadows: round(
      mean((each) => each.shadows),
      0,
    ),
    opened: opened.length,
    labelsToOpen: meanOpened((each) => each.labelsAtOpening!),
    requestsToOpen: meanOpened((each) => each.openedAt!),
    uncertifiedHits: round(
      mean((each) => each.uncertified),
      1,
    ),
    uncertifiedWrong: round(
      mean((each) => each.uncertifiedWrong),
      1,
    ),
    labelsMissing: round(
      mean((each) => each.labelsMissing ?? 0),
      0,
    ),
    breakerFirings: round(
      mean((each) => each.breakerFirings),
      2,
    ),
  };
}
