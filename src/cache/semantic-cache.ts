/**
 * Has this been answered before? Exact key first, then the nearest wordings in the same scope, judged
 * by the hit policy. Every fault ends as `unavailable`: a broken cache never costs an answer.
 */
import type { AnswerRequest, CallOptions } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { EntryId, RequestId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { EpochMs } from '../core/units.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import type { CacheEntry, CacheStore, EntryFilter, EntrySummary } from './cache-store.ts';
import type {
  CacheablePlan,
  CacheStats,
  ExactLookup,
  Feedback,
  FeedbackResult,
  SemanticCache,
  SemanticLookup,
} from './cache-types.ts';
import { createCoalescer, type Coalescer } from './coalescer.ts';
import { withDeadline } from './deadline.ts';
import { createEmbedGate, embedGateDefaults, type EmbedGateOptions } from './embed-gate.ts';
import type { EmbeddingModel } from './embedding-model.ts';
import { EntryWriter } from './entry-writer.ts';
import { Epoch } from './epoch.ts';
import { createFeedback } from './feedback.ts';
import type { HitPolicy } from './hit-policy.ts';
import type { Learner } from './learner.ts';
import { createLookupMetrics } from './lookup-metrics.ts';
import { bypass, CacheableRequest, planRequest, waitedOf, type PlanContext } from './plan.ts';
import { indexScopes } from './scope.ts';
import { createSemanticLookup } from './semantic-lookup.ts';
import { servesNow } from './serves-now.ts';
import type { VectorIndex } from './vector-index.ts';
import { createWhyLog, type WhyRecord } from './why-log.ts';
import type { CacheWitness } from './witness.ts';
import { createWarmUp, type ReembedOptions, type ReembedReport, type WarmUpReport } from './warm-up.ts';

export interface SemanticCacheOptions {
  readonly mode: 'on' | 'exact-only' | 'off';
  readonly ttlMs: number;
  /** How earlier turns of a conversation are compared; see `conversation.ts`. */
  readonly history: PlanContext['history'];
  /** What is done for questions whose answer is soon out of date; see `volatility.ts`. */
  readonly volatile: PlanContext['volatile'];
  readonly volatileTtlMs: number;
  /** Requests that send more, with no seed, want variety. */
  readonly temperatureMax: number;
  /** Longest request in characters; see `CacheabilityOptions`. */
  readonly requestCharsMax: number;
  /** Largest answer kept, bytes. */
  readonly entryBytesMax: number;
  /** Whole lookup: what the exact tier has waited is taken off the semantic one's. */
  readonly lookupDeadlineMs: number;
  /** Embedding within a lookup. */
  readonly embedDeadlineMs: number;
  /** Embedding an answer's prompt at write, when its lookup did not. */
  readonly writeEmbedDeadlineMs: number;
  /** Exact lookup; undefined for a store in this process, which cannot hang and need not pay for a timer. */
  readonly exactDeadlineMs: number | undefined;
  /** Semantic lookups at a time; further ones count as misses. */
  readonly lookupsMax: number;
  /** Writes at a time; further answers are not kept. */
  readonly writesMax: number;
  /** Nearest entries looked at. */
  readonly candidatesMax: number;
  /** Neighbours below this cosine are not fetched. */
  readonly candidateSimilarityMin: number;
  /** Whether a question in other words waits for a running answer. */
  readonly coalesceSimilar: boolean;
  readonly gate: EmbedGateOptions;
}

export const semanticCacheDefaults: SemanticCacheOptions = {
  mode: 'on',
  ttlMs: 86_400_000,
  history: 'verbatim',
  volatile: 'short',
  volatileTtlMs: 300_000,
  temperatureMax: 0.7,
  // About 64k tokens; its key takes 1–2 ms.
  requestCharsMax: 262_144,
  entryBytesMax: 1024 * 1024,
  lookupDeadlineMs: 150,
  embedDeadlineMs: 100,
  writeEmbedDeadlineMs: 2_000,
  exactDeadlineMs: undefined,
  // As many as an embedder is given, with their waits for the index and the store.
  lookupsMax: 256,
  // At a few KiB each a queue of some megabytes; a store that is further behind is ill.
  writesMax: 256,
  // More adds nothing: the trial found the same ceiling for 8 and 32.
  candidatesMax: 8,
  candidateSimilarityMin: 0.5,
  coalesceSimilar: true,
  gate: embedGateDefaults,
};

export interface SemanticCacheDeps {
  readonly store: CacheStore;
  readonly index: VectorIndex;
  readonly embedding: EmbeddingModel;
  readonly policy: HitPolicy;
  /** Of a policy that learns. */
  readonly learner?: Learner;
  readonly witness?: CacheWitness;
  /** Says who was served what, for feedback about answers of the exact tier. */
  readonly requests?: Pick<RequestLog, 'get'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Instead of `options.ttlMs`, where it may be changed meanwhile. */
  readonly ttlMs?: () => number;
  readonly options?: Partial<SemanticCacheOptions>;
}

/** The cache with what operators need. */
export interface OperableCache extends SemanticCache {
  /** Lets questions in other words wait for running answers; undefined when that is off. */
  readonly coalescer: Coalescer | undefined;
  /**
   * Waits for the store and reads the epoch; until then requests bypass the cache, or where it is shared the semantic
   * tier. The index is filled in the background: `warmed` resolves with what came of it and never rejects.
   * @throws cache_unavailable
   */
  start(): Promise<{ readonly warmed: Promise<WarmUpReport> }>;
  /**
   * Gives entries of another embedder a vector of the active one. A second call while one runs joins it.
   * @throws embedding_failed | cache_unavailable when it had to stop; what is done stays done
   */
  reembed(options?: ReembedOptions): Promise<ReembedReport>;
  list(
    filter: EntryFilter,
    page: { readonly limit: number; readonly before?: EpochMs },
  ): Promise<readonly EntrySummary[]>;
  show(id: EntryId): Promise<CacheEntry | undefined>;
  remove(id: EntryId, reason: 'manual' | 'disputed'): Promise<boolean>;
  /** @returns how many entries were removed. */
  purge(filter: EntryFilter): Promise<number>;
  /** Makes everything stored so far unreachable, at once and in O(1); see `Epoch.raise`. @returns the new epoch */
  bumpEpoch(): Promise<number>;
  /** What the semantic tier saw for one of the last requests, and why it decided so. */
  why(requestId: RequestId): WhyRecord | undefined;
  /** Takes a person's word about an answer that the cache gave. */
  feedback(feedback: Feedback): FeedbackResult;
  stats(): CacheStats;
  /** Stops background work and waits for writes in flight. Store, index and embedder are closed by their owner. */
  close(): Promise<void>;
}

const secretKey = 'cache.scope-secret';
const incomparable = (): boolean => false;
/** What the semantic tier gets however long the exact one took. */
const semanticMsMin = 25;

export function createSemanticCache(deps: SemanticCacheDeps): OperableCache {
  const { store, index, embedding, policy, clock, random, logger, learner } = deps;
  const options = { ...semanticCacheDefaults, ...deps.options };
  const metrics = createLookupMetrics(deps.metrics);
  const indexScope = indexScopes(embedding.id);
  const gate = createEmbedGate(embedding, clock, options.gate);
  const writer = new EntryWriter({
    store,
    index,
    gate,
    embeddingModelId: embedding.id,
    indexScope,
    clock,
    random,
    logger,
    kept: (kept) => deps.witness?.kept(kept),
    ttlMs: deps.ttlMs ?? (() => options.ttlMs),
    options,
  });
  const whyLog = createWhyLog();
  const lookup = createSemanticLookup({
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
    witness: deps.witness,
    learner,
    options,
  });
  const warmUp = createWarmUp({ store, index, embedding, indexScope, clock, logger });
  const feedback = createFeedback({
    whyLog,
    learner,
    requests: deps.requests,
    remove: (id) => store.remove(id, 'disputed'),
    clock,
    logger,
  });
  const comparable = (text: string): boolean => options.mode === 'on' && embedding.fits(text);
  const epoch = new Epoch({ store, clock, logger });
  let secret = '';
  let started = false;
  let lookups = 0;

  store.onRemoved((id, scope, reason) => {
    deps.witness?.removed(id, reason);
    if (scope === undefined) return;
    writer.removed(id);
    warmUp.removed(id);
    index.remove(indexScope(scope), id).catch((error: unknown) => {
      // The vector is found dangling by the next lookup that meets it, and removed then.
      logger.warn({ err: error, entryId: id }, 'a removed entry is still in the vector index');
    });
  });

  // What other gateways store; what is of another embedder waits to be embedded anew.
  let otherEmbedder = 0;
  store.shared?.onAdded(({ id, scope, embeddingModel, vector }) => {
    if (embeddingModel !== embedding.id) return void (otherEmbedder += 1);
    if (index.shared === true || options.mode !== 'on') return;
    index.upsert(indexScope(scope), id, vector).catch((error: unknown) => {
      logger.warn({ err: error, entryId: id }, 'an entry of another gateway serves exact hits only');
    });
  });

  return {
    coalescer: options.coalesceSimilar
      ? createCoalescer({ gate, policy, embeddingModelId: embedding.id, clock, random, options })
      : undefined,

    plan(request, asker, digest) {
      // A shared store may be away or loading: exact keys need nothing that is kept there, and each read is verified.
      if (options.mode === 'off' || (!started && !store.shared)) return metrics.bypassed(bypass('disabled'));
      const beganMs = clock.monotonicMs();
      const context: PlanContext = {
        owner: { epoch: epoch.number, tenant: asker.cacheOwner ?? asker.tenant, digest },
        secret,
        comparable: started ? comparable : incomparable,
        temperatureMax: options.temperatureMax,
        requestCharsMax: options.requestCharsMax,
        history: options.history,
        volatile: options.volatile,
        volatileTtlMs: options.volatileTtlMs,
      };
      const plan = planRequest(request, asker, context);
      metrics.stage('normalize', clock.monotonicMs() - beganMs);
      // `no-cache` keeps the fresh answer but looks nothing up.
      if (learner !== undefined && plan instanceof CacheableRequest && !plan.read) learner.asked(plan);
      return plan.kind === 'bypass' || !plan.read ? metrics.bypassed(plan) : plan;
    },

    async exact(plan, request) {
      const beganMs = clock.monotonicMs();
      try {
        const entry = await fetchExact(plan);
        looked(plan, beganMs);
        return judgeExact(plan, request, entry);
      } catch (error) {
        looked(plan, beganMs);
        return { kind: 'unavailable', cause: metrics.failed(error, logger) };
      }
    },

    async semantic(plan, request, callOptions) {
      if (plan.semantic === undefined) return { kind: 'miss', reason: 'not-eligible' };
      return lookupWithin(plan, request, callOptions);
    },

    keep(plan, answer, facts) {
      try {
        if (!(plan instanceof CacheableRequest)) throw new TypeError('a plan of another cache, or a copy of a plan');
        // An answer to a question of an earlier epoch belongs to what was flushed.
        if (plan.owner.epoch !== epoch.number || plan.owner.tenant !== facts.tenant) return;
        const known = plan.digest === '' && facts.digest !== '' ? plan.withDigest(facts.digest) : plan;
        writer.keep(known, answer, facts);
        if (facts.digest === plan.digest) learner?.landed(plan, answer, { simulated: facts.simulated === true });
      } catch (error) {
        logger.error({ err: error }, 'an answer was not kept');
      }
    },

    async start() {
      await store.ready();
      await epoch.read();
      // 62^43 is above 2^256.
      secret = (await store.getMeta(secretKey)) ?? (await keepOnce(secretKey, random.id(43)));
      started = true;
      if (options.mode !== 'on') return { warmed: Promise.resolve({ loaded: 0, otherEmbedder: 0 }) };
      // A shared store has told of its entries by now.
      if (store.shared) return { warmed: Promise.resolve({ loaded: index.stats().vectors, otherEmbedder }) };
      return { warmed: warmUp.warm() };
    },

    reembed: (reembedOptions = {}) => warmUp.reembed(reembedOptions),
    list: (filter, page) => store.list(filter, page),
    show: (id) => store.get(id),
    remove: (id, reason) => store.remove(id, reason),
    purge: (filter) => store.purge(filter),

    bumpEpoch: () => store.shared?.invalidate({ kind: 'all' }) ?? epoch.raise(),

    why: (requestId) => whyLog.get(requestId),
    feedback,

    stats() {
      const { entries, bytes } = store.stats();
      const { vectors, bytes: vectorBytes } = index.stats();
      const { failed: writesFailed, ...writes } = writer.stats();
      return {
        entries,
        bytes,
        vectors,
        vectorBytes,
        epoch: epoch.number,
        ...writes,
        writesFailed,
        breaker: gate.breaker,
      };
    },

    async close() {
      epoch.close();
      warmUp.stop();
      await writer.settled();
    },
  };

  /** @returns what is kept: the same for every gateway that shares the store */
  async function keepOnce(key: string, value: string): Promise<string> {
    if (store.shared) return store.shared.putMetaOnce(key, value);
    await store.putMeta(key, value);
    return value;
  }

  function looked(plan: CacheablePlan, beganMs: number): void {
    if (!(plan instanceof CacheableRequest)) return;
    plan.waitedMs = clock.monotonicMs() - beganMs;
    // What is known by now of invalidations elsewhere: the answer is not kept past later ones.
    plan.generation = store.shared?.generation();
  }

  function fetchExact(plan: CacheablePlan): Promise<CacheEntry | undefined> {
    const ms = options.exactDeadlineMs;
    if (ms === undefined) return store.getByKey(plan.exactKey);
    return withDeadline(() => store.getByKey(plan.exactKey), {
      clock,
      ms,
      expired: () => new AppError('cache_unavailable', `the store ${store.name} gave no entry within ${ms} ms`),
    });
  }

  function judgeExact(plan: CacheablePlan, request: AnswerRequest, entry: CacheEntry | undefined): ExactLookup {
    const now = clock.now();
    if (entry === undefined || entry.exactKey !== plan.exactKey || !servesNow(entry, plan, request, now)) {
      // The semantic tier counts what it looks up; where it does not apply this is the end.
      if (plan.semantic === undefined) metrics.result('ineligible');
      return { kind: 'miss' };
    }
    store.touch(entry.id);
    return { kind: 'hit', entry, ageS: metrics.hit('hit_exact', entry, now) };
  }

  async function lookupWithin(
    plan: CacheablePlan,
    request: AnswerRequest,
    { signal }: CallOptions,
  ): Promise<SemanticLookup> {
    if (lookups >= options.lookupsMax) {
      const busy = `${lookups} semantic lookups are running, which is the most; this one counts as a miss`;
      return { kind: 'unavailable', cause: metrics.failed(new AppError('cache_unavailable', busy), logger) };
    }
    lookups += 1;
    const ms = Math.max(semanticMsMin, options.lookupDeadlineMs - waitedOf(plan));
    try {
      return await withDeadline((within) => lookup(plan, request, { signal: within }), {
        clock,
        ms,
        signal,
        expired: () => new AppError('cache_unavailable', `the semantic lookup took longer than ${Math.round(ms)} ms`),
      });
    } catch (error) {
      // A caller that left is no fault of the cache.
      if (signal.aborted) return { kind: 'unavailable', cause: new AppError('aborted', 'the caller left') };
      return { kind: 'unavailable', cause: metrics.failed(error, logger) };
    } finally {
      lookups -= 1;
    }
  }
}
