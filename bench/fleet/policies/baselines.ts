/**
 * Other systems' laws, written by us after their documentation and source; each with its documented defaults
 * and options to tune. They start machines of the same offers, by the same keeper, as ours does.
 */
import { nothing, towards, type FleetView, type Scaler } from '../scaler.ts';
import { slots, type Worker } from '../workers.ts';
import { tickS } from '../time.ts';

export const workersMax = 40;

export function fixed(count: number): Scaler {
  return {
    demand: 'unused',
    decide: ({ workers }) => (workers === undefined ? nothing : towards(count, workers, { cancelsBooting: false })),
  };
}

export interface SkyServeOptions {
  /** Has no default: its user measures a replica. */
  readonly qpsPerReplica: number;
  readonly upS: number;
  readonly downS: number;
  readonly replicasMin: number;
}

/** Requests of the last minute by what a replica is said to take; a change must be wanted for a while. */
export function skyServe({ qpsPerReplica, upS, downS, replicasMin }: SkyServeOptions): Scaler {
  const arrivals = new Window(60);
  let target = replicasMin;
  let upSince: number | undefined;
  let downSince: number | undefined;
  return {
    demand: 'unused',
    decide({ nowS, workers, plane }) {
      arrivals.add(plane.arrived);
      const wished = clip(Math.ceil((plane.arrived - arrivals.oldest()) / 60 / qpsPerReplica), replicasMin);
      upSince = wished > target ? (upSince ?? nowS) : undefined;
      downSince = wished < target ? (downSince ?? nowS) : undefined;
      if (
        target === 0 ||
        (upSince !== undefined && nowS - upSince >= upS) ||
        (downSince !== undefined && nowS - downSince >= downS)
      )
        [target, upSince, downSince] = [wished, undefined, undefined];
      return workers === undefined ? nothing : towards(target, workers, { cancelsBooting: true });
    },
  };
}

export interface KpaOptions {
  readonly stableS: number;
  readonly panicS: number;
  readonly utilisation: number;
  readonly cancelsBooting: boolean;
}

/** Knative: mean concurrency of a stable window; a short window takes over when it asks for twice what is ready. */
export function kpa({ stableS, panicS, utilisation, cancelsBooting }: KpaOptions): Scaler {
  const stable = new Window(stableS);
  const panic = new Window(panicS);
  let panicUntilS = -Infinity;
  let panicMost = 0;
  return {
    demand: 'unused',
    decide({ nowS, workers, plane }) {
      stable.add(plane.inSystem);
      panic.add(plane.inSystem);
      const per = slots * utilisation;
      const ready = Math.max(1, plane.workers.filter(({ phase }) => phase === 'ready').length);
      const byStable = Math.max(Math.ceil(stable.mean() / per), Math.floor(ready / 2), 1);
      const byPanic = Math.ceil(panic.mean() / per);
      if (byPanic / ready >= 2) panicUntilS = nowS + stableS;
      const isPanic = nowS < panicUntilS;
      panicMost = isPanic ? Math.max(panicMost, byPanic, byStable) : 0;
      return workers === undefined
        ? nothing
        : towards(clip(isPanic ? panicMost : byStable, 1), workers, { cancelsBooting });
    },
  };
}

export interface HpaOptions {
  readonly utilisation: number;
  readonly tolerance: number;
  readonly downS: number;
}

/** Kubernetes HPA on concurrency, as KEDA feeds it: ten percent of tolerance, the most of the last minutes when it goes down. */
export function hpa({ utilisation, tolerance, downS }: HpaOptions): Scaler {
  const wishes = new Window(downS);
  return {
    demand: 'unused',
    decide({ workers, plane }) {
      if (workers === undefined) return nothing;
      const current = Math.max(1, count(workers, 'ready') + count(workers, 'launching'));
      const ratio = plane.inSystem / (slots * utilisation) / current;
      const wished = clip(Math.abs(ratio - 1) <= tolerance ? current : Math.ceil(ratio * current), 1);
      wishes.add(wished);
      // Four pods or twice as many at a time, whatever is more.
      const up = Math.min(wished, Math.max(current + 4, current * 2));
      return towards(up > current ? up : Math.min(current, wishes.most()), workers, { cancelsBooting: true });
    },
  };
}

