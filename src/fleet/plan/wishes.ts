/** From a number of machines to what is done about it: who is kept, started, stopped or given back. */
import type { EpochMs } from '../../core/units.ts';
import type { DemandSnapshot } from '../demand-work.ts';
import { breakerOpenUntil, launchesAllowed, launchesFor } from './launches.ts';
import type { LaunchRecord, WorkerView } from './observation.ts';
import type { FleetPolicy } from './policy.ts';
import type { SpareRules } from './spares.ts';

export type FleetWish =
  /** Rent this many more. The budget, the offers and the provider may still refuse. */
  | { readonly kind: 'launch'; readonly count: number; readonly urgency: 'normal' | 'urgent'; readonly reason: string }
  /** A draining machine is needed after all: let it serve again. */
  | { readonly kind: 'keep'; readonly worker: string; readonly reason: string }
  /** Start it from its disk. The budget and the provider may still refuse. */
  | { readonly kind: 'restart'; readonly worker: string; readonly reason: string }
  /** Give it nothing new; destroy it when it is done, or after `drainS`. */
  | { readonly kind: 'drain'; readonly worker: string; readonly reason: string }
  /** Give it nothing new; when it is done stop it, and keep its disk. */
  | { readonly kind: 'stop'; readonly worker: string; readonly reason: string }
  /** It does not serve, starting or stopped: destroy it at once. */
  | { readonly kind: 'cancel-launch' | 'discard'; readonly worker: string; readonly reason: string };

/** Machines that the law may do something about, by phase; of the stopped ones the last to be stopped comes first. */
export type Supply = Readonly<Record<Exclude<WorkerView['phase'], 'destroying'>, readonly WorkerView[]>>;

export interface Aim {
  /** Machines that shall be ready. */
  readonly target: number;
  /** A ready one is given back for good only while there are more of them than these. */
  readonly readyMin: number;
  /** With the stopped ones: more are rented while there are fewer, and starts given back when there are more. */
  readonly heldMin: number;
  readonly heldMax: number;
  readonly sparesMax: number;
  /** On machines that run. */
  readonly cap: number;
  readonly drainsMax: number;
  readonly reason: string;
}

export interface WishQuestion {
  readonly supply: Supply;
  readonly aim: Aim;
  readonly demand: DemandSnapshot;
  readonly launches: readonly LaunchRecord[];
  readonly spares: SpareRules;
  readonly policy: FleetPolicy;
  readonly now: EpochMs;
}

export interface Wishes {
  readonly wishes: readonly FleetWish[];
  /** What keeps the target from being reached. */
  readonly reasons: readonly string[];
}

export function wishesFor(question: WishQuestion): Wishes {
  const { aim, supply } = question;
  const back = bringBack(question);
  const comesBack = new Set(back.map(({ worker }) => worker));
  const launched = launch(question, comesBack);
  const gone = aim.target > supply.ready.length ? [] : shrink(question);
  return {
    wishes: [...back, ...launched.wishes, ...gone, ...discards(question, comesBack)],
    reasons: launched.reasons,
  };
}

/**
 * Those that have not stopped answering yet, then those that are stopped. A start from nothing is minutes away, so it is
 * no reason to leave a stopped machine where it is; it may take that one's place later.
 */
function bringBack({ supply, aim }: WishQuestion): Exclude<FleetWish, { kind: 'launch' }>[] {
  const { target, cap, reason } = aim;
  const { ready, launching, restarting } = supply;
  const missing = target - ready.length - restarting.length;
  const kept = [...supply.stopping, ...supply.draining].slice(0, Math.max(0, missing - launching.length));
  const room = cap - ready.length - restarting.length - launching.length - kept.length;
  const restarted = supply.stopped.slice(0, Math.max(0, Math.min(missing - kept.length, room)));
  return [
    ...kept.map(({ id }) => ({ kind: 'keep', worker: id, reason }) as const),
    ...restarted.map(({ id }) => ({ kind: 'restart', worker: id, reason }) as const),
  ];
}

