/** The leader's side: what it hears goes to its own readers at once, and to the record in small batches. */
import type { AnswerOrigin, ChatEvent, DispatchSink } from '../../core/chat.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { AppError } from '../../core/errors.ts';
import type { RedisCommand, RedisConnection } from '../../redis/redis-connection.ts';

export interface RecordWriterDeps {
  readonly redis: RedisConnection;
  readonly clock: Clock;
  readonly stream: string;
  readonly sink: DispatchSink;
  readonly settled: (how: 'ended' | 'failed') => void;
  /** Nobody can follow any more; the answer itself goes on. */
  readonly lost: () => void;
}

/** Followers get tokens this much later; a row per token would cost the leader more than making it. */
const batchMs = 15;
/** An answer longer than the cache keeps is not shared either. */
const recordCharsMax = 2 ** 20;
/** Prolonged with the lease, and by each row. */
export const recordTtlMs = 60_000;
const writeDeadlineMs = 2_000;

export class RecordWriter implements DispatchSink {
  readonly #deps: RecordWriterDeps;
  #fields: string[] = [];
  #events: ChatEvent[] = [];
  #timer: Timer | undefined;
  #chars = 0;
  #writing: Promise<unknown> = Promise.resolve();
  #over = false;
  #lost = false;
  /** Rows are numbered, so that one that a failover has lost leaves a gap that shows; the claim wrote the first. */
  #rows = 1;

  constructor(deps: RecordWriterDeps) {
    this.#deps = deps;
    // A sign of life: a lock without it was taken by a claim that came too late for its claimant.
    this.#fields.push('b', '1');
    this.#write();
  }

  origin(origin: AnswerOrigin): void {
    this.#fields.push('o', JSON.stringify(origin));
    this.#later();
    this.#deps.sink.origin(origin);
  }

  event(event: ChatEvent): void {
    if (!this.#over) {
      this.#events.push(event);
      this.#chars += 'text' in event ? event.text.length + 50 : 200;
      if (this.#chars > recordCharsMax) this.leave();
      else if (event.type === 'end') this.#write();
      else this.#later();
    }
    if (event.type === 'end') this.#deps.settled('ended');
    this.#deps.sink.event(event);
  }

  fail(error: AppError): void {
    this.#fields.push('x', JSON.stringify({ code: error.code, message: error.message }));
    this.#write();
    this.#deps.settled('failed');
    this.#deps.sink.fail(error);
  }

  /** Followers must look for another leader. */
  leave(): void {
    if (this.#over) return;
    this.#events = [];
    this.#fields.push('g', '1');
    this.#write();
    this.#over = true;
  }

  #later(): void {
    this.#timer ??= this.#deps.clock.after(batchMs, () => this.#write());
  }

  #write(): void {
    this.#timer?.clear();
    this.#timer = undefined;
    if (this.#over) return;
    const fields = this.#fields;
    if (this.#events.length > 0) fields.push('e', JSON.stringify(this.#events));
    this.#fields = [];
    this.#events = [];
    if (fields.length === 0) return;
    const { redis, stream } = this.#deps;
    this.#rows += 1;
    const commands: readonly RedisCommand[] = [
      // A record that was evicted is not begun again in the middle.
      ['XADD', stream, 'NOMKSTREAM', `0-${this.#rows}`, ...fields],
      ['PEXPIRE', stream, recordTtlMs],
    ];
    // One after the other: the rows are the answer. What is lost makes followers look for another leader.
    this.#writing = this.#writing
      .then(async () => {
        if (this.#lost) return;
        const [added] = await redis.transaction(commands, { as: 'write', deadlineMs: writeDeadlineMs });
        if (added === null) this.#lose();
      })
      .catch(() => this.#lose());
  }

  #lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#over = true;
    this.#deps.lost();
  }
}
