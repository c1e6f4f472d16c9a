/**
 * Port: told of what the cache decides and keeps, for replays of the same traffic under other settings. Hashes,
 * ids, scores and times alone; no text. Calls return at once and never throw.
 */
import type { EntryId, RequestId } from '../core/ids.ts';
import type { EpochMs } from '../core/units.ts';
import type { RemovalReason } from './cache-store.ts';

export interface CacheWitness {
  compared(comparison: WitnessedComparison): void;
  /** An answer was stored, until it expires. */
  kept(kept: {
    readonly requestId: RequestId;
    readonly entryId: EntryId;
    readonly storedAt: EpochMs;
    readonly expiresAt: EpochMs;
  }): void;
  removed(entryId: EntryId, reason: RemovalReason): void;
  labelled(label: WitnessedLabel): void;
}

export interface WitnessedComparison {
  readonly requestId: RequestId;
  /** Smallest score that was served; undefined while the certificate is not open. */
  readonly cut: number | undefined;
  readonly candidates: readonly WitnessedCandidate[];
  /** The cut that each compared target would have had. */
  readonly cuts: readonly { readonly target: number; readonly cut: number | undefined }[];
}

export interface WitnessedCandidate {
  /** The request whose answer it is. */
  readonly answerOf: RequestId;
  /** Probability, or cosine where a fixed threshold decides; undefined when a guard refused it. */
  readonly score: number | undefined;
  /** Served whatever the certificate says. */
  readonly nearDuplicate: boolean;
  readonly served: boolean;
}

/** A fresh answer was compared with a stored one. */
export interface WitnessedLabel {
  readonly score: number;
  readonly served: boolean;
  readonly right: boolean;
  /** With which it was drawn. */
  readonly drawnWith: number;
}

/** Before anybody listens, and when nobody does. */
export class WitnessRelay implements CacheWitness {
  #witness: CacheWitness | undefined;

  listen(witness: CacheWitness): void {
    this.#witness = witness;
  }

  compared(comparison: WitnessedComparison): void {
    this.#witness?.compared(comparison);
  }

  kept(kept: Parameters<CacheWitness['kept']>[0]): void {
    this.#witness?.kept(kept);
  }

  removed(entryId: EntryId, reason: RemovalReason): void {
    this.#witness?.removed(entryId, reason);
  }

  labelled(label: WitnessedLabel): void {
    this.#witness?.labelled(label);
  }
}
