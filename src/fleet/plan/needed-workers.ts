/**
 * N*: how many rented machines the demand needs. The measure is the past itself: the speed at which every
 * burst of the last ten minutes would have been worked off in time, raised by the trend of one lead time.
 */
import type { DemandSnapshot } from '../demand-work.ts';
import { leadTimeS } from './launches.ts';
import type { LaunchRecord, WorkerView } from './observation.ts';
import type { FleetPolicy } from './policy.ts';

/** Rates are tokens of work per second, or numbers of machines where it says so. */
export interface NeedInputs {
  readonly perS30: number;
  readonly perS300: number;
  readonly leadTimeS: number;
  /** Demand one lead time ahead by demand now; 1 while it does not rise. */
  readonly growth: number;
  /** Speed that the worst burst of the last ten minutes needed. */
  readonly burstPerS: number;
  readonly queuedWork: number;
  readonly oldestQueuedS: number;
  readonly running: number;
  /** Of one rented machine. */
  readonly workerPerS: number;
  /** Of all hosts of the user's own that are ready. */
  readonly ownPerS: number;
  /** Machines, by each of the four reasons to have them. */
  readonly forBursts: number;
  readonly forLoss: number;
  readonly forBacklog: number;
  readonly forPanic: number;
}

export interface NeedQuestion {
  readonly demand: DemandSnapshot;
  readonly workers: readonly WorkerView[];
  readonly launches: readonly LaunchRecord[];
  readonly policy: FleetPolicy;
  /** Of a machine that may be lost: what the others must carry of it until it is replaced. 1 when absent: all of it, for minutes. */
  readonly lossShare?: number;
}

/** A slope is believed for this long ahead at most. */
const slopeAheadMaxS = 300;
/** The distance of the middles of the last 300 and the last 600 s. */
const slopeBaseS = 150;
/** Requests that have waited too long are brought to a slot within this time. */
const panicDrainS = 120;
/** A twentieth of a machine is not worth one. */
const slack = 0.05;

export function neededWorkers({ demand, workers, launches, policy, lossShare = 1 }: NeedQuestion): {
  readonly workers: number;
  readonly reason: string;
  readonly inputs: NeedInputs;
} {
  const lead = leadTimeS(launches, policy);
  const slope = Math.max(0, (demand.perS300 - demand.perS600) / slopeBaseS);
  const growth = demand.perS300 > 0 ? 1 + (slope * Math.min(lead, slopeAheadMaxS)) / demand.perS300 : 1;
  const burst = burstPerS(demand.buckets, policy.burstWaitS);
  const { workerPerS, fastestPerS, ownPerS } = speeds(workers, policy);

  const machines = (perS: number) => Math.max(0, (perS - ownPerS) / workerPerS);
  const forBursts = machines((growth * burst) / policy.utilisationMax);
  const forBacklog = machines(demand.perS300 + demand.queuedWork / policy.backlogDrainS);
  const forPanic =
    demand.oldestQueuedS > policy.waitTargetS ? machines(demand.perS30 + demand.queuedWork / panicDrainS) : 0;
  // It may be the fastest that is lost.
  const forLoss =
    Math.ceil(forBursts - slack) >= policy.spareFrom ? machines(growth * demand.perS300 + lossShare * fastestPerS) : 0;
  const most = Math.max(forBursts, forLoss, forBacklog, forPanic);
  const hasWork = demand.queued + demand.running > 0;
  const needed = Math.max(Math.ceil(most - slack), hasWork && ownPerS === 0 ? 1 : 0);
  const inputs: NeedInputs = {
    perS30: demand.perS30,
    perS300: demand.perS300,
    leadTimeS: lead,
    growth,
    burstPerS: burst,
    queuedWork: demand.queuedWork,
    oldestQueuedS: demand.oldestQueuedS,
    running: demand.running,
    workerPerS,
    ownPerS,
    forBursts,
    forLoss,
    forBacklog,
    forPanic,
  };
  return { workers: needed, reason: reasonOf(needed, inputs), inputs };
}

/** Windows of these numbers of 10 s buckets: 10 s to 5 minutes. */
const windows = [1, 2, 3, 6, 12, 30] as const;
const bucketS = 10;

/**
 * The least speed at which no window of the buckets leaves more than `waitS` of work behind: what arrives within
 * w seconds is done in w + waitS. O(buckets · windows).
 */
export function burstPerS(buckets: readonly number[], waitS: number): number {
  let most = 0;
  for (const window of windows) {
    const timeS = window * bucketS + waitS;
    let inside = 0;
    for (let i = 0; i < buckets.length; i++) {
      inside += buckets[i]! - (i >= window ? buckets[i - window]! : 0);
      if (inside > most * timeS) most = inside / timeS;
    }
  }
  return most;
}

function speeds(
  workers: readonly WorkerView[],
  policy: FleetPolicy,
): { workerPerS: number; fastestPerS: number; ownPerS: number } {
  const ready = workers.filter(({ phase }) => phase === 'ready');
  const own = ready.filter(({ source }) => source === 'own');
  const measured = ready.flatMap(({ source, tokensPerS = 0 }) =>
    source === 'rented' && tokensPerS > 0 ? [tokensPerS] : [],
  );
  const workerPerS = measured.length === 0 ? policy.classTokensPerS : sum(measured) / measured.length;
  return {
    workerPerS,
    fastestPerS: Math.max(workerPerS, ...measured),
    ownPerS: sum(own.map(({ tokensPerS }) => tokensPerS ?? policy.classTokensPerS)),
  };
}

function reasonOf(needed: number, inputs: NeedInputs): string {
  const { forBursts, forLoss, forBacklog, forPanic, workerPerS, queuedWork, burstPerS: burst } = inputs;
  if (needed === 0) return '0 needed: no work';
  const most = Math.max(forBursts, forLoss, forBacklog, forPanic);
  const why =
    most === forBursts
      ? `bursts of ${Math.round(burst)} tokens/s`
      : most === forLoss
        ? `${Math.round(inputs.perS300)} tokens/s, should one machine be lost,`
        : most === forBacklog
          ? `a backlog of ${Math.round(queuedWork)} tokens`
          : `requests that have waited ${Math.round(inputs.oldestQueuedS)} s`;
  return `${needed} needed for ${why} at ${Math.round(workerPerS)} tokens/s a machine`;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
