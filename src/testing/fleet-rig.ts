/** A whole fleet loop in memory: fake market, fake thinkers, a clock that is moved by hand. */
import assert from 'node:assert/strict';
import type { Clock } from '../core/clock.ts';
import { modelName, thinkerId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { usdMicros } from '../core/units.ts';
import { budgetDefaults, type BudgetCaps } from '../fleet/budget.ts';
import { createDemandMeter } from '../fleet/demand-work.ts';
import type { FleetDeps, FleetOptions, Readiness } from '../fleet/fleet-deps.ts';
import { openIntentStore, type IntentStore } from '../fleet/intent-store.ts';
import { phaseDeadlines } from '../fleet/lifecycle.ts';
import { offerWeightDefaults } from '../fleet/offers.ts';
import { fleetPolicyDefaults, type FleetPolicy } from '../fleet/plan/policy.ts';
import { createReconciler } from '../fleet/reconciler.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RoomEvent } from '../telemetry/events.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createThinkerPool } from '../thinkers/pool.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeMarket, type MarketMachine } from './fake-market.ts';
import { aReport, FakeThinker } from './fake-thinker.ts';

export const rigModel = modelName('qwen2:7b');

export const rigOptions = (parts: {
  readonly policy?: Partial<FleetPolicy> | undefined;
  readonly caps?: Partial<BudgetCaps> | undefined;
}): FleetOptions => ({
  name: 'test',
  model: rigModel,
  slots: 4,
  workerPort: 8443,
  policy: { ...fleetPolicyDefaults, idle: { kind: 'after', idleS: 300 }, hedging: 'off', ...parts.policy },
  budget: {
    ...budgetDefaults,
    caps: {
      perHour: usdMicros(10e6),
      perDay: usdMicros(50e6),
      perMonth: usdMicros(500e6),
      perRental: usdMicros(50e6),
      ...parts.caps,
    },
  },
  needs: {
    vramMibMin: 12_000,
    cudaMin: 12,
    directPortsMin: 2,
    downloadMbpsMin: 100,
    diskGb: 32,
    reliabilityMin: 0.9,
    durationSMin: 3600,
    pricePerHourMax: usdMicros(2e6),
    gpuNames: [],
    countries: [],
    verification: 'verified',
    hosting: 'any',
  },
  workload: { imageGb: 3, modelGb: 6, utilisation: 0.7, upGbPerHour: 0, downGbPerHour: 0, lifeHours: 4 },
  weights: offerWeightDefaults,
  deadlines: phaseDeadlines,
  createsPerMinuteMax: 6,
  createsPerHourMax: 40,
  restartsPerHourMax: 120,
  lostAfterMs: 60_000,
  startDownloadGb: 0,
});

export interface FleetRigOptions {
  readonly clock?: FakeClock;
  readonly market?: FakeMarket;
  readonly store?: IntentStore;
  readonly ledger: Ledger;
  readonly lease?: FleetDeps['lease'];
  readonly policy?: Partial<FleetPolicy>;
  readonly caps?: Partial<BudgetCaps>;
  /** What the checks of a machine say; ready at once when absent. */
  readonly readiness?: (machine: MarketMachine) => Readiness;
  readonly seed?: number;
}

/** The parts of a loop; `createReconciler(rig.deps)` makes it run. A second rig over the same store is a restart. */
export function aFleetRig(options: FleetRigOptions) {
  const clock = options.clock ?? new FakeClock();
  const market = options.market ?? new FakeMarket(clock);
  const store = options.store ?? openIntentStore(':memory:');
  const mortal = mortalClock(clock);
  const shared = {
    clock: mortal.clock,
    random: seededRandom(options.seed ?? 5),
    logger: silentLogger,
    metrics: createMetrics(),
  };
  const pool = createThinkerPool({ ...shared, options: { probeIntervalMs: 5_000 } });
  pool.start();
  const demand = createDemandMeter();
  const events: RoomEvent[] = [];
  const thinkers = new Map<string, FakeThinker>();
  const machineOf = (label: string) => market.machines.find((machine) => machine.label === label)!;
  const deps: FleetDeps = {
    ...shared,
    provider: market,
    store,
    ledger: options.ledger,
    lease: options.lease,
    pool,
    registry: pool,
    demand,
    prepare: (label) =>
      Promise.resolve({
        spec: { label, image: 'ollama/ollama', diskGb: 32, env: {}, ports: [8443], script: 'true' },
        secrets: `secret of ${label}`,
      }),
    connect(rental) {
      const thinker = new FakeThinker(rental.label, {
        kind: 'rented',
        models: ['qwen2:7b'],
        loaded: ['qwen2:7b'],
        maxConcurrency: 4,
      });
      thinkers.set(rental.label, thinker);
      const ready: Readiness = { kind: 'ready', model: undefined };
      return {
        thinker,
        check: () => Promise.resolve(options.readiness?.(machineOf(rental.label)) ?? ready),
      };
    },
    onEvent: (event) => events.push(event),
    options: rigOptions(options),
  };
  let asked = 0;
  return {
    clock,
    market,
    store,
    pool,
    demand,
    deps,
    events,
    thinkers,
    /** A question that waits for a thinker. @returns ends it */
    ask: (work = 400) => {
      const id = `q${asked++}`;
      demand.arrived({ id, key: 'k', model: rigModel, tokensMax: work, promptTokens: 100 }, clock.now());
      return () => demand.ended(id, { promptTokens: 100, completionTokens: work }, clock.now());
    },
    /** Boots whatever the market has that does not run. */
    bootAll: () => {
      for (const machine of market.alive)
        if (machine.status === 'creating' || machine.status === 'loading') market.become(machine, 'running', 'success');
    },
    kill: (label: string) => {
      const thinker = thinkers.get(label)!;
      thinker.report = 'silent';
    },
    revive: (label: string) => {
      thinkers.get(label)!.report = aReport(['qwen2:7b'], ['qwen2:7b']);
    },
    /** As kill -9: nothing of this loop runs any more, and nothing is said. */
    crash: () => mortal.kill(),
    thinkerIdOf: (label: string) => thinkerId(label),
  };
}

/** A loop that runs on such parts. */
export async function aRunningFleet(options: FleetRigOptions) {
  const rig = aFleetRig(options);
  const fleet = createReconciler(rig.deps);
  await fleet.start();
  const phases = () => fleet.state.all().map(({ phase }) => phase);
  return {
    ...rig,
    fleet,
    phases,
    /** From nothing to one machine that serves. @returns ends the question that it was started for */
    oneReady: async () => {
      const end = rig.ask();
      await rig.clock.advance(15_000);
      rig.bootAll();
      await rig.clock.advance(15_000);
      assert.deepEqual(phases(), ['ready']);
      return end;
    },
  };
}

function mortalClock(clock: Clock): { readonly clock: Clock; kill(): void } {
  let alive = true;
  const guard = (callback: () => void) => () => {
    if (alive) callback();
  };
  return {
    clock: {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      after: (ms, callback) => clock.after(ms, guard(callback)),
      every: (ms, callback) => clock.every(ms, guard(callback)),
      sleep: (ms, signal) => (alive ? clock.sleep(ms, signal) : new Promise(() => {})),
    },
    kill() {
      alive = false;
    },
  };
}
