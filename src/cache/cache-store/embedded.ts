import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { CacheEntry, CacheStore, EntrySummary } from '../cache-store.ts';
import { AppError } from '../../core/errors.ts';
import type { UnitVector } from '../../core/vector.ts';
import { nextTurn } from '../time-slice.ts';
import { type DiskError, faultOf } from '../../sqlite/disk-error.ts';
import { startCacheDisk, type DiskThread } from './disk-thread.ts';
import type { Opened } from './disk-protocol.ts';
import { DiskViews, rowOfSeq } from './disk-views.ts';
import { encodeEntry, openReader, type EntryReader } from './entry-codec.ts';
import { HotEntries } from './hot-entries.ts';
import { Journal } from './journal.ts';
import { loadDirectory } from './load-directory.ts';
import { assertFits, assertMetaFits, createMemoryStore } from './memory.ts';
import { entryBytes, recordOf, Shelf, vectorsBytes, type ShelfLimits, type StoreMetrics } from './shelf.ts';

export interface EmbeddedStoreOptions extends ShelfLimits {
  /** Decoded entries kept in memory. */
  readonly hotBytesMax?: number;
  /** A put is on disk this long after it, plus one write. */
  readonly flushAfterMs?: number;
  /** Entries that wait in memory while the disk refuses them. */
  readonly waitingBytesMax?: number;
  /** Bound on the database file. */
  readonly fileBytesMax?: number;
}

export interface EmbeddedStoreDeps {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: StoreMetrics | undefined;
  readonly options: EmbeddedStoreOptions;
}

/** Some 20,000 entries of 2 KB: what is asked again and again. */
const hotBytesMaxDefault = 64 * 2 ** 20;
/** With a write of up to 250 ms this keeps the promise that an answer is on disk within half a second. */
const flushAfterMsDefault = 200;
/** As much as the hot entries: ten minutes of a busy gateway with a full disk. */
const waitingBytesMaxDefault = 64 * 2 ** 20;
/** Entries dropped after damage before other work gets its turn: about 1 ms. */
const dropSlice = 500;
/** Hit counts serve eviction and lists; losing ten seconds of them costs nothing. */
const hitsEveryMs = 10_000;
/** Hit counts written at a time. What is beyond it is written with the next hit. */
const hitsWaitingMax = 10_000;

/**
 * Entries in SQLite under `dataDir`. A thread of its own writes; a compact directory and the
 * entries in use lie in memory; what is cold is read on the calling thread.
 *
 * A damaged file is set aside and the store starts empty. When nothing can be written at all the
 * result is a memory store, and the log says why.
 * @throws config_invalid when another process uses the folder or a newer version wrote it
 */
export async function createEmbeddedStore(deps: EmbeddedStoreDeps): Promise<CacheStore> {
  const { dataDir, clock, logger, options } = deps;
  const hotBytesMax = options.hotBytesMax ?? hotBytesMaxDefault;
  // Half-empty pages after deletions, and indexes, come on top of the entries themselves.
  const fileBytesMax = options.fileBytesMax ?? 2 * options.bytesMax + 256 * 2 ** 20;
  let started;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    started = await startCacheDisk({ dataDir, fileBytesMax, openedAt: clock.now() });
  } catch (error) {
    const fault = faultOf(error);
    if (fault === 'locked' || fault === 'newer')
      throw new AppError('config_invalid', (error as DiskError).message, { cause: error });
    logger.error({ err: error, dataDir }, 'cache cannot be kept on disk; it lives in memory and ends with the process');
    const limits = { entriesMax: options.entriesMax, bytesMax: Math.min(options.bytesMax, hotBytesMax) };
    return createMemoryStore({ ...deps, limits });
  }
  return new EmbeddedStore(deps, hotBytesMax, started.thread, started.opened);
}

