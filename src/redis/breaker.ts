import type { Clock } from '../core/clock.ts';

export interface BreakerOptions {
  /** Failures within the window that open it. */
  readonly failuresMax: number;
  readonly windowMs: number;
  /** How long it stays open before one call may try. */
  readonly openMs: number;
}

export const breakerDefaults: BreakerOptions = { failuresMax: 5, windowMs: 10_000, openMs: 1_000 };

/** Refuses at once what would only wait for its deadline. One per server and direction. */
export class Breaker {
  readonly #clock: Clock;
  readonly #options: BreakerOptions;
  #failedAtMs: number[] = [];
  #openUntilMs: number | undefined;
  #trying = false;

  constructor(clock: Clock, options: BreakerOptions = breakerDefaults) {
    this.#clock = clock;
    this.#options = options;
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#openUntilMs === undefined) return 'closed';
    return this.#clock.monotonicMs() < this.#openUntilMs ? 'open' : 'half-open';
  }

  /** Whether a call may go now. While half-open that is one at a time. */
  allows(): boolean {
    const { state } = this;
    if (state === 'closed') return true;
    if (state === 'open' || this.#trying) return false;
    this.#trying = true;
    return true;
  }

  succeeded(): void {
    // A reply to what was sent before it opened says nothing about now.
    if (this.state === 'open') return;
    this.#openUntilMs = undefined;
    this.#trying = false;
    if (this.#failedAtMs.length > 0) this.#failedAtMs = [];
  }

  failed(): void {
    const now = this.#clock.monotonicMs();
    this.#trying = false;
    if (this.#openUntilMs !== undefined) {
      if (now >= this.#openUntilMs) this.open(this.#options.openMs);
      return;
    }
    this.#failedAtMs = this.#failedAtMs.filter((at) => now - at < this.#options.windowMs);
    this.#failedAtMs.push(now);
    if (this.#failedAtMs.length >= this.#options.failuresMax) this.open(this.#options.openMs);
  }

  /** For a reason that says how long: a full server, a lost connection. */
  open(ms: number): void {
    this.#openUntilMs = Math.max(this.#openUntilMs ?? 0, this.#clock.monotonicMs() + ms);
    this.#failedAtMs = [];
    this.#trying = false;
  }

  /** A new connection: what the old one did no longer counts. */
  reset(): void {
    this.#openUntilMs = undefined;
    this.#failedAtMs = [];
    this.#trying = false;
  }
}
