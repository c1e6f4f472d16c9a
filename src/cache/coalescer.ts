/**
 * A question in other words waits for the answer that is being made, where a stored one would be reused:
 * the same policy decides, on a candidate without an answer yet and of age zero.
 */
import type { AnswerRequest } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { entryId, requestId, type ExactKey } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import { epochMs } from '../core/units.ts';
import type { UnitVector } from '../core/vector.ts';
import type { CacheEntry } from './cache-store.ts';
import type { CacheablePlan, Comparison } from './cache-types.ts';
import { contextVector, sameContext } from './conversation.ts';
import type { EmbedGate } from './embed-gate.ts';
import type { Candidate, HitPolicy } from './hit-policy.ts';
import { InFlightIndex, type FlyingNeighbour } from './in-flight-index.ts';
import { CacheableRequest } from './plan.ts';

export interface SimilarFlight {
  readonly key: ExactKey;
  /** Cosine of the two questions. */
  readonly similarity: number;
}

export interface Coalescer {
  /** A running answer that this request may wait for; undefined when there is none. Pure, microseconds. */
  similar(plan: CacheablePlan, request: AnswerRequest): SimilarFlight | undefined;
  /** Lets others wait for this request's answer. @returns how to take that back; idempotent. */
  announce(plan: CacheablePlan, request: AnswerRequest): () => void;
}

export interface CoalescerDeps {
  readonly gate: Pick<EmbedGate, 'recent'>;
  readonly policy: HitPolicy;
  readonly embeddingModelId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly index?: InFlightIndex;
  readonly options: { readonly candidatesMax: number; readonly candidateSimilarityMin: number };
}

export function createCoalescer(deps: CoalescerDeps): Coalescer {
  const { gate, policy, embeddingModelId, clock, random, options } = deps;
  const index = deps.index ?? new InFlightIndex();

  return {
    similar(plan, request) {
      const target = plan.semantic;
      const vector = target && gate.recent(target.text);
      if (vector === undefined || target === undefined || !(plan instanceof CacheableRequest)) return undefined;
      const context = contextOf(target);
      if (context === 'unknown') return undefined;
      const near = index
        .nearest(target.scope, vector, options.candidatesMax, options.candidateSimilarityMin)
        .filter(({ question }) => question.key !== plan.exactKey && wouldDo(request, question.outputLimit));
      const candidates = near
        .map((neighbour) => candidateOf(neighbour, plan, target))
        .filter(({ entry }) => sameContext(entry, context));
      if (candidates.length === 0) return undefined;
      const decision = decide(target.text, candidates, plan);
      if (decision.kind !== 'reuse') return undefined;
      return { key: decision.candidate.entry.exactKey, similarity: decision.candidate.similarity };
    },

    announce(plan, request) {
      const target = plan.semantic;
      // Known from the lookup a moment ago; a question whose lookup failed flies unseen.
      const vector = target && gate.recent(target.text);
      const context = target && contextOf(target);
      if (vector === undefined || target === undefined || context === 'unknown') return () => undefined;
      const { outputLimit } = request;
      return index.add(target.scope, { key: plan.exactKey, text: target.text, vector, context, outputLimit });
    },
  };

  function decide(text: string, candidates: readonly Candidate[], { owner }: CacheableRequest) {
    const asker = { group: owner.tenant };
    // Not counted: the question that is waited for has been, and no audit could be drawn for an answer to come.
    if (policy.preview !== undefined) return policy.preview(text, candidates, asker);
    return policy.decide(text, candidates, random, asker);
  }

  function contextOf({ earlier }: Comparison): UnitVector | undefined | 'unknown' {
    if (earlier === undefined) return undefined;
    const vectors = earlier.map((text) => gate.recent(text));
    return vectors.every((vector) => vector !== undefined) ? contextVector(vectors) : 'unknown';
  }

  /** What policies compare of an entry; the answer is still to come. */
  function candidateOf(
    { question, similarity }: FlyingNeighbour,
    plan: CacheableRequest,
    target: Comparison,
  ): Candidate {
    const { key, text, vector, context } = question;
    const now = clock.now();
    const entry: CacheEntry = {
      id: entryId(`flight:${key}`),
      exactKey: key,
      tenant: plan.owner.tenant,
      model: plan.model,
      digest: plan.digest,
      semantic: { scope: target.scope, text, embeddingModel: embeddingModelId, vector, ...(context && { context }) },
      answer: answerToCome,
      storedAt: now,
      expiresAt: now,
      origin: requestId(''),
      gpuMs: 0,
    };
    return { entry, similarity };
  }
}

const answerToCome: CacheEntry['answer'] = {
  model: '',
  createdAt: epochMs(0),
  thinking: '',
  text: '',
  toolCalls: [],
  end: {
    type: 'end',
    finishReason: 'stop',
    usage: { promptTokens: 0, completionTokens: 0 },
    timings: { totalNs: 0, loadNs: 0, promptEvalNs: 0, evalNs: 0 },
  },
};

/** An answer cut at their limit may be one that ours would not cut, and one within theirs may be too long for us. */
function wouldDo({ outputLimit }: AnswerRequest, theirs: number | undefined): boolean {
  return outputLimit === undefined || (theirs !== undefined && theirs <= outputLimit);
}
