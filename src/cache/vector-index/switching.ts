/**
 * Searches in the server while it can, and in this process while it cannot: a module that is gone after a failover, an
 * index that was dropped, a shard that never answers. Moving over happens in the background; until then lookups miss.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { EntryId, Scope } from '../../core/ids.ts';
import type { UnitVector } from '../../core/vector.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { RowFacts, VectorIndex } from '../vector-index.ts';
import type { RemoteIndex } from './remote-index.ts';

/** A row to be placed, as the store holds it. */
export interface StoredRow {
  readonly scope: Scope;
  readonly entryId: EntryId;
  readonly vector: UnitVector;
  readonly facts: RowFacts;
}

export interface SwitchingIndexDeps {
  readonly remote: RemoteIndex;
  /** An empty index of this process. */
  readonly openLocal: () => VectorIndex;
  /** Every row there should be; in batches. */
  readonly rows: () => AsyncIterable<readonly StoredRow[]>;
  /** How many there are, about; undefined while that is not known yet. */
  readonly rowCount: () => number | undefined;
  /** Whether the server is to search now: by what it can do, and by what was configured. */
  readonly wantsRemote: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SwitchingIndex extends VectorIndex {
  readonly where: 'remote' | 'local';
  /** Something has changed: decide again where to search. Joins a move that is running. Never rejects. */
  reconsider(): Promise<void>;
}

/** Failures in a row, not further apart than `failuresWithinMs`, after which this process searches by itself. */
const failuresMax = 5;
const failuresWithinMs = 10_000;
/** How often a lost server is asked whether it is back. */
const reconsiderEveryMs = 15_000;
/** The server's index is filled when it lacks more than this share of the rows. */
const lackingShareMax = 0.02;

export function createSwitchingIndex(deps: SwitchingIndexDeps): SwitchingIndex {
  const { remote, openLocal, rows, rowCount, wantsRemote, clock, logger } = deps;
  let local: VectorIndex | undefined = openLocal();
  let where: 'remote' | 'local' = 'local';
  let failures = 0;
  let failedAtMs = -Infinity;
  /** Its searches failed: usable again only after a rest. */
  let restUntilMs = -Infinity;
  let moving: Promise<void> | undefined;
  let closed = false;
  /** Rows that were placed here alone, and how many of those the server has been given since. */
  let owed = 0;
  let given = -1;
  let filling = false;
  const timer: Timer = clock.every(reconsiderEveryMs, () => void reconsider());

  return {
    dimensions: remote.dimensions,
    get where() {
      return where;
    },
    get shared() {
      return where === 'remote' && local === undefined;
    },
    reconsider,

    async upsert(scope, entryId, vector, facts) {
      assertOpen();
      await local?.upsert(scope, entryId, vector, facts);
      if (where === 'remote') return remote.upsert(scope, entryId, vector, facts);
      if (filling) await remote.upsert(scope, entryId, vector, facts).catch(() => void (owed += 1));
      else owed += 1;
    },

    async nearest(scope, query, k, options) {
      assertOpen();
      if (where === 'local') return local!.nearest(scope, query, k, options);
      try {
        const found = await remote.nearest(scope, query, k, options);
        failures = 0;
        return found;
      } catch (error) {
        if (!options.signal.aborted) failed();
        throw error;
      }
    },

    async remove(scope, entryId) {
      assertOpen();
      await local?.remove(scope, entryId);
      if (where === 'remote') return remote.remove(scope, entryId);
      // A row that stays there is found dangling by the lookup that meets it.
      if (filling) await remote.remove(scope, entryId).catch(() => {});
    },

    async clear() {
      assertOpen();
      await local?.clear();
      if (where === 'remote') await remote.clear();
    },

    stats: () => (where === 'remote' ? remote : local!).stats(),

    async close() {
      if (closed) return;
      closed = true;
      timer.clear();
      await moving;
      await local?.close();
      await remote.close();
    },
  };

  function failed(): void {
    const nowMs = clock.monotonicMs();
    failures = nowMs - failedAtMs > failuresWithinMs ? 1 : failures + 1;
    failedAtMs = nowMs;
    if (failures >= failuresMax) restUntilMs = nowMs + reconsiderEveryMs;
    if (failures >= failuresMax || !remote.usable) void reconsider();
  }

  function reconsider(): Promise<void> {
    moving ??= move()
      .catch((error: unknown) => logger.warn({ err: error }, 'the vector index could not be moved; it is tried again'))
      .finally(() => (moving = undefined));
    return moving;
  }

  async function move(): Promise<void> {
    if (closed) return;
    const wanted = wantsRemote();
    if (wanted) await remote.ready();
    const usable = wanted && remote.usable && clock.monotonicMs() >= restUntilMs;
    if (!usable) return where === 'remote' ? moveToLocal() : undefined;
    await complement();
    if (where === 'local' && !closed) await moveToRemote();
  }

  /** Gives the server what it lacks. This process goes on searching meanwhile, and both are written to. */
  async function complement(): Promise<void> {
    const total = rowCount();
    if (given === owed || total === undefined) return;
    const lacking = total - remote.stats().vectors;
    const before = owed;
    if (where === 'local' || lacking > total * lackingShareMax) {
      filling = true;
      try {
        const placed = await fill(remote);
        if (placed > 0) logger.info({ placed }, 'the search index in Redis is filled');
      } finally {
        filling = false;
      }
    }
    given = before;
  }

  async function moveToRemote(): Promise<void> {
    where = 'remote';
    failures = 0;
    const old = local;
    local = undefined;
    await old?.close();
  }

  async function moveToLocal(): Promise<void> {
    logger.warn('Redis does not search any more; this gateway searches by itself until it does');
    const fresh = openLocal();
    local = fresh;
    where = 'local';
    try {
      const placed = await fill(fresh);
      logger.info({ placed }, 'this gateway searches by itself');
    } catch (error) {
      logger.warn({ err: error, ...fresh.stats() }, 'this gateway searches a part of the entries by itself');
    }
  }

  async function fill(index: VectorIndex): Promise<number> {
    let placed = 0;
    for await (const batch of rows()) {
      const lacks = await index.lacking?.(batch);
      for (const [at, { scope, entryId, vector, facts }] of batch.entries()) {
        if (closed) return placed;
        if (lacks?.[at] === false) continue;
        await index.upsert(scope, entryId, vector, facts);
        placed += 1;
      }
    }
    return placed;
  }

  function assertOpen(): void {
    if (closed) throw new AppError('cache_unavailable', 'the vector index is closed');
  }
}
