/** What this gateway knows of the entries in Redis: read once, then followed by the log. */
import type { Clock, Timer } from '../../../core/clock.ts';
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import {
  rangeRows,
  rawStreamRows,
  RedisReplyError,
  replyList,
  replyText,
  type RedisCommand,
  type RedisConnection,
  type RedisNode,
  type RedisReply,
} from '../../../redis/redis-connection.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Metrics } from '../../../telemetry/metrics.ts';
import { nextTurn, TimeSlice } from '../../time-slice.ts';
import type { Arrivals } from './arrivals.ts';
import { decodeHead } from './head-codec.ts';
import type { RedisKeys, Selector } from './keys.ts';

export type ReplicaMetrics = Pick<Metrics, 'redisReplicaStale' | 'redisResyncs'>;

export interface ReplicaDeps {
  readonly redis: RedisConnection;
  readonly keys: RedisKeys;
  /** Waits on the network; not the clock of the entries. */
  readonly pace: Clock;
  readonly logger: Logger;
  readonly metrics?: ReplicaMetrics | undefined;
  /** Of the entries. */
  readonly arrivals: Arrivals;
  /** Another gateway has raised a generation. */
  readonly generation: (selector: Selector, version: number) => void;
  /** Connected anew: what is owed may be settled. */
  readonly connected: () => Promise<void>;
}

const blockMs = 1_000;
/** Past BLOCK, silence of this long means that the connection is dead. */
const graceMs = 1_500;
/** Past BLOCK, silence of this long means that others' entries are missed. */
const staleAfterMs = 5_000;
/** Rows of one reply: their parsing alone takes a millisecond. */
const rowsWhileServing = 200;
const rowsWhileLoading = 500;
/** Requests wait no longer than this for rows to be taken in. */
const sliceMs = 2;
const rowsPerLook = 8;
const scanCount = 500;
/** Reading everything happens beside requests, and may take longer than one of them may. */
const loadDeadlineMs = 5_000;
const reconcileEveryMs = 600_000;
/** After a server has come back: by then every write has ended one way or the other. */
const settledAfterMs = 5_000;
const retryMs = { first: 50, max: 1_000 };

interface LogState {
  readonly firstId: string;
  readonly lastId: string;
  /** It has every row since the first one, so that reading it is reading everything. */
  readonly whole: boolean;
}

interface Names {
  readonly cursor: string;
  readonly names: readonly string[];
}

