/** What the law sees in one tick: plain data, so that a logged observation replays the decision. */
import type { EpochMs, UsdMicros } from '../../core/units.ts';
import type { DemandSnapshot } from '../demand-work.ts';
import type { BudgetVerdict } from '../budget.ts';

/**
 * One consistent picture. What could not be read is `unknown`, never empty: a fleet that takes an empty
 * list for an empty fleet rents it a second time.
 */
export interface FleetObservation {
  readonly workers: Known<readonly WorkerView[]>;
  readonly demand: Known<DemandSnapshot>;
  /** Starts of the last hour at least, oldest first, those under way included. */
  readonly launches: readonly LaunchRecord[];
  /** Starts of stopped machines, oldest first. */
  readonly restarts: readonly LaunchRecord[];
  /** From `budgetVerdict`, asked with what is spent and what runs now. */
  readonly budget: BudgetVerdict;
  /** Of the machine that would be rented next; undefined while no offer is known. */
  readonly nextPricePerHour: UsdMicros | undefined;
}

export type Known<T> =
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'unknown'; readonly reason: string };

/** A rented machine, or a host of the user's own, that serves the model of this fleet. */
export interface WorkerView {
  readonly id: string;
  /** An `own` host costs nothing here, is never drained by the law, and is capacity while it is ready. */
  readonly source: 'rented' | 'own';
  /**
   * `launching` = from the create until it passed readiness; `draining` = takes nothing new, and is then destroyed;
   * `stopping` = the same, and then keeps its disk; `stopped` = that disk; `restarting` = from it to readiness.
   */
  readonly phase: 'launching' | 'restarting' | 'ready' | 'draining' | 'stopping' | 'stopped' | 'destroying';
  readonly slots: number;
  readonly inFlight: number;
  /** Decode tokens per second at a full batch, as measured on it; undefined until it has been. */
  readonly tokensPerS: number | undefined;
  readonly pricePerHour: UsdMicros;
  /** Of it: what its disk costs, stopped as well. */
  readonly storagePerHour: UsdMicros;
  readonly launchedAt: EpochMs;
  readonly readyAt: EpochMs | undefined;
  readonly stoppedAt: EpochMs | undefined;
}

export interface LaunchRecord {
  readonly at: EpochMs;
  /** `cancelled` = given back by us before it was ready: it says nothing about the machine. */
  readonly outcome: 'pending' | 'ready' | 'failed' | 'cancelled';
  /** From the create to the outcome; so far, while pending. */
  readonly tookS: number;
  /** Of which GPU time was billed. */
  readonly billedS: number;
}
