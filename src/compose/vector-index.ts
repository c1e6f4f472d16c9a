/** Where vectors are searched: in this process, or in Redis where that was asked for or the entries are too many. */
import type { StatusReport } from '../admin/admin-types.ts';
import type { CacheStore } from '../cache/cache-store.ts';
import type { EmbeddingModel } from '../cache/embedding-model.ts';
import { indexScopes, rowOwner } from '../cache/scope.ts';
import type { VectorIndex } from '../cache/vector-index.ts';
import { createMemoryVectorIndex } from '../cache/vector-index/memory.ts';
import { createRedisFtIndex } from '../cache/vector-index/redis-ft.ts';
import { createRedisVsetIndex } from '../cache/vector-index/redis-vset.ts';
import type { RemoteIndex } from '../cache/vector-index/remote-index.ts';
import { createSwitchingIndex, type StoredRow } from '../cache/vector-index/switching.ts';
import type { Config } from '../config/schema.ts';
import { chooseBackend, gatewayEntriesMaxDefault, type BackendChoice } from '../redis/choose-backend.ts';
import type { RedisConnection } from '../redis/redis-connection.ts';
import { connectForSearch } from './redis.ts';
import type { RunTimeSettings } from './run-time-settings.ts';
import type { ComposeDeps } from './thinkers.ts';

export interface ChosenIndex {
  readonly index: VectorIndex;
  /** Who searches now, and why; undefined where nothing is shared. */
  readonly searchedBy: () => Pick<NonNullable<StatusReport['cache']['shared']>, 'backend' | 'why'> | undefined;
}

export async function openVectorIndex(
  config: Config,
  {
    redis,
    ...deps
  }: ComposeDeps & {
    readonly redis: RedisConnection | undefined;
    readonly settings: Pick<RunTimeSettings, 'cacheTtlMs'>;
  },
  { embedding, store }: { readonly embedding: EmbeddingModel; readonly store: CacheStore },
): Promise<ChosenIndex> {
  const { clock, logger } = deps;
  const { dimensions } = embedding;
  const { cache, redis: options } = config;
  const openLocal = (vectorsMax: number) => createMemoryVectorIndex({ dimensions, vectorsMax, logger });
  if (redis === undefined) return { index: openLocal(cache.entriesMax), searchedBy: () => undefined };
  const wish = { wanted: options.backend, entriesMax: cache.entriesMax };
  const choice = (): BackendChoice =>
    redis.facts ? chooseBackend(redis.facts, wish) : { backend: 'log', why: 'Redis has not been reached yet' };
  const mayMove =
    options.backend === 'ft' ||
    options.backend === 'vset' ||
    (options.backend === 'auto' && cache.entriesMax > gatewayEntriesMaxDefault);
  if (!mayMove) {
    return { index: openLocal(cache.entriesMax), searchedBy: () => ({ backend: 'redis-log', why: choice().why }) };
  }

  // Longer than any entry lives, jitter included.
  const ttlMs = () => Math.ceil(deps.settings.cacheTtlMs() * 1.2);
  const searching = await connectForSearch(config, deps);
  const base = { connection: searching, dimensions, embeddingModelId: embedding.id, clock };
  const remote: RemoteIndex =
    options.backend === 'vset'
      ? createRedisVsetIndex({ ...base, options: { prefix: options.prefix, setTtlMs: ttlMs } })
      : createRedisFtIndex({ ...base, logger, options: { prefix: options.prefix, rowTtlMs: ttlMs } });
  let known = store.shared === undefined;
  void store.shared?.synced().then(
    () => void (known = true),
    () => {},
  );
  const index = createSwitchingIndex({
    remote,
    openLocal: () => openLocal(Math.min(cache.entriesMax, gatewayEntriesMaxDefault)),
    rows: () => rowsOf(store, embedding.id),
    rowCount: () => (known ? store.stats().entries : undefined),
    wantsRemote: () => ['ft', 'vset'].includes(choice().backend ?? ''),
    clock,
    logger,
  });
  searching.onReady(() => void index.reconsider());
  if (searching.facts) await index.reconsider();
  return {
    index: {
      ...index,
      get shared() {
        return index.shared === true;
      },
      async close() {
        await index.close();
        await searching.close();
      },
    },
    searchedBy() {
      const { backend, why } = choice();
      if (index.where === 'remote') return { backend: `redis-${backend ?? 'log'}`, why };
      const degraded = backend === 'log' ? why : `${why}; it cannot search now, and each gateway does`;
      return { backend: 'redis-log', why: degraded };
    },
  };
}

async function* rowsOf(store: CacheStore, embeddingModelId: string): AsyncGenerator<readonly StoredRow[]> {
  const indexScope = indexScopes(embeddingModelId);
  for await (const batch of store.semanticEntries()) {
    yield batch.flatMap((entry) =>
      entry.scope === undefined || entry.embeddingModel !== embeddingModelId
        ? []
        : [
            {
              scope: indexScope(entry.scope),
              entryId: entry.id,
              vector: entry.vector,
              facts: { ...rowOwner(entry), expiresAt: entry.expiresAt },
            },
          ],
    );
  }
}
