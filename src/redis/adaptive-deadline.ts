/** Round trips looked at. */
const samplesMax = 256;
/** The percentile moves slowly: it is worked out once in so many samples. */
const everySamples = 16;

/**
 * How long to wait for a reply: three times the 99th percentile of the last round trips, between a floor that
 * covers pauses of both sides and a cap that a client would notice. Replies that came too late count as well:
 * otherwise a far server would never be waited for.
 */
export class AdaptiveDeadline {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #samples = new Float64Array(samplesMax);
  #count = 0;
  #p50 = 0;
  #p99 = 0;

  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs;
    this.#maxMs = Math.max(minMs, maxMs);
  }

  get ms(): number {
    return Math.min(this.#maxMs, Math.max(this.#minMs, 3 * this.#p99));
  }

  get roundTripMs(): { readonly p50: number; readonly p99: number } | undefined {
    return this.#count === 0 ? undefined : { p50: this.#p50, p99: this.#p99 };
  }

  /** Even the usual reply comes after the longest wait. */
  get tooFarAway(): boolean {
    return this.#count >= everySamples && this.#p50 > this.#maxMs;
  }

  record(ms: number): void {
    this.#samples[this.#count % samplesMax] = ms;
    this.#count += 1;
    if (this.#count > 8 && this.#count % everySamples !== 0) return;
    const known = this.#samples.slice(0, Math.min(this.#count, samplesMax)).sort();
    this.#p50 = known[Math.floor(known.length / 2)]!;
    this.#p99 = known[Math.min(known.length - 1, Math.floor(known.length * 0.99))]!;
  }
}
