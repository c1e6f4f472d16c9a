/** Everybody in the race, by name: what a table row is made of. */
import { fleetPolicyDefaults, type FleetPolicy } from '../../src/fleet/plan/policy.ts';
import {
  fixed,
  hpa,
  kpa,
  skyServe,
  vastServerless,
  type HpaOptions,
  type KpaOptions,
  type SkyServeOptions,
  type VastOptions,
} from './policies/baselines.ts';
import { clairvoyant } from './policies/clairvoyant.ts';
import { ours } from './policies/ours.ts';
import type { Scaler } from './scaler.ts';
import type { Requests } from './workload.ts';

export type TraceName = 'conv' | 'code';

export interface Contender {
  readonly name: string;
  readonly make: (requests: Requests, days: number) => Scaler;
}

/** The product's defaults, but for the caps: a busy company's fleet is larger than a small team's. */
export const ourPolicy: FleetPolicy = {
  ...fleetPolicyDefaults,
  workersMax: 40,
  sparesMax: 20,
  launchesPerMinuteMax: 6,
  launchesPerHourMax: 60,
};

export const ourLaw = (more: Partial<FleetPolicy> = {}, name = 'ours'): Contender => ({
  name,
  make: () => ours({ ...ourPolicy, ...more }),
});

/** The cheapest of a sweep over `waitS` and `breakEvenS` that misses at most 0.1 % of the chat day. */
export const reference: Contender = {
  name: 'clairvoyant',
  make: (requests, days) => clairvoyant({ requests, days, waitS: 1.5, breakEvenS: 800 }),
};

interface Options {
  readonly fixed: number;
  readonly skyServe: SkyServeOptions;
  readonly kpa: KpaOptions;
  readonly hpa: HpaOptions;
  readonly vast: VastOptions;
}

/** As documented. SkyServe's target has no default: four fifths of what a machine does of this trace. */
const documented: Readonly<Record<TraceName, Omit<Options, 'fixed'>>> = {
  conv: documentedWith(0.9),
  code: documentedWith(1.4),
};

function documentedWith(qpsPerReplica: number): Omit<Options, 'fixed'> {
  return {
    skyServe: { qpsPerReplica, upS: 300, downS: 1200, replicasMin: 1 },
    kpa: { stableS: 60, panicS: 6, utilisation: 0.7, cancelsBooting: true },
    hpa: { utilisation: 0.7, tolerance: 0.1, downS: 300 },
    vast: { targetUtil: 0.9, coldMult: 3, minWorkers: 5, maxWorkers: 16, loadS: 30 },
  };
}

/** Found by `node bench/fleet/tune.ts`, for each trace on its own: an advantage that ours does not have. */
const tuned: Readonly<Record<TraceName, Options>> = {
  conv: {
    fixed: 6,
    skyServe: { qpsPerReplica: 0.5, upS: 20, downS: 2400, replicasMin: 1 },
    kpa: { stableS: 900, panicS: 30, utilisation: 0.5, cancelsBooting: true },
    hpa: { utilisation: 0.9, tolerance: 0.1, downS: 600 },
    vast: { targetUtil: 0.7, coldMult: 2, minWorkers: 2, maxWorkers: 40, loadS: 300 },
  },
  code: {
    fixed: 12,
    skyServe: { qpsPerReplica: 0.1, upS: 20, downS: 2400, replicasMin: 1 },
    kpa: { stableS: 900, panicS: 30, utilisation: 0.5, cancelsBooting: false },
    hpa: { utilisation: 0.7, tolerance: 0.1, downS: 1200 },
    vast: { targetUtil: 0.1, coldMult: 3, minWorkers: 2, maxWorkers: 40, loadS: 300 },
  },
};

export function baselinesFor(trace: TraceName): readonly Contender[] {
  const [asDocumented, best] = [documented[trace], tuned[trace]];
  return [
    contender('fixed 5', () => fixed(5)),
    contender(`fixed ${best.fixed}, tuned`, () => fixed(best.fixed)),
    contender('SkyServe', () => skyServe(asDocumented.skyServe)),
    contender('SkyServe, tuned', () => skyServe(best.skyServe)),
    contender('KPA', () => kpa(asDocumented.kpa)),
    contender('KPA, tuned', () => kpa(best.kpa)),
    contender('HPA-like', () => hpa(asDocumented.hpa)),
    contender('HPA-like, tuned', () => hpa(best.hpa)),
    contender('vast-like', () => vastServerless(asDocumented.vast)),
    contender('vast-like, tuned', () => vastServerless(best.vast)),
  ];
}

const contender = (name: string, make: Contender['make']): Contender => ({ name, make });
