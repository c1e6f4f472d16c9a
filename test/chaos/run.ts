/** One run of chaos: a seed, a market with faults, a gateway that is killed again and again, and the account at the end. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { seededRandom, type Random } from '../../src/core/random.ts';
import { flaws, startVastWorld, type Bill, type VastWorld, type WorldFault } from '../../src/sim/world.ts';
import type { ChildReport, ChildSetup, FromChild, ToChild } from './messages.ts';

export interface ChaosOutcome {
  readonly seed: number;
  readonly kills: number;
  readonly faults: readonly string[];
  readonly rented: number;
  /** Stopped machines that were told to start again. */
  readonly restarts: number;
  readonly billUsd: number;
  readonly ledgerUsd: number;
  /** What went wrong; empty when all is as promised. */
  readonly complaints: readonly string[];
  readonly tookMs: number;
}

/** Seconds of the world in one of ours. */
const timeScale = 400;
/** Of our time. A market that is quiet again needs a fraction of it, a busy machine more. */
const quietWithinMs = 40_000;
const childStartMs = 60_000;

export async function runChaos(seed: number): Promise<ChaosOutcome> {
  const startedMs = performance.now();
  const random = seededRandom(seed * 7919 + 1);
  const anchor = systemClock.now();
  const world = await startVastWorld({
    seed,
    timeScale,
    anchor,
    machines: 40,
    pace: 'instant',
    bootScale: 0.4,
    badShare: 0.1,
    takenShare: 0.1,
    mtbfHours: 3,
  });
  const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-chaos-'));
  const gateway = new MortalGateway({ url: world.url, key: world.key, dataDir, timeScale, anchor, seed });
  const faults: string[] = [];
  const complaints: string[] = [];
  let kills = 0;
  let last: ChildReport | undefined;
  try {
    await gateway.start();
    const rounds = 2 + random.int(3);
    for (let round = 0; round < rounds; round++) {
      gateway.tell({ kind: 'ask', requests: 1 + random.int(60) });
      if (random.float() < 0.7) faults.push(misfortune(world, random));
      await pause(20 + random.int(250));
      if (random.float() < 0.5) {
        gateway.tell({ kind: 'answer-all' });
        // Long enough for idle machines to be stopped, or in the middle of it.
        await pause(random.int(1_500));
      }
      if (random.float() < 0.6) {
        await gateway.kill();
        kills += 1;
        await pause(random.int(120));
        await gateway.start();
      }
    }
    world.inject({ kind: 'clear' });
    gateway.tell({ kind: 'ask', requests: 30 });
    last = await agree(world, gateway, complaints);
    gateway.tell({ kind: 'answer-all' });
    last = (await quiet(world, gateway, complaints)) ?? last;
  } catch (error) {
    complaints.push(`the run broke: ${error instanceof Error ? error.message : String(error)}`);
  }
  const bill = world.bill();
  const billUsd = bill.totalUsd;
  const ledgerUsd = (last?.ledgerMicros ?? 0) / 1e6;
  if (Math.abs(billUsd - ledgerUsd) > 0.01 * billUsd)
    complaints.push(
      `the bill is $${billUsd.toFixed(6)} and the meter says $${ledgerUsd.toFixed(6)}: ${comparison(bill, last)}`,
    );
  const leaked = world.instances();
  if (leaked.length > 0) complaints.push(`leaked: ${leaked.map(({ id, label }) => `${id} ${label}`).join(', ')}`);
  await gateway.kill();
  await world.close();
  await rm(dataDir, { recursive: true, force: true });
  const rented = world.history().length;
  const restarts = last?.restarts ?? 0;
  return {
    seed,
    kills,
    faults,
    rented,
    restarts,
    billUsd,
    ledgerUsd,
    complaints,
    tookMs: performance.now() - startedMs,
  };
}

/** While machines run: the market's list and ours are the same. */
async function agree(world: VastWorld, gateway: MortalGateway, complaints: string[]): Promise<ChildReport | undefined> {
  let why = '';
  const report = await waitFor(async () => {
    const seen = await gateway.report();
    const ours = seen.alive.map(({ label }) => label).toSorted();
    const theirs = world
      .instances()
      .map(({ label }) => label ?? '')
      .toSorted();
    why = `ours ${ours.join(', ')}; theirs ${theirs.join(', ')}`;
    return ours.join() === theirs.join() && seen.alive.every(({ phase }) => phase !== 'requested') ? seen : undefined;
  });
  if (!report) complaints.push(`the lists never agreed: ${why}`);
  return report;
}

