import assert from 'node:assert/strict';
import type { AnswerRequest, Asker } from '../../src/core/chat.ts';
import { requestId } from '../../src/core/ids.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { anAnswer, anAsker } from '../../src/testing/builders.ts';
import { FakeCacheStore } from '../../src/testing/fake-cache-store.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { FakeEmbeddingModel } from '../../src/testing/fake-embedding-model.ts';
import { FakeVectorIndex } from '../../src/testing/fake-vector-index.ts';
import { testRandom } from '../../src/testing/seeded-random.ts';
import type { CacheablePlan } from '../../src/cache/cache-types.ts';
import type { HitPolicy } from '../../src/cache/hit-policy.ts';
import {
  createSemanticCache,
  type SemanticCacheDeps,
  type SemanticCacheOptions,
} from '../../src/cache/semantic-cache.ts';

export const digest = 'sha256:1';
export const never = { signal: new AbortController().signal };
const random = testRandom('semantic-cache');

/** Serves the nearest candidate at or above the embedder's threshold. */
const nearestPolicy: HitPolicy = {
  name: 'nearest',
  decide: (_text, [best]) =>
    best === undefined
      ? { kind: 'ask', reason: 'no-neighbour' }
      : best.similarity >= 0.8
        ? { kind: 'reuse', candidate: best }
        : { kind: 'ask', reason: 'below-threshold', best },
};

/** A started cache over fakes. */
export async function aCache(options: Partial<SemanticCacheOptions> = {}, parts: Partial<SemanticCacheDeps> = {}) {
  const clock = new FakeClock();
  const store = new FakeCacheStore(clock);
  const embedding = new FakeEmbeddingModel();
  const index = new FakeVectorIndex(embedding.dimensions);
  const metrics = createMetrics();
  const deps = { store, index, embedding, policy: nearestPolicy, clock, random, logger: silentLogger, metrics };
  const cache = createSemanticCache({ ...deps, ...parts, options });
  const { warmed } = await cache.start();
  await warmed;
  const plan = (request: AnswerRequest, asker: Asker = anAsker(), by = digest): CacheablePlan => {
    const made = cache.plan(request, asker, by);
    assert.equal(made.kind, 'cacheable');
    return made;
  };
  const keep = async (request: AnswerRequest, answer = anAnswer(), by = digest) => {
    cache.keep(plan(request), answer, { digest: by, requestId: requestId('r'), tenant: anAsker().tenant });
    await clock.advance(0);
  };
  const lookups = async () => {
    const { values } = await metrics.cacheLookups.get();
    return Object.fromEntries(
      values.filter(({ value }) => value > 0).map((each) => [each.labels['result'], each.value]),
    );
  };
  return { ...deps, cache, plan, keep, lookups };
}
