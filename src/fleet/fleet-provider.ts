import type { CallOptions } from '../core/chat.ts';
import type { Brand } from '../core/ids.ts';
import type { EpochMs, UsdMicros } from '../core/units.ts';

export type OfferId = Brand<string, 'OfferId'>;
export type InstanceId = Brand<string, 'InstanceId'>;
export const offerId = (value: string): OfferId => value as OfferId;
export const instanceId = (value: string): InstanceId => value as InstanceId;

/** A machine that could be rented now. Prices are for the disk size that was asked for. */
export interface Offer {
  readonly id: OfferId;
  readonly machineId: string;
  readonly hostId: string;
  readonly gpuName: string;
  readonly gpuCount: number;
  readonly vramMib: number;
  /** GB/s: the best prior for decode speed there is before a machine has been measured. */
  readonly memoryBandwidthGbS: number;
  /** All-in while running: GPU and storage. */
  readonly pricePerHour: UsdMicros;
  /** Billed also while loading or stopped. */
  readonly storagePerHour: UsdMicros;
  readonly downUsdPerGb: number;
  readonly upUsdPerGb: number;
  readonly downloadMbps: number;
  readonly uploadMbps: number;
  readonly diskGb: number;
  readonly diskMbS: number;
  /** In [0, 1]. */
  readonly reliability: number;
  readonly directPorts: number;
  readonly cudaMax: number;
  /** How long the host lets it out, seconds. */
  readonly durationS: number;
  /** Two letters, or '' when the host does not say. */
  readonly country: string;
  readonly verified: boolean;
  readonly datacenter: boolean;
}

export interface OfferQuery {
  readonly gpuNames: readonly string[];
  readonly vramMibMin: number;
  readonly pricePerHourMax: UsdMicros;
  readonly reliabilityMin: number;
  readonly downloadMbpsMin: number;
  readonly diskGb: number;
  readonly cudaMin: number;
  readonly durationSMin: number;
  readonly limit: number;
}

export interface LaunchSpec {
  /** `gw-<fleet>-<uuid>`: by it a machine is found again after a crash. */
  readonly label: string;
  readonly image: string;
  readonly diskGb: number;
  readonly env: Readonly<Record<string, string>>;
  /** Container ports to publish. */
  readonly ports: readonly number[];
  readonly script: string;
}

/** `waiting`: it shall run, and others have its GPU; that may last for ever. */
export type InstanceStatus = 'creating' | 'loading' | 'running' | 'stopped' | 'waiting' | 'lost';

export interface Instance {
  readonly id: InstanceId;
  readonly label: string;
  readonly status: InstanceStatus;
  /** What the provider said, for people; secrets removed. */
  readonly statusText: string;
  readonly machineId: string;
  readonly hostId: string;
  readonly gpuName: string;
  /** Of each published container port; empty until it runs. */
  readonly endpoints: ReadonlyMap<number, { readonly host: string; readonly port: number }>;
  readonly pricePerHour: UsdMicros;
  readonly storagePerHour: UsdMicros;
  /** GPU time is billed in this state. */
  readonly gpuBilled: boolean;
  readonly gpuUse: GpuUse;
  readonly startedAt: EpochMs | undefined;
}

/** What the provider says of the GPU now; undefined where it does not, as before the machine runs. */
export interface GpuUse {
  /** In [0, 1]: share of the time in which it computed. */
  readonly utilizationRatio: number | undefined;
  readonly vramUsedBytes: number | undefined;
  readonly vramBytes: number | undefined;
}

export interface Charge {
  readonly instanceId: InstanceId;
  readonly component: 'gpu' | 'storage' | 'bandwidth';
  readonly amount: UsdMicros;
}

export interface Account {
  readonly balance: UsdMicros;
  readonly email: string;
}

export interface MarketPrice {
  readonly gpuName: string;
  readonly p10: UsdMicros;
  readonly median: UsdMicros;
  readonly available: number;
}

/**
 * Port: a market of machines. Drivers in `fleet-provider/`.
 * Errors of every method: provider_unavailable (try later; what is running is unknown, never zero) |
 * provider_refused (key, credit or request: an operator must act).
 */
export interface FleetProvider {
  readonly name: string;
  searchOffers(query: OfferQuery, options: CallOptions): Promise<readonly Offer[]>;
  /**
   * Not idempotent upstream: after a failure that may have rented, list by label before another try.
   * @throws offer_gone (pick another) | provider_unavailable (it may have been rented) | provider_refused
   */
  rent(offer: OfferId, spec: LaunchSpec, options: CallOptions): Promise<InstanceId>;
  /** Every instance whose label begins with the prefix; a partial or doubtful list throws provider_unavailable. */
  list(labelPrefix: string, options: CallOptions): Promise<readonly Instance[]>;
  /** Idempotent: already gone is success. Repeat until `list` no longer shows it: a leaked machine costs money. */
  destroy(instance: InstanceId, options: CallOptions): Promise<void>;
  /**
   * It ends what it runs and keeps its disk, which goes on costing; its GPU is in the market again. Idempotent; done
   * when `list` says `stopped`.
   * @throws as every method; provider_refused also for what is not rented
   */
  stop(instance: InstanceId, options: CallOptions): Promise<void>;
  /**
   * From its disk, with the settings it was rented with, at another address perhaps. Idempotent. An answer says that it
   * was heard: `list` tells whether the machine runs or waits for its GPU.
   */
  start(instance: InstanceId, options: CallOptions): Promise<void>;
  /** Last lines of the machine's own log, secrets removed. */
  logs(instance: InstanceId, options: CallOptions): Promise<string>;
  /**
   * What was really charged in [from, to): the truth that our meter is reconciled with. A market that keeps its
   * books by the day tells the whole days (UTC) that this touches.
   */
  charges(range: { readonly from: EpochMs; readonly to: EpochMs }, options: CallOptions): Promise<readonly Charge[]>;
  account(options: CallOptions): Promise<Account>;
  market(gpuNames: readonly string[], options: CallOptions): Promise<readonly MarketPrice[]>;
  close(): Promise<void>;
}