interface Records {
  readonly names: readonly string[];
  readonly replies: readonly (RedisReply | RedisReplyError)[];
}

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
    if (this.#closed) return;
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
        await this.#applyAll(rawStreamRows(reply));
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
    // Before the generations are read: what is raised in between is in both, and not in neither.
    const log = await this.#logState();
    await this.#deps.connected();
    const { facts } = this.#deps.redis;
    // Another process, or another node: what it had acknowledged before may be lost, wherever we are in its log.
    const another = facts === undefined || facts.cluster || facts.runId === undefined || facts.runId !== this.#runId;
    this.#runId = facts?.runId;
    if (this.#loaded && !another && (await this.#placeIsThere(log))) return;
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

  async #placeIsThere(log: LogState): Promise<boolean> {
    const { keys } = this.#deps;
    if (this.#lastId === '0-0') return log.whole;
    return rangeRows(await this.#load(['XRANGE', keys.log, this.#lastId, this.#lastId])).length > 0;
  }

  async #logState(): Promise<LogState> {
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
    let page = this.#page('0-0');
    for (;;) {
      const rows = await page;
      const last = idOf(rows.at(-1));
      if (last === undefined || this.#closed) return;
      const isLast = compareIds(last, untilId) >= 0;
      if (!isLast) page = this.#page(last);
      await this.#applyAll(rows);
      if (isLast) return;
      await nextTurn();
    }
  }

  #page(afterId: string): Promise<readonly RedisReply[]> {
    const { keys } = this.#deps;
    return ahead(this.#load(['XREAD', 'COUNT', rowsWhileLoading, 'STREAMS', keys.log, afterId]).then(rawStreamRows));
  }

  async #snapshot(): Promise<number> {
    const { redis, keys, arrivals, pace } = this.#deps;
    const comparison = arrivals.compare();
    const slice = new TimeSlice(pace, sliceMs);
    let differed = 0;
    try {
      for (const node of redis.nodes()) {
        for await (const { names, replies } of this.#records(node)) {
          for (const [at, reply] of replies.entries()) {
            if (at % rowsPerLook === 0 && slice.isOver) await slice.next();
            if (this.#closed) return 0;
            const [head, vec8] = reply instanceof RedisReplyError ? [] : replyList(reply);
            if (!Buffer.isBuffer(head) || !Buffer.isBuffer(vec8)) continue;
            const decoded = decodeHead(head);
            if (decoded === undefined || decoded.key !== keys.keyOf(names[at]!)) continue;
            if (arrivals.read(comparison, decoded, vec8)) differed += 1;
          }
          await slice.next();
        }
      }
      // What has not been read by then is no less there.
      if (this.#closed) return 0;
      return differed + (await arrivals.dropUnseen(comparison, slice));
    } finally {
      arrivals.ended(comparison);
    }
  }

  /** All records of a node. While some are taken in, the next ones are on their way. */
  async *#records(node: RedisNode): AsyncGenerator<Records> {
    let scanning: Promise<Names> | undefined = ahead(this.#scan(node, '0'));
    let coming: Promise<Records> | undefined;
    while (scanning !== undefined && !this.#closed) {
      const { cursor, names }: Names = await scanning;
      const following = ahead(this.#read(names));
      scanning = cursor === '0' ? undefined : ahead(this.#scan(node, cursor));
      if (coming) yield await coming;
      coming = following;
    }
    if (coming) yield await coming;
  }

  async #scan(node: RedisNode, cursor: string): Promise<Names> {
    const { keys } = this.#deps;
    const reply = await node.call(['SCAN', cursor, 'MATCH', keys.recordPattern, 'COUNT', scanCount], {
      as: 'read',
      deadlineMs: loadDeadlineMs,
    });
    const [next, names] = replyList(reply);
    return {
      cursor: replyText(next) ?? '0',
      names: replyList(names)
        .map((name) => replyText(name) ?? '')
        .filter((name) => keys.keyOf(name) !== undefined),
    };
  }

  async #read(names: readonly string[]): Promise<Records> {
    const { redis } = this.#deps;
    if (names.length === 0) return { names, replies: [] };
    const commands = names.map((name): RedisCommand => ['HMGET', name, 'head', 'vec8']);
    return { names, replies: await redis.pipeline(commands, { as: 'read', deadlineMs: loadDeadlineMs }) };
  }

  async #applyAll(rows: readonly RedisReply[]): Promise<void> {
    const slice = new TimeSlice(this.#deps.pace, sliceMs);
    let last: RedisReply | undefined;
    try {
      for (const [at, row] of rows.entries()) {
        if (at % rowsPerLook === 0 && slice.isOver) await slice.next();
        if (this.#closed) return;
        last = row;
        this.#apply(row);
      }
    } finally {
      // Whatever came of it: a row that cannot be applied is not met again.
      this.#lastId = idOf(last) ?? this.#lastId;
    }
  }

  #apply(row: RedisReply): void {
    const { arrivals, generation } = this.#deps;
    const [name, value, , vec8] = replyList(replyList(row)[1]);
    if (!Buffer.isBuffer(value)) return;
    switch (replyText(name)) {
      case 'h': {
        const head = decodeHead(value);
        if (head !== undefined && Buffer.isBuffer(vec8)) arrivals.heard(head, vec8);
        break;
      }
      case 'd': {
        const [writer, ...lines] = value.toString().split('\n');
        const entries = lines.map((line) => line.split('\t') as [EntryId, ExactKey]);
        arrivals.heardRemoved(
          writer!,
          entries.map(([id, key]) => ({ id, key })),
        );
        break;
      }
      case 'g': {
        const [version, , ...selector] = value.toString().split(' ');
        generation(selector.join(' ') as Selector, Number(version));
        break;
      }
      default: // a row of a newer version
    }
  }

  #load(command: readonly [string, ...(string | number)[]]): Promise<RedisReply> {
    return this.#deps.redis.call(command, { as: 'read', deadlineMs: loadDeadlineMs });
  }
}

/** Begins now, and is waited for later: until then its failure is nobody's. */
function ahead<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

const idOf = (row: RedisReply | undefined): string | undefined => replyText(replyList(row)[0]);

/** Ids of a stream: `milliseconds-sequence`. */
export function compareIds(a: string, b: string): number {
  const [aMs, aSeq] = a.split('-').map(Number);
  const [bMs, bSeq] = b.split('-').map(Number);
  return aMs! - bMs! || aSeq! - bSeq!;
}
