/**
 * The control law: how many machines this fleet should have now, and what to do about it. Pure: the same
 * observation, policy, memory and time give the same plan, in production, in the simulation and in a replay
 * of the log. docs/autoscaling.md explains it.
 */
import type { EpochMs } from '../core/units.ts';
import type { BudgetVerdict } from './budget.ts';
import { stayWarmS, typicalPrice } from './plan/idle-rule.ts';
import { rememberNeed, type PlanMemory } from './plan/memory.ts';
import { neededWorkers, type NeedInputs, type NeedQuestion } from './plan/needed-workers.ts';
import type { FleetObservation, WorkerView } from './plan/observation.ts';
import type { FleetPolicy } from './plan/policy.ts';
import { scheduleFloor } from './plan/schedule.ts';
import { lookBackS, spareRules } from './plan/spares.ts';
import { giveBack, wishesFor, type FleetWish, type Supply } from './plan/wishes.ts';

export interface FleetPlan {
  /** Rented machines that shall be ready; what is draining does not count. */
  readonly target: number;
  /** In the order in which they should be done. */
  readonly wishes: readonly FleetWish[];
  /** For people: why this target, and what keeps it from being reached. */
  readonly reasons: readonly string[];
  /** The figures it was decided by, for the log; undefined when it held still because something is unknown. */
  readonly inputs: PlanInputs | undefined;
  /** To be given to the next tick, and kept over a restart. */
  readonly memory: PlanMemory;
}

export interface PlanInputs extends NeedInputs {
  /** From demand alone, before memory, floors and caps. */
  readonly needed: number;
  /** The most that was needed within the hold time. */
  readonly held: number;
  readonly floor: number;
  readonly cap: number;
  readonly stayWarmS: number;
  readonly ready: number;
  readonly launching: number;
  readonly draining: number;
  /** Stopped with their disks kept, or about to be. */
  readonly stopped: number;
  readonly restarting: number;
  /** That a stopped one gets its GPU back. */
  readonly restartChance: number;
  /** From a decision to a stopped one that serves. */
  readonly restartLeadS: number;
}

export function planFleet(
  observation: FleetObservation,
  policy: FleetPolicy,
  memory: PlanMemory,
  now: EpochMs,
): FleetPlan {
  if (observation.workers.kind === 'unknown')
    return holdStill(memory, `the machines are unknown: ${observation.workers.reason}`);
  const workers = observation.workers.value;
  const rented = workers.filter(({ source }) => source === 'rented');
  if (observation.budget.kind === 'stop') return stopAll(rented, observation.budget.reason, memory);
  if (observation.demand.kind === 'unknown')
    return holdStill(memory, `the demand is unknown: ${observation.demand.reason}`);
  const demand = observation.demand.value;

  const of = (phase: WorkerView['phase']) => rented.filter((worker) => worker.phase === phase);
  const running = [...of('ready'), ...of('launching'), ...of('restarting')];
  const { launches, restarts, nextPricePerHour } = observation;
  const need = neededWorkers({ demand, workers, launches, policy });
  const { leadTimeS } = need.inputs;
  const spares = spareRules({
    policy,
    launches,
    restarts,
    pricePerHour: typicalPrice(running, nextPricePerHour),
    nextPricePerHour,
    leadTimeS,
  });
  const hold = holdS(need.inputs, policy);
  const history = rememberNeed(memory, { at: now, workers: need.workers }, hold);
  const backS =
    spares.max > 0
      ? lookBackS(need.inputs, policy.spareLookBack * spares.idleS, bucketsS + hold, policy)
      : bucketsS + hold;
  const recent = backS < bucketsS ? neededRecently({ demand, workers, launches: restarts, policy }, backS) : need;
  const kept = Math.max(recent.workers, ...keptOf(history.needs, now, backS - bucketsS));

  // Also where the last one is stopped and not given back: a fleet that stops it sooner saves little, and lets people wait often.
  const warmS = stayWarmS({ policy, rented: running, launches, nextPricePerHour, leadTimeS });
  const floor = Math.max(policy.workersMin, scheduleFloor(policy, now));
  // What runs stays while somebody may come back; nothing is started for that. Past bursts keep no idle fleet.
  const isCold = demand.idleS > warmS;
  const wanted = isCold ? floor : Math.max(kept, history.held - spares.max, Math.min(1, running.length), floor);
  const cap = Math.min(policy.workersMax, observation.budget.workersMax);
  const target = Math.min(wanted, cap);
  // Money that runs out is not spent on disks.
  const sparesMax = runsOut(observation.budget, wanted) ? 0 : spares.max;
  const inputs: PlanInputs = {
    ...need.inputs,
    needed: need.workers,
    held: history.held,
    floor,
    cap,
    stayWarmS: warmS,
    ready: of('ready').length,
    launching: of('launching').length,
    draining: of('draining').length,
    stopped: of('stopping').length + of('stopped').length,
    restarting: of('restarting').length,
    restartChance: spares.chance,
    restartLeadS: spares.leadTimeS,
  };
  const reasons = [need.reason];
  if (target > need.workers) reasons.push(whyMore(inputs, policy));
  if (inputs.stopped > 0)
    reasons.push(
      `${inputs.stopped} stopped, each back within ${Math.round(spares.leadTimeS)} s with ${Math.round(100 * spares.chance)} %`,
    );
  if (wanted > cap)
    reasons.push(
      observation.budget.workersMax < policy.workersMax
        ? `${wanted} wanted, ${cap} allowed: ${observation.budget.reason}`
        : `${wanted} wanted, workersMax is ${policy.workersMax}`,
    );

  const over = new Set(observation.budget.rentalsOver);
  const rest = (phase: WorkerView['phase']) => of(phase).filter(({ id }) => !over.has(id));
  const supply: Supply = {
    ready: rest('ready'),
    launching: rest('launching'),
    restarting: rest('restarting'),
    draining: rest('draining'),
    stopping: rest('stopping'),
    stopped: rest('stopped').toSorted((a, b) => (b.stoppedAt ?? 0) - (a.stoppedAt ?? 0)),
  };
  const drains = memory.drains.filter((at) => at > now - 60_000);
  const withSpares = (count: number) =>
    isCold
      ? target
      : Math.min(
          target + sparesMax,
          Math.max(target, count < policy.spareFrom ? count : Math.ceil(policy.spareFactor * count)),
        );
  const change = wishesFor({
    supply,
    aim: {
      target,
      readyMin: isCold ? target : Math.max(target, Math.min(history.held, cap)),
      heldMin: withSpares(need.workers),
      heldMax: withSpares(history.held),
      sparesMax,
      cap,
      drainsMax: wanted > cap ? Infinity : drainsPerMinute(supply, policy) - drains.length,
      reason: recent.reason,
    },
    demand,
    launches,
    spares,
    policy,
    now,
  });
  const drained = change.wishes.filter(({ kind }) => kind === 'drain').map(() => now);
  return {
    target,
    wishes: [
      ...giveBack(
        rented.filter(({ id }) => over.has(id)),
        'this rental has cost its cap',
      ),
      ...change.wishes,
    ],
    reasons: [...reasons, ...change.reasons],
    inputs,
    memory: { needs: history.needs, drains: [...drains, ...drained], target },
  };
}

