/** One semantic lookup: embed → nearest → fetch → drop what may not serve → policy. */
import type { AnswerRequest, CallOptions } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import type { Scope } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { UnitVector } from '../core/vector.ts';
import type { CacheEntry, CacheStore } from './cache-store.ts';
import type { CacheablePlan, SemanticLookup } from './cache-types.ts';
import { contextVector, sameContext } from './conversation.ts';
import type { EmbedGate } from './embed-gate.ts';
import type { EmbeddingModel } from './embedding-model.ts';
import type { EntryWriter } from './entry-writer.ts';
import type { Candidate, HitDecision, HitPolicy } from './hit-policy.ts';
import type { Learner } from './learner.ts';
import type { LookupMetrics } from './lookup-metrics.ts';
import { traceOf } from './lookup-trace.ts';
import { CacheableRequest } from './plan.ts';
import { rowOwner } from './scope.ts';
import { servesNow } from './serves-now.ts';
import type { Neighbour, VectorIndex } from './vector-index.ts';
import type { WhyLog } from './why-log.ts';
import type { CacheWitness } from './witness.ts';
import { witnessed } from './witnessed.ts';

export interface SemanticLookupDeps {
  readonly store: CacheStore;
  readonly index: VectorIndex;
  readonly embedding: EmbeddingModel;
  readonly gate: EmbedGate;
  readonly policy: HitPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly indexScope: (stored: Scope) => Scope;
  readonly writer: EntryWriter;
  readonly metrics: LookupMetrics;
  readonly whyLog: WhyLog;
  readonly witness: CacheWitness | undefined;
  /** Of a policy that learns. */
  readonly learner: Learner | undefined;
  readonly options: {
    readonly embedDeadlineMs: number;
    readonly candidatesMax: number;
    readonly candidateSimilarityMin: number;
  };
}

type Found = Exclude<SemanticLookup, { kind: 'unavailable' }>;