/** As many as the caps, the rate of starts and their failures allow. @param back machines that serve again soon */
function launch({ supply, aim, demand, launches, policy, now }: WishQuestion, back: ReadonlySet<string>): Wishes {
  const { ready, launching, restarting, stopping, stopped } = supply;
  const soon = ready.length + restarting.length + back.size;
  const isUrgent = demand.queued > 0 && (demand.oldestQueuedS > policy.waitTargetS || soon === 0);
  const starts = launchesFor({
    missing: aim.target - soon,
    launching: launching.length,
    isUrgent,
    launches,
    policy,
  });
  const spare = [...stopping, ...stopped].filter(({ id }) => !back.has(id)).length;
  const held = soon + launching.length + spare;
  // A hedge must not rent above the cap either.
  const count = Math.min(Math.max(starts, aim.heldMin - held), aim.cap - soon - launching.length);
  if (count <= 0) return { wishes: [], reasons: [] };
  const tryAgainAt = breakerOpenUntil(launches, policy);
  // After failures in a row one is tried, not as many as are missing.
  const triesMax = tryAgainAt === undefined ? Infinity : now < tryAgainAt ? 0 : Math.max(0, 1 - launching.length);
  const allowed = Math.min(count, triesMax, launchesAllowed(launches, policy, now));
  const urgency = isUrgent && starts > 0 ? 'urgent' : 'normal';
  const wishes: FleetWish[] = allowed > 0 ? [{ kind: 'launch', count: allowed, urgency, reason: aim.reason }] : [];
  if (allowed >= count) return { wishes, reasons: [] };
  const why =
    tryAgainAt !== undefined
      ? `but starts keep failing: one is tried at ${new Date(tryAgainAt).toISOString()}`
      : `${allowed} may be started now (${policy.launchesPerMinuteMax} a minute, ${policy.launchesPerHourMax} an hour)`;
  return { wishes, reasons: [`${count} more are wanted, ${why}`] };
}

/**
 * Starts that are no longer needed, then the machines whose speed costs most: stopped while there is room for stopped
 * ones, given back when nothing has needed them for long.
 */
function shrink({ supply, aim, spares }: WishQuestion): FleetWish[] {
  const { ready, launching } = supply;
  const spare = supply.stopped.length + supply.stopping.length;
  const useless = launching.slice(Math.max(0, aim.heldMax - ready.length - supply.restarting.length - spare));
  const over = worstFirst(ready).slice(0, ready.length - aim.target);
  const isOnly = aim.heldMax <= 1;
  const stops = over.filter((worker) => spares.keepS(worker, isOnly) > 0).slice(0, Math.max(0, aim.sparesMax - spare));
  const drainsMax = Math.min(aim.drainsMax, ready.length - stops.length - aim.readyMin);
  const drains = over.filter((worker) => !stops.includes(worker)).slice(0, Math.max(0, drainsMax));
  return [
    ...giveBack(useless, 'enough machines are ready'),
    ...stops.map(({ id }): FleetWish => ({ kind: 'stop', worker: id, reason: aim.reason })),
    ...giveBack(drains, aim.reason),
  ];
}

/** Stopped ones that are too many, or have cost what a new machine costs. */
function discards({ supply, aim, spares, now }: WishQuestion, back: ReadonlySet<string>): FleetWish[] {
  const stay = supply.stopped.filter(({ id }) => !back.has(id));
  return stay.flatMap((worker, index): FleetWish[] => {
    const keepS = spares.keepS(worker, aim.heldMax <= 1);
    const stoppedS = (now - (worker.stoppedAt ?? now)) / 1000;
    if (index < aim.sparesMax && stoppedS < keepS) return [];
    const reason =
      index < aim.sparesMax
        ? `stopped for ${Math.round(stoppedS / 60)} min, which is as long as its disk is worth it`
        : `${aim.sparesMax} stopped machines may be kept`;
    return [{ kind: 'discard', worker: worker.id, reason }];
  });
}

export function giveBack(workers: readonly WorkerView[], reason: string): FleetWish[] {
  return workers.flatMap(({ id, phase }): FleetWish[] => {
    switch (phase) {
      case 'ready':
        return [{ kind: 'drain', worker: id, reason }];
      case 'launching':
      case 'restarting':
        return [{ kind: 'cancel-launch', worker: id, reason }];
      case 'stopping':
      case 'stopped':
        return [{ kind: 'discard', worker: id, reason }];
      default:
        return [];
    }
  });
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