const runsOut = ({ workersMax, bound }: Extract<BudgetVerdict, { kind: 'open' }>, wanted: number): boolean =>
  wanted > workersMax && (bound === 'day' || bound === 'month');

const drainsPerMinute = ({ ready }: Supply, policy: FleetPolicy): number =>
  Math.max(policy.drainsPerMinuteMax, Math.floor(ready.length * policy.drainShareMax));

/** How far back the demand's buckets reach. */
const bucketsS = 600;
const bucketS = 10;

/**
 * How long a need is kept. Of steady demand the past says little that the present does not; where bursts tower over the mean
 * the next one comes without warning, and what the last one needed is kept longer.
 */
function holdS({ burstPerS, perS300, leadTimeS }: NeedInputs, policy: FleetPolicy): number {
  const burstiness = Math.min(policy.holdBurstMax, Math.max(1, burstPerS / Math.max(perS300, 1)));
  // The need itself looks back as far as its buckets do.
  return Math.max(policy.holdS * burstiness, 2 * leadTimeS - bucketsS);
}

/** By the bursts of the last `seconds` alone. */
const neededRecently = (question: NeedQuestion, seconds: number): ReturnType<typeof neededWorkers> =>
  neededWorkers({
    ...question,
    demand: { ...question.demand, buckets: question.demand.buckets.slice(-Math.ceil(seconds / bucketS)) },
    policy: { ...question.policy, leadTimePriorS: question.policy.restartPriorS },
    lossShare: question.policy.spareLossShare,
  });

/** Needs of so long ago at most. */
const keptOf = (needs: PlanMemory['needs'], now: EpochMs, seconds: number): readonly number[] =>
  needs.filter(({ at }) => now - at <= seconds * 1000).map(({ workers }) => workers);

function holdStill(memory: PlanMemory, reason: string): FleetPlan {
  return { target: memory.target, wishes: [], reasons: [`nothing is done: ${reason}`], inputs: undefined, memory };
}

function stopAll(rented: readonly WorkerView[], reason: string, memory: PlanMemory): FleetPlan {
  return {
    target: 0,
    wishes: giveBack(rented, reason),
    reasons: [reason],
    inputs: undefined,
    memory: { ...memory, target: 0 },
  };
}

function whyMore({ needed, held, floor, stayWarmS: warmS }: PlanInputs, policy: FleetPolicy): string {
  if (floor >= held && floor > needed) return `${floor} by ${floor > policy.workersMin ? 'schedule' : 'workersMin'}`;
  if (held > needed) return `${held} were needed within the hold time`;
  return `one stays warm until it has been idle for ${Math.round(warmS)} s`;
}
