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
import { createSharedEngine } from '../cache/learning/shared-engine.ts';
import type { CacheWitness } from '../cache/witness.ts';
import type { Config } from '../config/schema.ts';
import { entryId, modelName } from '../core/ids.ts';
import type { Shared } from './shared.ts';
import type { ComposeDeps } from './thinkers.ts';

export interface ChosenPolicy {
  readonly policy: HitPolicy;
  /** Of a policy that learns. */
  readonly learner: OperableLearner | undefined;
  readonly close: () => Promise<void>;
}

interface PolicyDeps extends ComposeDeps {
  readonly embedding: EmbeddingModel;
  readonly store: CacheStore;
  readonly facts?: CacheStore;
  readonly shared?: Pick<Shared, 'redis' | 'lease'>;
  readonly witness?: CacheWitness;
}

export async function choosePolicy(
  { cache, redis }: Config,
  { embedding, store, facts = store, shared, witness, ...deps }: PolicyDeps,
): Promise<ChosenPolicy> {
  if (cache.policy === 'fixed') {
    const policy = createFixedThresholdPolicy({
      similarityMin: cache.similarityMin ?? embedding.similarityMin,
      // A bag of hashed words cannot tell France from Germany: the words themselves must agree.
      contentWordsMustMatch: true,
    });
    return { policy, learner: undefined, close: async () => {} };
  }
  const cascade = createCascade({ embedding, ...deps });
  const { judge } = cache;
  const own = createDecisionEngine({
    embeddingModelId: embedding.id,
    judgeId: judge === undefined ? cascade.id : `${cascade.id}+${judge.model}`,
    ...deps,
    options: {
      target: cache.falseHitShareMax,
      confidence: cache.confidence,
      mode: cache.strict ? 'strict' : 'measured',
    },
  });
  const together =
    shared?.redis &&
    createSharedEngine({ engine: own, connection: shared.redis, lease: shared.lease, prefix: redis.prefix, ...deps });
  const engine = together ?? own;
  engine.onEvent((event) => {
    // Wrong for most others, it saves less than its hits say.
    if (event.kind === 'entry-quarantined') store.doubt(entryId(event.entryId));
  });
  const learner = createLearner({
    engine,
    cascade,
    ...(judge && { judge: (thinker) => createJudge(thinker, { model: modelName(judge.model) }) }),
    store: facts,
    ...(witness && { witness }),
    ...deps,
    options: { audits: cache.audits, strict: cache.strict },
  });
  await facts.ready();
  await learner.load();
  together?.onLabels(() => learner.refit());
  await together?.start();
  return {
    policy: createCertifiedPolicy(engine),
    learner,
    async close() {
      await learner.close();
      await together?.close();
    },
  };
}
