/**
 * The fleet, replayed: the control law that runs in production decides over the misses of a replay, tick by tick.
 * Machines start as fast as they did, from nothing or from their disks, answer as fast as they did, and are billed as
 * they were: the GPU while they run, the disk from the start to the end.
 */
import { epochMs, usdMicros, type EpochMs } from '../core/units.ts';
import { createDemandMeter } from '../fleet/demand-work.ts';
import { planFleet } from '../fleet/plan.ts';
import { startTimes, type StartTimes } from '../fleet/plan/launches.ts';
import { emptyPlanMemory, type PlanMemory } from '../fleet/plan/memory.ts';
import type { LaunchRecord, WorkerView } from '../fleet/plan/observation.ts';
import type { FleetPolicy } from '../fleet/plan/policy.ts';
import type { FleetWish } from '../fleet/plan/wishes.ts';
import type { ReplayedAsk } from './replay-cache.ts';

export interface FleetScenario {
  readonly policy: FleetPolicy;
  /** Of a machine that runs, its disk included. */
  readonly gpuUsdPerHour: number;
  /** Of it: what its disk costs, stopped as well. */
  readonly storageUsdPerHour?: number | undefined;
  /** Tokens a second over those of the machines that answered in the recording. */
  readonly gpuSpeed: number;
  /** As starts were seen to be; absent: what the policy takes them for. */
  readonly starts?: StartTimes | undefined;
  /** Nothing is billed from here on: the recording ends. Epoch milliseconds. */
  readonly until?: number | undefined;
}

export interface FleetReplay {
  readonly gpuHours: number;
  readonly busyHours: number;
  readonly coldHours: number;
  /** Without disks. */
  readonly gpuUsd: number;
  readonly storageUsd: number;
  /** First-token waits of misses, milliseconds, in the order of arrival. */
  readonly waitsMs: readonly number[];
  /** Misses that waited for a machine to start. */
  readonly coldWaits: number;
  /** From nothing. */
  readonly starts: number;
  /** From a disk. */
  readonly restarts: number;
}

type Phase = 'launching' | 'restarting' | 'ready' | 'draining' | 'stopping' | 'stopped';

