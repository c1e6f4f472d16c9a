import type { Random } from '../core/random.ts';
import type { CacheEntry } from './cache-store.ts';

export interface Candidate {
  readonly entry: CacheEntry;
  /** Cosine, [-1, 1]. */
  readonly similarity: number;
}

export type GuardName =
  | 'number'
  | 'negation'
  | 'antonym'
  | 'entity'
  | 'order'
  | 'content'
  | 'wh'
  | 'language'
  | 'format'
  | 'code';

export type HitDecision =
  | {
      readonly kind: 'reuse';
      readonly candidate: Candidate;
      /** The guard that refused each nearer candidate. */
      readonly vetoes?: readonly GuardName[];
    }
  | {
      readonly kind: 'ask';
      readonly reason: 'no-neighbour' | 'below-threshold' | 'vetoed';
      /** Nearest candidate, where there was one, and the guard that spoke against it. */
      readonly best?: Candidate;
      readonly guard?: GuardName;
      /** The guard that refused each candidate. */
      readonly vetoes?: readonly GuardName[];
    };

/** Port: may one of these answers be reused for this text? Pure, no I/O. Drivers in `hit-policy/`. */
export interface HitPolicy {
  readonly name: string;
  /** @param candidates most similar first, all of the same scope and unexpired. */
  decide(text: string, candidates: readonly Candidate[], random: Random): HitDecision;
}
