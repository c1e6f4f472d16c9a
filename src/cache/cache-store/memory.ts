import type { Clock } from '../../core/clock.ts';
import type { EntryId } from '../../core/ids.ts';
import type { Random } from '../../core/random.ts';
import type { UnitVector } from '../../core/vector.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { CacheEntry, CacheStore, EntryFilter, EntrySummary } from '../cache-store.ts';
import { AppError } from '../../core/errors.ts';
import { ShardedMap } from '../sharded-map.ts';
import { nextTurn } from '../time-slice.ts';
import { matchesFilter, pageLimit } from './entry-filter.ts';
import { entryBytes, recordOf, Shelf, summaryOf, vectorsBytes, type ShelfLimits, type StoreMetrics } from './shelf.ts';

export interface MemoryStoreDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: StoreMetrics | undefined;
  readonly limits: ShelfLimits;
}

/** Facts kept beside the entries: a few per model. A bound, because their keys come from outside. */
export const metaKeysMax = 10_000;
/** Entries visited before other work gets its turn: about 1 ms. */
const visitSlice = 2000;
const semanticBatch = 256;

/** Entries in this process only, with the caps, expiry and eviction of the embedded store. */
export function createMemoryStore(deps: MemoryStoreDeps): CacheStore {
  const entries = new ShardedMap<EntryId, CacheEntry>();
  const meta = new Map<string, string>();
  const shelf = new Shelf({ ...deps, dropped: (_seq, id) => void entries.delete(id) });
  const { directory } = shelf;
  let nextSeq = 1;

  const entryAt = (row: number) => (row === -1 ? undefined : entries.get(directory.idAt(row)));

  /** Visits a copy of the ids in slices, so that a long list does not hold up requests, nor removals confuse it. */
  async function* summaries(filter: EntryFilter): AsyncGenerator<EntrySummary & { readonly seq: number }> {
    const ids: EntryId[] = [];
    for (let row = 0; row < directory.size; row++) ids.push(directory.idAt(row));
    for (const [at, id] of ids.entries()) {
      if (at % visitSlice === visitSlice - 1) await nextTurn();
      const row = shelf.rowOfId(id);
      const entry = entryAt(row);
      if (!entry) continue;
      const record = directory.at(row);
      const summary = summaryOf(entry, record);
      if (matchesFilter(summary, filter)) yield { ...summary, seq: record.seq };
    }
  }

  return {
    name: 'memory',
    ready: async () => undefined,
    getByKey: async (key) => entryAt(shelf.rowOfKey(key)),
    get: async (id) => entryAt(shelf.rowOfId(id)),
    touch: (id) => void shelf.touch(id),
    doubt: (id) => shelf.doubt(id),

    async put(entry) {
      const bytes = entryBytes(entry, JSON.stringify(entry.answer));
      assertFits(entry, bytes, deps.limits);
      shelf.admit(recordOf(entry, nextSeq++, bytes));
      entries.set(entry.id, entry);
    },

    remove: async (id, reason) => shelf.remove(id, reason),

    async purge(filter, reason = 'manual') {
      let removed = 0;
      for await (const { id } of summaries(filter)) if (shelf.remove(id, reason)) removed++;
      return removed;
    },

    async list(filter, page) {
      const limit = pageLimit(page.limit);
      let newest: (EntrySummary & { readonly seq: number })[] = [];
      const cut = () => {
        newest.sort((a, b) => b.storedAt - a.storedAt || b.seq - a.seq);
        newest = newest.slice(0, limit);
      };
      for await (const summary of summaries(filter)) {
        if (page.before !== undefined && summary.storedAt >= page.before) continue;
        newest.push(summary);
        if (newest.length >= 2 * limit + 100) cut();
      }
      cut();
      return newest.map(({ seq: _seq, ...summary }) => summary);
    },

    async *semanticEntries() {
      let batch: (EntrySummary & { readonly vector: UnitVector })[] = [];
      for await (const { seq: _seq, ...summary } of summaries({})) {
        const vector = entries.get(summary.id)?.semantic?.vector;
        if (!vector) continue;
        batch.push({ ...summary, vector });
        if (batch.length < semanticBatch) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    },

    async setVector(id, embeddingModel, vector) {
      const row = shelf.rowOfId(id);
      const entry = entryAt(row);
      if (!entry?.semantic) return;
      const { scope, text } = entry.semantic;
      const changed = { ...entry, semantic: { scope, text, embeddingModel, vector } };
      directory.resize(row, directory.at(row).bytes + vector.byteLength - vectorsBytes(entry.semantic));
      entries.set(id, changed);
    },

    onRemoved: (listener) => shelf.onRemoved(listener),
    getMeta: async (key) => meta.get(key),

    async putMeta(key, value) {
      assertMetaFits(meta, key);
      meta.set(key, value);
    },

    stats: () => shelf.stats(),
    flush: async () => undefined,
    close: async () => shelf.close(),
  };
}

export function assertFits(entry: CacheEntry, bytes: number, limits: ShelfLimits): void {
  if (bytes <= limits.bytesMax) return;
  throw new AppError(
    'cache_unavailable',
    `entry ${entry.id} has ${bytes} bytes and the cache holds ${limits.bytesMax}; raise cache.bytesMax to keep such answers`,
  );
}

export function assertMetaFits(meta: ReadonlyMap<string, string>, key: string): void {
  if (meta.size < metaKeysMax || meta.has(key)) return;
  throw new AppError('cache_unavailable', `the cache keeps ${metaKeysMax} facts already; ${key} is not kept`);
}
