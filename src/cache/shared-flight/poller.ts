/** Reads the records of all flights that are followed, together and often: no connection of its own, no blocking. */
import type { Clock, Timer } from '../../core/clock.ts';
import {
  RedisReplyError,
  replyText,
  streamRows,
  type RedisCommand,
  type RedisConnection,
  type StreamRow,
} from '../../redis/redis-connection.ts';

export interface Followed {
  readonly stream: string;
  readonly lock: string;
  rows(rows: readonly StreamRow[]): void;
  /** @param holder `token|limit` of the lock; undefined when nobody holds it */
  lockSeen(holder: string | undefined): void;
  /** Redis has not answered for this long. */
  unheard(ms: number): void;
}

const everyMs = 15;
const lockEveryMs = 250;
const rowsMax = 100;
const readDeadlineMs = 1_000;

export class Poller {
  readonly #redis: RedisConnection;
  readonly #clock: Clock;
  readonly #followed = new Map<Followed, string>();
  #timer: Timer | undefined;
  #lockAtMs = 0;
  #heardAtMs = 0;
  #closed = false;

  constructor(redis: RedisConnection, clock: Clock) {
    this.#redis = redis;
    this.#clock = clock;
  }

  get size(): number {
    return this.#followed.size;
  }

  add(followed: Followed): void {
    if (this.#followed.size === 0) this.#heardAtMs = this.#clock.monotonicMs();
    this.#followed.set(followed, '0-0');
    this.#timer ??= this.#clock.after(0, () => void this.#look());
  }

  remove(followed: Followed): void {
    this.#followed.delete(followed);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.clear();
    this.#followed.clear();
  }

  async #look(): Promise<void> {
    const now = this.#clock.monotonicMs();
    const looksAtLocks = now - this.#lockAtMs >= lockEveryMs;
    if (looksAtLocks) this.#lockAtMs = now;
    const all = [...this.#followed.entries()];
    const reads: RedisCommand[] = all.map(([{ stream }, lastId]) => [
      'XREAD',
      'COUNT',
      rowsMax,
      'STREAMS',
      stream,
      lastId,
    ]);
    const locks: RedisCommand[] = looksAtLocks ? all.map(([{ lock }]) => ['GET', lock]) : [];
    try {
      // The lock first: a leader that gives it up has written its last row before.
      const replies = await this.#redis.pipeline([...locks, ...reads], {
        as: 'read',
        deadlineMs: Math.max(readDeadlineMs, this.#redis.health().deadlineMs),
      });
      this.#heardAtMs = this.#clock.monotonicMs();
      for (const [at, [followed]] of all.entries()) {
        const reply = replies[locks.length + at]!;
        if (reply instanceof RedisReplyError || !this.#followed.has(followed)) continue;
        const rows = streamRows(reply);
        const last = rows.at(-1);
        if (last === undefined) continue;
        this.#followed.set(followed, last.id);
        followed.rows(rows);
      }
      for (const [at, [followed]] of looksAtLocks ? all.entries() : []) {
        const reply = replies[at]!;
        if (reply instanceof RedisReplyError || !this.#followed.has(followed)) continue;
        followed.lockSeen(replyText(reply));
      }
    } catch {
      const silentMs = this.#clock.monotonicMs() - this.#heardAtMs;
      for (const [followed] of all) if (this.#followed.has(followed)) followed.unheard(silentMs);
    }
    this.#timer = undefined;
    if (this.#followed.size > 0 && !this.#closed) this.#timer = this.#clock.after(everyMs, () => void this.#look());
  }
}
