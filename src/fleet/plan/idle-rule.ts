/** How long an idle fleet keeps its last machine: until the idling has cost what starting again would. */
import { unreachable } from '../../core/assert.ts';
import type { UsdMicros } from '../../core/units.ts';
import { billedLaunchS } from './launches.ts';
import type { LaunchRecord, WorkerView } from './observation.ts';
import type { FleetPolicy } from './policy.ts';

/** GPU time of one start before any has been seen. */
const billedPriorS = 150;
/** Where no price is known: in the middle of the market. */
const pricePriorPerHour = 400_000;

export interface StayWarmQuestion {
  readonly policy: FleetPolicy;
  readonly rented: readonly WorkerView[];
  readonly launches: readonly LaunchRecord[];
  readonly nextPricePerHour: UsdMicros | undefined;
  readonly leadTimeS: number;
}

/** Seconds; Infinity = always warm. */
export function stayWarmS({ policy, rented, launches, nextPricePerHour, leadTimeS }: StayWarmQuestion): number {
  const { idle } = policy;
  switch (idle.kind) {
    case 'never':
      return Infinity;
    case 'after':
      return idle.idleS;
    case 'break-even': {
      const price = typicalPrice(rented, nextPricePerHour);
      const perS = Math.max(price, 1) / 1e6 / 3600;
      const traffic = idle.launchGb * idle.usdPerGb;
      const waiting = idle.waitUsdPerS * leadTimeS * idle.waitingRequests;
      return billedLaunchS(launches, billedPriorS) + (traffic + waiting) / perS;
    }
    default:
      return unreachable(idle);
  }
}

/** Micro-dollars an hour of the cheapest that runs, else of the next one. */
export function typicalPrice(rented: readonly WorkerView[], nextPricePerHour: UsdMicros | undefined): number {
  const cheapest = Math.min(...rented.map(({ pricePerHour }) => pricePerHour).filter((price) => price > 0));
  return Number.isFinite(cheapest) ? cheapest : (nextPricePerHour ?? pricePriorPerHour);
}
