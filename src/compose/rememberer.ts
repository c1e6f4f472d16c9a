/** Puts the cache together: embedder, index, store, policy; and what the operator sees and does. */
import { join } from 'node:path';
import type { AdminFacts, CacheCommands, StatusReport } from '../admin/admin-types.ts';
import type { SingleFlight } from '../cache/cache-types.ts';
import type { SharedFlight } from '../cache/shared-flight.ts';
import { createRedisFlight } from '../cache/shared-flight/redis.ts';
import { chooseEmbedding } from '../cache/embedding-model/select.ts';
import type { IdleThinker } from '../cache/idle-thinker.ts';
import type { Holdout } from '../cache/learner.ts';
import { createSemanticCache, type OperableCache } from '../cache/semantic-cache.ts';
import { createSingleFlight } from '../cache/single-flight.ts';
import { WitnessRelay, type CacheWitness } from '../cache/witness.ts';
import type { Config } from '../config/schema.ts';
import { AppError } from '../core/errors.ts';
import type { ModelName } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';
import { createDigestMemory } from './digest-memory.ts';
import { createRetiredDigests } from './retired-digests.ts';
import { choosePolicy } from './hit-policy.ts';
import { openStores } from './redis.ts';
import type { RunTimeSettings } from './run-time-settings.ts';
import type { Shared } from './shared.ts';
import type { ComposeDeps } from './thinkers.ts';
import { openVectorIndex } from './vector-index.ts';

/** One read ends by itself at its deadline; this ends a lookup that needs several. */
const readsGraceMs = 25;
/** Between two tries to start on a shared store that has trouble. */
const startAgainMs = 1_000;

export interface Rememberer {
  readonly cache: OperableCache;
  readonly singleFlight: SingleFlight;
  /** With other gateways; undefined where there can be none. */
  readonly sharedFlight: SharedFlight | undefined;
  readonly commands: CacheCommands;
  /** The model's digest now, or the last one known while no thinker is up, also from before a restart. */
  digestOf(model: ModelName): string;
  /** Starts to follow the digests that thinkers report. */
  rememberDigests(pool: ThinkerPool): void;
  /** What a person may decide about answers; nothing where nothing is learned. */
  readonly cases: Pick<AdminFacts, 'openCases' | 'decideCase'>;
  /** From here on somebody is told what is decided and kept. */
  listen(witness: CacheWitness): void;
  /** From here on hits can be audited. */
  auditOn(thinker: IdleThinker, heldOut: (holdout: Holdout) => void): void;
  embedding(): StatusReport['embedding'];
  stats(): Omit<StatusReport['cache'], 'mode'>;
  close(): Promise<void>;
}

