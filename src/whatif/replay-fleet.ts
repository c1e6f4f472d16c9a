/**
 * The fleet, replayed: the control law that runs in production decides over the misses of a replay, tick by tick.
 * Machines start after the lead time, answer as fast as they did, and are billed from their start.
 */
import { epochMs, usdMicros, type EpochMs } from '../core/units.ts';
import { createDemandMeter } from '../fleet/demand-work.ts';
import { planFleet } from '../fleet/plan.ts';
import { emptyPlanMemory, type PlanMemory } from '../fleet/plan/memory.ts';
import type { LaunchRecord, WorkerView } from '../fleet/plan/observation.ts';
import type { FleetPolicy } from '../fleet/plan/policy.ts';
import type { ReplayedAsk } from './replay-cache.ts';

export interface FleetScenario {
  readonly policy: FleetPolicy;
  readonly gpuUsdPerHour: number;
  /** Tokens a second over those of the machines that answered in the recording. */
  readonly gpuSpeed: number;
}

export interface FleetReplay {
  readonly gpuHours: number;
  readonly busyHours: number;
  readonly coldHours: number;
  readonly gpuUsd: number;
  /** First-token waits of misses, milliseconds, in the order of arrival. */
  readonly waitsMs: readonly number[];
  /** Misses that waited for a machine to start. */
  readonly coldWaits: number;
  readonly starts: number;
}

interface Machine {
  readonly id: string;
  readonly launchedAt: number;
  readonly readyAt: number;
  drainingSince: number | undefined;
  inFlight: number;
  busySince: number;
  busyMs: number;
}

interface Job {
  readonly ask: ReplayedAsk['ask'];
  readonly order: number;
}

interface Running {
  readonly job: Job;
  readonly machine: Machine;
  readonly endsAt: number;
}

/** A month of ticks of ten seconds is 260,000; a replay of more says so instead of running for ever. */
const ticksMax = 4_000_000;

