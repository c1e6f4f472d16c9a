/**
 * Nearest vectors found by Redis' vector sets, one set per scope. Experimental: sets know no expiry of one element, and
 * an insert costs the server a millisecond and more.
 */
import { hash } from 'node:crypto';
import { assert } from '../../core/assert.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { entryId as toEntryId, type Scope } from '../../core/ids.ts';
import { unitVectorOf, type UnitVector } from '../../core/vector.ts';
import {
  RedisReplyError,
  replyList,
  replyText,
  type RedisConnection,
  type RedisReply,
} from '../../redis/redis-connection.ts';
import type { Neighbour } from '../vector-index.ts';
import type { RemoteIndex } from './remote-index.ts';

export interface RedisVsetDeps {
  readonly connection: RedisConnection;
  readonly dimensions: number;
  readonly embeddingModelId: string;
  readonly clock: Clock;
  readonly options: {
    readonly prefix: string;
    /** Of a whole set after its last insert: no key lives for ever. */
    readonly setTtlMs: () => number;
    /** Candidates looked at per search; more finds better and costs the server in proportion. */
    readonly effort?: number;
  };
}

const effortDefault = 200;
const neighboursMax = 256;
/** Elements whose entry is gone take places until they are removed. */
const spareRows = 8;
const sweepDeadlineMs = 5_000;
const countEveryMs = 60_000;

export function createRedisVsetIndex(deps: RedisVsetDeps): RemoteIndex {
  const { connection, dimensions, embeddingModelId, clock, options } = deps;
  const embedder = hash('sha256', embeddingModelId, 'hex').slice(0, 8);
  const keyPrefix = `${options.prefix}s:${embedder}:${dimensions}:`;
  let closed = false;
  let vectors = 0;
  const stopFollowing = connection.onReady(() => void count());
  const counting = clock.every(countEveryMs, () => void count());
  const keyOf = (scope: Scope): string => `${keyPrefix}{${hash('sha256', scope, 'hex').slice(0, 32)}}`;

  return {
    dimensions,
    shared: true,

    get usable() {
      return connection.facts?.commands.has('vsim') === true;
    },

    ready: () => count(),

    async upsert(scope, entryId, vector) {
      assertOpen();
      assert(vector.length === dimensions, `vector has ${vector.length} dimensions; expected ${dimensions}`);
      const unit = unitVectorOf(vector);
      const key = keyOf(scope);
      const [added] = await guarded(() =>
        connection.transaction(
          [
            // NOQUANT: similarities are then exact, as the hit policy has learned them.
            ['VADD', key, 'FP32', bytesOf(unit), entryId, 'NOQUANT'],
            ['PEXPIRE', key, String(options.setTtlMs())],
          ],
          { as: 'write' },
        ),
      );
      if (added === 1) vectors += 1;
    },

    async nearest(scope, query, k, { signal }) {
      assertOpen();
      signal.throwIfAborted();
      assert(query.length === dimensions, `query has ${query.length} dimensions; expected ${dimensions}`);
      assert(Number.isInteger(k) && k >= 0 && k <= neighboursMax, `k is ${k}; expected 0 to ${neighboursMax}`);
      if (k === 0) return [];
      const wanted = k + spareRows;
      const reply = await guarded(() =>
        connection.call(
          [
            'VSIM',
            keyOf(scope),
            'FP32',
            bytesOf(query),
            ...`WITHSCORES COUNT ${wanted} EF ${Math.max(options.effort ?? effortDefault, wanted)}`.split(' '),
          ],
          { as: 'read' },
        ),
      );
      signal.throwIfAborted();
      return parseVsimReply(reply)
        .sort((a, b) => b.similarity - a.similarity || (a.entryId < b.entryId ? -1 : 1))
        .slice(0, k);
    },

    async remove(scope, entryId) {
      assertOpen();
      const removed = await guarded(() => connection.call(['VREM', keyOf(scope), entryId], { as: 'write' }));
      if (removed === 1) vectors = Math.max(0, vectors - 1);
    },

    async clear() {
      assertOpen();
      await guarded(() =>
        eachSet((node, key) => node.call(['UNLINK', key], { as: 'write', deadlineMs: sweepDeadlineMs })),
      );
      vectors = 0;
    },

    stats: () => ({ vectors, bytes: vectors * (4 * dimensions + 840) }),

    async lacking(rows) {
      assertOpen();
      const replies = await guarded(() =>
        connection.pipeline(
          rows.map(({ scope, entryId }) => ['VEMB', keyOf(scope), entryId] as const),
          { as: 'read', deadlineMs: sweepDeadlineMs },
        ),
      );
      return replies.map((reply) => reply === null);
    },

    async close() {
      closed = true;
      stopFollowing();
      counting.clear();
    },
  };

  async function count(): Promise<void> {
    let sum = 0;
    try {
      await eachSet(async (node, key) => {
        sum += Number(await node.call(['VCARD', key], { as: 'read', deadlineMs: sweepDeadlineMs }));
      });
      vectors = sum;
    } catch {
      // It is counted again in a minute; the number is for people.
    }
  }

  async function eachSet(
    visit: (node: ReturnType<RedisConnection['nodes']>[number], key: Buffer) => Promise<unknown>,
  ): Promise<void> {
    for (const node of connection.nodes()) {
      let cursor = '0';
      do {
        const reply = await node.call(['SCAN', cursor, 'MATCH', `${keyPrefix}*`, 'COUNT', '1000'], {
          as: 'read',
          deadlineMs: sweepDeadlineMs,
        });
        const [next, keys] = reply as readonly [Buffer, readonly Buffer[]];
        cursor = next.toString();
        for (const key of keys) await visit(node, key);
      } while (cursor !== '0');
    }
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const hint =
        error instanceof RedisReplyError && /unknown command/i.test(why) ? ' (this server has no vector sets)' : '';
      throw new AppError('cache_unavailable', `${why}${hint}`, { cause: error });
    }
  }

  function assertOpen(): void {
    if (closed) throw new AppError('cache_unavailable', 'the vector index is closed');
  }
}

/** Element, score, element, score: flat in RESP2, a map in RESP3 that comes flat or in pairs. */
export function parseVsimReply(reply: RedisReply): Neighbour[] {
  const flat = replyList(reply).flatMap((each): readonly RedisReply[] =>
    typeof each === 'object' && each !== null && !Buffer.isBuffer(each) ? each : [each],
  );
  const found: Neighbour[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const id = replyText(flat[at]);
    // A score from 0 to 1 stands for a cosine from -1 to 1.
    const similarity = 2 * Number(replyText(flat[at + 1]) ?? Number.NaN) - 1;
    if (id !== undefined && Number.isFinite(similarity)) {
      found.push({ entryId: toEntryId(id), similarity: Math.min(1, Math.max(-1, similarity)) });
    }
  }
  return found;
}

const bytesOf = (vector: UnitVector): Uint8Array => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
