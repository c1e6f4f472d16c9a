/** Arrivals, waiting and running requests per model: the signal by which machines are rented. */
import type { Clock } from '../core/clock.ts';
import type { ModelName } from '../core/ids.ts';
import type { ModelDemand } from './thinker.ts';

export interface DemandTracker {
  arrived(model: ModelName): void;
  /** Adds to the requests waiting for a thinker; negative when they leave. */
  waiting(model: ModelName, change: 1 | -1): void;
  /** Adds to the requests running on thinkers. */
  running(model: ModelName, change: 1 | -1): void;
  read(): readonly ModelDemand[];
}

/** Arrivals older than a minute count for a third: a burst shows at once and fades within minutes. */
const fadeMs = 60_000;
/** Clients can ask for any name; the ones idle longest are forgotten beyond this many. */
const modelsMax = 256;

interface Row {
  /** Arrivals, each fading with time; a steady rate r settles at r · fadeMs. */
  faded: number;
  atMs: number;
  waiting: number;
  running: number;
}

export function createDemandTracker(deps: { readonly clock: Clock }): DemandTracker {
  const { clock } = deps;
  const rows = new Map<ModelName, Row>();

  const rowOf = (model: ModelName): Row => {
    let row = rows.get(model);
    if (row) return row;
    if (rows.size >= modelsMax) forgetOne(rows);
    row = { faded: 0, atMs: clock.monotonicMs(), waiting: 0, running: 0 };
    rows.set(model, row);
    return row;
  };

  return {
    arrived(model) {
      const row = rowOf(model);
      const nowMs = clock.monotonicMs();
      row.faded = row.faded * Math.exp((row.atMs - nowMs) / fadeMs) + 1;
      row.atMs = nowMs;
    },
    waiting(model, change) {
      rowOf(model).waiting += change;
    },
    running(model, change) {
      rowOf(model).running += change;
    },
    read() {
      const nowMs = clock.monotonicMs();
      return [...rows].map(([model, row]) => ({
        model,
        arrivalsPerSecond: (row.faded * Math.exp((row.atMs - nowMs) / fadeMs)) / (fadeMs / 1000),
        inFlight: row.running,
        waiting: row.waiting,
      }));
    },
  };
}

/** Never a model with requests in it: their leaving would count below zero. */
function forgetOne(rows: Map<ModelName, Row>): void {
  let oldest: ModelName | undefined;
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const [model, row] of rows) {
    if (row.waiting > 0 || row.running > 0 || row.atMs >= oldestMs) continue;
    oldest = model;
    oldestMs = row.atMs;
  }
  if (oldest !== undefined) rows.delete(oldest);
}