export function replayFleet(asks: readonly ReplayedAsk[], scenario: FleetScenario): FleetReplay {
  const { gpuSpeed } = scenario;
  // A replay keeps no stopped machines: what they would save is not in its figures.
  const policy: FleetPolicy = { ...scenario.policy, sparesMax: 0 };
  const price = usdMicros(scenario.gpuUsdPerHour * 1e6);
  const jobs = asks.filter(({ source }) => source === 'thinker').map(({ ask }, order): Job => ({ ask, order }));
  const meter = createDemandMeter();
  const waitsMs = Array.from({ length: jobs.length }, () => 0);
  const launches: LaunchRecord[] = [];
  let machines: Machine[] = [];
  let running: Running[] = [];
  let queue: Job[] = [];
  let memory: PlanMemory = emptyPlanMemory;
  let next = 0;
  let starts = 0;
  let coldWaits = 0;
  let billedMs = 0;
  let busyMs = 0;
  let coldMs = 0;
  const tickMs = policy.tickS * 1000;
  const leadMs = policy.leadTimePriorS * 1000;

  let now = jobs[0]?.ask.at ?? 0;
  for (let ticks = 0; next < jobs.length || queue.length > 0 || running.length > 0 || machines.length > 0; ticks++) {
    if (ticks > ticksMax) throw new RangeError(`a replay of more than ${ticksMax} ticks`);
    // Nothing runs, nobody waits: on to the next question.
    if (machines.length === 0 && queue.length === 0 && next < jobs.length)
      now = Math.max(now, Math.floor(jobs[next]!.ask.at / tickMs) * tickMs) as EpochMs;
    const end = now + tickMs;
    advance(end);
    now = end as EpochMs;
    tick(epochMs(now));
    // What stays up for nobody is the law's decision, but a recording has an end.
    if (next >= jobs.length && queue.length === 0 && running.length === 0 && policy.workersMin > 0) break;
  }
  for (const machine of machines) retire(machine, now);
  return {
    gpuHours: billedMs / 3.6e6,
    busyHours: busyMs / 3.6e6,
    coldHours: coldMs / 3.6e6,
    gpuUsd: (billedMs / 3.6e6) * scenario.gpuUsdPerHour,
    waitsMs,
    coldWaits,
    starts,
  };

  /** Arrivals, starts and ends until the next tick, in their order. */
  function advance(end: number): void {
    for (;;) {
      const arrival = jobs[next]?.ask.at ?? Infinity;
      const done = running.reduce((first, { endsAt }) => Math.min(first, endsAt), Infinity);
      const ready = machines.reduce(
        (first, { readyAt }) => (readyAt > now ? Math.min(first, readyAt) : first),
        Infinity,
      );
      const at = Math.min(arrival, done, ready);
      if (at >= end) return;
      now = Math.max(now, at) as EpochMs;
      if (at === arrival) arrive(jobs[next++]!, at);
      else if (at === done) finish(at);
      dispatch(now);
    }
  }

  function arrive(job: Job, at: number): void {
    const { requestId, tenant, model, promptTokens } = job.ask;
    meter.arrived({ id: requestId, key: tenant, model, tokensMax: undefined, promptTokens }, epochMs(at));
    queue.push(job);
  }

  function finish(at: number): void {
    const still: Running[] = [];
    for (const one of running) {
      if (one.endsAt > at) {
        still.push(one);
        continue;
      }
      const { promptTokens, completionTokens, requestId } = one.job.ask;
      meter.ended(requestId, { promptTokens, completionTokens }, epochMs(at));
      const { machine } = one;
      machine.inFlight -= 1;
      if (machine.inFlight === 0) machine.busyMs += at - machine.busySince;
      if (machine.drainingSince !== undefined && machine.inFlight === 0) retire(machine, at);
    }
    running = still;
  }

  function dispatch(at: number): void {
    while (queue.length > 0) {
      const free = machines
        .filter(
          ({ readyAt, drainingSince, inFlight }) =>
            readyAt <= at && drainingSince === undefined && inFlight < policy.classSlots,
        )
        .sort((a, b) => a.inFlight - b.inFlight)[0];
      if (free === undefined) return;
      const job = queue.shift()!;
      const { ask } = job;
      meter.started(ask.requestId);
      if (free.inFlight === 0) free.busySince = at;
      free.inFlight += 1;
      const waited = at - ask.at;
      const firstToken = Math.max(0, (ask.ttftMs ?? ask.gpuMs) - ask.queuedMs - ask.loadMs) / gpuSpeed;
      waitsMs[job.order] = waited + firstToken;
      // Waited for a start, not for a free slot.
      if (free.readyAt > ask.at) coldWaits += 1;
      running.push({ job, machine: free, endsAt: at + Math.max(1, (ask.gpuMs || ask.avoidedGpuMs) / gpuSpeed) });
    }
  }

  function tick(at: EpochMs): void {
    const workers = machines.map((machine): WorkerView => {
      const isReady = machine.readyAt <= at;
      return {
        id: machine.id,
        source: 'rented',
        phase: machine.drainingSince !== undefined ? 'draining' : isReady ? 'ready' : 'launching',
        slots: policy.classSlots,
        inFlight: machine.inFlight,
        tokensPerS: isReady ? policy.classTokensPerS * gpuSpeed : undefined,
        pricePerHour: price,
        storagePerHour: usdMicros(0),
        launchedAt: epochMs(machine.launchedAt),
        readyAt: isReady ? epochMs(machine.readyAt) : undefined,
        stoppedAt: undefined,
      };
    });
    const recent = launches.filter((launch) => launch.at > at - 3_600_000);
    const plan = planFleet(
      {
        workers: { kind: 'known', value: workers },
        demand: { kind: 'known', value: meter.snapshot(at) },
        launches: recent.map((launch) => ({
          ...launch,
          outcome: launch.at + leadMs <= at ? 'ready' : 'pending',
          tookS: Math.min(leadMs, at - launch.at) / 1000,
          billedS: Math.min(leadMs, at - launch.at) / 1000,
        })),
        restarts: [],
        budget: {
          kind: 'open',
          workersMax: policy.workersMax,
          bound: undefined,
          reason: '',
          alerts: [],
          rentalsOver: [],
        },
        nextPricePerHour: price,
      },
      policy,
      memory,
      at,
    );
    memory = plan.memory;
    for (const wish of plan.wishes) {
      if (wish.kind === 'launch') {
        for (let i = 0; i < wish.count; i++) {
          starts += 1;
          machines.push({
            id: `m${starts}`,
            launchedAt: at,
            readyAt: at + leadMs,
            drainingSince: undefined,
            inFlight: 0,
            busySince: at,
            busyMs: 0,
          });
          launches.push({ at, outcome: 'pending', tookS: 0, billedS: 0 });
        }
        continue;
      }
      const machine = machines.find(({ id }) => id === wish.worker);
      if (machine === undefined) continue;
      if (wish.kind === 'keep') machine.drainingSince = undefined;
      else if (wish.kind === 'cancel-launch') retire(machine, at);
      else if (machine.inFlight === 0) retire(machine, at);
      else machine.drainingSince = at;
    }
    dispatch(at);
  }

  function retire(machine: Machine, at: number): void {
    machines = machines.filter((each) => each !== machine);
    const lived = at - machine.launchedAt;
    billedMs += lived;
    coldMs += Math.min(lived, machine.readyAt - machine.launchedAt);
    busyMs += machine.busyMs + (machine.inFlight > 0 ? at - machine.busySince : 0);
  }
}
