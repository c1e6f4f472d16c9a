import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { EntryId, ExactKey } from '../../core/ids.ts';
import type { Random } from '../../core/random.ts';
import type { UnitVector } from '../../core/vector.ts';
import type { RedisConnection } from '../../redis/redis-connection.ts';
import { WriteQueue, type WriteQueueOptions } from '../../redis/write-queue.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { CacheEntry, CacheStore, SharedStore } from '../cache-store.ts';
import { Arrivals } from './redis-log/arrivals.ts';
import { HotEntries } from './hot-entries.ts';
import { encodeBody, encodeVector } from './redis-log/body-codec.ts';
import { Generations } from './redis-log/generations.ts';
import { encodeHead, headOf } from './redis-log/head-codec.ts';
import { Invalidator, stampOf, stampUnit } from './redis-log/invalidator.ts';
import { InvalidationJournal, type Owed } from './redis-log/journal.ts';
import { redisKeys, selectorOf, type RedisKeys } from './redis-log/keys.ts';
import { RecordReader } from './redis-log/reader.ts';
import { createRedisViews, type RedisViews } from './redis-log/views.ts';
import { RedisWrites } from './redis-log/writes.ts';
import { Replica, type ReplicaMetrics } from './redis-log/replica.ts';
import { EntryDigest, healthOf } from './redis-log/standing.ts';
import { assertFits } from './memory.ts';
import { entryBytes, recordOf, Shelf, vectorsBytes, type ShelfLimits, type StoreMetrics } from './shelf.ts';

export interface RedisLogStoreDeps {
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** File of what Redis has not confirmed; undefined keeps it in memory. */
  readonly journalPath: string | undefined;
  /** Why this backend was chosen; for people. */
  readonly why: string;
  /** Of the entries. */
  readonly clock: Clock;
  /** Waits on the network. Default: `clock`. */
  readonly pace?: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: (StoreMetrics & ReplicaMetrics & Pick<Metrics, 'redisWritesDropped'>) | undefined;
  readonly options: ShelfLimits & { readonly hotBytesMax?: number; readonly writes?: Partial<WriteQueueOptions> };
}

const hotBytesMaxDefault = 64 * 2 ** 20;
/** Entries of others may put a replica over the caps until their writer's evictions arrive. */
const slackShare = 1.05;
/** A put that Redis does not take now goes on in the queue. */
const putWaitMs = 2_000;
const drainMs = 5_000;

/**
 * Records and a log of changes in Redis; the directory and the vectors in each gateway, fed by the log.
 *
 * Nothing is served that Redis has not confirmed at that moment: every read asks for the record and for the version
 * of the generations, so that eviction, expiry, invalidation elsewhere and a replica that lags all end as a miss.
 */
export function createRedisLogStore(deps: RedisLogStoreDeps): CacheStore {
  return new RedisLogStore(deps);
}

class RedisLogStore implements CacheStore {
  readonly name = 'redis-log';
  readonly shared: SharedStore;
  readonly #deps: RedisLogStoreDeps;
  readonly #keys: RedisKeys;
  readonly #me: string;
  readonly #shelf: Shelf;
  readonly #hot: HotEntries;
  readonly #generations = new Generations();
  readonly #journal: InvalidationJournal;
  readonly #queue: WriteQueue;
  readonly #writes: RedisWrites;
  readonly #replica: Replica;
  readonly #views: RedisViews;
  readonly #reader: RecordReader;
  readonly #invalidator: Invalidator;
  readonly #arrivals: Arrivals;
  /** Put here and not yet in Redis: that Redis lacks them means nothing. */
  readonly #pending = new Set<EntryId>();
  readonly #settler: { clear(): void };
  readonly #digest = new EntryDigest();
  #puttingKey: ExactKey | undefined;
  #puts = 0;
  #closing: Promise<void> | undefined;

