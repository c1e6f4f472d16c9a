/** What the operator port shows of the fleet, and takes. Money in USD, instants in epoch milliseconds. */

export interface FleetReport {
  readonly provider: string;
  readonly name: string;
  readonly model: string;
  /** `stopped` by an operator; `exhausted`: a cap is reached; `refused` by the market; `unknown`: its list cannot be believed. */
  readonly state: 'asleep' | 'starting' | 'serving' | 'stopped' | 'exhausted' | 'refused' | 'unknown';
  /** The same in one sentence, with what to do about it. */
  readonly says: string;
  readonly at: number | undefined;
  readonly target: number;
  /** Why this target, and what keeps it from being reached. */
  readonly reasons: readonly string[];
  readonly floor: { readonly workers: number; readonly until: number } | undefined;
  readonly machines: readonly FleetMachine[];
  readonly spend: {
    /** Of everything that bills now. */
    readonly perHourUsd: number;
    readonly dayUsd: number;
    readonly monthUsd: number;
    readonly caps: {
      readonly perHourUsd: number | undefined;
      readonly perDayUsd: number | undefined;
      readonly perMonthUsd: number | undefined;
      readonly perRentalUsd: number | undefined;
    };
  };
  readonly demand:
    | {
        /** Decode tokens per second, over the last 5 minutes. */
        readonly tokensPerS: number;
        readonly queued: number;
        readonly oldestQueuedS: number;
        readonly running: number;
        readonly idleS: number | undefined;
      }
    | undefined;
  readonly nextPricePerHourUsd: number | undefined;
  readonly benched: readonly FleetBenchRow[];
}

/** What the market charges for a machine now. */
export type FleetBilling = 'nothing' | 'storage' | 'gpu';

export interface FleetMachine {
  readonly label: string;
  readonly instanceId: string | undefined;
  readonly machineId: string;
  readonly hostId: string;
  readonly gpu: string;
  readonly country: string;
  readonly phase: string;
  readonly phaseS: number;
  readonly ageS: number;
  readonly billing: FleetBilling;
  /** While it runs. */
  readonly pricePerHourUsd: number;
  /** Now: of a stopped one its disk. */
  readonly billsPerHourUsd: number;
  readonly spentUsd: number;
  readonly inFlight: number;
  readonly slots: number;
  /** Of a full batch; undefined until it has been measured. */
  readonly tokensPerS: number | undefined;
  /** As the market tells: in [0, 1], and bytes; undefined where it does not. */
  readonly gpuUtilizationRatio: number | undefined;
  readonly vramUsedBytes: number | undefined;
  readonly vramBytes: number | undefined;
  /** Why it was rented. */
  readonly reason: string;
  /** Why it is being given back. */
  readonly endReason: string | undefined;
  /** Oldest first. */
  readonly timeline: readonly FleetStep[];
}

export interface FleetStep {
  readonly at: number;
  readonly phase: string;
  readonly says: string;
}

export interface FleetBenchRow {
  readonly kind: 'machine' | 'host';
  readonly id: string;
  readonly strikes: number;
  /** undefined: until it is unblocked. */
  readonly until: number | undefined;
  readonly reason: string;
}

export interface FleetOffers {
  /** Best first. */
  readonly ranked: readonly FleetOffer[];
  readonly rejected: readonly {
    readonly gpu: string;
    readonly machineId: string;
    readonly pricePerHourUsd: number;
    readonly reason: string;
  }[];
}

export interface FleetOffer {
  readonly id: string;
  readonly machineId: string;
  readonly hostId: string;
  readonly gpu: string;
  readonly country: string;
  readonly datacenter: boolean;
  readonly pricePerHourUsd: number;
  readonly usdPerMillionTokens: number;
  readonly tokensPerS: number;
  readonly readyInS: number;
  readonly chanceOfReady: number;
  readonly downloadMbps: number;
  readonly reliability: number;
}

export interface FleetHistory {
  /** Newest first. */
  readonly rentals: readonly FleetRental[];
}

export interface FleetRental {
  readonly label: string;
  readonly instanceId: string | undefined;
  readonly machineId: string;
  readonly hostId: string;
  readonly gpu: string;
  readonly createdAt: number;
  readonly readyAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly phase: string;
  readonly outcome: string;
  readonly reason: string;
  readonly endReason: string | undefined;
  readonly pricePerHourUsd: number;
  readonly spentUsd: number;
}

/** Body of `POST /api/fleet/start`. */
export interface FleetStartRequest {
  /** Kept at least, on top of the configuration. */
  readonly workers: number;
  readonly hours: number;
}

/** Body of `POST /api/fleet/stop`. */
export interface FleetStopRequest {
  /** `drain` lets running answers end first. */
  readonly how: 'drain' | 'now';
}

/** Body of `POST /api/fleet/block` and `POST /api/fleet/unblock`. */
export interface FleetBlockRequest {
  readonly kind: 'machine' | 'host';
  readonly id: string;
  readonly reason?: string;
  /** Absent: until it is unblocked. */
  readonly hours?: number;
}

/** What the composition root gives to the operator port. */
export interface FleetCommands {
  report(): FleetReport;
  offers(options: { readonly signal: AbortSignal }): Promise<FleetOffers>;
  history(limit: number): FleetHistory;
  /** Also ends a stop. */
  start(request: FleetStartRequest): void;
  stop(request: FleetStopRequest): void;
  block(request: FleetBlockRequest): void;
  /** @returns false when it was not blocked */
  unblock(request: FleetBlockRequest): boolean;
}
