import type { Clock, Timer } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { CacheEntry } from '../cache-store.ts';
import type { DiskChange, StoredEntry } from './disk-protocol.ts';
import { vectorBytes } from './entry-codec.ts';
import { faultOf } from '../../sqlite/disk-error.ts';

export interface JournalDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly flushAfterMs: number;
  /** Bytes of entries not yet on disk; beyond it `overflow` is called with the oldest. */
  readonly waitingBytesMax: number;
  apply(changes: readonly DiskChange[]): Promise<void>;
  /** Puts an empty database in place of a damaged one. */
  recover(cause: unknown): Promise<void>;
  overflow(entry: CacheEntry): void;
}

type Space = NonNullable<CacheEntry['semantic']>;
interface Waiting {
  readonly puts: Map<number, { readonly stored: StoredEntry; readonly entry: CacheEntry }>;
  readonly vectors: Map<number, Pick<Space, 'embeddingModel' | 'vector'>>;
  readonly hits: Map<number, number>;
  readonly meta: Map<string, string>;
  readonly removes: Set<number>;
}

/** Changes and bytes in one message: copying them to the thread takes a millisecond. */
const batchChangesMax = 256;
const batchBytesMax = 1_048_576;
/** A full disk seldom has room a moment later. */
const retryAfterMs = 5000;

/**
 * Changes on their way to disk, in batches, one batch at a time. Until its batch is acknowledged an
 * entry is read from here. When the disk refuses, changes wait here and are tried again.
 */
export class Journal {
  readonly #deps: JournalDeps;
  #waiting = emptyWaiting();
  #sent: Waiting | undefined;
  #sending: Promise<void> | undefined;
  #timer: Timer | undefined;
  #refused = false;
  #recovered = false;
  #waitingBytes = 0;

  constructor(deps: JournalDeps) {
    this.#deps = deps;
  }

