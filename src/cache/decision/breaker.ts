/** Watches audited hits, and closes the tier when they are worse than the certificate says. */

/** Wilson interval of a share, 95 %; the whole range when nothing was observed. */
export function wilsonInterval(count: number, total: number): { readonly low: number; readonly high: number } {
  if (total === 0) return { low: 0, high: 1 };
  const z = 1.959964;
  const share = count / total;
  const middle = (share + (z * z) / (2 * total)) / (1 + (z * z) / total);
  const half = (z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total))) / (1 + (z * z) / total);
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Audited hits in view: enough to see a doubled share at 5 %, few enough to forget an old regime. */
const windowMax = 400;
/** Three wrong hits beyond what is allowed for; at the target itself this is a rare accident. */
const cusumMax = 3;
/** Looked at after every audit, an interval would be left by chance sooner or later. */
const intervalEvery = 50;
/** Allowed per audited hit, as a multiple of the target. */
const allowance = 1.5;

/** One wrong hit, until the right ones after it make up for half of it. */
const suspicion = 0.5;

export interface BreakerState {
  readonly cusum: number;
  readonly window: readonly (0 | 1)[];
  readonly open: boolean;
  readonly firings: number;
}

/** One group's breaker. */
export class Breaker {
  #cusum = 0;
  /** 1 = wrong. Oldest first. */
  #window: (0 | 1)[] = [];
  #wrong = 0;
  /** Since the last reset. */
  #audits = 0;
  open = false;
  firings = 0;

  /** @param target share of wrong ones allowed. @returns why it fired just now. */
  audited(right: boolean, target: number): 'cusum' | 'interval' | undefined {
    this.#audits += 1;
    this.#window.push(right ? 0 : 1);
    if (!right) this.#wrong += 1;
    if (this.#window.length > windowMax && this.#window.shift() === 1) this.#wrong -= 1;
    this.#cusum = Math.max(0, this.#cusum + (right ? 0 : 1) - allowance * target);
    if (this.open) return undefined;
    const why =
      this.#cusum > cusumMax
        ? 'cusum'
        : this.#audits % intervalEvery === 0 && wilsonInterval(this.#wrong, this.#window.length).low > target
          ? 'interval'
          : undefined;
    if (why !== undefined) {
      this.open = true;
      this.firings += 1;
    }
    return why;
  }

  /** After a new certificate: what was seen before it says nothing about it. */
  reset(): void {
    this.open = false;
    this.#cusum = 0;
    this.#window = [];
    this.#wrong = 0;
    this.#audits = 0;
  }

  /** A wrong hit was seen lately: worth looking closer, so that a drift is found while few hits are served. */
  get suspects(): boolean {
    return this.#cusum > suspicion;
  }

  counts(): { readonly audited: number; readonly wrong: number } {
    return { audited: this.#window.length, wrong: this.#wrong };
  }

  export(): BreakerState {
    return { cusum: this.#cusum, window: this.#window, open: this.open, firings: this.firings };
  }

  import(state: BreakerState): void {
    this.#cusum = state.cusum;
    this.#window = state.window.slice(-windowMax);
    this.#wrong = this.#window.filter((each) => each === 1).length;
    this.#audits = this.#window.length;
    this.open = state.open;
    this.firings = state.firings;
  }
}
