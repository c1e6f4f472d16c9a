/** What this gateway knows of the entries in Redis: read once, then followed by the log. */
import type { Clock, Timer } from '../../../core/clock.ts';
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import {
  rangeRows,
  RedisReplyError,
  replyList,
  replyText,
  streamRows,
  type RedisConnection,
  type RedisReply,
  type StreamRow,
} from '../../../redis/redis-connection.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Metrics } from '../../../telemetry/metrics.ts';
import { nextTurn } from '../../time-slice.ts';
import { decodeHead, type Head } from './head-codec.ts';
import type { RedisKeys, Selector } from './keys.ts';

export type ReplicaMetrics = Pick<Metrics, 'redisReplicaStale' | 'redisResyncs'>;

export interface ReplicaDeps {
  readonly redis: RedisConnection;
  readonly keys: RedisKeys;
  /** Waits on the network; not the clock of the entries. */
  readonly pace: Clock;
  readonly logger: Logger;
  readonly metrics?: ReplicaMetrics | undefined;
  readonly apply: {
    put(head: Head, vec8: Buffer): void;
    removed(writer: string, entries: readonly { readonly id: EntryId; readonly key: ExactKey }[]): void;
    generation(selector: Selector, version: number): void;
    /** Everything that is not among `seen` is gone, unless it came after `mark`. */
    absent(seen: ReadonlySet<EntryId>, mark: number): number;
    /** A point in the order of local puts. */
    mark(): number;
    /** Connected anew: what is owed may be settled. */
    connected(): Promise<void>;
  };
}

const blockMs = 1_000;
/** Past BLOCK, silence of this long means that the connection is dead. */
const graceMs = 1_500;
/** Past BLOCK, silence of this long means that others' entries are missed. */
const staleAfterMs = 5_000;
/** Rows a turn while requests are served: some 2 ms. */
const rowsWhileServing = 200;
const rowsWhileLoading = 1_000;
const scanCount = 500;
/** Reading everything happens beside requests, and may take longer than one of them may. */
const loadDeadlineMs = 5_000;
const reconcileEveryMs = 600_000;
/** After a server has come back: by then every write has ended one way or the other. */
const settledAfterMs = 5_000;
const retryMs = { first: 50, max: 1_000 };

export class Replica {
  readonly #deps: ReplicaDeps;
  readonly #timers: Timer[] = [];
  #lastId = '0-0';
  #runId: string | undefined;
  #heardAtMs: number;
  #loaded = false;
  #check = true;
  #closed = false;
  #reconciling: Promise<number> | undefined;
  readonly synced: Promise<void>;
  #resolveSynced: () => void = () => undefined;

