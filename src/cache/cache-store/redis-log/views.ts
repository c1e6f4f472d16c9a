/** Operators' lists and the walk for re-embedding: the directory says which, the records say what. */
import type { Clock } from '../../../core/clock.ts';
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import type { UnitVector } from '../../../core/vector.ts';
import { RedisReplyError, replyList, type RedisConnection } from '../../../redis/redis-connection.ts';
import type { CacheEntry, CacheStore, EntryFilter, EntrySummary } from '../../cache-store.ts';
import { nextTurn } from '../../time-slice.ts';
import { matchesFilter, pageLimit } from '../entry-filter.ts';
import { summaryOf, type Shelf } from '../shelf.ts';
import { decodeEntry } from './body-codec.ts';
import { decodeHead } from './head-codec.ts';
import type { RedisKeys } from './keys.ts';

export interface RedisViewsDeps {
  readonly shelf: Shelf;
  readonly redis: RedisConnection;
  readonly keys: RedisKeys;
  readonly clock: Clock;
  readonly synced: Promise<void>;
}

export interface RedisViews {
  list: CacheStore['list'];
  semanticEntries: CacheStore['semanticEntries'];
  /** Which entries a filter finds, in batches. */
  matching(filter: EntryFilter): AsyncIterable<readonly { readonly id: EntryId; readonly key: ExactKey }[]>;
}

/** Records read together: some hundred kB. */
const batchMax = 200;
const readDeadlineMs = 5_000;
/** Rows looked at before other work gets its turn: about 1 ms. */
const visitSlice = 2_000;

interface Place {
  readonly id: EntryId;
  readonly key: ExactKey;
  readonly storedAt: number;
  readonly seq: number;
}

export function createRedisViews({ shelf, redis, keys, clock, synced }: RedisViewsDeps): RedisViews {
  const { directory } = shelf;

  return {
    async list(filter, page) {
      const limit = pageLimit(page.limit);
      const found: EntrySummary[] = [];
      const places = await placesOf(filter, page.before);
      places.sort((a, b) => b.storedAt - a.storedAt || b.seq - a.seq);
      const size = Math.min(batchMax, limit + 20);
      for (let from = 0; from < places.length && found.length < limit; from += size) {
        for (const { summary } of await read(places.slice(from, from + size))) {
          if (matchesFilter(summary, filter)) found.push(summary);
        }
      }
      return found.slice(0, limit);
    },

    async *semanticEntries() {
      await synced;
      const places = await placesOf({}, undefined);
      for (let from = 0; from < places.length; from += batchMax) {
        const batch: (EntrySummary & { readonly vector: UnitVector })[] = [];
        for (const { entry, summary } of await read(places.slice(from, from + batchMax))) {
          if (entry.semantic) batch.push({ ...summary, vector: entry.semantic.vector });
        }
        if (batch.length > 0) yield batch;
        await nextTurn();
      }
    },

    async *matching(filter) {
      const places = await placesOf(filter, undefined);
      const byContent = filter.contains !== undefined || filter.digest !== undefined;
      for (let from = 0; from < places.length; from += batchMax) {
        const some = places.slice(from, from + batchMax);
        if (!byContent) yield some;
        else {
          const entries = await read(some);
          yield entries
            .filter(({ summary }) => matchesFilter(summary, filter))
            .map(({ entry }) => ({ id: entry.id, key: entry.exactKey }));
        }
        await nextTurn();
      }
    },
  };

  async function placesOf(filter: EntryFilter, before: number | undefined): Promise<Place[]> {
    const found: Place[] = [];
    const ids: EntryId[] = [];
    for (let row = 0; row < directory.size; row++) ids.push(directory.idAt(row));
    for (const [at, id] of ids.entries()) {
      if (at % visitSlice === visitSlice - 1) await nextTurn();
      const row = shelf.rowOfId(id);
      if (row === -1) continue;
      const { exactKey: key, tenant, model, storedAt, seq } = directory.at(row);
      if (filter.tenant !== undefined && tenant !== filter.tenant) continue;
      if (filter.model !== undefined && model !== filter.model) continue;
      if (filter.olderThan !== undefined && storedAt >= filter.olderThan) continue;
      if (before !== undefined && storedAt >= before) continue;
      found.push({ id, key, storedAt, seq });
    }
    return found;
  }

  async function read(
    places: readonly Place[],
  ): Promise<{ readonly entry: CacheEntry; readonly summary: EntrySummary }[]> {
    if (places.length === 0) return [];
    const replies = await redis.pipeline(
      places.map(({ key }) => ['HMGET', keys.record(key), 'head', 'body', 'vec8']),
      { as: 'read', deadlineMs: readDeadlineMs },
    );
    return replies.flatMap((reply, at) => {
      const { id } = places[at]!;
      const [head, body, vec8] = reply instanceof RedisReplyError ? [] : replyList(reply);
      const row = shelf.rowOfId(id);
      if (row === -1 || !Buffer.isBuffer(head) || !Buffer.isBuffer(body) || !Buffer.isBuffer(vec8)) return [];
      const decoded = decodeHead(head);
      if (decoded?.id !== id || decoded.expiresAt <= clock.now()) return [];
      const entry = decodeEntry(decoded, body, vec8);
      return [{ entry, summary: summaryOf(entry, directory.at(row)) }];
    });
  }
}
