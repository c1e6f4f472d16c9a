/** One coarse timer for all calls of a thinker: a token costs a field write, not a timer. */
import type { Clock, Timer } from '../../core/clock.ts';

/** How late a deadline may fire at most is two ticks, 100 ms. */
const tickMs = 50;

export interface Watched {
  /** Where it stands among the watched; -1 = it is not. The watch's own. */
  watchedAt: number;
  /** Called on each tick with `monotonicMs()`. May remove itself. */
  check(nowMs: number): void;
}

export class DeadlineWatch {
  readonly #clock: Clock;
  /**
   * An array, and not a Set: a Set under churn makes a new table every few calls, and each old one, dead but no longer
   * young, keeps the next and all calls of its time from being collected until the whole heap is.
   */
  readonly #watched: Watched[] = [];
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
    if (watched.watchedAt !== -1) return;
    watched.watchedAt = this.#watched.push(watched) - 1;
    this.#timer ??= this.#clock.every(tickMs, this.#tick);
  }

  remove(watched: Watched): void {
    const at = watched.watchedAt;
    if (at === -1) return;
    watched.watchedAt = -1;
    const last = this.#watched.pop()!;
    if (last === watched) return;
    this.#watched[at] = last;
    last.watchedAt = at;
  }

  close(): void {
    for (const watched of this.#watched.splice(0)) watched.watchedAt = -1;
    this.#timer?.clear();
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    this.#nowMs = this.#clock.monotonicMs();
    // From the end, because the last one takes the place of one that leaves.
    for (let i = this.#watched.length - 1; i >= 0; i--) this.#watched[i]?.check(this.#nowMs);
    if (this.#watched.length > 0) return;
    // An idle thinker wakes nobody.
    this.#timer?.clear();
    this.#timer = undefined;
  };
}
