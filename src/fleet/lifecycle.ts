/** The life of a rented machine: its phases, which may follow which, and how long each may last. */
import { assert } from '../core/assert.ts';
import type { EpochMs } from '../core/units.ts';

/**
 * `requested`: we asked for it, the market has not confirmed it. `creating`: confirmed. `loading`: its image is
 * pulled. `starting`: it runs, pulls the model and proves itself. `stopping`: until the list says that it is stopped.
 * `stopped`: its disk alone is left, and bills. `restarting`: from that disk to new proof that it can serve.
 * `destroying`: until the list shows it no more.
 */
export type Phase =
  | 'requested'
  | 'creating'
  | 'loading'
  | 'starting'
  | 'ready'
  | 'draining'
  | 'stopping'
  | 'stopped'
  | 'restarting'
  | 'destroying'
  | 'gone';

/** Whatever has begun to cost can only end by `destroying`; what was never rented is simply gone. */
const transitions: Readonly<Record<Phase, readonly Phase[]>> = {
  requested: ['creating', 'loading', 'starting', 'destroying', 'gone'],
  creating: ['loading', 'starting', 'destroying'],
  loading: ['starting', 'destroying'],
  starting: ['ready', 'destroying'],
  ready: ['draining', 'destroying'],
  draining: ['ready', 'stopping', 'destroying'],
  stopping: ['stopped', 'destroying'],
  // A market that runs it unasked is told again to stop it.
  stopped: ['restarting', 'stopping', 'destroying'],
  restarting: ['ready', 'destroying'],
  destroying: ['gone'],
  // A market that shows it again is believed.
  gone: ['destroying'],
};

export const mayFollow = (from: Phase, to: Phase): boolean => transitions[from].includes(to);

export function assertMayFollow(from: Phase, to: Phase): void {
  assert(mayFollow(from, to), `a machine cannot go from ${from} to ${to}`);
}

/** It costs money, or may. */
export const isAlive = (phase: Phase): boolean => phase !== 'gone';

/** From the request until it is ready. */
export const isLaunching = (phase: Phase): boolean =>
  phase === 'requested' || phase === 'creating' || phase === 'loading' || phase === 'starting';

/** On its way to serving, from nothing or from its disk. */
export const isStarting = (phase: Phase): boolean => isLaunching(phase) || phase === 'restarting';

export interface PhaseDeadlines {
  /** Confirmed by the market or found in its list. Default 60000: a create answers within seconds. */
  readonly requestedMs: number;
  /** Default 120000: a host that has not begun by then is stuck. */
  readonly creatingMs: number;
  /** Pull of the image. Default 480000: 4 GB at 70 Mb/s. */
  readonly loadingMs: number;
  /** Pull of the model, load into the GPU and first token. Default 660000. */
  readonly startingMs: number;
  /** Running answers may end. Default 120000. */
  readonly drainingMs: number;
  /** Default 120000: a stop that is not done by then ends as a destroy, so that no GPU bills for it. */
  readonly stoppingMs: number;
  /** From the disk to readiness. Default 240000: nothing is pulled. */
  readonly restartingMs: number;
  /** Of it, waiting for a GPU that others have. Default 30000: they may keep it for days. */
  readonly gpuWaitMs: number;
}

export const phaseDeadlines: PhaseDeadlines = {
  requestedMs: 60_000,
  creatingMs: 120_000,
  loadingMs: 480_000,
  startingMs: 660_000,
  drainingMs: 120_000,
  stoppingMs: 120_000,
  restartingMs: 240_000,
  gpuWaitMs: 30_000,
};

/** When the phase must be over; undefined for those that last as long as they must. */
export function deadlineOf(phase: Phase, since: EpochMs, deadlines: PhaseDeadlines): EpochMs | undefined {
  const ms = {
    requested: deadlines.requestedMs,
    creating: deadlines.creatingMs,
    loading: deadlines.loadingMs,
    starting: deadlines.startingMs,
    draining: deadlines.drainingMs,
    stopping: deadlines.stoppingMs,
    restarting: deadlines.restartingMs,
    ready: undefined,
    stopped: undefined,
    destroying: undefined,
    gone: undefined,
  }[phase];
  return ms === undefined ? undefined : ((since + ms) as EpochMs);
}

/** The longest a start can still take, if every phase used all of its time. */
export function startLeftMs(phase: Phase, since: EpochMs, now: EpochMs, deadlines: PhaseDeadlines): number {
  const order = ['requested', 'creating', 'loading', 'starting'] as const;
  const at = order.indexOf(phase as (typeof order)[number]);
  if (at === -1) return 0;
  return order.slice(at).reduce((sum, each, i) => {
    const whole = deadlines[`${each}Ms`];
    return sum + (i === 0 ? Math.max(0, since + whole - now) : whole);
  }, 0);
}
