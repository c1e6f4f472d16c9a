/** N*: how many rented machines the demand needs, one lead time ahead. */
import type { DemandSnapshot } from '../demand-work.ts';
import { leadTimeS } from './launches.ts';
import type { LaunchRecord, WorkerView } from './observation.ts';
import type { FleetPolicy } from './policy.ts';

export interface NeedInputs {
  readonly perS30: number;
  readonly perS300: number;
  readonly slopePerS2: number;
  readonly leadTimeS: number;
  /** Demand expected one lead time ahead. */
  readonly expectedPerS: number;
  /** Standard deviation of the 10 s demand. */
  readonly sdPerS: number;
  readonly queuedWork: number;
  readonly oldestQueuedS: number;
  readonly running: number;
  /** Of one rented machine. */
  readonly workerPerS: number;
  /** Of all hosts of the user's own that are ready. */
  readonly ownPerS: number;
  readonly forSteady: number;
  readonly forBacklog: number;
  readonly forPanic: number;
}

export interface NeedQuestion {
  readonly demand: DemandSnapshot;
  readonly workers: readonly WorkerView[];
  readonly launches: readonly LaunchRecord[];
  readonly policy: FleetPolicy;
}

/** A slope is believed for this long ahead at most. */
const slopeAheadMaxS = 300;
/** The distance of the middles of the last 300 and the last 600 s. */
const slopeBaseS = 150;
/** A twentieth of a machine is not worth one. */
const slack = 0.05;

export function neededWorkers({ demand, workers, launches, policy }: NeedQuestion): {
  readonly workers: number;
  readonly reason: string;
  readonly inputs: NeedInputs;
} {
  const lead = leadTimeS(launches, policy);
  const slope = Math.max(0, (demand.perS300 - demand.perS600) / slopeBaseS);
  const expected = Math.max(demand.perS30, demand.perS300) + slope * Math.min(lead, slopeAheadMaxS);
  const sd = deviation(demand.buckets.slice(-30)) / 10;
  const ready = workers.filter(({ phase }) => phase === 'ready');
  const own = ready.filter(({ source }) => source === 'own');
  const ownPerS = sum(own.map(({ tokensPerS }) => tokensPerS ?? policy.classTokensPerS));
  const measured = ready.filter(
    ({ source, tokensPerS }) => source === 'rented' && tokensPerS !== undefined && tokensPerS > 0,
  );
  const workerPerS =
    measured.length === 0
      ? policy.classTokensPerS
      : sum(measured.map(({ tokensPerS }) => tokensPerS!)) / measured.length;

  const machines = (perS: number) => Math.max(0, (perS - ownPerS) / workerPerS);
  // Smoothing over 30 s leaves 1/√3 of the 10 s deviation.
  const forSteady = machines((expected + (policy.burstSigmas * sd) / Math.sqrt(3)) / policy.utilisationMax);
  const forBacklog = machines(expected + demand.queuedWork / policy.backlogDrainS);
  const forPanic = demand.oldestQueuedS > policy.waitTargetS ? machines(demand.perS30 + demand.queuedWork / 120) : 0;
  const most = Math.max(forSteady, forBacklog, forPanic);
  const hasWork = demand.queued + demand.running > 0;
  const needed = Math.max(Math.ceil(most - slack), hasWork && own.length === 0 ? 1 : 0);
  const why =
    needed === 0
      ? 'no work'
      : most === forSteady
        ? 'steady demand'
        : most === forBacklog
          ? 'the backlog'
          : 'requests waiting too long';
  return {
    workers: needed,
    reason: `${needed} needed for ${why}: ${Math.round(expected)} tokens/s expected in ${Math.round(lead)} s, ${Math.round(demand.queuedWork)} tokens queued, ${Math.round(workerPerS)} tokens/s a machine`,
    inputs: {
      perS30: demand.perS30,
      perS300: demand.perS300,
      slopePerS2: slope,
      leadTimeS: lead,
      expectedPerS: expected,
      sdPerS: sd,
      queuedWork: demand.queuedWork,
      oldestQueuedS: demand.oldestQueuedS,
      running: demand.running,
      workerPerS,
      ownPerS,
      forSteady,
      forBacklog,
      forPanic,
    },
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function deviation(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const mean = sum(values) / values.length;
  return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length);
}
