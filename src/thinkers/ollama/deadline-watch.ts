/** One coarse timer for all calls of a thinker: a token costs a field write, not a timer. */
import type { Clock, Timer } from '../../core/clock.ts';

/** How late a deadline may fire at most is two ticks, 100 ms. */
const tickMs = 50;

export interface Watched {
  /** Called on each tick with `monotonicMs()`. May remove itself. */
  check(nowMs: number): void;
}

export class DeadlineWatch {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #timer: Timer | undefined;
  #nowMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Time of the last tick: cheap, and at most one tick old while anything is watched. */
  get nowMs(): number {
    return this.#nowMs;
  }

  add(watched: Watched): void {
    this.#nowMs = this.#clock.monotonicMs();
    this.#watched.add(watched);
    this.#timer ??= this.#clock.every(tickMs, this.#tick);
  }

  remove(watched: Watched): void {
    this.#watched.delete(watched);
  }

  close(): void {
    this.#watched.clear();
    this.#timer?.clear();
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    this.#nowMs = this.#clock.monotonicMs();
    for (const watched of this.#watched) watched.check(this.#nowMs);
    if (this.#watched.size > 0) return;
    // An idle thinker wakes nobody.
    this.#timer?.clear();
    this.#timer = undefined;
  };
}
