import type { EntryId, Scope } from '../../core/ids.ts';
import type { UnitVector } from '../../core/vector.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Neighbour, VectorIndex } from '../vector-index.ts';
import { assert } from '../../core/assert.ts';
import { AppError } from '../../core/errors.ts';
import { PagedArray } from '../paged-array.ts';
import { ShardedMap } from '../sharded-map.ts';
import { createSimdKernel, reserveMemory, type SharedMemory } from './kernel.ts';
import { layOut, type Layout } from './layout.ts';
import { scan } from './scan.ts';
import { createScanner, scanDeps, type ScannerSetup } from './scanner.ts';
import { SlotList } from './slot-list.ts';

export interface MemoryVectorIndexOptions {
  readonly dimensions: number;
  /** Most vectors held; memory for them is reserved at once, and resident as they come. At least the store's `entriesMax`. */
  readonly vectorsMax: number;
  readonly logger: Logger;
  /** `plain`: no SIMD, as on processors without it. `auto` finds out. */
  readonly engine?: 'auto' | 'plain';
  /** Where a search of more than `mainRowsMax` rows runs. */
  readonly largeScans?: 'thread' | 'slices';
  /** Scopes of more rows are searched off the main thread. */
  readonly mainRowsMax?: number;
  /** From this many rows on, sketches choose what is compared. */
  readonly sketchRowsMin?: number;
}

/** A search of this many rows keeps the main thread for about a millisecond (bench/index.ts). */
const mainRowsMaxDefault = { simd: 100_000, plain: 4096 };
/** Below this comparing every row costs about as little as sifting by sketches, and misses nothing. */
const sketchRowsMinDefault = 8192;
/** A scanned score is off by up to 0.002; this many more are looked at exactly than were asked for. */
const spareCandidates = 24;
/** More neighbours than any policy weighs. */
const neighboursMax = 256;

/**
 * Vectors in this process. Exact up to `sketchRowsMin` rows in a scope, recall above 0.99 beyond
 * (bench/index.ts); every similarity returned is within 0.0005. A search touches only the rows of
 * its scope. Equal similarities are ordered by entry id.
 *
 * While a search runs in its thread, rows come and go: one that is moved meanwhile may be missed
 * by that search, one that is removed is never returned.
 */