/** With nobody asking: everything is given back, and every charge is accounted for. */
async function quiet(world: VastWorld, gateway: MortalGateway, complaints: string[]): Promise<ChildReport | undefined> {
  let seen: ChildReport | undefined;
  const report = await waitFor(async () => {
    seen = await gateway.report();
    return seen.alive.length === 0 && world.instances().length === 0 && seen.unsettled === 0 ? seen : undefined;
  });
  if (!report)
    complaints.push(
      `not quiet: ${seen?.alive.map(({ label, phase }) => `${label} ${phase}`).join(', ')}; ${seen?.unsettled} unsettled`,
    );
  return report ?? seen;
}

function misfortune(world: VastWorld, random: Random): string {
  const seconds = () => (20 + random.int(160)) * 1_000;
  const alive = world.instances();
  const some = alive[random.int(Math.max(1, alive.length))]?.id;
  const candidates: WorldFault[] = [
    { kind: 'api-down', forMs: seconds() },
    { kind: 'list-empty', forMs: seconds() },
    { kind: 'list-doubtful', forMs: seconds() },
    { kind: 'list-short', forMs: seconds() },
    { kind: 'rate-limit-storm', forMs: seconds() },
    { kind: 'create-unanswered', times: 1 + random.int(2) },
    { kind: 'create-gone', times: 1 + random.int(3) },
    { kind: 'destroy-ignored', times: 1 + random.int(2) },
    { kind: 'stop-ignored', times: 1 + random.int(2) },
    { kind: 'start-ignored', times: 1 + random.int(2) },
    { kind: 'gpu-taken', times: 1 + random.int(2) },
    { kind: 'next-flaw', flaw: flaws[random.int(flaws.length)]!, times: 1 },
    { kind: 'price-jump', factor: 2, forMs: seconds() },
    { kind: 'lose-share', share: 0.7 },
    ...(some === undefined
      ? []
      : ([
          { kind: 'lose', instanceId: some },
          { kind: 'outbid', instanceId: some },
          { kind: 'move', instanceId: some },
        ] as const)),
  ];
  const fault = candidates[random.int(candidates.length)]!;
  world.inject(fault);
  return fault.kind;
}

/** Machine by machine, where the two differ. */
function comparison(bill: Bill, report: ChildReport | undefined): string {
  const byId = Map.groupBy(bill.items, ({ instanceId }) => String(instanceId));
  return [...byId]
    .map(([id, items]) => {
      const charged = items.map(({ type, nanoUsd }) => `${type} ${Math.round(nanoUsd / 1000)}`).join(' ');
      return `\n    ${id} charged ${charged}; told ${JSON.stringify(report?.posted[id])}`;
    })
    .join('');
}

/** A child that can die at any moment and be started again on the same folder. */
class MortalGateway {
  readonly #setup: ChildSetup;
  #child: ChildProcess | undefined;
  #starts = 0;
  #onReport: ((report: ChildReport) => void) | undefined;

  constructor(setup: ChildSetup) {
    this.#setup = setup;
  }

  start(): Promise<void> {
    const setup = { ...this.#setup, seed: this.#setup.seed * 100 + this.#starts++ };
    const child = fork(join(import.meta.dirname, 'gateway.ts'), [JSON.stringify(setup)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the gateway did not start')), childStartMs);
      child.on('message', (message: FromChild) => {
        if (message.kind === 'started') {
          clearTimeout(timer);
          resolve();
        } else this.#onReport?.(message);
      });
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`the gateway ended with ${code}`));
      });
    });
  }

  tell(message: ToChild): void {
    if (this.#child?.connected) this.#child.send(message);
  }

  report(): Promise<ChildReport> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the gateway does not report')), childStartMs);
      this.#onReport = (report) => {
        clearTimeout(timer);
        resolve(report);
      };
      this.tell({ kind: 'report' });
    });
  }

  kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }
}

async function waitFor<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  const endMs = performance.now() + quietWithinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || performance.now() > endMs) return found;
    await pause(10);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