  constructor(deps: RedisLogStoreDeps) {
    const { redis, logger, options, clock } = deps;
    const pace = deps.pace ?? clock;
    this.#deps = deps;
    this.#keys = redisKeys(deps.prefix);
    this.#me = deps.random.id(8);
    this.#hot = new HotEntries(options.hotBytesMax ?? hotBytesMaxDefault);
    this.#journal = new InvalidationJournal(deps.journalPath, logger);
    this.#queue = new WriteQueue({
      clock: pace,
      dropped: (reason) => deps.metrics?.redisWritesDropped.inc({ reason }),
      ...(options.writes && { options: options.writes }),
    });
    this.#writes = new RedisWrites({ redis, keys: this.#keys, entriesMax: options.entriesMax, me: this.#me });
    const strict = () => this.#puttingKey !== undefined;
    this.#shelf = new Shelf({
      ...deps,
      limits: {
        get entriesMax() {
          return strict() ? options.entriesMax : Math.ceil(options.entriesMax * slackShare) + 64;
        },
        get bytesMax() {
          return strict() ? options.bytesMax : Math.ceil(options.bytesMax * slackShare);
        },
      },
      dropped: (seq, id, key, reason) => {
        this.#hot.delete(seq);
        this.#digest.dropped(id);
        this.#pending.delete(id);
        if (this.#puttingKey === undefined || key === this.#puttingKey) return;
        // Only the gateway whose put makes others go removes them for all.
        if (reason === 'lru' || reason === 'replaced') this.#removeLater(key, id);
      },
    });
    this.#invalidator = new Invalidator({
      redis,
      keys: this.#keys,
      writes: this.#writes,
      generations: this.#generations,
      journal: this.#journal,
      shelf: this.#shelf,
      removeLater: (key, id) => this.#removeLater(key, id),
      logger,
    });
    this.#reader = new RecordReader({
      redis,
      keys: this.#keys,
      clock,
      shelf: this.#shelf,
      hot: this.#hot,
      generations: this.#generations,
      readGenerations: () => this.#invalidator.readGenerations(),
      isBlocked: (head) =>
        this.#arrivals.isForgotten(head.id) || this.#journal.blocks(head.key, head.id, head.tenant, head.scope),
      isPending: (id) => this.#pending.has(id),
      forget: (key, id) => this.#removeLater(key, id),
    });
    this.#arrivals = new Arrivals({
      me: this.#me,
      clock,
      shelf: this.#shelf,
      generations: this.#generations,
      nextSeq: (version) => this.#nextSeq(version),
      mark: () => this.#puts,
      isPending: (id) => this.#pending.has(id),
      admitted: (id) => this.#digest.added(id),
      cameBack: (key, id) => this.#invalidator.owe({ kind: 'entry', key, id }),
    });
    this.#replica = new Replica({
      redis,
      keys: this.#keys,
      pace,
      logger,
      metrics: deps.metrics,
      arrivals: this.#arrivals,
      generation: (selector, version) => this.#invalidator.learned(selector, version),
      connected: () => {
        this.#arrivals.connected();
        return this.#invalidator.connected();
      },
    });
    this.#views = createRedisViews({
      shelf: this.#shelf,
      redis,
      keys: this.#keys,
      clock,
      synced: this.#replica.synced,
    });
    this.#settler = pace.every(1_000, () => void this.#invalidator.settle());
    this.shared = {
      onAdded: (listener) => this.#arrivals.onAdded(listener),
      synced: () => this.#replica.synced,
      invalidate: (selector) => this.#asked(() => this.#invalidator.invalidate(selectorOf(selector))),
      putMetaOnce: (key, value) => this.#asked(() => this.#writes.metaOnce(key, value)),
      generation: () => this.#generations.version,
      reconcile: () => this.#asked(() => this.#replica.reconcile()),
      health: () =>
        healthOf({
          redis,
          why: deps.why,
          stale: this.#replica.stale,
          writesWaiting: this.#queue.size,
          unconfirmed: this.#journal.size,
          digest: this.#digest.toString(),
        }),
    };
  }

  ready(): Promise<void> {
    this.#replica.start();
    return this.#replica.synced;
  }

  getByKey(key: ExactKey): Promise<CacheEntry | undefined> {
    return this.#asked(() => this.#reader.fetch(key, undefined));
  }

  async get(id: EntryId): Promise<CacheEntry | undefined> {
    const row = this.#shelf.rowOfId(id);
    if (row === -1) return undefined;
    const { exactKey } = this.#shelf.directory.at(row);
    return this.#asked(() => this.#reader.fetch(exactKey, id));
  }

  touch(id: EntryId): void {
    this.#shelf.touch(id);
  }

  doubt(id: EntryId): void {
    this.#shelf.doubt(id);
  }

  async put(entry: CacheEntry, asOf?: number): Promise<void> {
    this.#assertOpen();
    const version = asOf ?? this.#generations.version;
    if (!this.#generations.admits(version, entry.tenant, entry.semantic?.scope)) return;
    const answerJson = JSON.stringify(entry.answer);
    const bytes = entryBytes(entry, answerJson);
    assertFits(entry, bytes, this.#deps.options);
    const head = encodeHead(headOf(entry, { bytes, version, writer: this.#me }));
    const body = encodeBody(entry, answerJson);
    const vec8 = entry.semantic ? encodeVector(entry.semantic.vector) : Buffer.alloc(0);
    const seq = this.#nextSeq(version);
    this.#puttingKey = entry.exactKey;
    try {
      this.#shelf.admit(recordOf(entry, seq, bytes));
    } finally {
      this.#puttingKey = undefined;
    }
    this.#digest.added(entry.id);
    this.#hot.set(seq, entry, bytes);
    this.#pending.add(entry.id);
    this.#arrivals.expect(entry.exactKey, entry.id);
    const written = this.#queue
      .add({
        bytes: head.length + body.length + vec8.length,
        run: async () => {
          // Removed while it waited: writing it now would bring it back.
          if (!this.#pending.has(entry.id)) return this.#arrivals.gaveUp(entry.exactKey, entry.id);
          await this.#writes.put(entry.exactKey, { head, body, vec8 }, entry.expiresAt - this.#deps.clock.now());
        },
      })
      .finally(() => this.#pending.delete(entry.id));
    written.catch(() => {
      this.#shelf.remove(entry.id, 'lru');
      this.#arrivals.gaveUp(entry.exactKey, entry.id);
    });
    await new Promise<void>((resolve, reject) => {
      const timer = (this.#deps.pace ?? this.#deps.clock).after(putWaitMs, resolve);
      written.then(resolve, reject).finally(() => timer.clear());
    });
  }

  async remove(id: EntryId, reason: Parameters<CacheStore['remove']>[1]): Promise<boolean> {
    this.#assertOpen();
    const row = this.#shelf.rowOfId(id);
    if (row === -1) return false;
    const key = this.#shelf.directory.at(row).exactKey;
    this.#arrivals.forget(id);
    this.#shelf.remove(id, reason);
    await this.#invalidator.confirm([{ kind: 'entry', key, id }]);
    return true;
  }

  async purge(
    filter: Parameters<CacheStore['purge']>[0],
    reason: 'manual' | 'model_changed' = 'manual',
  ): Promise<number> {
    this.#assertOpen();
    let removed = 0;
    for await (const batch of this.#asking(this.#views.matching(filter))) {
      const owed: Owed[] = [];
      for (const { id, key } of batch) {
        if (!this.#shelf.remove(id, reason)) continue;
        this.#arrivals.forget(id);
        owed.push({ kind: 'entry', key, id });
      }
      await this.#invalidator.confirm(owed);
      removed += owed.length;
    }
    return removed;
  }

  list(...args: Parameters<CacheStore['list']>): ReturnType<CacheStore['list']> {
    return this.#asked(() => this.#views.list(...args));
  }

  semanticEntries(): ReturnType<CacheStore['semanticEntries']> {
    return this.#asking(this.#views.semanticEntries());
  }

  async setVector(id: EntryId, embeddingModel: string, vector: UnitVector): Promise<void> {
    this.#assertOpen();
    const row = this.#shelf.rowOfId(id);
    const entry = row === -1 ? undefined : await this.get(id);
    if (!entry?.semantic) return;
    const { scope, text } = entry.semantic;
    const changed: CacheEntry = { ...entry, semantic: { scope, text, embeddingModel, vector } };
    const { seq, bytes: before } = this.#shelf.directory.at(row);
    const bytes = before + vector.byteLength - vectorsBytes(entry.semantic);
    const head = encodeHead(headOf(changed, { bytes, version: stampOf(seq), writer: this.#me }));
    const record = { head, body: encodeBody(changed, JSON.stringify(changed.answer)), vec8: encodeVector(vector) };
    await this.#asked(() =>
      this.#writes.put(entry.exactKey, record, entry.expiresAt - this.#deps.clock.now(), drainMs),
    );
    const now = this.#shelf.rowOfId(id);
    if (now === -1) return;
    this.#shelf.directory.resize(now, bytes);
    this.#hot.set(this.#shelf.directory.seqAt(now), changed, bytes);
  }

  onRemoved(listener: Parameters<CacheStore['onRemoved']>[0]): void {
    this.#shelf.onRemoved(listener);
  }

  getMeta(key: string): Promise<string | undefined> {
    return this.#asked(() => this.#writes.meta(key));
  }

  putMeta(key: string, value: string): Promise<void> {
    this.#assertOpen();
    return this.#asked(() => this.#writes.putMeta(key, value));
  }

  stats(): { readonly entries: number; readonly bytes: number } {
    return this.#shelf.stats();
  }

  async flush(): Promise<void> {
    this.#assertOpen();
    if (!(await this.#queue.drained(drainMs))) {
      throw unavailable(`${this.#queue.size} writes still wait for Redis after ${drainMs} ms`, undefined);
    }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#queue.drained(drainMs);
      this.#queue.close();
      this.#settler.clear();
      this.#replica.close();
      this.#shelf.close();
    })();
    return this.#closing;
  }

  #removeLater(key: ExactKey, id: EntryId): void {
    this.#arrivals.expectRemoval(id);
    this.#queue
      .add({ bytes: 100, run: () => this.#writes.remove([{ key, id }], { confirmed: false }) })
      .catch((error: unknown) => this.#deps.logger.debug({ err: error }, 'an entry stays in Redis until it expires'));
  }

  #nextSeq(version: number): number {
    this.#puts = (this.#puts + 1) % stampUnit;
    return version * stampUnit + this.#puts;
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    try {
      return await ask();
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  async *#asking<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw unavailable('the cache is closed', undefined);
  }
}

const asUnavailable = (error: unknown): AppError =>
  error instanceof AppError && error.code === 'cache_unavailable' ? error : unavailable('Redis gave no answer', error);

function unavailable(message: string, cause: unknown): AppError {
  return new AppError('cache_unavailable', message, { cause });
}
