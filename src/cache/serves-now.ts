import type { AnswerRequest } from '../core/chat.ts';
import type { EpochMs } from '../core/units.ts';
import type { CacheEntry } from './cache-store.ts';
import type { CacheablePlan } from './cache-types.ts';

/** A clock that was set back by more than this has stored answers in the future, whose age nobody knows. */
const clockSlackMs = 60_000;

/** Alive, from the model that would answer now, young enough for the asker, and within the asker's output limit. */
export function servesNow(entry: CacheEntry, plan: CacheablePlan, request: AnswerRequest, now: EpochMs): boolean {
  if (entry.expiresAt <= now || entry.digest !== plan.digest) return false;
  if (entry.storedAt - now > clockSlackMs) return false;
  if (plan.maxAgeS !== undefined && now - entry.storedAt > plan.maxAgeS * 1000) return false;
  if (request.outputLimit === undefined) return true;
  // A thinker that told no count has made at least one token: whether they are too many is unknown.
  const { completionTokens } = entry.answer.end.usage;
  return completionTokens > 0 && completionTokens <= request.outputLimit;
}
