/** Nearest vectors found by the Query Engine of Redis: rows are hashes there, shared by every gateway. */
import { hash } from 'node:crypto';
import { assert } from '../../core/assert.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { entryId as toEntryId, type EntryId, type Scope } from '../../core/ids.ts';
import { addMs } from '../../core/units.ts';
import { unitVectorOf, type UnitVector } from '../../core/vector.ts';
import { RedisReplyError, type RedisCommand, type RedisConnection } from '../../redis/redis-connection.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Neighbour, RowOwner } from '../vector-index.ts';
import type { RemoteIndex } from './remote-index.ts';
import { IndexKeeper, type IndexState } from './redis-ft/index-keeper.ts';
import { parseSearchReply, type SearchRow } from './redis-ft/search-reply.ts';

export interface RedisFtDeps {
  readonly connection: RedisConnection;
  readonly dimensions: number;
  readonly embeddingModelId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: RedisFtOptions;
}

export interface RedisFtOptions {
  /** First word of every key. */
  readonly prefix: string;
  /** Of a row that came without its entry's time: no row lives for ever. */
  readonly rowTtlMs: () => number;
  /** Of one search: a dead shard never answers. Default: what the connection's round trips say. */
  readonly searchDeadlineMs?: number;
  readonly hnswFrom?: number;
}

export interface RedisFtIndex extends RemoteIndex {
  readonly state: IndexState;
}

/** Below it a plain scan inserts thirty times cheaper and finds exactly. */
const hnswFromDefault = 10_000;
/** As many as `VectorIndex` promises elsewhere. */
const neighboursMax = 256;
/** Asked for beyond k: doubled and stale rows take places, and a graph finds a near one late. */
const spareRows = 4;
const scanCount = 1_000;
const removalsAtOnce = 500;
const sweepDeadlineMs = 5_000;

