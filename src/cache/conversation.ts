/**
 * Contextual history: a later turn of a short conversation is compared by its own text and by the direction
 * of the user's earlier turns, in place of every word of the history.
 */
import type { AnswerRequest } from '../core/chat.ts';
import { dot, toUnitVector, type UnitVector } from '../core/vector.ts';
import { leansOnEarlierTurns } from './anaphora.ts';
import { canonicalText } from './canonical.ts';
import type { CacheEntry } from './cache-store.ts';
import { featuresOf } from './hit-policy/text/features.ts';

/** User turns of a conversation, the last one included: beyond, too much has been said for one direction. */
export const contextTurnsMax = 4;
/** Weight of a turn against the one after it. */
const fade = 0.6;
/** Cosine of two contexts at or above which conversations count as being about the same. */
export const contextSimilarityMin = 0.9;

/**
 * The user's earlier turns, oldest first, when this request may be compared by context; undefined when its
 * history counts word by word: no history or a long one, a last turn that leans on it, tool calls, a system
 * prompt in the middle, or a turn that does not fit the embedder. O(text).
 */
export function earlierTurns(
  request: AnswerRequest,
  lastText: string,
  fits: (text: string) => boolean,
): readonly string[] | undefined {
  if (request.kind !== 'chat' || request.messages.length < 2) return undefined;
  const earlier: string[] = [];
  let talking = false;
  for (let i = 0; i < request.messages.length - 1; i++) {
    const { role, content, toolCalls } = request.messages[i]!;
    if (role === 'tool' || toolCalls?.length) return undefined;
    if (role === 'system') {
      if (talking) return undefined;
      continue;
    }
    talking = true;
    if (role !== 'user') continue;
    const text = canonicalText(content);
    if (text === '' || earlier.length === contextTurnsMax - 1 || !fits(text)) return undefined;
    earlier.push(text);
  }
  return earlier.length === 0 || leansOnEarlierTurns(lastText) ? undefined : earlier;
}

/**
 * What a direction blurs and an answer may hang on: numbers, names and negations of the earlier turns. Two
 * conversations meet only where these are the same.
 */
export function contextFacts(earlier: readonly string[]): string {
  let out = '';
  for (const text of earlier) {
    const { numbersKey, negations, entities } = featuresOf(text);
    out += `${JSON.stringify([numbersKey, negations % 2, [...entities].sort()])};`;
  }
  return out;
}

/** normalise(Σ 0.6^k e(u₋ₖ)), k ≥ 1. @param vectors of the earlier turns, oldest first; at least one */
export function contextVector(vectors: readonly UnitVector[]): UnitVector {
  const sum = new Float32Array(vectors[0]!.length);
  let weight = 1;
  // The newest weighs more than all others together, so the sum is never zero.
  for (const vector of vectors.toReversed()) {
    weight *= fade;
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * vector[i]!;
  }
  return toUnitVector(sum);
}

/** Whether an entry's conversation is about the same; an entry and a request without one are. */
export function sameContext({ semantic }: Pick<CacheEntry, 'semantic'>, context: UnitVector | undefined): boolean {
  const theirs = semantic?.context;
  if (context === undefined || theirs === undefined) return context === theirs;
  return dot(context, theirs) >= contextSimilarityMin;
}
