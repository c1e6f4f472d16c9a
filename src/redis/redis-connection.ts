/** Port: one way to reach a Redis, whatever its shape. Made by `createRedisConnection` in `connect.ts`. */
import type { EpochMs } from '../core/units.ts';

export type RedisArgument = string | number | Uint8Array;
export type RedisCommand = readonly [name: string, ...args: readonly RedisArgument[]];
/** Bulk and simple strings are buffers; maps of RESP3 come as flat lists, as in RESP2. */
export type RedisReply = null | number | Buffer | readonly RedisReply[];

export type RedisDirection = 'read' | 'write';

export interface RedisCallOptions {
  /** Which breaker it counts for; a write is never repeated by the connection itself. */
  readonly as: RedisDirection;
  /** Default: what the last round trips say, see `AdaptiveDeadline`. */
  readonly deadlineMs?: number;
  /** Takes nothing from a server that is full: sent also while writes rest. */
  readonly givesRoom?: true;
  /** Told of a reply that came after the deadline: what it did may have to be undone. */
  readonly late?: (reply: RedisReply) => void;
}

export type RedisState =
  | { readonly kind: 'connecting'; readonly since: EpochMs }
  | { readonly kind: 'ready'; readonly since: EpochMs }
  /** Gone for now; it is tried again within a second. */
  | { readonly kind: 'down'; readonly since: EpochMs; readonly why: string }
  /** Somebody must act: credentials, rights, certificates. It is tried again every half minute. */
  | { readonly kind: 'misconfigured'; readonly since: EpochMs; readonly why: string; readonly remedy: string }
  | { readonly kind: 'closed' };

/** What a server can do, as it showed itself; never concluded from its version. */
export interface ServerFacts {
  readonly engine: 'redis' | 'valkey' | 'unknown';
  readonly version: string | undefined;
  /** Another one after a restart or a failover: what was read of streams may have been lost. */
  readonly runId: string | undefined;
  readonly cluster: boolean;
  /** Replicas that follow it now. */
  readonly replicas: number;
  /** Lower case names of the commands that matter to us and are there. */
  readonly commands: ReadonlySet<string>;
  readonly evictionPolicy: string | undefined;
  /** 0: no limit. */
  readonly memoryMaxBytes: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  /** Rights that were refused while looking. */
  readonly refused: readonly string[];
}

export interface RedisHealth {
  readonly state: RedisState;
  readonly breakers: Readonly<Record<RedisDirection, 'closed' | 'open' | 'half-open'>>;
  /** Round trips of the last commands, milliseconds; undefined before the first. */
  readonly roundTripMs: { readonly p50: number; readonly p99: number } | undefined;
  readonly deadlineMs: number;
  /** Its round trips leave no room under the longest deadline. */
  readonly tooFarAway: boolean;
}

/**
 * Every call ends within its deadline, with a reply or an error: `redis_unavailable` when the server could not be
 * asked or did not answer in time (a write may have run all the same), `RedisReplyError` when it refused.
 */
export interface RedisConnection {
  /** Without credentials, for people. */
  readonly address: string;
  /** Known once it has been ready; found out again at each reconnect. */
  readonly facts: ServerFacts | undefined;
  health(): RedisHealth;
  /** Resolves when it is ready for the first time; rejects after `deadlineMs` with why it is not. */
  ready(deadlineMs: number): Promise<ServerFacts>;
  call(command: RedisCommand, options: RedisCallOptions): Promise<RedisReply>;
  /** Sent together. A refusal is an element of the result; only `redis_unavailable` rejects. */
  pipeline(
    commands: readonly RedisCommand[],
    options: RedisCallOptions,
  ): Promise<readonly (RedisReply | RedisReplyError)[]>;
  /** MULTI … EXEC: all or nothing. In a cluster the keys must share a slot. @throws RedisReplyError of the first refusal */
  transaction(commands: readonly RedisCommand[], options: RedisCallOptions): Promise<readonly RedisReply[]>;
  /** Every master's own reply, for commands that look at one node only, such as SCAN. One node unless a cluster. */
  nodes(): readonly RedisNode[];
  /** A connection of its own for commands that block. */
  blocking(name: string): BlockingConnection;
  /** Called after each connect, when `facts` are known. @returns stops it */
  onReady(listener: (facts: ServerFacts) => void): () => void;
  onStateChange(listener: (state: RedisState) => void): () => void;
  close(): Promise<void>;
}

export interface RedisNode {
  readonly address: string;
  call(command: RedisCommand, options: RedisCallOptions): Promise<RedisReply>;
}

/** One command at a time; past its deadline the connection counts as dead and is made anew. */
export interface BlockingConnection {
  call(command: RedisCommand, deadlineMs: number): Promise<RedisReply>;
  close(): void;
}

/** The server's refusal of one command. `kind` is its first word: OOM, WRONGTYPE, NOPERM, READONLY, MOVED, … */
export class RedisReplyError extends Error {
  override readonly name = 'RedisReplyError';
  readonly kind: string;

  constructor(message: string) {
    super(message);
    this.kind = /^[A-Z]+/.exec(message)?.[0] ?? 'ERR';
  }
}

/** A bulk or simple string, or a number, as text; undefined for null. */
export function replyText(reply: RedisReply | undefined): string | undefined {
  if (reply === null || reply === undefined) return undefined;
  if (typeof reply === 'number') return String(reply);
  return Buffer.isBuffer(reply) ? reply.toString() : undefined;
}

export interface StreamRow {
  readonly id: string;
  /** Field, value, field, value, … */
  readonly fields: readonly RedisReply[];
}

/** Of XREAD of one stream, in both protocols: `[[key, rows]]` or `[key, rows]`; none when it timed out. */
export function streamRows(reply: RedisReply): readonly StreamRow[] {
  return rangeRows(rawStreamRows(reply));
}

/** As they come, `[id, [field, value, …]]`: for those who read hundreds of thousands. */
export function rawStreamRows(reply: RedisReply): readonly RedisReply[] {
  const outer = replyList(reply);
  const pair = Array.isArray(outer[0]) ? replyList(outer[0]) : outer;
  return replyList(pair[1]);
}

/** Of XRANGE. */
export function rangeRows(reply: RedisReply | undefined): readonly StreamRow[] {
  return replyList(reply).map((row) => {
    const [id, fields] = replyList(row);
    return { id: replyText(id) ?? '', fields: replyList(fields) };
  });
}

export function replyList(reply: RedisReply | undefined): readonly RedisReply[] {
  return Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
}
