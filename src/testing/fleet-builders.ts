/** Fleet observations for tests: each field has a value, and a test names only those that it is about. */
import type { BudgetVerdict } from '../fleet/budget.ts';
import type { DemandSnapshot } from '../fleet/demand-work.ts';
import { offerId, type Offer } from '../fleet/fleet-provider.ts';
import type { FleetObservation, LaunchRecord, WorkerView } from '../fleet/plan/observation.ts';
import { epochMs, usdMicros } from '../core/units.ts';

export const noDemand: DemandSnapshot = {
  perS30: 0,
  perS300: 0,
  perS600: 0,
  buckets: Array.from({ length: 60 }, () => 0),
  queuedWork: 0,
  queued: 0,
  oldestQueuedS: 0,
  running: 0,
  idleS: Infinity,
};

/** Steady for ten minutes, nothing waits. */
export const steadyDemand = (perS: number): DemandSnapshot => ({
  ...noDemand,
  perS30: perS,
  perS300: perS,
  perS600: perS,
  buckets: Array.from({ length: 60 }, () => perS * 10),
  running: Math.ceil(perS / 50),
  idleS: 0,
});

export const openBudget: Extract<BudgetVerdict, { kind: 'open' }> = {
  kind: 'open',
  workersMax: Infinity,
  bound: undefined,
  reason: 'no budget binds',
  alerts: [],
  rentalsOver: [],
};

export function aWorker(fields: Partial<WorkerView> & Pick<WorkerView, 'id'>): WorkerView {
  return {
    source: 'rented',
    phase: 'ready',
    slots: 8,
    inFlight: 0,
    tokensPerS: undefined,
    pricePerHour: usdMicros(400_000),
    storagePerHour: usdMicros(6_600),
    launchedAt: epochMs(0),
    readyAt: fields.phase === 'launching' ? undefined : epochMs(0),
    stoppedAt: fields.phase === 'stopped' ? epochMs(0) : undefined,
    ...fields,
  };
}

export const workers = (count: number, fields: Partial<WorkerView> = {}): WorkerView[] =>
  Array.from({ length: count }, (_, i) => aWorker({ id: `${fields.phase ?? 'ready'}-${i}`, ...fields }));

export interface ObservationFields {
  readonly workers?: readonly WorkerView[];
  readonly demand?: DemandSnapshot;
  readonly launches?: readonly LaunchRecord[];
  readonly restarts?: readonly LaunchRecord[];
  readonly budget?: BudgetVerdict;
}

export function anObservation(fields: ObservationFields = {}): FleetObservation {
  return {
    workers: { kind: 'known', value: fields.workers ?? [] },
    demand: { kind: 'known', value: fields.demand ?? noDemand },
    launches: fields.launches ?? [],
    restarts: fields.restarts ?? [],
    budget: fields.budget ?? openBudget,
    nextPricePerHour: usdMicros(400_000),
  };
}

export function anOffer(fields: Partial<Omit<Offer, 'id'>> & { readonly id: string }): Offer {
  return {
    machineId: `m-${fields.id}`,
    hostId: `h-${fields.id}`,
    gpuName: 'RTX 4090',
    gpuCount: 1,
    vramMib: 24_564,
    memoryBandwidthGbS: 1008,
    pricePerHour: usdMicros(400_000),
    storagePerHour: usdMicros(6600),
    downUsdPerGb: 0.005,
    upUsdPerGb: 0.005,
    downloadMbps: 1000,
    uploadMbps: 500,
    diskGb: 100,
    diskMbS: 2000,
    reliability: 0.99,
    directPorts: 100,
    cudaMax: 12.8,
    durationS: 30 * 86_400,
    country: 'SE',
    verified: true,
    datacenter: false,
    ...fields,
    id: offerId(fields.id),
  };
}
