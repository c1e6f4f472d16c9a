/** Our machines as the control law sees them. */
import { addMs, type EpochMs } from '../core/units.ts';
import type { FleetDeps } from './fleet-deps.ts';
import type { FleetState } from './fleet-state.ts';
import type { FleetWorkers } from './fleet-workers.ts';
import type { IntentStore, Rental } from './intent-store.ts';
import { isLaunching } from './lifecycle.ts';
import type { LaunchRecord, WorkerView } from './plan/observation.ts';

/** Starts the law looks back on: enough for its percentiles, and for a breaker that fell a day ago. */
const memoryMs = 24 * 3_600_000;

export function workerViews(
  state: FleetState,
  workers: Pick<FleetWorkers, 'inFlight' | 'tokensPerS'>,
  { pool, options }: Pick<FleetDeps, 'pool' | 'options'>,
): readonly WorkerView[] {
  const rented = state.all().map((rental): WorkerView => ({
    id: rental.label,
    source: 'rented',
    phase: phaseOf(rental),
    slots: options.slots,
    inFlight: workers.inFlight(rental.label),
    tokensPerS: workers.tokensPerS(rental.label),
    pricePerHour: rental.pricePerHour,
    launchedAt: rental.createdAt,
    readyAt: rental.readyAt,
  }));
  const own = pool
    .views()
    .filter((view) => view.kind !== 'rented' && view.state === 'ready' && view.models.has(options.model))
    .map((view): WorkerView => ({
      id: view.id,
      source: 'own',
      phase: 'ready',
      slots: view.maxConcurrency,
      inFlight: view.inFlight,
      tokensPerS: undefined,
      pricePerHour: view.costPerHour,
      launchedAt: 0 as EpochMs,
      readyAt: 0 as EpochMs,
    }));
  return [...rented, ...own];
}

function phaseOf({ phase }: Rental): WorkerView['phase'] {
  if (phase === 'ready' || phase === 'draining') return phase;
  return isLaunching(phase) ? 'launching' : 'destroying';
}

/** Offers that were taken, and creates that the market refused, were no starts. */
export function launchRecords(store: Pick<IntentStore, 'since'>, now: EpochMs): readonly LaunchRecord[] {
  return store
    .since(addMs(now, -memoryMs))
    .filter((rental) => rental.instanceId !== undefined || rental.phase !== 'gone')
    .map(({ createdAt, readyAt, endedAt, outcome, phase, phaseAt, meter }) => ({
      at: createdAt,
      outcome,
      tookS: ((readyAt ?? endedAt ?? (phase === 'destroying' ? phaseAt : now)) - createdAt) / 1000,
      billedS: meter.coldMs / 1000,
    }));
}
