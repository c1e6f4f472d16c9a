import type { Random } from '../core/random.ts';
import type { CacheEntry } from './cache-store.ts';
import type { Decision } from './decision/engine-types.ts';
import type { GuardName } from './guard-name.ts';

export interface Candidate {
  readonly entry: CacheEntry;
  /** Cosine, [-1, 1]. */
  readonly similarity: number;
}

export type { GuardName } from './guard-name.ts';

export type HitDecision =
  | {
      readonly kind: 'reuse';
      readonly candidate: Candidate;
      /** The guard that refused each nearer candidate. */
      readonly vetoes?: readonly GuardName[];
      /** Of a policy that learns: probability, cut, audit draw, and what a label needs. */
      readonly detail?: Decision;
    }
  | {
      readonly kind: 'ask';
      readonly reason: 'no-neighbour' | 'below-threshold' | 'vetoed';
      /** Nearest candidate, where there was one, and the guard that spoke against it. */
      readonly best?: Candidate;
      readonly guard?: GuardName;
      /** The guard that refused each candidate. */
      readonly vetoes?: readonly GuardName[];
      readonly detail?: Decision;
    };

/** Port: may one of these answers be reused for this text? Pure, no I/O. Drivers in `hit-policy/`. */
export interface HitPolicy {
  readonly name: string;
  /** Smallest cosine that is served, of a policy that has one. */
  readonly cut?: number;
  /**
   * @param candidates most similar first, all of the same scope and unexpired.
   * @param asker whose traffic this is, for policies that count per group.
   */
  decide(
    text: string,
    candidates: readonly Candidate[],
    random: Random,
    asker?: { readonly group?: string },
  ): HitDecision;
  /** The same without counting, of a policy that counts. */
  preview?(text: string, candidates: readonly Candidate[], asker?: { readonly group?: string }): HitDecision;
}
