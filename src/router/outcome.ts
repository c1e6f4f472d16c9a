import type { AppError } from '../core/errors.ts';
import type { ModelName } from '../core/ids.ts';
import type { LeaseOutcome } from '../thinkers/thinker.ts';

/** Whose fault it was. A thinker is not to blame for being busy, for the request, or for a long answer. */
export function outcomeOf(error: AppError, model: ModelName): LeaseOutcome {
  switch (error.code) {
    case 'upstream_busy':
      return { kind: 'busy' };
    case 'model_not_found':
      return { kind: 'rejected', modelMissing: model };
    case 'upstream_failed':
    case 'wrong_thinker_key':
    case 'upstream_broken_stream':
    case 'timeout_connect':
    case 'timeout_first_token':
    case 'timeout_stall':
      return { kind: 'failed', error };
    case 'aborted':
    case 'timeout_total':
    case 'internal':
      return { kind: 'aborted' };
    default:
      return { kind: 'rejected' };
  }
}
