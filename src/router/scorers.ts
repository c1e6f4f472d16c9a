/** How good a choice each thinker is, by the wait to expect there. Pure; every score is in [0, 1]. */
import type { ModelName } from '../core/ids.ts';
import type { ThinkerView } from '../thinkers/thinker.ts';

export interface ScoreContext {
  readonly model: ModelName;
  /** Smallest average time to first token among the candidates that have one; 0 = none has. */
  readonly ttftMsMin: number;
  /** Highest price among the candidates. */
  readonly costPerHourMax: number;
}

/** 1 where the model is in memory: loading it takes longer than most answers. */
export const residency = (view: ThinkerView, model: ModelName): number => (view.loaded.has(model) ? 1 : 0);

/** Share of its places that are free. */
export const freeShare = (view: ThinkerView): number => Math.max(0, 1 - view.inFlight / view.maxConcurrency);

/** 1 for the fastest, 0.5 for one that takes twice as long; unknown counts as fast, so that it gets measured. */
export const speed = (view: ThinkerView, ttftMsMin: number): number =>
  view.ttftMsEwma === 0 || ttftMsMin === 0 ? 1 : Math.min(1, ttftMsMin / view.ttftMsEwma);

/** 1 for a thinker that costs nothing, 0 for the dearest. */
export const cheapness = (view: ThinkerView, costPerHourMax: number): number =>
  costPerHourMax === 0 ? 1 : 1 - view.costPerHour / costPerHourMax;

/**
 * In seconds, a cold load (tens) outweighs a full queue (a few), a slower prefill (one or two) and a price.
 * A thinker with the model in memory therefore wins until it is full; among equals the emptier one does.
 */
const weights = { residency: 0.5, freeShare: 0.25, speed: 0.15, cheapness: 0.1 } as const;

export function score(view: ThinkerView, context: ScoreContext): number {
  return (
    weights.residency * residency(view, context.model) +
    weights.freeShare * freeShare(view) +
    weights.speed * speed(view, context.ttftMsMin) +
    weights.cheapness * cheapness(view, context.costPerHourMax)
  );
}

export function scoreContext(candidates: readonly ThinkerView[], model: ModelName): ScoreContext {
  let ttftMsMin = 0;
  let costPerHourMax = 0;
  for (const { ttftMsEwma, costPerHour } of candidates) {
    if (ttftMsEwma > 0 && (ttftMsMin === 0 || ttftMsEwma < ttftMsMin)) ttftMsMin = ttftMsEwma;
    if (costPerHour > costPerHourMax) costPerHourMax = costPerHour;
  }
  return { model, ttftMsMin, costPerHourMax };
}
