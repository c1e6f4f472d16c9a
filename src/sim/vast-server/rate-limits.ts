/** A least interval per endpoint, method and caller; searches have a count per minute. Refusals are plain text. */

/** Seconds between two calls, by `METHOD template`. */
const thresholds: Readonly<Record<string, number>> = {
  'PUT /api/v0/asks/:id/': 4.5,
  'PUT /api/v0/launch_instance/': 5,
  'GET /api/v1/instances/': 1,
  'GET /api/v0/instances/:id/': 2,
  'PUT /api/v0/instances/:id/': 1,
  'DELETE /api/v0/instances/:id/': 3,
  'PUT /api/v0/instances/': 1,
  'DELETE /api/v0/instances/': 3,
  'PUT /api/v0/instances/reboot/:id/': 1,
  'PUT /api/v0/instances/recycle/:id/': 1,
  'PUT /api/v0/instances/bid_price/:id/': 5.5,
  'PUT /api/v0/instances/command/:id/': 1.5,
  'GET /api/v0/charges/': 1,
  'GET /api/v0/metrics/gpu/current/': 3,
};

const searchesPerMinute = 10;
const searchRoutes = new Set(['POST /api/v0/bundles/', 'GET /api/v0/bundles/', 'PUT /api/v0/search/asks/']);
/** Callers and routes remembered; the oldest is forgotten beyond it. */
const keptMax = 10_000;

export class RateLimits {
  readonly #last = new Map<string, number>();
  #searches: number[] = [];
  #refusals = 0;

  /** @returns the words of a refusal */
  refuse(route: string, caller: string, nowMs: number): string | undefined {
    if (searchRoutes.has(route)) {
      this.#searches = this.#searches.filter((at) => nowMs - at < 60_000);
      if (this.#searches.length >= searchesPerMinute) return this.words(60 / searchesPerMinute);
      this.#searches.push(nowMs);
      return undefined;
    }
    const threshold = thresholds[route];
    if (threshold === undefined) return undefined;
    const key = `${route} ${caller}`;
    const last = this.#last.get(key);
    // The network moves two calls closer together than they were sent.
    if (last !== undefined && nowMs - last < threshold * 900) return this.words(threshold);
    this.#last.delete(key);
    this.#last.set(key, nowMs);
    if (this.#last.size > keptMax) this.#last.delete(this.#last.keys().next().value!);
    return undefined;
  }

  /** In each of the shapes that have been seen. */
  words(threshold?: number): string {
    const shape = this.#refusals++ % 3;
    if (shape === 0 && threshold !== undefined) return `API requests too frequent: endpoint threshold=${threshold}`;
    if (shape === 1) return '{"detail": "API requests too frequent"}';
    return 'API requests too frequent';
  }
}
