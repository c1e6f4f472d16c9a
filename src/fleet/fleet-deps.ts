/** What the loop is built from. */
import type { CallOptions } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import type { ModelName } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RoomEvent } from '../telemetry/events.ts';
import type { Lease } from '../redis/lease.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ModelInfo, Thinker, ThinkerPool, ThinkerRegistry } from '../thinkers/thinker.ts';
import type { BudgetPolicy } from './budget.ts';
import type { DemandMeter } from './demand-work.ts';
import type { FleetProvider, LaunchSpec } from './fleet-provider.ts';
import type { IntentStore, Rental } from './intent-store.ts';
import type { PhaseDeadlines } from './lifecycle.ts';
import type { OfferNeeds, OfferWeights, OfferWorkload } from './offers.ts';
import type { FleetPolicy } from './plan/policy.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export type Readiness =
  /** It has proven itself; what the model's row says is kept for the time when nobody is there. */
  | { readonly kind: 'ready'; readonly model: ModelInfo | undefined }
  | { readonly kind: 'not-yet'; readonly reason: string }
  /** It will never serve. `permanent`: the machine lies about what it is or what it says. */
  | { readonly kind: 'unfit'; readonly reason: string; readonly bench: 'strike' | 'permanent' };

/** A rented machine at one address. */
export interface Worker {
  readonly thinker: Thinker;
  /** One look, bounded in time. Never throws for what the machine does. */
  check(options: CallOptions): Promise<Readiness>;
}

export interface FleetDeps {
  readonly provider: FleetProvider;
  readonly store: IntentStore;
  readonly ledger: Ledger;
  readonly pool: Pick<ThinkerPool, 'views'>;
  readonly registry: ThinkerRegistry;
  readonly demand: DemandMeter;
  /** Keys, script and settings of a new machine. `secrets` is what `connect` needs to be let in. */
  readonly prepare: (label: string) => Promise<{ readonly spec: LaunchSpec; readonly secrets: string }>;
  readonly connect: (rental: Rental, endpoint: Endpoint) => Worker;
  /** Held by the one gateway that may rent; each goes on to manage, and to give back, what it has rented. Default: this one. */
  readonly lease?: Pick<Lease, 'confirm'> | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Told what an operator should hear. */
  readonly onEvent?: ((event: RoomEvent) => void) | undefined;
  readonly options: FleetOptions;
}

export interface FleetOptions {
  /** Part of every label: two gateways with one key must not take each other's machines. */
  readonly name: string;
  readonly model: ModelName;
  readonly slots: number;
  /** The container's port behind which a worker answers. */
  readonly workerPort: number;
  readonly policy: FleetPolicy;
  readonly budget: BudgetPolicy;
  readonly needs: OfferNeeds;
  readonly workload: OfferWorkload;
  readonly weights: OfferWeights;
  readonly deadlines: PhaseDeadlines;
  /** Creates that are never exceeded, whatever the law wants. */
  readonly createsPerMinuteMax: number;
  readonly createsPerHourMax: number;
  /** Starts of stopped machines that are never exceeded either. */
  readonly restartsPerHourMax: number;
  /** A machine that was ready and cannot be reached for so long is lost. */
  readonly lostAfterMs: number;
  /** What a pull of image and model moves, for the bill. Undefined: the market does not charge it. */
  readonly startDownloadGb: number;
}

export const labelPrefix = (fleet: string): string => `gw-${fleet}-`;
