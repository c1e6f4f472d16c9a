/** Who may answer at all. Pure over views. */
import { AppError } from '../core/errors.ts';
import type { ModelName } from '../core/ids.ts';
import type { ThinkerState, ThinkerView } from '../thinkers/thinker.ts';

/** Names are normalised where they enter (`x` is `x:latest`), so equality is enough. */
export const serves = (view: ThinkerView, model: ModelName): boolean =>
  view.state === 'ready' && view.models.has(model);

export const hasRoom = (view: ThinkerView): boolean => view.inFlight < view.maxConcurrency;

/** A client that comes back then meets the next round of probes. */
const retryAfterMs = 5_000;

/**
 * Why nobody serves the model. `wait`: a thinker that has not answered its first probe yet may have it.
 * `model_not_found` only when thinkers are up and no thinker that is down was last seen with the model.
 */
export function explainAbsence(views: readonly ThinkerView[], model: ModelName): 'wait' | AppError {
  const counts: Record<ThinkerState, number> = { ready: 0, loading: 0, ejected: 0, unreachable: 0, draining: 0 };
  let hadIt = false;
  for (const view of views) {
    counts[view.state] += 1;
    hadIt ||= view.state !== 'ready' && view.models.has(model);
  }
  if (counts.loading > 0) return 'wait';
  if (counts.ready > 0 && !hadIt) return modelNotFound(model);
  return noThinkerReady(views, model);
}

export function modelNotFound(model: ModelName): AppError {
  return new AppError(
    'model_not_found',
    `model '${model}' not found; pull it on a thinker (\`ollama pull ${model}\`) or ask for one that /api/tags lists`,
    { param: 'model' },
  );
}

/** Says how many thinkers there are in which state, so that the reader knows whether waiting helps. */
export function noThinkerReady(views: readonly ThinkerView[], model: ModelName): AppError {
  const counts = new Map<ThinkerState, number>();
  for (const view of views) if (view.state !== 'ready') counts.set(view.state, (counts.get(view.state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(', ') || 'none configured';
  return new AppError(
    'no_thinker_ready',
    `no thinker for model \`${model}\` is ready (${states}); start Ollama or configure thinkers, then retry`,
    { retryAfterMs },
  );
}
