import type { RequestOutcome } from '../core/errors.ts';
import type { EpochMs } from '../core/units.ts';

/** `miss`: a thinker answered and the cache was asked; `bypass`: the cache was not asked. */
export type CacheStatus = 'exact' | 'semantic' | 'coalesced' | 'miss' | 'bypass';

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
  readonly entryId: string | undefined;
  readonly similarity: number | undefined;
  readonly outcome: RequestOutcome;
  readonly status: number;
  readonly error: string | undefined;
  readonly totalMs: number;
  readonly ttftMs: number | undefined;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface RequestLog {
  add(record: RequestRecord): void;
  /** Newest first. */
  list(limit: number): RequestRecord[];
  get(id: string): RequestRecord | undefined;
}

/** A ring of the last requests: enough for a status page, bounded whatever the traffic. */
export function createRequestLog(capacity = 1000): RequestLog {
  const ring: RequestRecord[] = [];
  let next = 0;
  return {
    add(record) {
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