export interface VastOptions {
  readonly targetUtil: number;
  readonly coldMult: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** Over which load is averaged. */
  readonly loadS: 30 | 300;
}

/** A surplus of the pool must last this long before a stopped machine is given back. */
const poolSurplusS = 1200;

/** vast.ai Serverless: active machines by load, and a pool of stopped ones that start faster; the worst by price and speed go first. */
export function vastServerless({ targetUtil, coldMult, minWorkers, maxWorkers, loadS }: VastOptions): Scaler {
  const pools = new Window(poolSurplusS);
  return {
    decide(view) {
      const { workers } = view;
      if (workers === undefined) return nothing;
      const speed = meanSpeed(workers);
      const load = loadOf(view, loadS);
      pools.add(clamp(Math.ceil((coldMult * loadOf(view, 300)) / speed), minWorkers, maxWorkers));
      const pool = pools.most();
      const target = clamp(Math.ceil(load / (targetUtil * speed)), 1, maxWorkers);
      // Whether its GPU is still there nobody knows: the one that was stopped last is the likeliest.
      const stopped = workers.filter(({ phase }) => phase === 'stopped').sort((a, b) => b.stoppedAtS - a.stoppedAtS);
      const draining = workers.filter(({ phase }) => phase === 'draining');
      const ready = workers.filter(({ phase }) => phase === 'ready');
      const missing = Math.max(0, target - ready.length - count(workers, 'launching'));
      const keep = draining.slice(0, missing).map(({ id }) => id);
      const restart = stopped.slice(0, missing - keep.length).map(({ id }) => id);
      const over = [...ready]
        .sort((a, b) => b.pricePerHour / b.machine.tokensPerS - a.pricePerHour / a.machine.tokensPerS)
        .slice(0, Math.max(0, ready.length - target))
        .map(({ id }) => id);
      const surplus = stopped
        .toReversed()
        .slice(0, Math.max(0, workers.length - pool))
        .map(({ id }) => id);
      return {
        ...nothing,
        launch: Math.max(
          0,
          Math.min(
            maxWorkers - workers.length,
            Math.max(missing - keep.length - restart.length, pool - workers.length),
          ),
        ),
        keep,
        restart,
        stop: over,
        cancel: surplus.filter((id) => !restart.includes(id)),
      };
    },
  };
}

function loadOf({ demand }: FleetView, seconds: 30 | 300): number {
  return (seconds === 30 ? demand.perS30 : demand.perS300) + demand.queuedWork / 60;
}

function meanSpeed(workers: readonly Worker[]): number {
  const measured = workers.flatMap((worker) => worker.measured ?? []);
  return measured.length === 0 ? 350 : measured.reduce((sum, value) => sum + value, 0) / measured.length;
}

const count = (workers: readonly Worker[], phase: Worker['phase']) =>
  workers.filter((worker) => worker.phase === phase).length;
const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));
const clip = (wished: number, least: number) => clamp(wished, least, workersMax);

/** Samples of the last seconds, one a tick. */
class Window {
  readonly #lengthMax: number;
  readonly #values: number[] = [];

  constructor(seconds: number) {
    this.#lengthMax = Math.max(1, Math.round(seconds / tickS));
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#lengthMax) this.#values.shift();
  }

  oldest(): number {
    return this.#values[0] ?? 0;
  }

  mean(): number {
    return this.#values.reduce((sum, value) => sum + value, 0) / Math.max(1, this.#values.length);
  }

  most(): number {
    return Math.max(...this.#values);
  }
}
