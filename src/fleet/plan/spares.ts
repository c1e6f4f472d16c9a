/**
 * When a machine that is not needed is kept running, stopped, or given back: each for as long as that costs no more
 * than undoing the next step. A stopped one costs its disk and is back within a minute, unless somebody else has its
 * GPU by then; so everything is weighed with the chance that it gets it back, as measured.
 */
import { billedLaunchS, chanceOfStart, leadTimeS } from './launches.ts';
import type { NeedInputs } from './needed-workers.ts';
import type { LaunchRecord, WorkerView } from './observation.ts';
import { idleDefault, type FleetPolicy } from './policy.ts';

export interface SpareRules {
  /** Stopped machines, at most: 0 where stopping one does not pay. */
  readonly max: number;
  /** A machine that is not needed runs on for this long before it is stopped. */
  readonly idleS: number;
  /** That a stopped one gets its GPU back. */
  readonly chance: number;
  /** From a decision to a stopped one that serves. */
  readonly leadTimeS: number;
  /** How long this one is worth its disk. @param only it would be the only one that runs: its speed is worth nothing then */
  keepS(worker: Pick<WorkerView, 'storagePerHour' | 'pricePerHour'>, only: boolean): number;
}

export interface SpareQuestion {
  readonly policy: FleetPolicy;
  readonly launches: readonly LaunchRecord[];
  /** Starts of stopped machines. */
  readonly restarts: readonly LaunchRecord[];
  /** Of a machine that runs, micro-dollars. */
  readonly pricePerHour: number;
  readonly nextPricePerHour: number | undefined;
  /** Of a start from nothing. */
  readonly leadTimeS: number;
}

/** Three of four get their GPU back where nothing is known. */
const prior = { good: 3, bad: 1 } as const;
/** GPU time of a start from nothing, and of one from a disk, before any has been seen. */
const billedPriorS = { launch: 150, restart: 40 } as const;
/** Below it stopped machines are no plan: one is kept all the same, or nobody would learn when that changes. */
const chanceMin = 0.6;
/** A machine that was started again is used for so long at least, at its price and not at the market's best. */
const usedH = 1;
/** A machine is not stopped for a dip shorter than this. */
const idleMinS = 60;

export function spareRules(question: SpareQuestion): SpareRules {
  const { policy, launches, restarts, pricePerHour, nextPricePerHour = Infinity, leadTimeS: coldS } = question;
  const chance = chanceOfStart(restarts, prior);
  const warmS = leadTimeS(restarts, { leadTimePriorS: policy.restartPriorS, tickS: policy.tickS });
  const worth = policy.idle.kind === 'break-even' ? policy.idle : idleDefault;
  const waiting = (seconds: number) => 1e6 * worth.waitUsdPerS * worth.waitingRequests * seconds;
  const gpu = (seconds: number) => (Math.max(pricePerHour, 1) * seconds) / 3600;
  const traffic = 1e6 * worth.launchGb * worth.usdPerGb;
  const cold = traffic + gpu(billedLaunchS(launches, billedPriorS.launch)) + waiting(coldS);
  const warm = gpu(billedLaunchS(restarts, billedPriorS.restart));
  // One that does not get its GPU has cost the wait for it, and then a start from nothing.
  const restart = waiting(warmS) + chance * warm + (1 - chance) * cold;
  const sparesMax = chance >= chanceMin ? policy.sparesMax : Math.min(1, policy.sparesMax);
  return {
    max: restart < cold ? sparesMax : 0,
    idleS: Math.max(idleMinS, restart / gpu(1)),
    chance,
    leadTimeS: warmS,
    keepS({ storagePerHour, pricePerHour: own }, only) {
      const dearer = only ? Math.max(0, own - nextPricePerHour) * usedH : 0;
      return Math.min(
        policy.spareKeepMaxS,
        (Math.max(0, cold - restart - dearer) * 3600) / Math.max(1, storagePerHour),
      );
    },
  };
}

/**
 * How far back a need counts for what runs, where stopped machines stand by: as long as a restart is dear. A minute is
 * soon enough where demand wanders, and too late where bursts come out of silence: the more they tower over the mean,
 * the more of the past that a fleet without stopped machines looks back on counts.
 */
export function lookBackS(
  { burstPerS, perS300 }: NeedInputs,
  idleS: number,
  wholeS: number,
  policy: FleetPolicy,
): number {
  const burstiness = burstPerS / Math.max(perS300, 1);
  const share = (burstiness - policy.spareBurst.from) / (policy.spareBurst.to - policy.spareBurst.from);
  return idleS + Math.min(1, Math.max(0, share)) * Math.max(0, wholeS - idleS);
}
