/** A number in every key. Raising it makes everything stored before unreachable, in O(1). */
import type { Clock } from '../core/clock.ts';
import { epochMs } from '../core/units.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CacheStore } from './cache-store.ts';

const numberKey = 'cache.epoch';
/** When the last flush was, until its rows are gone; '' then. */
const flushedKey = 'cache.flushed-at';

export interface EpochDeps {
  readonly store: Pick<CacheStore, 'getMeta' | 'putMeta' | 'flush' | 'purge'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Epoch {
  readonly #deps: EpochDeps;
  #number = 0;
  #sweeping: Promise<void> | undefined;
  #closed = false;

  constructor(deps: EpochDeps) {
    this.#deps = deps;
  }

  get number(): number {
    return this.#number;
  }

  /** Reads what earlier processes left, and goes on removing what they flushed. @throws cache_unavailable */
  async read(): Promise<void> {
    const { store } = this.#deps;
    this.#number = Number((await store.getMeta(numberKey)) ?? 0);
    const flushedAt = Number((await store.getMeta(flushedKey)) ?? '');
    if (flushedAt > 0) this.#sweep(flushedAt);
  }

  /**
   * Durable when it resolves; unreachable at once. The rows are removed afterwards, a bounded number per
   * turn; what a crash leaves of them goes after the next start.
   * @returns the new number @throws cache_unavailable when it could not be made durable; it holds for this process then
   */
  async raise(): Promise<number> {
    const { store, clock } = this.#deps;
    this.#number += 1;
    const raised = this.#number;
    const flushedAt = clock.now();
    await store.putMeta(numberKey, String(raised));
    await store.putMeta(flushedKey, String(flushedAt));
    await store.flush();
    this.#sweep(flushedAt);
    return raised;
  }

  /** Resolves when the rows of flushed epochs are gone. */
  async swept(): Promise<void> {
    await this.#sweeping;
  }

  close(): void {
    this.#closed = true;
  }

  #sweep(flushedAt: number): void {
    // One after the other: a second flush finds what the first has left.
    this.#sweeping = (this.#sweeping ?? Promise.resolve()).then(() => this.#remove(flushedAt));
  }

  async #remove(flushedAt: number): Promise<void> {
    const { store, logger } = this.#deps;
    if (this.#closed) return;
    try {
      const removed = await store.purge({ olderThan: epochMs(flushedAt) });
      // Unless there has been another flush meanwhile, whose rows are still there.
      if ((await store.getMeta(flushedKey)) === String(flushedAt)) await store.putMeta(flushedKey, '');
      logger.info({ removed }, 'flushed answers are removed');
    } catch (error) {
      if (this.#closed) return; // goes on after the next start
      logger.warn(
        { err: error },
        'flushed answers are not removed yet; they serve nobody and expire, or go at the next start',
      );
    }
  }
}
