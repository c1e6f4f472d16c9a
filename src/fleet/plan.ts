/**
 * The control law: how many machines this fleet should have now, and what to do about it. Pure: the same
 * observation, policy, memory and time give the same plan, in production, in the simulation and in a replay
 * of the log. docs/autoscaling.md explains it.
 */
import type { EpochMs } from '../core/units.ts';
import type { DemandSnapshot } from './demand-work.ts';
import { stayWarmS } from './plan/idle-rule.ts';
import { breakerOpenUntil, launchesAllowed, launchesFor } from './plan/launches.ts';
import { rememberNeed, type PlanMemory } from './plan/memory.ts';
import { neededWorkers, type NeedInputs } from './plan/needed-workers.ts';
import type { FleetObservation, WorkerView } from './plan/observation.ts';
import type { FleetPolicy } from './plan/policy.ts';
import { scheduleFloor } from './plan/schedule.ts';

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

export type FleetWish =
  /** Rent this many more. The budget, the offers and the provider may still refuse. */
  | { readonly kind: 'launch'; readonly count: number; readonly urgency: 'normal' | 'urgent'; readonly reason: string }
  /** A draining machine is needed after all: let it serve again. */
  | { readonly kind: 'keep'; readonly worker: string; readonly reason: string }
  /** Give it nothing new; destroy it when it is done, or after `drainS`. */
  | { readonly kind: 'drain'; readonly worker: string; readonly reason: string }
  /** It has not served yet: destroy it at once. */
  | { readonly kind: 'cancel-launch'; readonly worker: string; readonly reason: string };

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

  const need = neededWorkers({ demand, workers, launches: observation.launches, policy });
  const history = rememberNeed(memory, { at: now, workers: need.workers }, holdS(need.inputs, policy));
  const ready = rented.filter(({ phase }) => phase === 'ready');
  const launching = rented.filter(({ phase }) => phase === 'launching');
  const draining = rented.filter(({ phase }) => phase === 'draining');
  const active = ready.length + launching.length;

  const warmS = stayWarmS({
    policy,
    rented: [...ready, ...launching],
    launches: observation.launches,
    nextPricePerHour: observation.nextPricePerHour,
    leadTimeS: need.inputs.leadTimeS,
  });
  const floor = Math.max(policy.workersMin, scheduleFloor(policy, now));
  // What runs stays while somebody may come back; nothing is started for that. Past bursts keep no idle fleet.
  const isCold = demand.idleS > warmS;
  const wanted = isCold ? floor : Math.max(need.workers, history.held, Math.min(1, active), floor);
  const cap = Math.min(policy.workersMax, observation.budget.workersMax);
  const target = Math.min(wanted, cap);
  const inputs: PlanInputs = {
    ...need.inputs,
    needed: need.workers,
    held: history.held,
    floor,
    cap,
    stayWarmS: warmS,
    ready: ready.length,
    launching: launching.length,
    draining: draining.length,
  };
  const reasons = [need.reason];
  if (target > need.workers) reasons.push(whyMore(inputs, policy));
  if (wanted > cap)
    reasons.push(
      observation.budget.workersMax < policy.workersMax
        ? `${wanted} wanted, ${cap} allowed: ${observation.budget.reason}`
        : `${wanted} wanted, workersMax is ${policy.workersMax}`,
    );

  const over = new Set(observation.budget.rentalsOver);
  const kept = (list: readonly WorkerView[]) => list.filter(({ id }) => !over.has(id));
  const supply: Supply = { ready: kept(ready), launching: kept(launching), draining: kept(draining) };
  const context: WishContext = { observation, policy, now, supply, target, reason: need.reason };
  const drains = memory.drains.filter((at) => at > now - 60_000);
  const change =
    target > supply.ready.length
      ? grow({ ...context, cap, demand })
      : shrink({ ...context, drainsMax: wanted > cap ? Infinity : drainsPerMinute(supply, policy) - drains.length });
  const drained = change.wishes.filter(({ kind }) => kind === 'drain').map(() => now);
  return {
    target,
    wishes: [
      ...giveBack(
        [...ready, ...launching].filter(({ id }) => over.has(id)),
        'this rental has cost its cap',
      ),
      ...change.wishes,
    ],
    reasons: [...reasons, ...change.reasons],
    inputs,
    memory: { needs: history.needs, drains: [...drains, ...drained], target },
  };
}

interface Supply {
  readonly ready: readonly WorkerView[];
  readonly launching: readonly WorkerView[];
  readonly draining: readonly WorkerView[];
}

interface WishContext {
  readonly observation: FleetObservation;
  readonly policy: FleetPolicy;
  readonly now: EpochMs;
  readonly supply: Supply;
  readonly target: number;
  readonly reason: string;
}

