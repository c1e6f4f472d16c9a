/** The choice among candidates. Chance comes in as a parameter. */
import type { ModelName } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { ThinkerView } from '../thinkers/thinker.ts';
import { score, scoreContext } from './scorers.ts';

/** Scores closer than this are equal: the measurements behind them are not that exact. */
const tieWidth = 0.02;

/**
 * The best by score; among near equals two are drawn and the emptier one is taken, so that gateways that
 * share thinkers do not all run to the same one. O(n).
 * Source: the power of two choices (Mitzenmacher, 2001), within a tie.
 * @param candidates at least one
 */
export function pick(candidates: readonly ThinkerView[], model: ModelName, random: Random): ThinkerView {
  if (candidates.length === 1) return candidates[0]!;
  const admitted = admit(candidates, random);
  if (admitted.length === 1) return admitted[0]!;
  const context = scoreContext(admitted, model);
  const scores = admitted.map((view) => score(view, context));
  const best = Math.max(...scores);
  const tied = admitted.filter((_, index) => scores[index]! >= best - tieWidth);
  return tied.length === 1 ? tied[0]! : emptierOfTwo(tied, random);
}

/** A thinker on its slow return is a candidate as often as its weight says, unless it is the only kind there is. */
export function admit(candidates: readonly ThinkerView[], random: Random): readonly ThinkerView[] {
  if (candidates.every((view) => view.weight === 1)) return candidates;
  const admitted = candidates.filter((view) => view.weight === 1 || random.float() < view.weight);
  return admitted.length > 0 ? admitted : candidates;
}

function emptierOfTwo(views: readonly ThinkerView[], random: Random): ThinkerView {
  const first = random.int(views.length);
  const second = (first + 1 + random.int(views.length - 1)) % views.length;
  const a = views[first]!;
  const b = views[second]!;
  return b.inFlight / b.maxConcurrency < a.inFlight / a.maxConcurrency ? b : a;
}
