import type { RequestOutcome } from '../core/errors.ts';
import type { EpochMs } from '../core/units.ts';

/** `miss`: a thinker answered and the cache was asked; `bypass`: the cache was not asked. */
export type CacheStatus = 'exact' | 'semantic' | 'coalesced' | 'miss' | 'bypass';

/** What a tier of the cache said; `unavailable` is a fault of it, which costs a miss and no answer. */
export type TierResult = 'hit' | 'miss' | 'unavailable';

/** The way of one request through the cache, for `why`. Times in milliseconds. */
export interface RequestSteps {
  /** Why the cache was not asked. */
  readonly bypass: string | undefined;
  readonly exact: TierResult | undefined;
  readonly exactMs: number | undefined;
  readonly semantic: TierResult | undefined;
  readonly semanticMs: number | undefined;
  /** Why the semantic tier had no hit, or what was wrong with it. */
  readonly semanticReason: string | undefined;
  /** Of the stored answer. */
  readonly ageS: number | undefined;
  /** The request whose answer this is: the one that was stored, or the one that was running. */
  readonly answerOf: string | undefined;
  /** Waited for a thinker with room. */
  readonly queuedMs: number | undefined;
  /** The thinker had to load the model first. */
  readonly cold: boolean | undefined;
}

/** Facts of one finished request; never its text. */
export interface RequestRecord {
  readonly id: string;
  readonly at: EpochMs;
  readonly route: string;
  readonly tenant: string;
  readonly model: string;
  readonly stream: boolean;
  /** undefined when it failed before the cache or a thinker was asked. */
  readonly cache: CacheStatus | undefined;
  readonly thinker: string | undefined;
  /** Bought from the configured API: no thinker of ours answered. */
  readonly source?: 'fallback' | undefined;
  readonly entryId: string | undefined;
  readonly similarity: number | undefined;
  readonly outcome: RequestOutcome;
  readonly status: number;
  readonly error: string | undefined;
  readonly totalMs: number;
  readonly ttftMs: number | undefined;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** undefined when no answer was asked for, or nothing of it was reached. */
  readonly steps: RequestSteps | undefined;
  /** Why the model stopped; undefined when it did not. */
  readonly finishReason?: string | undefined;
  /** Of the caller's own trace (W3C), when it sent one. */
  readonly traceparent?: string | undefined;
}

export interface RequestLog {
  /** Records kept; older ones are forgotten. */
  readonly capacity: number;
  /** Records since start, forgotten ones included. */
  readonly added: number;
  add(record: RequestRecord): void;
  /** Newest first. */
  list(limit: number): RequestRecord[];
  get(id: string): RequestRecord | undefined;
}

/** A ring of the last requests: enough for a status page, bounded whatever the traffic. */
export function createRequestLog(capacity = 1000): RequestLog {
  const ring: RequestRecord[] = [];
  let next = 0;
  let added = 0;
  return {
    capacity,
    get added() {
      return added;
    },
    add(record) {
      added += 1;
      ring[next] = record;
      next = (next + 1) % capacity;
    },
    list(limit) {
      const newestFirst: RequestRecord[] = [];
      for (let i = 1; i <= Math.min(ring.length, limit); i++) newestFirst.push(ring[(next - i + capacity) % capacity]!);
      return newestFirst;
    },
    get: (id) => ring.find((record) => record.id === id),
  };
}