interface Machine {
  readonly id: string;
  readonly launchedAt: number;
  phase: Phase;
  /** Of its last start. */
  readyAt: number;
  /** Its GPU is billed from here on; undefined while it is stopped. */
  billedFrom: number | undefined;
  stoppedAt: number | undefined;
  inFlight: number;
  busySince: number;
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
/** While nothing but stopped machines is there, the law has only disks to give up: that is not for every tick. */
const asleepTickMs = 60_000;

export function replayFleet(asks: readonly ReplayedAsk[], scenario: FleetScenario): FleetReplay {
  const { gpuSpeed, policy, until = Infinity, storageUsdPerHour = 0 } = scenario;
  const price = usdMicros(scenario.gpuUsdPerHour * 1e6);
  const storagePrice = usdMicros(storageUsdPerHour * 1e6);
  const jobs = asks.filter(({ source }) => source === 'thinker').map(({ ask }, order): Job => ({ ask, order }));
  const meter = createDemandMeter();
  const waitsMs = Array.from({ length: jobs.length }, () => 0);
  const launches: LaunchRecord[] = [];
  const restarts: LaunchRecord[] = [];
  let machines: Machine[] = [];
  let running: Running[] = [];
  let queue: Job[] = [];
  let memory: PlanMemory = emptyPlanMemory;
  let next = 0;
  let coldWaits = 0;
  let gpuMs = 0;
  let busyMs = 0;
  let coldMs = 0;
  let storageMs = 0;
  const tickMs = policy.tickS * 1000;
  const { coldS, coldBilledS, warmS } = scenario.starts ?? startTimes([], [], policy);

  let now = jobs[0]?.ask.at ?? 0;
  for (let ticks = 0; next < jobs.length || queue.length > 0 || running.length > 0 || machines.length > 0; ticks++) {
    if (ticks > ticksMax) throw new RangeError(`a replay of more than ${ticksMax} ticks`);
    if (queue.length === 0 && running.length === 0 && machines.every(({ phase }) => phase === 'stopped')) skip();
    const end = now + tickMs;
    advance(end);
    now = end;
    tick(epochMs(now));
    if (next < jobs.length || queue.length > 0 || running.length > 0) continue;
    // What stays up for nobody is the law's decision, but a recording has an end.
    if (now >= until || (until === Infinity && policy.workersMin > 0)) break;
  }
  for (const machine of machines) retire(machine, now);
  const gpuHours = gpuMs / 3.6e6;
  return {
    gpuHours,
    busyHours: busyMs / 3.6e6,
    coldHours: coldMs / 3.6e6,
    gpuUsd: gpuHours * (scenario.gpuUsdPerHour - storageUsdPerHour),
    storageUsd: (storageMs / 3.6e6) * storageUsdPerHour,
    waitsMs,
    coldWaits,
    starts: launches.length,
    restarts: restarts.length,
  };

  /** Nothing runs, nobody waits: on to the next question, by steps while disks are kept. */
  function skip(): void {
    const arrival = next < jobs.length ? Math.floor(jobs[next]!.ask.at / tickMs) * tickMs : Infinity;
    const to = machines.length === 0 ? arrival : Math.min(arrival, now + asleepTickMs - tickMs);
    if (Number.isFinite(to)) now = Math.max(now, to);
  }

  /** Arrivals, starts and ends until the next tick, in their order. */
  function advance(end: number): void {
    for (;;) {
      const arrival = jobs[next]?.ask.at ?? Infinity;
      const done = running.reduce((first, { endsAt }) => Math.min(first, endsAt), Infinity);
      const ready = machines.reduce(
        (first, { phase, readyAt }) => (isStarting(phase) && readyAt > now ? Math.min(first, readyAt) : first),
        Infinity,
      );
      const at = Math.min(arrival, done, ready);
      if (at >= end) return;
      now = Math.max(now, at);
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
      if (machine.inFlight > 0) continue;
      busyMs += clipped(machine.busySince, at);
      if (machine.phase === 'draining') retire(machine, at);
      if (machine.phase === 'stopping') stop(machine, at);
    }
    running = still;
  }

  function dispatch(at: number): void {
    for (const machine of machines) if (isStarting(machine.phase) && machine.readyAt <= at) machine.phase = 'ready';
    while (queue.length > 0) {
      const free = machines
        .filter(({ phase, inFlight }) => phase === 'ready' && inFlight < policy.classSlots)
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
    dispatch(at);
    const plan = planFleet(
      {
        workers: { kind: 'known', value: machines.map((machine) => viewOf(machine, at)) },
        demand: { kind: 'known', value: meter.snapshot(at) },
        launches: recent(launches, at, coldS, coldBilledS),
        restarts: recent(restarts, at, warmS, warmS),
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
      if (wish.kind === 'launch') for (let i = 0; i < wish.count; i++) launch(at);
      else {
        const machine = machines.find(({ id }) => id === wish.worker);
        if (machine !== undefined) obey(machine, wish.kind, at);
      }
    }
    dispatch(at);
  }

  function viewOf({ id, phase, inFlight, launchedAt, readyAt, stoppedAt }: Machine, at: number): WorkerView {
    return {
      id,
      source: 'rented',
      phase,
      slots: policy.classSlots,
      inFlight,
      // Once measured it is known, also while it starts again.
      tokensPerS: phase === 'launching' ? undefined : policy.classTokensPerS * gpuSpeed,
      pricePerHour: price,
      storagePerHour: storagePrice,
      launchedAt: epochMs(launchedAt),
      readyAt: readyAt <= at ? epochMs(readyAt) : undefined,
      stoppedAt: stoppedAt === undefined ? undefined : epochMs(stoppedAt),
    };
  }

  function launch(at: EpochMs): void {
    launches.push({ at, outcome: 'pending', tookS: 0, billedS: 0 });
    machines.push({
      id: `m${launches.length}`,
      launchedAt: at,
      phase: 'launching',
      readyAt: at + coldS * 1000,
      billedFrom: at + (coldS - coldBilledS) * 1000,
      stoppedAt: undefined,
      inFlight: 0,
      busySince: at,
    });
  }

  function obey(machine: Machine, kind: Exclude<FleetWish['kind'], 'launch'>, at: EpochMs): void {
    switch (kind) {
      case 'keep':
        machine.phase = 'ready';
        return;
      case 'restart':
        // Everybody gets the GPU back here; the law itself reckons with those who do not.
        restarts.push({ at, outcome: 'pending', tookS: 0, billedS: 0 });
        Object.assign(machine, {
          phase: 'restarting',
          readyAt: at + warmS * 1000,
          billedFrom: at,
          stoppedAt: undefined,
        });
        return;
      case 'drain':
        if (machine.inFlight === 0) retire(machine, at);
        else machine.phase = 'draining';
        return;
      case 'stop':
        if (machine.inFlight === 0) stop(machine, at);
        else machine.phase = 'stopping';
        return;
      default:
        retire(machine, at);
    }
  }

  function stop(machine: Machine, at: number): void {
    endRun(machine, at);
    machine.phase = 'stopped';
    machine.stoppedAt = at;
  }

  function retire(machine: Machine, at: number): void {
    endRun(machine, at);
    machines = machines.filter((each) => each !== machine);
    storageMs += clipped(machine.launchedAt, at);
  }

  function endRun(machine: Machine, at: number): void {
    const { billedFrom, readyAt, inFlight, busySince } = machine;
    if (billedFrom === undefined) return;
    machine.billedFrom = undefined;
    gpuMs += clipped(billedFrom, at);
    coldMs += clipped(billedFrom, Math.min(at, readyAt));
    if (inFlight > 0) busyMs += clipped(busySince, at);
  }

  /** What of it is billed within the recording. */
  function clipped(from: number, to: number): number {
    return Math.max(0, Math.min(to, until) - from);
  }
}

const isStarting = (phase: Phase): boolean => phase === 'launching' || phase === 'restarting';

/** Of the last day, as the loop remembers them. */
const memoryMs = 24 * 3_600_000;

function recent(records: readonly LaunchRecord[], at: number, tookS: number, billedS: number): LaunchRecord[] {
  const found: LaunchRecord[] = [];
  for (let i = records.length - 1; i >= 0 && records[i]!.at > at - memoryMs; i--) {
    const record = records[i]!;
    const agoS = (at - record.at) / 1000;
    found.push({
      at: record.at,
      outcome: agoS >= tookS ? 'ready' : 'pending',
      tookS: Math.min(tookS, agoS),
      billedS: Math.max(0, Math.min(billedS, agoS - (tookS - billedS))),
    });
  }
  return found.reverse();
}