class EmbeddedStore implements CacheStore {
  readonly name = 'embedded';
  readonly #deps: EmbeddedStoreDeps;
  readonly #disk: DiskThread;
  readonly #shelf: Shelf;
  readonly #hot: HotEntries;
  readonly #journal: Journal;
  readonly #meta: Map<string, string>;
  readonly #views: DiskViews;
  readonly #loading: Promise<void>;
  readonly #hitsTimer: { clear(): void };
  readonly #hitSeqs = new Map<number, CacheEntry['id']>();
  #reader: EntryReader | undefined;
  #nextSeq: number;
  #loaded = false;
  #recovering: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(deps: EmbeddedStoreDeps, hotBytesMax: number, disk: DiskThread, opened: Opened) {
    const { clock, logger, options } = deps;
    this.#deps = deps;
    this.#disk = disk;
    this.#nextSeq = opened.nextSeq;
    this.#meta = new Map(opened.meta);
    this.#hot = new HotEntries(hotBytesMax);
    this.#journal = new Journal({
      clock,
      logger,
      flushAfterMs: options.flushAfterMs ?? flushAfterMsDefault,
      waitingBytesMax: options.waitingBytesMax ?? waitingBytesMaxDefault,
      apply: (changes) => disk.call('apply', changes),
      recover: (cause) => this.#recover(cause),
      overflow: (entry) => void this.#shelf.remove(entry.id, 'lru'),
    });
    this.#shelf = new Shelf({
      ...deps,
      limits: options,
      dropped: (seq) => {
        this.#hot.delete(seq);
        this.#hitSeqs.delete(seq);
        this.#journal.remove(seq);
      },
    });
    if (opened.setAside !== undefined) this.#tellSetAside(opened.setAside, undefined);
    this.#openReader();
    this.#hitsTimer = clock.every(hitsEveryMs, () => this.#writeHits());
    this.#views = new DiskViews({
      clock,
      shelf: this.#shelf,
      journal: this.#journal,
      settle: () => this.#settle(),
      ask: (call) => this.#ask(call),
    });
    this.#loading = this.#load();
  }

  ready(): Promise<void> {
    return this.#loading;
  }

  async getByKey(key: CacheEntry['exactKey']): Promise<CacheEntry | undefined> {
    const row = this.#shelf.rowOfKey(key);
    if (row !== -1) return this.#entryAt(row);
    return this.#loaded ? undefined : this.#readAhead((reader) => reader.byKey(key));
  }

  async get(id: CacheEntry['id']): Promise<CacheEntry | undefined> {
    const row = this.#shelf.rowOfId(id);
    if (row !== -1) return this.#entryAt(row);
    return this.#loaded ? undefined : this.#readAhead((reader) => reader.byId(id));
  }

  touch(id: CacheEntry['id']): void {
    const row = this.#shelf.touch(id);
    if (row !== -1 && this.#hitSeqs.size < hitsWaitingMax) this.#hitSeqs.set(this.#shelf.directory.seqAt(row), id);
  }

  doubt(id: CacheEntry['id']): void {
    this.#shelf.doubt(id);
  }

  async put(entry: CacheEntry): Promise<void> {
    this.#assertOpen();
    const answerJson = JSON.stringify(entry.answer);
    const bytes = entryBytes(entry, answerJson);
    assertFits(entry, bytes, this.#deps.options);
    const record = recordOf(entry, this.#nextSeq++, bytes);
    this.#shelf.admit(record);
    this.#hot.set(record.seq, entry, bytes);
    this.#journal.put(encodeEntry(entry, record, answerJson), entry);
  }

  async remove(id: CacheEntry['id'], reason: Parameters<CacheStore['remove']>[1]): Promise<boolean> {
    await this.#loading;
    return this.#shelf.remove(id, reason);
  }

  purge(...args: Parameters<CacheStore['purge']>): Promise<number> {
    return this.#views.purge(...args);
  }

  list(
    filter: Parameters<CacheStore['list']>[0],
    page: Parameters<CacheStore['list']>[1],
  ): Promise<readonly EntrySummary[]> {
    return this.#views.list(filter, page);
  }

  semanticEntries(): AsyncGenerator<readonly (EntrySummary & { readonly vector: UnitVector })[]> {
    return this.#views.semanticEntries();
  }

  async setVector(id: CacheEntry['id'], embeddingModel: string, vector: UnitVector): Promise<void> {
    await this.#loading;
    this.#assertOpen();
    const row = this.#shelf.rowOfId(id);
    const entry = row === -1 ? undefined : this.#entryAt(row);
    if (!entry?.semantic) return;
    const { directory } = this.#shelf;
    const seq = directory.seqAt(row);
    const bytes = directory.at(row).bytes + vector.byteLength - vectorsBytes(entry.semantic);
    directory.resize(row, bytes);
    this.#journal.setVector(seq, { embeddingModel, vector });
    if (this.#hot.has(seq)) this.#hot.set(seq, withVector(entry, { embeddingModel, vector }), bytes);
  }

  onRemoved(listener: Parameters<CacheStore['onRemoved']>[0]): void {
    this.#shelf.onRemoved(listener);
  }

  async getMeta(key: string): Promise<string | undefined> {
    return this.#meta.get(key);
  }

  async putMeta(key: string, value: string): Promise<void> {
    this.#assertOpen();
    assertMetaFits(this.#meta, key);
    this.#meta.set(key, value);
    this.#journal.setMeta(key, value);
  }

  stats(): { readonly entries: number; readonly bytes: number } {
    return this.#shelf.stats();
  }

  async flush(): Promise<void> {
    this.#assertOpen();
    try {
      await this.#journal.flush();
    } catch (error) {
      throw unavailable('the cache could not be written to disk', error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#hitsTimer.clear();
    this.#shelf.close();
    await this.#loading;
    await this.#recovering;
    this.#writeHits();
    await this.#journal.flush().catch((error: unknown) => {
      this.#deps.logger.error({ err: error }, 'cache closed with answers that could not be written to disk');
    });
    this.#journal.close();
    this.#reader?.close();
    this.#reader = undefined;
    await this.#disk.call('close').catch((error: unknown) => {
      this.#deps.logger.warn({ err: error }, 'cache database was not closed cleanly; it is checked at the next start');
    });
    await this.#disk.end();
  }

  /** Memory first, then the journal, then the disk. */
  #entryAt(row: number): CacheEntry | undefined {
    const { directory } = this.#shelf;
    const seq = directory.seqAt(row);
    const known = this.#hot.get(seq) ?? this.#journal.entry(seq);
    if (known) return withVector(known, this.#journal.vector(seq));
    const { id, bytes } = directory.at(row);
    const read = this.#read((reader) => reader.bySeq(seq));
    if (!read) {
      // The directory and the disk disagree, as after damage: what cannot be read is gone.
      if (!this.#recovering) this.#deps.logger.warn({ entryId: id }, 'cache entry is not in its database; forgotten');
      this.#shelf.remove(id, 'manual');
      return undefined;
    }
    const entry = withVector(read, this.#journal.vector(seq));
    this.#hot.set(seq, entry, bytes);
    return entry;
  }

  /** Before the directory is complete, an entry it does not know yet may still be on disk. */
  #readAhead(find: (reader: EntryReader) => CacheEntry | undefined): CacheEntry | undefined {
    const entry = this.#read(find);
    if (!entry || entry.expiresAt <= this.#deps.clock.now()) return undefined;
    // A put since the start has replaced it, though the disk does not show that yet.
    const { directory } = this.#shelf;
    const replaced = directory.rowOfKey(entry.exactKey) !== -1 || directory.rowOfId(entry.id) !== -1;
    return replaced ? undefined : entry;
  }

  #read(find: (reader: EntryReader) => CacheEntry | undefined): CacheEntry | undefined {
    if (!this.#reader)
      throw unavailable(this.#closing ? 'the cache is closed' : 'the cache database cannot be read', undefined);
    try {
      return find(this.#reader);
    } catch (error) {
      if (faultOf(error) === 'damaged' || error instanceof SyntaxError) this.#recover(error).catch(() => undefined); // has been logged
      throw unavailable('a cache entry could not be read from disk', error);
    }
  }

  async #load(): Promise<void> {
    try {
      await loadDirectory({
        disk: this.#disk,
        shelf: this.#shelf,
        journal: this.#journal,
        clock: this.#deps.clock,
      });
    } catch (error) {
      if (faultOf(error) === 'damaged') await this.#recover(error).catch(() => undefined); // has been logged
      else this.#deps.logger.error({ err: error }, 'cache directory could not be read; starting with what was read');
    }
    this.#loaded = true;
  }

  /** Sets the damaged database aside; what is still in memory and unwritten goes to the new one. */
  #recover(cause: unknown): Promise<void> {
    this.#recovering ??= this.#resetDisk(cause).finally(() => {
      this.#recovering = undefined;
    });
    return this.#recovering;
  }

  async #resetDisk(cause: unknown): Promise<void> {
    this.#reader?.close();
    this.#reader = undefined;
    const { setAside } = await this.#disk.call('reset', this.#deps.clock.now()).catch((error: unknown) => {
      this.#deps.logger.error({ err: error }, 'damaged cache database could not be set aside; serving from memory');
      throw error;
    });
    this.#tellSetAside(setAside ?? '', cause);
    this.#openReader();
    const { directory } = this.#shelf;
    const gone: CacheEntry['id'][] = [];
    for (let row = 0; row < directory.size; row++)
      if (!this.#journal.entry(directory.seqAt(row))) gone.push(directory.idAt(row));
    for (const [at, id] of gone.entries()) {
      if (at % dropSlice === dropSlice - 1) await nextTurn();
      const row = directory.rowOfId(id);
      if (row !== -1 && !this.#journal.entry(directory.seqAt(row))) this.#shelf.remove(id, 'manual');
    }
    for (const [key, value] of this.#meta) this.#journal.setMeta(key, value);
  }

  #tellSetAside(path: string, cause: unknown): void {
    this.#deps.logger.error(
      { err: cause, setAside: path },
      'cache database was damaged; it has been set aside and the cache starts empty',
    );
  }

  #openReader(): void {
    try {
      this.#reader = openReader(join(this.#deps.dataDir, 'cache.sqlite'));
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'cache database cannot be read; only entries in memory are served');
    }
  }

  /** Operators' calls look at the disk, so it must know everything. When it refuses, memory adds what is missing. */
  async #settle(): Promise<void> {
    this.#assertOpen();
    await this.#loading;
    await this.#journal.flush().catch(() => undefined); // the journal has logged it
  }

  async #ask<T>(call: (disk: DiskThread) => Promise<T>): Promise<T> {
    try {
      return await call(this.#disk);
    } catch (error) {
      if (faultOf(error) === 'damaged') this.#recover(error).catch(() => undefined); // has been logged
      throw unavailable('the cache database could not be read', error);
    }
  }

  #writeHits(): void {
    for (const [seq, id] of this.#hitSeqs) {
      const row = rowOfSeq(this.#shelf, id, seq);
      if (row !== -1) this.#journal.setHits(seq, this.#shelf.directory.hitsAt(row));
    }
    this.#hitSeqs.clear();
  }

  #assertOpen(): void {
    if (this.#closing) throw unavailable('the cache is closed', undefined);
  }
}

function withVector(
  entry: CacheEntry,
  space: Pick<NonNullable<CacheEntry['semantic']>, 'embeddingModel' | 'vector'> | undefined,
): CacheEntry {
  if (!space || !entry.semantic) return entry;
  const { scope, text } = entry.semantic;
  return { ...entry, semantic: { scope, text, ...space } };
}

function unavailable(message: string, cause: unknown): AppError {
  return new AppError('cache_unavailable', message, { cause });
}
