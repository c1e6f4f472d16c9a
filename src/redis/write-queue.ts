/** Writes leave the request path: they wait here, in order, while the server is away or slow. */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';

export interface QueuedWrite {
  readonly bytes: number;
  /** Idempotent: it may run again after a failure that leaves open whether it ran. @throws redis_unavailable to be tried again */
  readonly run: () => Promise<void>;
}

export type DropReason = 'full' | 'refused' | 'closing';

export interface WriteQueueOptions {
  readonly itemsMax: number;
  readonly bytesMax: number;
  /** Sent at a time: one pipeline's worth. */
  readonly inFlightMax: number;
  readonly retryAfterMs: number;
}

export const writeQueueDefaults: WriteQueueOptions = {
  itemsMax: 1_000,
  bytesMax: 32 * 2 ** 20,
  inFlightMax: 64,
  retryAfterMs: 250,
};

interface Waiting extends QueuedWrite {
  readonly settle: (error: Error | undefined) => void;
}

export class WriteQueue {
  readonly #clock: Clock;
  readonly #options: WriteQueueOptions;
  readonly #dropped: (reason: DropReason) => void;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #inFlight = 0;
  #resting = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(deps: {
    readonly clock: Clock;
    readonly dropped: (reason: DropReason) => void;
    readonly options?: Partial<WriteQueueOptions>;
  }) {
    this.#clock = deps.clock;
    this.#dropped = deps.dropped;
    this.#options = { ...writeQueueDefaults, ...deps.options };
  }

  get size(): number {
    return this.#waiting.length + this.#inFlight;
  }

  /** Resolves when it has run. @throws cache_unavailable when it was dropped, or what refused it */
  add(write: QueuedWrite): Promise<void> {
    return new Promise((resolve, reject) => {
      const item: Waiting = { ...write, settle: (error) => (error ? reject(error) : resolve()) };
      if (this.#closed) return this.#drop(item, 'closing');
      this.#waiting.push(item);
      this.#bytes += item.bytes;
      const { itemsMax, bytesMax } = this.#options;
      while (this.#waiting.length > itemsMax || (this.#bytes > bytesMax && this.#waiting.length > 0)) {
        this.#drop(this.#take(), 'full');
      }
      this.#pump();
    });
  }

  /** Resolves when nothing waits, or after `deadlineMs`. */
  async drained(deadlineMs: number): Promise<boolean> {
    if (this.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(deadlineMs, resolve);
        this.#idle.push(() => {
          timer.clear();
          resolve();
        });
      });
    }
    return this.size === 0;
  }

  close(): void {
    this.#closed = true;
    while (this.#waiting.length > 0) this.#drop(this.#take(), 'closing');
    this.#tellIdle();
  }

  #pump(): void {
    while (!this.#resting && this.#inFlight < this.#options.inFlightMax && this.#waiting.length > 0) {
      const item = this.#take();
      this.#inFlight += 1;
      item.run().then(
        () => this.#done(item, undefined),
        (error: unknown) => this.#failed(item, error),
      );
    }
  }

  #take(): Waiting {
    const item = this.#waiting.shift()!;
    this.#bytes -= item.bytes;
    return item;
  }

  #done(item: Waiting, error: Error | undefined): void {
    this.#inFlight -= 1;
    item.settle(error);
    this.#pump();
    if (this.size === 0) this.#tellIdle();
  }

  #failed(item: Waiting, error: unknown): void {
    if (error instanceof AppError && error.code === 'redis_unavailable' && !this.#closed) {
      this.#inFlight -= 1;
      this.#waiting.unshift(item);
      this.#bytes += item.bytes;
      if (this.#resting) return;
      this.#resting = true;
      this.#clock.after(this.#options.retryAfterMs, () => {
        this.#resting = false;
        this.#pump();
      });
      return;
    }
    this.#dropped(this.#closed ? 'closing' : 'refused');
    this.#done(item, error instanceof Error ? error : new Error(String(error)));
  }

  #drop(item: Waiting, reason: DropReason): void {
    this.#dropped(reason);
    const why = reason === 'full' ? 'too many writes wait for Redis' : 'the cache is closing';
    item.settle(new AppError('cache_unavailable', `an answer was not stored in Redis: ${why}`));
  }

  #tellIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const tell of idle) tell();
  }
}
