/** Builds what decides about semantic hits, and what it learns from. */
import { createCascade } from '../cache/answer-comparator/cascade.ts';
import { createJudge } from '../cache/answer-comparator/judge.ts';
import type { CacheStore } from '../cache/cache-store.ts';
import { createDecisionEngine } from '../cache/decision/engine.ts';
import type { EmbeddingModel } from '../cache/embedding-model.ts';
import type { HitPolicy } from '../cache/hit-policy.ts';
import { createCertifiedPolicy } from '../cache/hit-policy/certified.ts';
import { createFixedThresholdPolicy } from '../cache/hit-policy/fixed-threshold.ts';
import { createLearner, type OperableLearner } from '../cache/learning/learner.ts';
import type { Config } from '../config/schema.ts';
import { entryId, modelName } from '../core/ids.ts';
import type { ComposeDeps } from './thinkers.ts';

export interface ChosenPolicy {
  readonly policy: HitPolicy;
  /** Of a policy that learns. */
  readonly learner: OperableLearner | undefined;
}

export async function choosePolicy(
  { cache }: Config,
  {
    embedding,
    store,
    facts = store,
    ...deps
  }: ComposeDeps & { readonly embedding: EmbeddingModel; readonly store: CacheStore; readonly facts?: CacheStore },
): Promise<ChosenPolicy> {
  if (cache.policy === 'fixed') {
    const policy = createFixedThresholdPolicy({
      similarityMin: cache.similarityMin ?? embedding.similarityMin,
      // A bag of hashed words cannot tell France from Germany: the words themselves must agree.
      contentWordsMustMatch: true,
    });
    return { policy, learner: undefined };
  }
  const cascade = createCascade({ embedding, ...deps });
  const { judge } = cache;
  const engine = createDecisionEngine({
    embeddingModelId: embedding.id,
    judgeId: judge === undefined ? cascade.id : `${cascade.id}+${judge.model}`,
    ...deps,
    options: {
      target: cache.falseHitShareMax,
      confidence: cache.confidence,
      mode: cache.strict ? 'strict' : 'measured',
    },
  });
  engine.onEvent((event) => {
    // Wrong for most others, it saves less than its hits say.
    if (event.kind === 'entry-quarantined') store.doubt(entryId(event.entryId));
  });
  const learner = createLearner({
    engine,
    cascade,
    ...(judge && { judge: (thinker) => createJudge(thinker, { model: modelName(judge.model) }) }),
    store: facts,
    ...deps,
    options: { audits: cache.audits, strict: cache.strict },
  });
  await facts.ready();
  await learner.load();
  return { policy: createCertifiedPolicy(engine), learner };
}
