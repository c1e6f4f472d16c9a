/** Thinkers that said they are busy are left alone for a while, longer each time they say it again. */
import type { Clock } from '../core/clock.ts';
import type { ThinkerId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';

/** Pause of a thinker that said it is busy, doubled while it keeps saying so. */
const restMs = 250;
/** Longest such pause, also when the thinker asks for more: others may have freed it by then. */
const restMaxMs = 8_000;

interface Rest {
  untilMs: number;
  streak: number;
}

export class Rests {
  readonly #clock: Clock;
  readonly #random: Random;
  /** At most one row per thinker; rows go when it answers again. */
  readonly #rests = new Map<ThinkerId, Rest>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#rests.size;
  }

  add(id: ThinkerId, retryAfterMs = 0): void {
    const nowMs = this.#clock.monotonicMs();
    const rest = this.#rests.get(id) ?? { untilMs: 0, streak: 0 };
    // Several requests turned away together are one sign of being busy, not several.
    if (rest.untilMs <= nowMs) {
      const ms = Math.max(restMs * 2 ** Math.min(rest.streak, 8), retryAfterMs) * (0.75 + 0.5 * this.#random.float());
      rest.untilMs = nowMs + Math.min(ms, restMaxMs);
      rest.streak += 1;
    }
    this.#rests.set(id, rest);
  }

  /** It answers again. */
  end(id: ThinkerId): void {
    if (this.#rests.size > 0) this.#rests.delete(id);
  }

  has(id: ThinkerId, nowMs: number): boolean {
    const rest = this.#rests.get(id);
    return rest !== undefined && rest.untilMs > nowMs;
  }
}
