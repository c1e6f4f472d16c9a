/** The product's law, as it is. */
import type { FleetPolicy } from '../../../src/fleet/plan/policy.ts';
import type { WorkerView } from '../../../src/fleet/plan/observation.ts';
import { emptyPlanMemory, type PlanMemory } from '../../../src/fleet/plan/memory.ts';
import { planFleet } from '../../../src/fleet/plan.ts';
import type { FleetWish } from '../../../src/fleet/plan/wishes.ts';
import { usdMicros } from '../../../src/core/units.ts';
import { storagePerHour } from '../market.ts';
import { atOf } from '../time.ts';
import type { Decision, Scaler } from '../scaler.ts';
import { slots, type Worker } from '../workers.ts';

export function ours(policy: FleetPolicy): Scaler {
  let memory: PlanMemory = emptyPlanMemory;
  return {
    decide({ nowS, workers, demand, launches, restarts, budget, nextPricePerHour }): Decision {
      const plan = planFleet(
        {
          workers:
            workers === undefined
              ? { kind: 'unknown', reason: 'the list failed' }
              : { kind: 'known', value: workers.map(viewOf) },
          demand: { kind: 'known', value: demand },
          launches: launches.slice(-60),
          restarts: restarts.slice(-60),
          budget,
          nextPricePerHour,
        },
        policy,
        memory,
        atOf(nowS),
      );
      memory = plan.memory;
      const of = (kind: Exclude<FleetWish['kind'], 'launch'>) =>
        plan.wishes.flatMap((wish) => (wish.kind === kind ? [wish.worker] : []));
      const launch = plan.wishes.find((wish) => wish.kind === 'launch');
      return {
        launch: launch?.count ?? 0,
        urgency: launch?.urgency ?? 'normal',
        keep: of('keep'),
        drain: of('drain'),
        cancel: [...of('cancel-launch'), ...of('discard')],
        restart: of('restart'),
        stop: of('stop'),
      };
    },
  };
}

function viewOf(worker: Worker): WorkerView {
  return {
    id: worker.id,
    source: 'rented',
    phase: phaseOf(worker),
    slots,
    inFlight: worker.active,
    tokensPerS: worker.measured,
    pricePerHour: usdMicros((worker.pricePerHour + storagePerHour) * 1e6),
    storagePerHour: usdMicros(storagePerHour * 1e6),
    launchedAt: atOf(worker.createdS),
    readyAt: worker.readySinceS === undefined ? undefined : atOf(worker.readySinceS),
    stoppedAt: worker.phase === 'stopped' ? atOf(worker.stoppedAtS) : undefined,
  };
}

function phaseOf({ phase, stopsWhenDrained, restartedAtS }: Worker): WorkerView['phase'] {
  switch (phase) {
    case 'ready':
    case 'stopped':
      return phase;
    case 'draining':
      return stopsWhenDrained ? 'stopping' : phase;
    case 'launching':
      return restartedAtS === undefined ? phase : 'restarting';
    default:
      return 'destroying';
  }
}
