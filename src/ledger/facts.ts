/** What replays need beside the ledger: hashes, ids, scores and times. Bounded; the oldest leave first. */
import type { EpochMs } from '../core/units.ts';
import type { LedgerRange } from './ledger.ts';

export interface Fact {
  readonly at: EpochMs;
  readonly kind: string;
  readonly json: string;
}

/** Calls to `append` return at once and never throw; facts may be lost while the disk refuses them. */
export interface FactLog {
  append(fact: Fact): void;
  /** In the order of their appending. @throws ledger_unavailable */
  read(range: LedgerRange): AsyncIterable<Fact>;
}

export const factsMaxDefault = 500_000;

export function createMemoryFacts(factsMax = factsMaxDefault): FactLog {
  let facts: Fact[] = [];
  return {
    append(fact) {
      facts.push(fact);
      if (facts.length > 1.1 * factsMax) facts = facts.slice(-factsMax);
    },
    async *read({ from, to }) {
      yield* facts.filter(({ at }) => at >= from && at < to);
    },
  };
}
