/** Puts the fleet together: market, store, law, and the doors by which requests and operators meet it. */
import { join } from 'node:path';
import type { FleetCommands } from '../admin/admin-types.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { modelName, thinkerId, type ThinkerId } from '../core/ids.ts';
import { createDemandMeter } from '../fleet/demand-work.ts';
import type { FleetDeps, FleetOptions, Worker } from '../fleet/fleet-deps.ts';
import type { FleetProvider, GpuUse } from '../fleet/fleet-provider.ts';
import { createVastProvider } from '../fleet/fleet-provider/vast.ts';
import { connectionOf, prepareLaunch } from '../fleet/bootstrap/launch.ts';
import { decodeAdmission } from '../fleet/bootstrap/identity.ts';
import { openIntentStore, type IntentStore } from '../fleet/intent-store.ts';
import { launchRecords, restartRecords } from '../fleet/observation-of.ts';
import { startTimes, type StartTimes } from '../fleet/plan/launches.ts';
import { fleetOutlook } from '../fleet/outlook.ts';
import { checkReadiness } from '../fleet/readiness.ts';
import { countedProvider } from '../fleet/counted-provider.ts';
import { createReconciler, type Reconciler } from '../fleet/reconciler.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Lease } from '../redis/lease.ts';
import type { Standby } from '../router/standby.ts';
import type { WorkMeter } from '../router/work-meter.ts';
import type { Events } from '../telemetry/events.ts';
import type { ManagedThinkerPool } from '../thinkers/pool.ts';
import type { ModelInfo } from '../thinkers/thinker.ts';
import { createOllamaThinker } from '../thinkers/thinker/ollama.ts';
import { createFleetCommands, gpuUseOf } from './fleet-report.ts';
import { fleetOptions, withRunTime } from './fleet-options.ts';
import type { RunTimeSettings } from './run-time-settings.ts';
import type { ComposeDeps } from './thinkers.ts';

export interface Fleet {
  readonly standby: Standby;
  readonly work: WorkMeter;
  readonly commands: FleetCommands;
  readonly loop: Reconciler;
  readonly market: Pick<FleetProvider, 'charges' | 'account'>;
  readonly options: Pick<FleetOptions, 'policy' | 'budget'>;
  /** Of the machine under a thinker. */
  gpuUse(thinker: ThinkerId): GpuUse | undefined;
  /** Of the last starts, from nothing and from disks. */
  startTimes(): StartTimes;
  /** Finds its machines again and begins. */
  start(): Promise<void>;
  /** Gives all back, or leaves them, as configured. @returns how many are left behind */
  close(): Promise<number>;
}

export interface FleetParts {
  readonly pool: ManagedThinkerPool;
  readonly ledger: Ledger;
  readonly events?: Events | undefined;
  /** Of several gateways the one that holds it rents. */
  readonly lease?: Lease | undefined;
  readonly settings: Pick<RunTimeSettings, 'fleetIdleTimeoutMs' | 'fleetSparesMax'>;
}

/** Machines are given back within this time when the gateway stops; supervisors wait 90 s. */
const giveBackMs = 75_000;
/** A TLS connection to a machine across the world, on a bad line. */
const workerConnectMs = 10_000;

export const intentStorePath = (dataDir: string): string => join(dataDir, 'fleet.db');

export function createProvider(config: Config, deps: Pick<ComposeDeps, 'clock' | 'random' | 'logger'>): FleetProvider {
  const { vast } = config.fleet;
  return createVastProvider({
    ...deps,
    url: vast.url,
    key: config.vastKey!,
    hosts: vast.hosts,
    datacenterOnly: vast.datacenterOnly,
    countries: vast.countries,
    timeoutMs: vast.timeoutMs,
  });
}

/**
 * What requests are pinned to, where they are: with another number there, the first question would make Ollama load
 * the model anew.
 */
function contextOf({ models, fleet }: Config): number {
  const own = Object.entries(models.byName).find(([name]) => modelName(name) === modelName(fleet.model!))?.[1].numCtx;
  return own ?? models.default.numCtx ?? fleet.vast.contextTokens;
}

