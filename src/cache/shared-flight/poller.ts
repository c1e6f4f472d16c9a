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
  /** Nothing new. */
  quiet(): void;
  /** The record is not there, or not whole: nothing more will come that can be used. */
  gone(): void;
  /** @param holder `token|limit|record` of the lock; undefined when nobody holds it */
  lockSeen(holder: string | undefined): void;
  /** Redis has not answered for this long. */
  unheard(ms: number): void;
}

const everyMs = 15;
const lockEveryMs = 250;
const rowsMax = 100;

export class Poller {
  readonly #redis: RedisConnection;
  readonly #clock: Clock;
  readonly #waitMaxMs: number;
  readonly #followed = new Map<Followed, string>();
  #timer: Timer | undefined;
  #lockAtMs = 0;
  #heardAtMs = 0;
  #closed = false;

  /** @param waitMaxMs the longest wait for one reply */
  constructor(redis: RedisConnection, clock: Clock, waitMaxMs: number) {
    this.#redis = redis;
    this.#clock = clock;
    this.#waitMaxMs = waitMaxMs;
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
    const locks: RedisCommand[] = looksAtLocks ? all.map(([{ lock }]) => ['GET', lock]) : [];
    const reads = all.flatMap(([{ stream }, lastId]): RedisCommand[] => [
      ['XREAD', 'COUNT', rowsMax, 'STREAMS', stream, lastId],
      // To XREAD a record that was evicted is one with nothing new.
      ['EXISTS', stream],
    ]);
    try {
      // The lock first: a leader that gives it up has written its last row before.
      const replies = await this.#redis.pipeline([...locks, ...reads], { as: 'read', deadlineMs: this.#waitMaxMs });
      this.#heardAtMs = this.#clock.monotonicMs();
      for (const [at, [followed, lastId]] of all.entries()) {
        const [reply, exists] = replies.slice(locks.length + 2 * at);
        if (reply instanceof RedisReplyError || !this.#followed.has(followed)) continue;
        const rows = streamRows(reply!);
        const whole = rowsInOrder(rows, lastId);
        const last = whole.at(-1);
        if (last !== undefined) {
          this.#followed.set(followed, last.id);
          followed.rows(whole);
        }
        if (rows.length === 0) followed.quiet();
        if ((exists === 0 || whole.length < rows.length) && this.#followed.has(followed)) followed.gone();
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

/** Up to the first gap: what follows it belongs to an answer that is not whole. */
function rowsInOrder(rows: readonly StreamRow[], lastId: string): readonly StreamRow[] {
  let number = Number(lastId.split('-')[1]);
  const gapAt = rows.findIndex(({ id }) => id !== `0-${++number}`);
  return gapAt === -1 ? rows : rows.slice(0, gapAt);
}