  /** Entry that is not on disk yet. */
  entry(seq: number): CacheEntry | undefined {
    return (this.#waiting.puts.get(seq) ?? this.#sent?.puts.get(seq))?.entry;
  }

  /** Vector that is newer than the one on disk. */
  vector(seq: number): Pick<Space, 'embeddingModel' | 'vector'> | undefined {
    return this.#waiting.vectors.get(seq) ?? this.#sent?.vectors.get(seq);
  }

  /** Entries not on disk yet, with their seqs. */
  *entries(): Generator<readonly [number, CacheEntry]> {
    for (const [seq, { entry }] of this.#sent?.puts ?? []) yield [seq, entry];
    for (const [seq, { entry }] of this.#waiting.puts) yield [seq, entry];
  }

  put(stored: StoredEntry, entry: CacheEntry): void {
    this.#waiting.puts.set(stored.seq, { stored, entry });
    this.#waitingBytes += stored.bytes;
    for (const [seq, { entry: oldest }] of this.#waiting.puts) {
      if (this.#waitingBytes <= this.#deps.waitingBytesMax || seq === stored.seq) break;
      this.#deps.overflow(oldest);
      if (this.#waiting.puts.has(seq)) this.remove(seq);
    }
    this.#wake();
  }

  remove(seq: number): void {
    const { puts, vectors, hits, removes } = this.#waiting;
    vectors.delete(seq);
    hits.delete(seq);
    const put = puts.get(seq);
    if (put) {
      this.#waitingBytes -= put.stored.bytes;
      puts.delete(seq);
      return;
    }
    removes.add(seq);
    this.#wake();
  }

  setVector(seq: number, space: Pick<Space, 'embeddingModel' | 'vector'>): void {
    const put = this.#waiting.puts.get(seq);
    const semantic = put?.entry.semantic;
    if (put && semantic) {
      const { embeddingModel, vector } = space;
      const stored = { ...put.stored, embeddingModel, vector: vectorBytes(vector) };
      this.#waiting.puts.set(seq, { stored, entry: { ...put.entry, semantic: { ...semantic, ...space } } });
      return;
    }
    this.#waiting.vectors.set(seq, space);
    this.#wake();
  }

  setHits(seq: number, hits: number): void {
    this.#waiting.hits.set(seq, hits);
    this.#wake();
  }

  setMeta(key: string, value: string): void {
    this.#waiting.meta.set(key, value);
    this.#wake();
  }

  /** Everything given so far is on disk when this resolves. @throws DiskError */
  async flush(): Promise<void> {
    this.#timer?.clear();
    this.#timer = undefined;
    if (this.#sending) await this.#sending;
    // Batches take the oldest first, so this many hold all that waits now; what keeps coming waits its turn.
    let batches = 2 + Math.ceil(this.#count() / batchChangesMax) + Math.ceil(this.#waitingBytes / batchBytesMax);
    while (this.#count() > 0 && batches-- > 0) await (this.#sending ?? this.#send());
  }

  close(): void {
    this.#timer?.clear();
  }

  #wake(): void {
    if (this.#timer || this.#sending) return;
    this.#timer = this.#deps.clock.after(this.#refused ? retryAfterMs : this.#deps.flushAfterMs, () => {
      this.#timer = undefined;
      this.flush().catch(() => undefined); // has been logged; the changes wait here
    });
  }

  #send(): Promise<void> {
    const batch = this.#takeBatch();
    this.#sent = batch;
    this.#sending = this.#write(batch)
      .then(
        () => {
          if (this.#refused) this.#deps.logger.info({}, 'cache is written to disk again');
          this.#refused = false;
          this.#recovered = false;
          this.#sent = undefined;
        },
        async (error: unknown) => {
          this.#takeBack(batch);
          // Once between two good writes: a disk that damages what it is given must not be fed for ever.
          if (faultOf(error) === 'damaged' && !this.#recovered) {
            this.#recovered = true;
            await this.#deps.recover(error);
            return;
          }
          this.#refuse(error);
          throw error;
        },
      )
      .finally(() => {
        this.#sending = undefined;
        if (this.#count() > 0) this.#wake();
      });
    return this.#sending;
  }

  #refuse(error: unknown): void {
    if (!this.#refused)
      this.#deps.logger.error({ err: error }, 'cache cannot be written to disk; serving from memory and trying again');
    this.#refused = true;
  }

  async #write(batch: Waiting): Promise<void> {
    try {
      await this.#deps.apply(changesOf(batch));
    } catch (error) {
      if (faultOf(error) !== 'failed' || batch.removes.size === 0 || batch.puts.size === 0) throw error;
      // On a full disk removals alone succeed, and make room for what follows.
      await this.#deps.apply(changesOf({ ...emptyWaiting(), removes: batch.removes }));
      await this.#deps.apply(changesOf({ ...batch, removes: new Set() }));
    }
  }

  #takeBatch(): Waiting {
    const batch = emptyWaiting();
    const waiting = this.#waiting;
    let left = batchChangesMax;
    let bytesLeft = batchBytesMax;
    for (const seq of waiting.removes) {
      if (left-- <= 0) return batch;
      waiting.removes.delete(seq);
      batch.removes.add(seq);
    }
    for (const [seq, put] of waiting.puts) {
      if (left-- <= 0 || bytesLeft <= 0) return batch;
      bytesLeft -= put.stored.bytes;
      this.#waitingBytes -= put.stored.bytes;
      waiting.puts.delete(seq);
      batch.puts.set(seq, put);
    }
    left = move(waiting.vectors, batch.vectors, left);
    left = move(waiting.hits, batch.hits, left);
    move(waiting.meta, batch.meta, left);
    return batch;
  }

  /** What was not written waits again, unless something newer has come in its place. */
  #takeBack(batch: Waiting): void {
    const newer = this.#waiting;
    this.#sent = undefined;
    this.#waiting = emptyWaiting();
    const { puts, vectors, hits, meta, removes } = this.#waiting;
    for (const seq of [...batch.removes, ...newer.removes]) if (!batch.puts.has(seq)) removes.add(seq);
    for (const [seq, put] of batch.puts) {
      if (newer.removes.has(seq)) continue;
      puts.set(seq, put);
      this.#waitingBytes += put.stored.bytes;
    }
    for (const [seq, put] of newer.puts) puts.set(seq, put);
    for (const [seq, space] of [...batch.vectors, ...newer.vectors])
      if (!newer.removes.has(seq)) vectors.set(seq, space);
    for (const [seq, count] of [...batch.hits, ...newer.hits]) if (!newer.removes.has(seq)) hits.set(seq, count);
    for (const [key, value] of [...batch.meta, ...newer.meta]) meta.set(key, value);
  }

  #count(): number {
    const { puts, vectors, hits, meta, removes } = this.#waiting;
    return puts.size + vectors.size + hits.size + meta.size + removes.size;
  }
}

function emptyWaiting(): Waiting {
  return { puts: new Map(), vectors: new Map(), hits: new Map(), meta: new Map(), removes: new Set() };
}

/** Moves up to `left` items. @returns how many more may be moved. */
function move<K, V>(from: Map<K, V>, to: Map<K, V>, left: number): number {
  for (const [key, value] of from) {
    if (left <= 0) break;
    left--;
    from.delete(key);
    to.set(key, value);
  }
  return left;
}

/** Removals first: a seq is never reused, and they make room. */
function changesOf({ puts, vectors, hits, meta, removes }: Waiting): DiskChange[] {
  return [
    ...Array.from(removes, (seq) => ({ kind: 'remove' as const, seq })),
    ...Array.from(puts.values(), ({ stored }) => ({ kind: 'put' as const, entry: stored })),
    ...Array.from(vectors, ([seq, { embeddingModel, vector }]) => ({
      kind: 'vector' as const,
      seq,
      embeddingModel,
      vector: vectorBytes(vector),
    })),
    ...Array.from(hits, ([seq, count]) => ({ kind: 'hits' as const, seq, hits: count })),
    ...Array.from(meta, ([key, value]) => ({ kind: 'meta' as const, key, value })),
  ];
}