/** undefined where nothing is rented. */
export function createFleet(config: Config, base: ComposeDeps, parts: FleetParts): Fleet | undefined {
  if (config.fleet.provider === 'off') return undefined;
  const { clock, random } = base;
  const { fleet } = config;
  const fixed = fleetOptions(config);
  const { settings } = parts;
  const options: FleetOptions = {
    ...fixed,
    // Read at each tick, so that what an operator changes holds from the next one on.
    get policy() {
      return withRunTime(fixed.policy, settings);
    },
  };
  // On disk even where answers are not: machines outlive us.
  const store: IntentStore = openIntentStore(intentStorePath(config.dataDir));
  const demand = createDemandMeter();
  const provider = countedProvider(createProvider(config, base), base.metrics);

  const deps: FleetDeps = {
    ...base,
    provider,
    store,
    ledger: parts.ledger,
    lease: parts.lease,
    pool: parts.pool,
    registry: parts.pool,
    demand,
    prepare: (label) =>
      Promise.resolve(
        prepareLaunch(label, {
          marketUrl: fleet.vast.url,
          model: fleet.model!,
          image: fleet.vast.image,
          diskGb: fleet.vast.diskGb,
          slots: fleet.vast.slots,
          contextTokens: contextOf(config),
          idleStopS: fleet.vast.idleStopS,
        }),
      ),
    connect(rental, endpoint): Worker {
      const connection = connectionOf(decodeAdmission(rental.secrets), endpoint);
      const name = `${rental.gpuName.toLowerCase().replaceAll(' ', '-')}-${rental.instanceId ?? rental.label}`;
      const thinker = createOllamaThinker({
        id: thinkerId(rental.label),
        name,
        kind: 'rented',
        ...connection,
        maxConcurrency: options.slots,
        costPerHour: rental.pricePerHour,
        connectTimeoutMs: Math.max(config.timeouts.connectMs, workerConnectMs),
        clock,
      });
      return {
        thinker,
        check: (call) =>
          checkReadiness(
            {
              thinker,
              model: options.model,
              clock,
              random,
              tokensPerSMin: fleet.vast.tokensPerSMin,
              modelProven: lastModel(store)?.name === options.model,
            },
            call,
          ),
      };
    },
    onEvent: (event) => parts.events?.emit(event),
    options,
  };
  const loop = createReconciler(deps);
  announceModel(parts.pool, options.model, store, clock);

  return {
    loop,
    market: provider,
    options,
    commands: createFleetCommands(loop, deps),
    standby: {
      outlook(model) {
        if (model !== options.model) return undefined;
        const outlook = fleetOutlook({
          now: clock.now(),
          rentals: loop.state.all(),
          last: loop.last(),
          halt: loop.halted(),
          refusal: loop.launcher.refusal,
          options,
        });
        if (outlook.kind === 'refused') return outlook;
        return { ...outlook, holdMs: { plain: fleet.hold.plainMs, streamed: fleet.hold.streamedMs } };
      },
    },
    work: {
      arrived(work) {
        if (work.model !== options.model) return;
        demand.arrived(
          {
            id: work.id,
            key: work.tenant,
            model: work.model,
            tokensMax: work.outputLimit,
            promptTokens: work.promptTokens,
          },
          clock.now(),
        );
        // Somebody waits and nobody is there: that is not for the next tick.
        if (loop.state.all().length === 0) loop.poke();
      },
      started: (id) => demand.started(id),
      requeued: (id) => demand.requeued(id, clock.now()),
      ended: (id, usage) => demand.ended(id, usage, clock.now()),
    },
    startTimes: () => startTimes(launchRecords(store, clock.now()), restartRecords(store, clock.now()), options.policy),
    gpuUse: (thinker) => gpuUseOf(loop, thinker),
    start: () => loop.start(),
    async close() {
      const left =
        fleet.onStop === 'destroy' ? await loop.giveBack('the gateway stops', giveBackMs) : loop.state.all().length;
      if (left > 0)
        base.logger.warn(
          { machines: left },
          'machines go on, and are billed, while the gateway is stopped; `llm-self-host fleet stop` gives them back',
        );
      await loop.stop();
      await provider.close();
      store.close();
      return left;
    },
  };
}

/** Clients choose from a list: the model of a sleeping fleet is on it. */
function announceModel(
  pool: ManagedThinkerPool,
  model: ReturnType<typeof fleetOptions>['model'],
  store: IntentStore,
  clock: Clock,
): void {
  const last = lastModel(store);
  // As a machine showed it, once one has.
  if (last?.name === model) return pool.announce([last]);
  const modified = new Date(clock.now()).toISOString();
  pool.announce([
    { name: model, digest: '', raw: { name: model, model, modified_at: modified, size: 0, digest: '', details: {} } },
  ]);
}

/** As the last machine showed it that was found ready. */
function lastModel(store: IntentStore): ModelInfo | undefined {
  const seen = store.fact('model');
  return seen === undefined ? undefined : (JSON.parse(seen) as ModelInfo);
}