export async function createRememberer(
  config: Config,
  deps: ComposeDeps & {
    readonly requestLog: RequestLog;
    readonly shared: Shared;
    readonly settings: Pick<RunTimeSettings, 'cacheTtlMs' | 'onChange'>;
  },
  onProgress?: (step: string, done: number, total: number) => void,
): Promise<Rememberer> {
  const { clock, logger, random, metrics, requestLog } = deps;
  const [{ store, facts }, chosen] = await Promise.all([
    openStores(config, { ...deps, redis: deps.shared.redis }),
    chooseEmbedding(
      {
        ...config.embedding,
        folder: config.embedding.folder ?? join(config.dataDir, 'models', 'all-MiniLM-L6-v2'),
        bearers: config.bearers,
      },
      {
        clock,
        random,
        logger,
        ...(onProgress && { onProgress: (done: number, total: number) => onProgress('embedder', done, total) }),
      },
    ),
  ]);
  const { embedding } = chosen;
  const { index, searchedBy } = await openVectorIndex(
    config,
    { ...deps, redis: deps.shared.redis },
    { embedding, store },
  );
  const witness = new WitnessRelay();
  const chosenPolicy = await choosePolicy(config, { ...deps, embedding, store, facts, witness });
  const { policy, learner, close: closePolicy } = chosenPolicy;
  deps.settings.onChange(({ name, after }) => {
    if (name === 'cache.falseHitShareMax' && after !== undefined) learner?.retarget(after);
  });
  const cache = createSemanticCache({
    store,
    index,
    embedding,
    policy,
    ...(learner && { learner }),
    witness,
    requests: requestLog,
    clock,
    random,
    logger,
    metrics,
    ttlMs: deps.settings.cacheTtlMs,
    options: {
      mode: config.cache.mode,
      history: config.cache.history,
      coalesceSimilar: config.cache.coalesceSimilar,
      volatile: config.cache.volatile,
      volatileTtlMs: config.cache.volatileTtlMs,
      temperatureMax: config.cache.temperatureMax,
      entryBytesMax: config.cache.entryBytesMax,
      lookupDeadlineMs: config.cache.lookupDeadlineMs,
      exactDeadlineMs: store.shared && config.redis.deadlineMaxMs + readsGraceMs,
    },
  });
  const retired = await createRetiredDigests({
    store: {
      getMeta: (key) => facts.getMeta(key),
      putMeta: (key, value) => facts.putMeta(key, value),
      purge: (filter, reason) => store.purge(filter, reason),
    },
    clock,
    logger,
  });
  const digests = await createDigestMemory(facts, logger, (digest) => retired.retire(digest));
  const { redis } = deps.shared;
  const sharedFlight =
    redis &&
    store.shared &&
    createRedisFlight({
      redis,
      prefix: config.redis.prefix,
      generation: () => store.shared?.generation() ?? 0,
      clock,
      random,
      logger,
      waitMaxMs: config.redis.deadlineMaxMs,
    });
  const closing = new AbortController();
  let reembedding: { done: number; total: number } | undefined;
  const started = startCache();
  // What is shared may be away, or large: requests bypass the cache until it is known.
  if (!store.shared) await started;
  const background = started.then(async (warming) => {
    const { otherEmbedder } = await warming.warmed;
    if (otherEmbedder === 0) return;
    logger.info({ entries: otherEmbedder, embedder: embedding.id }, 're-embedding answers kept under another embedder');
    try {
      await cache.reembed({
        onProgress: (progress) => {
          reembedding = progress;
          onProgress?.('re-embedding', progress.done, progress.total);
        },
      });
      logger.info({ embedder: embedding.id }, 're-embedding is done');
    } catch (error) {
      logger.warn({ err: error }, 're-embedding stopped; what is done stays done, the rest is tried at the next start');
    } finally {
      reembedding = undefined;
    }
  });

  /** A shared store that has trouble is tried until it has none, or the gateway stops. */
  async function startCache(): ReturnType<typeof cache.start> {
    for (;;) {
      try {
        return await cache.start();
      } catch (error) {
        if (!store.shared || closing.signal.aborted) throw error;
        logger.warn({ err: error }, 'the cache has not started; it is tried again');
        await clock.sleep(startAgainMs, closing.signal);
      }
    }
  }

  return {
    cache,
    singleFlight: createSingleFlight({ logger }),
    sharedFlight,
    commands: {
      list: (filter, { limit, before }) =>
        cache.list(filter, { limit, ...(before !== undefined && { before: epochMs(before) }) }),
      show: (id) => cache.show(id),
      remove: (id) => cache.remove(id, 'manual'),
      purge: (filter) => cache.purge(filter),
      flush: () => cache.bumpEpoch(),
    },
    digestOf: (model) => digests.digestOf(model),
    rememberDigests(pool) {
      digests.follow(pool);
      retired.follow(pool);
    },
    cases: {
      openCases: () => learner?.openCases() ?? [],
      decideCase: (id, verdict) => learner?.decideCase(id, verdict) ?? false,
    },
    listen: (listener) => witness.listen(listener),
    auditOn: (thinker, heldOut) => learner?.useThinker(thinker, heldOut),
    embedding: () => ({ id: embedding.id, kind: embedding.kind, why: chosen.why, remedy: chosen.remedy, reembedding }),
    stats: () => {
      const { entries, bytes, vectors } = cache.stats();
      const shared = store.shared?.health();
      return {
        store: store.name,
        entries,
        bytes,
        vectors,
        ...(shared && { shared: { ...shared, ...(shared.state === 'ready' && searchedBy()) } }),
        ...(learner && { semantic: learner.status() }),
      };
    },
    async close() {
      closing.abort(new AppError('shutting_down', 'the gateway is stopping'));
      await cache.close();
      // It ends soon after the cache is closed, and must not find the store gone.
      sharedFlight?.close();
      if (store.shared) await store.close();
      await background.catch(() => undefined);
      await closePolicy();
      retired.close();
      await digests.save();
      await store.close();
      if (facts !== store) await facts.close();
      await index.close();
      await embedding.close();
    },
  };
}
