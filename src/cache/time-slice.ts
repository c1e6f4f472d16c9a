import type { Clock } from '../core/clock.ts';

/** Lets waiting requests run between two pieces of a long piece of work on the main thread. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Work that keeps the main thread for `sliceMs` at most, if its pieces are short: `if (slice.isOver) await slice.next()`. */
export class TimeSlice {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  #beganMs: number;

  constructor(clock: Clock, sliceMs: number) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#beganMs = clock.monotonicMs();
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#beganMs >= this.#sliceMs;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#beganMs = this.#clock.monotonicMs();
  }
}
