import { toAppError, type AppError } from '../core/errors.ts';
import type { EpochMs } from '../core/units.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CacheEntry } from './cache-store.ts';
import type { CachePlan } from './cache-types.ts';
import type { GuardName } from './hit-policy.ts';

export type LookupResult = 'hit_exact' | 'hit_semantic' | 'near_miss' | 'miss' | 'bypass' | 'ineligible' | 'error';
export type LookupStage = 'normalize' | 'embed' | 'search' | 'fetch' | 'verify';

export interface LookupMetrics {
  result(result: LookupResult): void;
  bypassed(plan: CachePlan): CachePlan;
  /** @returns the entry's age, whole seconds */
  hit(result: 'hit_exact' | 'hit_semantic', entry: CacheEntry, now: EpochMs): number;
  stage(stage: LookupStage, ms: number): void;
  bestSimilarity(decision: 'hit' | 'miss', similarity: number): void;
  vetoed(guard: GuardName): void;
  /** Counts and logs a fault. @returns it as an error to hand on */
  failed(error: unknown, logger: Logger): AppError;
}

/** Series are looked up once: an exact hit pays for an addition, not for a label search. */
export function createLookupMetrics(metrics: Metrics): LookupMetrics {
  const child = (result: LookupResult) => metrics.cacheLookups.labels(result);
  const results = {
    hit_exact: child('hit_exact'),
    hit_semantic: child('hit_semantic'),
    near_miss: child('near_miss'),
    miss: child('miss'),
    bypass: child('bypass'),
    ineligible: child('ineligible'),
    error: child('error'),
  };
  const stageOf = (stage: LookupStage) => metrics.cacheStage.labels(stage);
  const stages = {
    normalize: stageOf('normalize'),
    embed: stageOf('embed'),
    search: stageOf('search'),
    fetch: stageOf('fetch'),
    verify: stageOf('verify'),
  };
  const hitAge = metrics.cacheHitAge.labels({});
  const best = { hit: metrics.cacheBestSimilarity.labels('hit'), miss: metrics.cacheBestSimilarity.labels('miss') };

  return {
    result: (result) => results[result].inc(),
    bypassed(plan) {
      results.bypass.inc();
      return plan;
    },
    hit(result, entry, now) {
      const ageS = Math.max(0, Math.floor((now - entry.storedAt) / 1000));
      results[result].inc();
      hitAge.observe(ageS);
      return ageS;
    },
    stage: (stage, ms) => stages[stage].observe(ms / 1000),
    bestSimilarity: (decision, similarity) => best[decision].observe(similarity),
    vetoed: (guard) => metrics.cacheGuardVetoes.inc({ guard }),
    failed(error, logger) {
      results.error.inc();
      // Debug: the counter raises the alarm, and a dead embedder would write this line for each request.
      logger.debug({ err: error }, 'cache lookup failed; a thinker answers');
      return toAppError(error);
    },
  };
}
