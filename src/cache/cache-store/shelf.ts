import type { Clock, Timer } from '../../core/clock.ts';
import type { EntryId, ExactKey, Scope } from '../../core/ids.ts';
import type { Random } from '../../core/random.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { CacheEntry, EntrySummary, RemovalReason } from '../cache-store.ts';
import { Directory, type DirectoryRecord } from './directory.ts';

export interface ShelfLimits {
  /** Beyond this the least valuable entries go. */
  readonly entriesMax: number;
  readonly bytesMax: number;
}

export type StoreMetrics = Pick<Metrics, 'cacheEntries' | 'cacheBytes' | 'cacheEvictions'>;

export interface ShelfDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: StoreMetrics | undefined;
  readonly limits: ShelfLimits;
  /** Told of every removal before the listeners are. */
  readonly dropped: (seq: number, id: EntryId, key: ExactKey, reason: RemovalReason) => void;
}

export type RemovalListener = (id: EntryId, scope: Scope | undefined, reason: RemovalReason) => void;

const sweepEveryMs = 1000;
/** 0.1 ms of work a second; 200,000 entries are gone round in under two minutes, and reads check expiry themselves. */
const sweepRows = 2000;
/** Evictions after one put. A put brings one entry, so more are needed only when it is large or caps were lowered. */
const evictionsPerPut = 64;

/** What the memory and the embedded store share: caps, expiry, eviction, and telling listeners. */
export class Shelf {
  readonly directory: Directory;
  readonly #deps: ShelfDeps;
  readonly #listeners: RemovalListener[] = [];
  readonly #sweeper: Timer;

  constructor(deps: ShelfDeps) {
    this.#deps = deps;
    this.directory = new Directory(deps.random);
    this.#sweeper = deps.clock.every(sweepEveryMs, () => this.#sweep());
  }

  /** Row of a live entry, or -1. An expired one is removed on sight. */
  rowOfKey(key: ExactKey): number {
    return this.#live(this.directory.rowOfKey(key));
  }

  rowOfId(id: EntryId): number {
    return this.#live(this.directory.rowOfId(id));
  }

  /** Adds an entry in place of one with the same key or id, then evicts to stay under the caps. */
  admit(record: DirectoryRecord): void {
    const { directory } = this;
    const sameKey = directory.rowOfKey(record.exactKey);
    if (sameKey !== -1) this.#remove(sameKey, 'replaced');
    const sameId = directory.rowOfId(record.id);
    if (sameId !== -1) this.#remove(sameId, 'replaced');
    this.place(record);
  }

  /** As `admit`, of an entry of which neither key nor id is there. */
  place(record: DirectoryRecord): void {
    this.directory.add(record);
    this.trim(record.seq);
  }

  /** @param sparedSeq is not evicted. @returns whether everything is under the caps. */
  trim(sparedSeq: number): boolean {
    const { limits, clock } = this.#deps;
    const { directory } = this;
    const now = clock.now();
    for (let evictions = 0; directory.size > limits.entriesMax || directory.bytes > limits.bytesMax; evictions++) {
      const row = evictions < evictionsPerPut ? directory.victim(now, sparedSeq) : -1;
      if (row === -1) return false;
      this.#remove(row, directory.isExpired(row, now) ? 'ttl' : 'lru');
    }
    this.#report();
    return true;
  }

  remove(id: EntryId, reason: RemovalReason): boolean {
    const row = this.rowOfId(id);
    if (row === -1) return false;
    this.#remove(row, reason);
    this.#report();
    return true;
  }

  touch(id: EntryId): number {
    const row = this.directory.rowOfId(id);
    if (row !== -1) this.directory.hit(row);
    return row;
  }

  doubt(id: EntryId): void {
    const row = this.directory.rowOfId(id);
    if (row !== -1) this.directory.doubt(row);
  }

  onRemoved(listener: RemovalListener): void {
    this.#listeners.push(listener);
  }

  stats(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.directory.size, bytes: this.directory.bytes };
  }

  close(): void {
    this.#sweeper.clear();
  }

  #live(row: number): number {
    if (row === -1 || !this.directory.isExpired(row, this.#deps.clock.now())) return row;
    this.#remove(row, 'ttl');
    this.#report();
    return -1;
  }

  #remove(row: number, reason: RemovalReason): void {
    const { id, seq, scope, exactKey } = this.directory.at(row);
    this.directory.remove(row);
    this.#deps.dropped(seq, id, exactKey, reason);
    if (reason !== 'replaced') this.#deps.metrics?.cacheEvictions.inc({ reason });
    for (const listener of this.#listeners) {
      try {
        listener(id, scope, reason);
      } catch (error) {
        this.#deps.logger.error({ err: error, entryId: id, reason }, 'cache removal listener failed');
      }
    }
  }

  #sweep(): void {
    for (const id of this.directory.sweep(this.#deps.clock.now(), sweepRows)) this.rowOfId(id);
    this.trim(-1);
  }

  #report(): void {
    this.#deps.metrics?.cacheEntries.set(this.directory.size);
    this.#deps.metrics?.cacheBytes.set(this.directory.bytes);
  }
}

/** Bytes beside text, answer and vector: keys, times, index rows; measured on disk and in memory alike. */
const entryOverheadBytes = 400;

/** What an entry counts against the caps. @param answerJson as it is stored. */
export function entryBytes(entry: CacheEntry, answerJson: string): number {
  const semantic = entry.semantic;
  return entryOverheadBytes + answerJson.length + (semantic ? semantic.text.length + vectorsBytes(semantic) : 0);
}

/** Of the vector and, where it has one, the context. */
export function vectorsBytes({ vector, context }: NonNullable<CacheEntry['semantic']>): number {
  return vector.byteLength + (context?.byteLength ?? 0);
}

export function recordOf(entry: CacheEntry, seq: number, bytes: number): DirectoryRecord {
  const { id, exactKey, tenant, model, storedAt, expiresAt, gpuMs } = entry;
  return { seq, id, exactKey, tenant, model, scope: entry.semantic?.scope, storedAt, expiresAt, bytes, hits: 0, gpuMs };
}

export function summaryOf(entry: CacheEntry, record: DirectoryRecord): EntrySummary {
  const { id, tenant, model, digest, storedAt, expiresAt } = entry;
  const { hits, bytes } = record;
  return {
    id,
    tenant,
    model,
    digest,
    text: entry.semantic?.text ?? '',
    scope: entry.semantic?.scope,
    embeddingModel: entry.semantic?.embeddingModel,
    storedAt,
    expiresAt,
    hits,
    bytes,
  };
}
