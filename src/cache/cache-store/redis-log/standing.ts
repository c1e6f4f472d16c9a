/** How a shared store stands, for people and for comparing gateways. */
import type { EntryId } from '../../../core/ids.ts';
import type { RedisConnection } from '../../../redis/redis-connection.ts';
import type { SharedHealth } from '../../cache-store.ts';

export interface StandingFacts {
  readonly redis: RedisConnection;
  readonly why: string;
  readonly stale: boolean;
  readonly writesWaiting: number;
  readonly unconfirmed: number;
  readonly digest: string;
}

/** Below it a server soon evicts, or refuses. */
const freeShareMin = 0.1;

export function healthOf({ redis, why, stale, writesWaiting, unconfirmed, digest }: StandingFacts): SharedHealth {
  const { state, tooFarAway, breakers } = redis.health();
  const { facts } = redis;
  const warnings: string[] = [];
  if (facts?.evictionPolicy === 'noeviction' && (facts.memoryMaxBytes ?? 0) > 0) {
    warnings.push('maxmemory-policy is noeviction: a full server takes no more answers; set volatile-lru');
  }
  if (facts?.evictionPolicy?.startsWith('allkeys')) {
    warnings.push(`maxmemory-policy is ${facts.evictionPolicy}, which may evict the log of changes; set volatile-lru`);
  }
  const { memoryMaxBytes: max = 0, memoryUsedBytes: used = 0 } = facts ?? {};
  if (max > 0 && used > max * (1 - freeShareMin)) {
    warnings.push(`Redis uses ${Math.round((100 * used) / max)} % of its maxmemory`);
  }
  if (tooFarAway) warnings.push('the round trip to Redis is longer than a lookup may take: every lookup is a miss');
  if (breakers.read !== 'closed') warnings.push('reads rest after failures');
  if (breakers.write !== 'closed') warnings.push('writes rest after failures');
  const trouble = 'why' in state ? `${state.why}${'remedy' in state ? `; ${state.remedy}` : ''}` : undefined;
  return {
    backend: 'redis-log',
    why: trouble ?? why,
    state: state.kind,
    stale,
    writesWaiting,
    unconfirmed,
    digest,
    warnings,
  };
}

/** Which entries are known: order does not matter, and one more or less shows. */
export class EntryDigest {
  #high = 0;
  #low = 0;
  #count = 0;

  added(id: EntryId): void {
    this.#toggle(id);
    this.#count += 1;
  }

  dropped(id: EntryId): void {
    this.#toggle(id);
    this.#count -= 1;
  }

  toString(): string {
    const hex = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
    return `${this.#count}:${hex(this.#high)}${hex(this.#low)}`;
  }

  #toggle(id: EntryId): void {
    this.#high ^= fnv(id, 0x811c9dc5);
    this.#low ^= fnv(id, 0x01000193);
  }
}

function fnv(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