export function createRedisFtIndex(deps: RedisFtDeps): RedisFtIndex {
  const { connection, dimensions, embeddingModelId, clock, logger, options } = deps;
  const keeper = new IndexKeeper({
    connection,
    prefix: options.prefix,
    embeddingModelId,
    dimensions,
    clock,
    logger,
    hnswFrom: options.hnswFrom ?? hnswFromDefault,
  });
  const embedderTag = tagOf(embeddingModelId);
  let closed = false;
  /** Rows added and removed here since the index was last asked for its size. */
  let vectors = 0;
  const stopFollowing = connection.onReady(() => void lookAndCount());
  let counting: Timer | undefined = clock.every(60_000, () => void lookAndCount());

  const rowKey = (scope: Scope, id: EntryId): string =>
    // One tag per key, so that the rows of a scope lie together in a cluster.
    `${keeper.rowPrefix}{${hash('sha256', scope, 'hex').slice(0, 16)}}:${id}`;

  return {
    dimensions,
    shared: true,

    get state() {
      return keeper.state;
    },

    get usable() {
      return keeper.state.kind === 'ready';
    },

    ready: () => lookAndCount(),

    async upsert(scope, entryId, vector, facts) {
      assertOpen();
      assert(vector.length === dimensions, `vector has ${vector.length} dimensions; expected ${dimensions}`);
      const unit = unitVectorOf(vector);
      const expiresAt = facts?.expiresAt ?? addMs(clock.now(), options.rowTtlMs());
      const key = rowKey(scope, entryId);
      const [added] = await guarded(() =>
        connection.transaction(
          [
            [
              'HSET',
              key,
              'scope',
              scope,
              'tenant',
              tagOf(facts?.tenant ?? ''),
              'model',
              tagOf(facts?.model ?? ''),
              'emb',
              embedderTag,
              'exp',
              String(expiresAt),
              'vec',
              bytesOf(unit),
            ],
            ['PEXPIREAT', key, String(expiresAt)],
          ],
          { as: 'write' },
        ),
      );
      if (typeof added === 'number' && added > 0) vectors += 1;
    },

    async nearest(scope, query, k, { signal, owner }) {
      assertOpen();
      signal.throwIfAborted();
      assert(query.length === dimensions, `query has ${query.length} dimensions; expected ${dimensions}`);
      assert(Number.isInteger(k) && k >= 0 && k <= neighboursMax, `k is ${k}; expected 0 to ${neighboursMax}`);
      if (k === 0) return [];
      assertSearchable();
      const now = clock.now();
      const reply = await guarded(() =>
        connection.call(searchCommand(scope, query, k + spareRows, owner, now), {
          as: 'read',
          ...(options.searchDeadlineMs !== undefined && { deadlineMs: options.searchDeadlineMs }),
        }),
      );
      signal.throwIfAborted();
      const { rows, warnings } = parseSearchReply(reply);
      if (warnings.length > 0) logger.debug({ warnings }, 'the search gave a part of its answer');
      return rank(rows, scope, now, k);
    },

    async remove(scope, entryId) {
      assertOpen();
      const removed = await guarded(() => connection.call(['UNLINK', rowKey(scope, entryId)], { as: 'write' }));
      if (removed === 1) vectors = Math.max(0, vectors - 1);
    },

    async clear() {
      assertOpen();
      await guarded(sweep);
      vectors = 0;
    },

    stats() {
      const bytes = keeper.info?.vectorBytes ?? 0;
      // A row, its fields and its place among the keys; the graph or the scan's block on top.
      return { vectors, bytes: bytes + vectors * (4 * dimensions + 400) };
    },

    async lacking(rows) {
      assertOpen();
      const commands = rows.map(({ scope, entryId }): RedisCommand => ['EXISTS', rowKey(scope, entryId)]);
      const replies = await guarded(() => connection.pipeline(commands, { as: 'read', deadlineMs: sweepDeadlineMs }));
      return replies.map((reply) => reply === 0);
    },

    async close() {
      closed = true;
      stopFollowing();
      counting?.clear();
      counting = undefined;
      keeper.stop();
    },
  };

  async function lookAndCount(): Promise<void> {
    if (closed) return;
    await keeper.look();
    if (keeper.state.kind === 'ready') vectors = keeper.state.documents;
  }

  function searchCommand(
    scope: Scope,
    query: UnitVector,
    k: number,
    owner: RowOwner | undefined,
    now: number,
  ): RedisCommand {
    const filters = ['@scope:{$s}', '@emb:{$e}', '@exp:[$now +inf]'];
    const params: (string | Uint8Array)[] = [
      's',
      scope,
      'e',
      embedderTag,
      'now',
      String(now),
      'k',
      String(k),
      'q',
      bytesOf(query),
    ];
    if (owner !== undefined) {
      filters.push('@tenant:{$t}', '@model:{$m}');
      params.push('t', tagOf(owner.tenant), 'm', tagOf(owner.model));
    }
    return [
      'FT.SEARCH',
      keeper.alias,
      `(${filters.join(' ')})=>[KNN $k @vec $q AS d]`,
      'PARAMS',
      String(params.length),
      ...params,
      // A single server gives the nearest in no order, and ten at most, unless it is asked.
      ...`SORTBY d LIMIT 0 ${k} RETURN 4 d scope emb exp DIALECT 2`.split(' '),
    ];
  }

  /** Only rows that say themselves what was asked for, each once: partial and doubled answers become fewer hits. */
  function rank(rows: readonly SearchRow[], scope: Scope, now: number, k: number): readonly Neighbour[] {
    const found = new Map<EntryId, Neighbour>();
    for (const { key, fields } of rows) {
      const similarity = 1 - Number(fields.get('d') ?? Number.NaN);
      const isOurs =
        fields.get('scope') === scope && fields.get('emb') === embedderTag && Number(fields.get('exp')) > now;
      if (!isOurs || !Number.isFinite(similarity)) continue;
      const id = toEntryId(key.slice(key.indexOf('}:') + 2));
      if (key !== rowKey(scope, id)) continue;
      // Rounding gives distances a little below zero.
      if (!found.has(id)) found.set(id, { entryId: id, similarity: Math.min(1, Math.max(-1, similarity)) });
    }
    return [...found.values()]
      .sort((a, b) => b.similarity - a.similarity || (a.entryId < b.entryId ? -1 : 1))
      .slice(0, k);
  }

  async function sweep(): Promise<void> {
    for (const node of connection.nodes()) {
      let cursor = '0';
      do {
        const reply = await node.call(['SCAN', cursor, 'MATCH', `${keeper.rowPrefix}*`, 'COUNT', String(scanCount)], {
          as: 'read',
          deadlineMs: sweepDeadlineMs,
        });
        const [next, keys] = reply as readonly [Buffer, readonly Buffer[]];
        cursor = next.toString();
        for (let at = 0; at < keys.length; at += removalsAtOnce) {
          const commands = keys.slice(at, at + removalsAtOnce).map((key): RedisCommand => ['UNLINK', key]);
          await connection.pipeline(commands, { as: 'write', deadlineMs: sweepDeadlineMs });
        }
      } while (cursor !== '0');
    }
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof RedisReplyError) keeper.doubt(error);
      throw unavailable(error instanceof Error ? error.message : String(error), error);
    }
  }

  function assertOpen(): void {
    if (closed) throw unavailable('the vector index is closed');
  }

  function assertSearchable(): void {
    const { state } = keeper;
    if (state.kind === 'absent' || state.kind === 'missing')
      throw unavailable(`the search index cannot be used: ${state.why}`);
  }
}

const unavailable = (why: string, cause?: unknown): AppError =>
  new AppError('cache_unavailable', why, cause === undefined ? {} : { cause });

/** Tags are split at commas when they are indexed, so what comes from outside is no tag; and no name is told to the server. */
const tagOf = (text: string): string => hash('sha256', text, 'hex').slice(0, 16);

/** A view: the vector may lie in a larger buffer. Little-endian, as on every machine that runs Node. */
const bytesOf = (vector: UnitVector): Uint8Array => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
