import type { EpochMs } from '../../core/units.ts';

/** What one tick leaves to the next: small, plain data, stored with the fleet. */
export interface PlanMemory {
  /** Needs of the hold time: each smaller than the one before it, oldest first. */
  readonly needs: readonly PastNeed[];
  /** Drains of the last minute. */
  readonly drains: readonly EpochMs[];
  readonly target: number;
}

export interface PastNeed {
  readonly at: EpochMs;
  readonly workers: number;
}

export const emptyPlanMemory: PlanMemory = { needs: [], drains: [], target: 0 };

/**
 * The most that was needed in the last `holdS`, this tick included. Only needs that no later one reaches are
 * kept, so there are never more of them than workers.
 */
export function rememberNeed(
  memory: PlanMemory,
  need: PastNeed,
  holdS: number,
): { readonly held: number; readonly needs: readonly PastNeed[] } {
  const since = need.at - holdS * 1000;
  // A clock that was set back would keep needs of the future for ever.
  const kept = memory.needs.filter(({ at, workers }) => at >= since && at <= need.at && workers > need.workers);
  const needs = [...kept, need];
  return { held: needs[0]!.workers, needs };
}
