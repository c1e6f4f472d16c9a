/** Background work of the cache: filling the vector index at start, and re-embedding after a change of embedder. */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { EntryId, Scope } from '../core/ids.ts';
import type { UnitVector } from '../core/vector.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CacheStore, EntrySummary } from './cache-store.ts';
import { withDeadline } from './deadline.ts';
import type { EmbeddingModel } from './embedding-model.ts';
import { rowOwner } from './scope.ts';
import { nextTurn, TimeSlice } from './time-slice.ts';
import type { VectorIndex } from './vector-index.ts';

export interface WarmUpReport {
  /** Vectors placed in the index. */
  readonly loaded: number;
  /** Entries whose vector is of another embedder: out of the semantic tier until re-embedded. */
  readonly otherEmbedder: number;
  /** Why it stopped early, where it did. */
  readonly failure?: Error;
}

export interface ReembedProgress {
  readonly done: number;
  readonly total: number;
}

export interface ReembedOptions {
  readonly onProgress?: (progress: ReembedProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ReembedReport {
  readonly done: number;
  /** Texts that the active embedder does not take whole, and turns of conversations; they stay in the exact tier. */
  readonly unfit: number;
}

export interface WarmUpDeps {
  readonly store: CacheStore;
  readonly index: VectorIndex;
  readonly embedding: EmbeddingModel;
  readonly indexScope: (stored: Scope) => Scope;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Work on the main thread between two turns of the event loop: requests meanwhile wait no longer. */
const sliceMs = 4;
/** Texts embedded together: a lookup that comes in between waits for one such batch. */
const batchMax = 16;
/** Share of the time that re-embedding leaves idle, so that lookups keep the embedder. */
const restShare = 1;
/** A batch of a loaded endpoint takes seconds; longer than this it is gone. */
const batchDeadlineMs = 30_000;
const attemptsMax = 5;
const retryAfterMs = 1_000;

export interface WarmUp {
  warm(): Promise<WarmUpReport>;
  reembed(options: ReembedOptions): Promise<ReembedReport>;
  /** The store has removed this entry: its vector must not be placed any more. */
  removed(id: EntryId): void;
  stop(): void;
}

export function createWarmUp({ store, index, embedding, indexScope, clock, logger }: WarmUpDeps): WarmUp {
  const stopped = new AbortController();
  /** Removed while background work runs; at most as many as the store has entries. */
  const gone = new Set<EntryId>();
  let busy = 0;
  let running: Promise<ReembedReport> | undefined;

  return {
    warm: () => working(fillIndex),

    reembed(options) {
      running ??= working(() => reembedAll(options)).finally(() => (running = undefined));
      return running;
    },

    removed(id) {
      if (busy > 0) gone.add(id);
    },

    stop: () => stopped.abort(new AppError('shutting_down', 'the cache is closing')),
  };

  async function working<T>(work: () => Promise<T>): Promise<T> {
    busy += 1;
    try {
      return await work();
    } finally {
      busy -= 1;
      if (busy === 0) gone.clear();
    }
  }

  /** Places a vector, unless its entry is gone or goes meanwhile. */
  async function place({ id, scope, ...entry }: Placeable, vector: UnitVector): Promise<void> {
    if (gone.has(id)) return;
    const here = indexScope(scope);
    await index.upsert(here, id, vector, { ...rowOwner(entry), expiresAt: entry.expiresAt });
    if (gone.has(id)) await index.remove(here, id);
  }

  async function fillIndex(): Promise<WarmUpReport> {
    let loaded = 0;
    let otherEmbedder = 0;
    const slice = new TimeSlice(clock, sliceMs);
    try {
      for await (const batch of store.semanticEntries()) {
        const ours = batch.filter((entry) => entry.embeddingModel === embedding.id && entry.scope !== undefined);
        otherEmbedder += batch.length - ours.length;
        const there = await lacking(ours);
        for (const [at, entry] of ours.entries()) {
          if (stopped.signal.aborted) return { loaded, otherEmbedder };
          if (there[at] === false) continue;
          await place({ ...entry, scope: entry.scope! }, entry.vector);
          loaded += 1;
          if (slice.isOver) await slice.next();
        }
      }
      return { loaded, otherEmbedder };
    } catch (error) {
      logger.error({ err: error, loaded }, 'the vector index is filled in part; entries beyond serve exact hits only');
      return { loaded, otherEmbedder, failure: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  /** Of a shared index, which other processes may have filled; one of this process lacks everything. */
  async function lacking(entries: readonly EntrySummary[]): Promise<readonly boolean[]> {
    if (index.lacking === undefined || entries.length === 0) return [];
    return index.lacking(entries.map(({ id, scope }) => ({ scope: indexScope(scope!), entryId: id })));
  }

  async function reembedAll({ onProgress, signal }: ReembedOptions): Promise<ReembedReport> {
    // Ids and texts only, and once over before anything is changed: an iteration must not chase its own writes.
    const waiting: Placeable[] = [];
    let unfit = 0;
    for await (const batch of store.semanticEntries()) {
      for (const entry of batch) {
        if (entry.embeddingModel === embedding.id || entry.scope === undefined) continue;
        const { vector: _, ...summary } = entry;
        if (embedding.fits(entry.text)) waiting.push({ ...summary, scope: entry.scope });
        else unfit += 1;
      }
      await nextTurn();
    }
    const total = waiting.length;
    let done = 0;
    onProgress?.({ done: 0, total });
    const size = Math.min(batchMax, embedding.maxBatch);
    for (let from = 0; from < total; from += size) {
      stopped.signal.throwIfAborted();
      signal?.throwIfAborted();
      const slice = waiting.slice(from, from + size);
      const batch: Placeable[] = [];
      for (const each of slice) {
        // Only the last turn is stored: a context cannot be embedded anew, so such an answer keeps to the exact tier.
        if ((await store.get(each.id))?.semantic?.context === undefined) batch.push(each);
        else unfit += 1;
      }
      if (batch.length === 0) continue;
      const beganMs = clock.monotonicMs();
      const vectors = await embedStubbornly(batch.map(({ text }) => text));
      for (const [i, entry] of batch.entries()) {
        await store.setVector(entry.id, embedding.id, vectors[i]!);
        await place(entry, vectors[i]!);
      }
      done += batch.length;
      onProgress?.({ done: from + slice.length, total });
      await nextTurn();
      const restMs = restShare * (clock.monotonicMs() - beganMs);
      if (restMs >= 1) await clock.sleep(restMs, stopped.signal);
    }
    return { done, unfit };
  }

  /** @throws embedding_failed after `attemptsMax` tries */
  async function embedStubbornly(texts: readonly string[]) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await withDeadline((signal) => embedding.embed(texts, { signal }), {
          clock,
          ms: batchDeadlineMs,
          signal: stopped.signal,
          expired: () => new AppError('embedding_failed', `no vectors within ${batchDeadlineMs} ms`),
        });
      } catch (error) {
        if (stopped.signal.aborted || attempt === attemptsMax) throw error;
        logger.warn({ err: error, attempt }, 're-embedding waits for the embedder');
        await clock.sleep(retryAfterMs * 2 ** (attempt - 1), stopped.signal);
      }
    }
  }
}

type Placeable = Omit<EntrySummary, 'scope'> & { readonly scope: Scope };
