import type { AnswerRequest } from '../core/chat.ts';
import type { EpochMs } from '../core/units.ts';
import type { CacheEntry } from './cache-store.ts';
import type { CacheablePlan } from './cache-types.ts';

/** Alive, from the model that would answer now, young enough for the asker, and within the asker's output limit. */
export function servesNow(entry: CacheEntry, plan: CacheablePlan, request: AnswerRequest, now: EpochMs): boolean {
  if (entry.expiresAt <= now || entry.digest !== plan.digest) return false;
  if (plan.maxAgeS !== undefined && now - entry.storedAt > plan.maxAgeS * 1000) return false;
  return request.outputLimit === undefined || entry.answer.end.usage.completionTokens <= request.outputLimit;
}
