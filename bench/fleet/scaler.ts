/** What is compared: a law that sees the fleet every ten seconds and says what to start and stop. */
import type { UsdMicros } from '../../src/core/units.ts';
import type { BudgetVerdict } from '../../src/fleet/budget.ts';
import type { DemandSnapshot } from '../../src/fleet/demand-work.ts';
import type { LaunchRecord } from '../../src/fleet/plan/observation.ts';
import type { DataPlane, Worker } from './workers.ts';

export interface Scaler {
  /** Laws that look at counts alone are spared the meter of token work: half of a run's time. */
  readonly demand?: 'unused';
  decide(view: FleetView): Decision;
}

export interface FleetView {
  readonly nowS: number;
  /** Undefined while the provider's list is unknown. */
  readonly workers: readonly Worker[] | undefined;
  readonly demand: DemandSnapshot;
  /** Counts of the gateway: what KPA, HPA and SkyServe look at. */
  readonly plane: DataPlane;
  readonly launches: readonly LaunchRecord[];
  /** Of stopped machines. */
  readonly restarts: readonly LaunchRecord[];
  readonly budget: BudgetVerdict;
  readonly nextPricePerHour: UsdMicros | undefined;
}

export interface Decision {
  readonly launch: number;
  readonly urgency: 'normal' | 'urgent';
  readonly keep: readonly string[];
  readonly drain: readonly string[];
  readonly cancel: readonly string[];
  /** From its disk. */
  readonly restart?: readonly string[];
  /** Drain it and keep its disk. */
  readonly stop?: readonly string[];
}

export const nothing: Decision = { launch: 0, urgency: 'normal', keep: [], drain: [], cancel: [] };

/** For laws that give a number: start what is missing; stop what is over, machines that are still starting first if the law does so. */
export function towards(
  target: number,
  workers: readonly Worker[],
  options: { readonly cancelsBooting: boolean },
): Decision {
  const ready = workers.filter(({ phase }) => phase === 'ready');
  const launching = workers.filter(({ phase }) => phase === 'launching');
  const draining = workers.filter(({ phase }) => phase === 'draining');
  const missing = target - ready.length - launching.length;
  if (missing > 0) {
    const keep = draining.slice(0, missing).map(({ id }) => id);
    return { ...nothing, launch: missing - keep.length, keep };
  }
  const cancel = options.cancelsBooting ? launching.slice(0, -missing || 0).map(({ id }) => id) : [];
  const over = options.cancelsBooting ? -missing - cancel.length : ready.length - target;
  const drain = [...ready]
    .sort((a, b) => a.active - b.active)
    .slice(0, Math.max(0, over))
    .map(({ id }) => id);
  return { ...nothing, drain, cancel };
}