/** @throws embedding_failed | cache_unavailable */
export function createSemanticLookup(
  deps: SemanticLookupDeps,
): (plan: CacheablePlan, request: AnswerRequest, options: CallOptions) => Promise<SemanticLookup> {
  const {
    store,
    index,
    embedding,
    gate,
    policy,
    clock,
    random,
    indexScope,
    writer,
    metrics,
    whyLog,
    witness,
    learner,
    options,
  } = deps;

  return async function semanticLookup(plan, request, callOptions) {
    const target = plan.semantic;
    if (target === undefined) return { kind: 'miss', reason: 'not-eligible' };

    if (learner !== undefined && plan instanceof CacheableRequest) learner.asked(plan);
    const stages: Partial<Record<'embed' | 'search' | 'fetch' | 'verify', number>> = {};
    let beganMs = clock.monotonicMs();
    const staged = (stage: 'embed' | 'search' | 'fetch' | 'verify') => {
      const nowMs = clock.monotonicMs();
      stages[stage] = nowMs - beganMs;
      metrics.stage(stage, nowMs - beganMs);
      beganMs = nowMs;
    };
    const [vector, context] = await Promise.all([embed(target.text), target.earlier && contextOf(target.earlier)]);
    staged('embed');
    const scope = indexScope(target.scope);
    const neighbours = await index.nearest(scope, vector, options.candidatesMax, {
      ...callOptions,
      ...(plan instanceof CacheableRequest && { owner: rowOwner({ ...plan.owner, model: plan.model }) }),
    });
    staged('search');
    const best = neighbours[0];
    if (best === undefined || best.similarity < options.candidateSimilarityMin) {
      return told(missed(best, 'no-neighbour'), undefined, []);
    }

    const found = await Promise.all(
      neighbours
        .filter(({ similarity }) => similarity >= options.candidateSimilarityMin)
        .map((neighbour) => fetchCandidate(neighbour, target.scope, scope)),
    );
    staged('fetch');
    if (callOptions.signal.aborted) return { kind: 'miss', reason: 'stale' };
    const now = clock.now();
    const serving = found.filter(
      (candidate): candidate is Candidate =>
        candidate !== undefined &&
        servesNow(candidate.entry, plan, request, now) &&
        now - candidate.entry.storedAt <= (target.ageMaxMs ?? Infinity),
    );
    if (serving.length === 0) return told(missed(best, 'stale'), undefined, []);
    const candidates = serving.filter(({ entry }) => sameContext(entry, context));
    if (candidates.length === 0) return told(missed(serving[0], 'other-context'), undefined, []);

    const decision = policy.decide(target.text, candidates, random, groupOf(plan));
    staged('verify');
    for (const guard of decision.vetoes ?? []) metrics.vetoed(guard);
    if (decision.kind === 'ask') {
      return told(missed(decision.best ?? best, decision.reason, decision.guard), decision, candidates);
    }
    const { entry, similarity } = decision.candidate;
    store.touch(entry.id);
    metrics.bestSimilarity('hit', similarity);
    const hit: Found = { kind: 'hit', entry, similarity, ageS: metrics.hit('hit_semantic', entry, now) };
    return told(hit, decision, candidates);

    /** With what the decision saw, for whoever asks why and for whoever learns from it. */
    function told(found: Found, decision: HitDecision | undefined, candidates: readonly Candidate[]): SemanticLookup {
      const standing = learner?.standing;
      const trace = traceOf({
        policy,
        text: target!.text,
        stages,
        standing,
        now: clock.now(),
        ...(decision && { decided: { decision, candidates } }),
      });
      if (plan instanceof CacheableRequest) {
        whyLog.remember(plan.requestId, plan.owner.tenant, trace, decision?.detail?.sample);
        if (decision !== undefined) witness?.compared(witnessed(plan.requestId, policy, decision, candidates));
        if (learner !== undefined && decision?.detail?.sample !== undefined) {
          const { detail } = decision;
          const entry = entryOf(candidates, detail.chosen!.candidate.entryId);
          const decided = { plan, text: target!.text, decision: detail, entry };
          if (decision.kind === 'reuse') learner.served(decided, request);
          else learner.missed(decided);
        }
      }
      return { ...found, trace, ...(standing && { note: standing.note }) };
    }
  };

  function embed(text: string): Promise<UnitVector> {
    return gate.embed(text, { deadlineMs: options.embedDeadlineMs, for: 'lookup' });
  }

  async function contextOf(earlier: readonly string[]): Promise<UnitVector> {
    return contextVector(await Promise.all(earlier.map(embed)));
  }

  /** The entry of a neighbour, if it is what the index says: of this scope, in this vector space, still stored. */
  async function fetchCandidate(
    { entryId, similarity }: Neighbour,
    stored: Scope,
    scope: Scope,
  ): Promise<Candidate | undefined> {
    const entry = await store.get(entryId);
    if (entry === undefined) {
      // Left behind by a removal that the index missed.
      if (!writer.isPlacing(entryId)) await index.remove(scope, entryId);
      return undefined;
    }
    if (entry.semantic?.scope !== stored || entry.semantic.embeddingModel !== embedding.id) return undefined;
    return { entry, similarity };
  }

  function missed(
    best: { readonly similarity: number } | undefined,
    reason: Extract<SemanticLookup, { kind: 'miss' }>['reason'],
    guard?: Extract<SemanticLookup, { kind: 'miss' }>['guard'],
  ): Found {
    metrics.result(reason === 'no-neighbour' ? 'miss' : 'near_miss');
    if (best !== undefined) metrics.bestSimilarity('miss', best.similarity);
    return {
      kind: 'miss',
      reason,
      ...(best !== undefined && { similarity: best.similarity }),
      ...(guard !== undefined && { guard }),
    };
  }
}

/** Traffic is counted by tenant: what is right for one may not be for another. */
const groupOf = (plan: CacheablePlan): { readonly group?: string } =>
  plan instanceof CacheableRequest ? { group: plan.owner.tenant } : {};

const entryOf = (candidates: readonly Candidate[], id: string): CacheEntry =>
  candidates.find(({ entry }) => entry.id === id)!.entry;