  constructor(deps: ReplicaDeps) {
    this.#deps = deps;
    this.#heardAtMs = deps.pace.monotonicMs();
    this.synced = new Promise((resolve) => (this.#resolveSynced = resolve));
    deps.redis.onReady(() => void (this.#check = true));
  }

  /** Begins to read and to follow, once: whoever listens must be there before. */
  start(): void {
    if (this.#timers.length > 0 || this.#closed) return;
    const deps = this.#deps;
    this.#timers.push(
      deps.pace.every(1_000, () => deps.metrics?.redisReplicaStale.set(this.stale ? 1 : 0)),
      deps.pace.every(reconcileEveryMs, () => {
        this.#reconcileQuietly();
      }),
    );
    void this.#follow();
  }

  get stale(): boolean {
    return !this.#loaded || this.#deps.pace.monotonicMs() - this.#heardAtMs > blockMs + staleAfterMs;
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.clear();
    this.#resolveSynced();
  }

  /** @returns how many entries were unknown here or gone there */
  reconcile(): Promise<number> {
    this.#reconciling ??= this.#snapshot().finally(() => (this.#reconciling = undefined));
    return this.#reconciling;
  }

  #reconcileQuietly(): void {
    this.reconcile().catch((error: unknown) => {
      if (!this.#closed) this.#deps.logger.warn({ err: error }, 'the cache was not compared with Redis');
    });
  }

  async #follow(): Promise<void> {
    const { redis, keys, pace, logger } = this.#deps;
    const tail = redis.blocking('tail');
    let failures = 0;
    while (!this.#closed) {
      try {
        if (this.#check) {
          await redis.ready(retryMs.max);
          this.#check = false;
          await this.#catchUp();
        }
        const reply = await tail.call(
          ['XREAD', 'COUNT', rowsWhileServing, 'BLOCK', blockMs, 'STREAMS', keys.log, this.#lastId],
          blockMs + graceMs,
        );
        this.#heardAtMs = pace.monotonicMs();
        failures = 0;
        this.#applyAll(streamRows(reply));
      } catch (error) {
        if (this.#closed) break;
        this.#check = true;
        failures += 1;
        logger.debug({ err: error }, 'the log of the cache cannot be followed');
        await pace.sleep(Math.min(retryMs.max, retryMs.first * 2 ** Math.min(failures, 8)));
      }
    }
    tail.close();
  }

  /** After each connect: goes on where it was if the log still has that place, else reads everything anew. */
  async #catchUp(): Promise<void> {
    await this.#deps.apply.connected();
    const { facts } = this.#deps.redis;
    // Another process, or another node: what it had acknowledged before may be lost, wherever we are in its log.
    const another = facts === undefined || facts.cluster || facts.runId === undefined || facts.runId !== this.#runId;
    this.#runId = facts?.runId;
    if (this.#loaded && !another && (await this.#placeIsThere())) return;
    const log = await this.#logState();
    const reason = !this.#loaded ? 'start' : compareIds(this.#lastId, log.firstId) < 0 ? 'trimmed' : 'server_changed';
    this.#deps.metrics?.redisResyncs.inc({ reason });
    if (!this.#loaded && log.whole) await this.#replay(log.lastId);
    else {
      // What is logged while everything is read is applied again afterwards; that changes nothing.
      await this.#snapshot();
      this.#lastId = log.lastId;
    }
    this.#heardAtMs = this.#deps.pace.monotonicMs();
    if (this.#loaded) {
      this.#deps.logger.warn({ reason }, 'the cache was read anew from Redis');
      // Writes of the others may have been under way, as ours may have been.
      this.#deps.pace.after(settledAfterMs, () => this.#reconcileQuietly());
    }
    this.#loaded = true;
    this.#resolveSynced();
  }

  async #placeIsThere(): Promise<boolean> {
    const { keys } = this.#deps;
    if (this.#lastId === '0-0') return (await this.#logState()).whole;
    return rangeRows(await this.#load(['XRANGE', keys.log, this.#lastId, this.#lastId])).length > 0;
  }

  /** `whole`: it has every row since the first one, so that reading it is reading everything. */
  async #logState(): Promise<{ readonly firstId: string; readonly lastId: string; readonly whole: boolean }> {
    const { redis, keys } = this.#deps;
    let fields: readonly RedisReply[];
    try {
      fields = replyList(await this.#load(['XINFO', 'STREAM', keys.log]));
    } catch (error) {
      if (!(error instanceof RedisReplyError) || !/no such key/i.test(error.message)) throw error;
      // Nobody has written, or somebody has removed the log: the records themselves say which.
      return { firstId: '0-0', lastId: '0-0', whole: false };
    }
    const value = (name: string) => fields[fields.findIndex((each) => replyText(each) === name) + 1];
    const added = value('entries-added');
    const first = replyList(value('first-entry'));
    const lostByEviction = redis.facts?.evictionPolicy?.startsWith('allkeys') ?? true;
    return {
      firstId: replyText(first[0]) ?? '0-0',
      lastId: replyText(value('last-generated-id')) ?? '0-0',
      whole: typeof added === 'number' && added === value('length') && !lostByEviction,
    };
  }

  async #replay(untilId: string): Promise<void> {
    const { keys } = this.#deps;
    this.#lastId = '0-0';
    while (!this.#closed && compareIds(this.#lastId, untilId) < 0) {
      const rows = streamRows(
        await this.#load(['XREAD', 'COUNT', rowsWhileLoading, 'STREAMS', keys.log, this.#lastId]),
      );
      if (rows.length === 0) return;
      this.#applyAll(rows);
      await nextTurn();
    }
  }

  async #snapshot(): Promise<number> {
    const { redis, keys, apply } = this.#deps;
    const mark = apply.mark();
    const seen = new Set<EntryId>();
    for (const node of redis.nodes()) {
      let cursor = '0';
      do {
        const [next, names] = replyList(
          await node.call(['SCAN', cursor, 'MATCH', keys.recordPattern, 'COUNT', scanCount], {
            as: 'read',
            deadlineMs: loadDeadlineMs,
          }),
        );
        cursor = replyText(next) ?? '0';
        await this.#readRecords(replyList(names), seen);
        await nextTurn();
      } while (cursor !== '0' && !this.#closed);
    }
    return this.#closed ? 0 : apply.absent(seen, mark);
  }

  async #readRecords(names: readonly RedisReply[], seen: Set<EntryId>): Promise<void> {
    const { redis, keys, apply } = this.#deps;
    const known = names.map((name) => replyText(name) ?? '').filter((name) => keys.keyOf(name) !== undefined);
    if (known.length === 0) return;
    const replies = await redis.pipeline(
      known.map((name) => ['HMGET', name, 'head', 'vec8']),
      { as: 'read', deadlineMs: loadDeadlineMs },
    );
    for (const [at, reply] of replies.entries()) {
      if (reply instanceof RedisReplyError) continue;
      const [head, vec8] = replyList(reply);
      if (!Buffer.isBuffer(head) || !Buffer.isBuffer(vec8)) continue;
      const decoded = decodeHead(head);
      if (decoded === undefined || decoded.key !== (keys.keyOf(known[at]!) as ExactKey)) continue;
      seen.add(decoded.id);
      apply.put(decoded, vec8);
    }
  }

  #applyAll(rows: readonly StreamRow[]): void {
    for (const { id, fields } of rows) {
      this.#lastId = id;
      const [name, value, , vec8] = fields;
      if (!Buffer.isBuffer(value)) continue;
      switch (replyText(name)) {
        case 'h': {
          const head = decodeHead(value);
          if (head !== undefined && Buffer.isBuffer(vec8)) this.#deps.apply.put(head, vec8);
          break;
        }
        case 'd': {
          const [writer, ...lines] = value.toString().split('\n');
          const entries = lines.map((line) => line.split('\t') as [EntryId, ExactKey]);
          this.#deps.apply.removed(
            writer!,
            entries.map(([id, key]) => ({ id, key })),
          );
          break;
        }
        case 'g': {
          const [version, , ...selector] = value.toString().split(' ');
          this.#deps.apply.generation(selector.join(' ') as Selector, Number(version));
          break;
        }
        default: // a row of a newer version
      }
    }
  }

  #load(command: readonly [string, ...(string | number)[]]): Promise<RedisReply> {
    return this.#deps.redis.call(command, { as: 'read', deadlineMs: loadDeadlineMs });
  }
}

/** Ids of a stream: `milliseconds-sequence`. */
export function compareIds(a: string, b: string): number {
  const [aMs, aSeq] = a.split('-').map(Number);
  const [bMs, bSeq] = b.split('-').map(Number);
  return aMs! - bMs! || aSeq! - bSeq!;
}