export function createMemoryVectorIndex(options: MemoryVectorIndexOptions): VectorIndex {
  const layout = layOut(options.dimensions, options.vectorsMax);
  const memory = reserve(layout);
  const kernel = options.engine === 'plain' || !createSimdKernel(memory) ? 'plain' : 'simd';
  const setup: ScannerSetup = { memory, dimensions: layout.dimensions, rowsMax: layout.rowsMax, kernel };
  const deps = scanDeps(setup, 'main');
  const scanner = createScanner(setup, options.logger, options.largeScans ?? 'thread');
  const mainRowsMax = options.mainRowsMax ?? mainRowsMaxDefault[kernel];
  const sketchRowsMin = options.sketchRowsMin ?? sketchRowsMinDefault;

  const scopes = new ShardedMap<Scope, SlotList>();
  const slotOf = new ShardedMap<EntryId, number>();
  const ids = new PagedArray<EntryId | undefined>();
  const owners = new PagedArray<SlotList | undefined>();
  const scopeNames = new PagedArray<Scope | undefined>();
  const positions = new Uint32Array(layout.rowsMax);
  let freeSlots: number[] = [];
  let closed = false;

  const takeSlot = (): number => {
    const freed = freeSlots.pop();
    if (freed !== undefined) return freed;
    if (ids.length < layout.rowsMax) {
      for (const column of [ids, owners, scopeNames]) column.push(undefined);
      return ids.length - 1;
    }
    throw new AppError(
      'cache_unavailable',
      `the vector index holds ${layout.rowsMax} vectors and is full; raise its vectorsMax to cache.entriesMax or more`,
    );
  };

  const release = (entryId: EntryId, slot: number) => {
    const list = owners.get(slot)!;
    const moved = list.removeAt(positions[slot]!);
    if (moved !== undefined) positions[moved] = positions[slot]!;
    if (list.size === 0) scopes.delete(scopeNames.get(slot)!);
    for (const column of [ids, owners, scopeNames]) column.set(slot, undefined);
    slotOf.delete(entryId);
    freeSlots.push(slot);
  };

  /** Exact similarity of candidates that are still there, best first. */
  const rank = (list: SlotList, slots: ArrayLike<number>, query: UnitVector, k: number): Neighbour[] => {
    const found: Neighbour[] = [];
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      const entryId = slot < ids.length ? ids.get(slot) : undefined;
      // A thread may hand back a slot that has been freed, or given to another scope, since it looked.
      if (entryId === undefined || owners.get(slot) !== list) continue;
      found.push({ entryId, similarity: deps.rows.similarity(slot, query) });
    }
    found.sort((a, b) => b.similarity - a.similarity || (a.entryId < b.entryId ? -1 : 1));
    return found.length > k ? found.slice(0, k) : found;
  };

  const assertOpen = () => {
    if (closed) throw new AppError('cache_unavailable', 'the vector index is closed');
  };

  return {
    dimensions: layout.dimensions,

    async upsert(scope, entryId, vector) {
      assertOpen();
      assert(
        vector.length === layout.dimensions,
        `vector has ${vector.length} dimensions; expected ${layout.dimensions}`,
      );
      const known = slotOf.get(entryId);
      if (known !== undefined) {
        if (scopeNames.get(known) === scope) {
          deps.rows.write(known, vector);
          return;
        }
        release(entryId, known);
      }
      const slot = takeSlot();
      deps.rows.write(slot, vector);
      let list = scopes.get(scope);
      if (!list) scopes.set(scope, (list = new SlotList()));
      ids.set(slot, entryId);
      owners.set(slot, list);
      scopeNames.set(slot, scope);
      positions[slot] = list.push(slot);
      slotOf.set(entryId, slot);
    },

    async nearest(scope, query, k, { signal }) {
      assertOpen();
      signal.throwIfAborted();
      assert(query.length === layout.dimensions, `query has ${query.length} dimensions; expected ${layout.dimensions}`);
      assert(Number.isInteger(k) && k >= 0 && k <= neighboursMax, `k is ${k}; expected 0 to ${neighboursMax}`);
      const list = scopes.get(scope);
      if (!list || k === 0) return [];
      const best = k + spareCandidates;
      if (list.size <= best)
        return rank(
          list,
          Array.from({ length: list.size }, (_, i) => list.slots[i]!),
          query,
          k,
        );
      const job = { count: list.size, query, best, sketchRowsMin };
      if (list.size > mainRowsMax && list.shared) {
        const slots = await scanner.run({ ...job, slots: list.shared });
        signal.throwIfAborted();
        return rank(list, slots, query, k);
      }
      const pieces = scan(deps, { ...job, slots: list.slots });
      for (;;) {
        const piece = pieces.next();
        if (piece.done) return rank(list, piece.value, query, k);
      }
    },

    async remove(scope, entryId) {
      assertOpen();
      const slot = slotOf.get(entryId);
      if (slot !== undefined && scopeNames.get(slot) === scope) release(entryId, slot);
    },

    async clear() {
      assertOpen();
      scopes.clear();
      slotOf.clear();
      for (const column of [ids, owners, scopeNames]) column.clear();
      freeSlots = [];
    },

    stats: () => ({ vectors: slotOf.size, bytes: ids.length * bytesPerRow(layout) }),

    async close() {
      closed = true;
      await scanner.close();
    },
  };
}

/** Row, residual, sketch, scale, position and place in its scope's list; names of entries and scopes come on top. */
export function bytesPerRow(layout: Layout): number {
  return layout.rowBytes + layout.residualBytes + layout.sketchBytes + 12;
}

function reserve(layout: Layout): SharedMemory {
  try {
    return reserveMemory(layout.totalBytes);
  } catch (error) {
    const mib = Math.ceil(layout.totalBytes / 2 ** 20);
    throw new AppError(
      'config_invalid',
      `cannot reserve ${mib} MiB of addresses for ${layout.rowsMax} vectors; lower the index's vectorsMax`,
      { cause: error },
    );
  }
}