interface Change {
  readonly wishes: readonly FleetWish[];
  readonly reasons: readonly string[];
}

/** Draining machines first, then new ones, as many as the caps, the rate of starts and their failures allow. */
function grow(context: WishContext & { readonly cap: number; readonly demand: DemandSnapshot }): Change {
  const { observation, policy, now, supply, target, cap, demand, reason } = context;
  const { launches } = observation;
  const missing = target - supply.ready.length;
  const back = supply.draining.slice(0, Math.max(0, missing - supply.launching.length));
  const wishes: FleetWish[] = back.map(({ id }) => ({ kind: 'keep', worker: id, reason }));
  const isUrgent = demand.queued > 0 && (demand.oldestQueuedS > policy.waitTargetS || supply.ready.length === 0);
  const starts = launchesFor({
    missing: missing - back.length,
    launching: supply.launching.length,
    isUrgent,
    launches,
    policy,
  });
  // A hedge must not rent above the cap either.
  const count = Math.min(starts, cap - supply.ready.length - back.length - supply.launching.length);
  const tryAgainAt = breakerOpenUntil(launches, policy);
  // After failures in a row one is tried, not as many as are missing.
  const triesMax =
    tryAgainAt === undefined ? Infinity : now < tryAgainAt ? 0 : Math.max(0, 1 - supply.launching.length);
  const allowed = Math.min(count, triesMax, launchesAllowed(launches, policy, now));
  if (allowed > 0) wishes.push({ kind: 'launch', count: allowed, urgency: isUrgent ? 'urgent' : 'normal', reason });
  if (allowed >= count) return { wishes, reasons: [] };
  const why =
    tryAgainAt !== undefined
      ? `but starts keep failing: one is tried at ${new Date(tryAgainAt).toISOString()}`
      : `${allowed} may be started now (${policy.launchesPerMinuteMax} a minute, ${policy.launchesPerHourMax} an hour)`;
  return { wishes, reasons: [`${count} more are wanted, ${why}`] };
}

const drainsPerMinute = ({ ready }: Supply, policy: FleetPolicy): number =>
  Math.max(policy.drainsPerMinuteMax, Math.floor(ready.length * policy.drainShareMax));

/** Starts that are no longer needed, then the machines whose speed costs most. */
function shrink(context: WishContext & { readonly drainsMax: number }): Change {
  const { supply, target, drainsMax, reason } = context;
  const over = Math.max(0, Math.min(supply.ready.length - target, drainsMax));
  return {
    wishes: [
      ...giveBack(supply.launching, 'enough machines are ready'),
      ...giveBack(worstFirst(supply.ready).slice(0, over), reason),
    ],
    reasons: [],
  };
}

/** How far back the demand's buckets reach. */
const bucketsS = 600;

/**
 * How long a need is kept. Of steady demand the past says little that the present does not; where bursts tower over the mean
 * the next one comes without warning, and what the last one needed is kept longer.
 */
function holdS({ burstPerS, perS300, leadTimeS }: NeedInputs, policy: FleetPolicy): number {
  const burstiness = Math.min(policy.holdBurstMax, Math.max(1, burstPerS / Math.max(perS300, 1)));
  // The need itself looks back as far as its buckets do.
  return Math.max(policy.holdS * burstiness, 2 * leadTimeS - bucketsS);
}

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

function giveBack(workers: readonly WorkerView[], reason: string): FleetWish[] {
  return workers.flatMap(({ id, phase }): FleetWish[] => {
    if (phase === 'ready') return [{ kind: 'drain', worker: id, reason }];
    return phase === 'launching' ? [{ kind: 'cancel-launch', worker: id, reason }] : [];
  });
}

function whyMore({ needed, held, floor, stayWarmS: warmS }: PlanInputs, policy: FleetPolicy): string {
  if (floor >= held && floor > needed) return `${floor} by ${floor > policy.workersMin ? 'schedule' : 'workersMin'}`;
  if (held > needed) return `${held} were needed within the hold time`;
  return `one stays warm until it has been idle for ${Math.round(warmS)} s`;
}

/** The one whose speed costs most goes first; among equals the one that has least to finish. */
function worstFirst(workers: readonly WorkerView[]): WorkerView[] {
  const costOfSpeed = ({ pricePerHour, tokensPerS }: WorkerView) => pricePerHour / Math.max(1, tokensPerS ?? 400);
  return [...workers].sort(
    (a, b) =>
      costOfSpeed(b) - costOfSpeed(a) ||
      a.inFlight - b.inFlight ||
      b.launchedAt - a.launchedAt ||
      (a.id < b.id ? -1 : 1),
  );
}
