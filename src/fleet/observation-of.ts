/** Our machines as the control law sees them. */
import { addMs, usdMicros, type EpochMs } from '../core/units.ts';
import type { FleetDeps } from './fleet-deps.ts';
import type { FleetState } from './fleet-state.ts';
import type { FleetWorkers } from './fleet-workers.ts';
import type { IntentStore, Rental } from './intent-store.ts';
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
    tokensPerS: workers.tokensPerS(rental.label) ?? rental.tokensPerS,
    pricePerHour: rental.pricePerHour,
    storagePerHour: rental.storagePerHour,
    launchedAt: rental.createdAt,
    readyAt: rental.readyAt,
    stoppedAt: rental.phase === 'stopped' ? rental.phaseAt : undefined,
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
      storagePerHour: usdMicros(0),
      launchedAt: 0 as EpochMs,
      readyAt: 0 as EpochMs,
      stoppedAt: undefined,
    }));
  return [...rented, ...own];
}

function phaseOf({ phase, afterDrain }: Rental): WorkerView['phase'] {
  switch (phase) {
    case 'requested':
    case 'creating':
    case 'loading':
    case 'starting':
      return 'launching';
    case 'draining':
      return afterDrain === 'stop' ? 'stopping' : phase;
    case 'gone':
      return 'destroying';
    default:
      return phase;
  }
}

/** Offers that were taken, and creates that the market refused, were no starts. */
export function launchRecords(store: Pick<IntentStore, 'since'>, now: EpochMs): readonly LaunchRecord[] {
  return store
    .since(addMs(now, -memoryMs))
    .filter((rental) => rental.instanceId !== undefined || rental.phase !== 'gone')
    .map(({ createdAt, readyAt, endedAt, outcome, phase, phaseAt, meter, launchColdMs }) => ({
      at: createdAt,
      outcome,
      tookS: ((readyAt ?? endedAt ?? (phase === 'destroying' ? phaseAt : now)) - createdAt) / 1000,
      billedS: (launchColdMs ?? meter.coldMs) / 1000,
    }));
}

/** Of stopped machines. All of such a start is billed, from the call on: a little more than it is. */
export function restartRecords(store: Pick<IntentStore, 'since' | 'alive'>, now: EpochMs): readonly LaunchRecord[] {
  const since = addMs(now, -memoryMs);
  const rentals = new Map([...store.alive(), ...store.since(since)].map((rental) => [rental.label, rental]));
  return [...rentals.values()]
    .flatMap(({ restarts = [] }) => restarts)
    .filter(({ at }) => at >= since)
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, endedAt, outcome }) => {
      const tookS = ((endedAt ?? now) - at) / 1000;
      return { at, outcome, tookS, billedS: tookS };
    });
}
