/**
 * A day in the life of a fleet, in under two minutes: a simulated market, a gateway that rents there, and people who
 * ask. Nothing of it costs money, needs an account or leaves this machine.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetReport, MoneyReport } from '../../admin/admin-types.ts';
import type { resolveConfig as resolveConfigType } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { systemClock } from '../../core/clock.ts';
import { seededRandom } from '../../core/random.ts';
import type { RunningGateway } from '../../running-gateway.ts';
import type { VastWorld } from '../../sim/world.ts';
import type { arrivals } from '../../sim/workload.ts';
import { sources, startClients, type Clients, type Source, type Tally } from './clients.ts';

export interface DemoOptions {
  readonly seed: number;
  /** Aborted when somebody wants out: everything is given back all the same. */
  readonly signal: AbortSignal;
  readonly onScene: (scene: Scene) => void;
  readonly onMoment: (moment: Moment) => void;
}

/** What the live view shows. */
export interface Scene {
  /** Seconds of the demo's time. */
  readonly atS: number;
  readonly act: string;
  readonly tally: Tally;
  readonly fleet: FleetReport | undefined;
  readonly savedUsd: number;
}

/** Something happened that is worth a line. */
export interface Moment {
  readonly atS: number;
  readonly says: string;
}

/** The fields of `--json`. */
export interface DemoSummary {
  readonly seed: number;
  readonly requests: number;
  readonly answered: number;
  readonly failed: number;
  readonly wrong: number;
  readonly hits: { readonly exact: number; readonly semantic: number; readonly coalesced: number };
  readonly upstreamCalls: number;
  readonly rented: number;
  readonly lost: number;
  readonly leaked: number;
  readonly billedUsd: number;
  readonly ledgerUsd: number;
  readonly savedUsd: number;
  readonly latencyMs: Readonly<
    Partial<Record<Source, { readonly p50: number; readonly p95: number; readonly p99: number }>>
  >;
  readonly retried: number;
  readonly interrupted: boolean;
  readonly tookS: number;
}

export const timeScale = 20;
const model = 'qwen2:7b-instruct-q6_K';
/** Of the demo's time: 10 minutes of questions. */
const requestsPerSecond = 1;
const questions = 600;
/** Asked for right before. */
const longAnswers = 6;
/** A host dies when this much has been asked. */
const lossAfterShare = 0.55;
const idleTimeoutMs = 90_000;
/** The whole demo, real time: what is not done by then is broken off and given back. */
const withinMs = 105_000;
const lookEveryMs = 250;
/** What does not close by then ends with the process. */
const closeMaxMs = 10_000;
/** Deadlines in real seconds, whatever the time scale: the machine may be busy. */
const generousMs = 20_000 * timeScale;

export async function playDemo(options: DemoOptions): Promise<DemoSummary> {
  const startedMs = performance.now();
  const [{ startGateway }, { resolveConfig }, { startVastWorld }, workload] = await Promise.all([
    import('../../main.ts'),
    import('../../config/load.ts'),
    import('../../sim/world.ts'),
    import('../../sim/workload.ts'),
  ]);
  const random = seededRandom(options.seed);
  const world = await startVastWorld({
    seed: options.seed,
    timeScale,
    anchor: systemClock.now(),
    badShare: 0.05,
    takenShare: 0.05,
    mtbfHours: Infinity,
    gpuNames: ['RTX 3090', 'RTX 4090', 'RTX 4080'],
  });
  const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-demo-'));
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), withinMs);
  const onAbort = () => stop.abort();
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) stop.abort();
  let gateway: RunningGateway | undefined;
  let stage: Stage | undefined;
  try {
    gateway = await startGateway(demoConfig(resolveConfig, world, dataDir), { clock: world.clock });
    stage = new Stage({ ...options, signal: stop.signal }, world, gateway, workload.arrivals);
    await stage.play(random);
    // Charges come last: they make the ledger whole.
    if (!stop.signal.aborted) await stage.until(() => stage!.isSettled());
    const money = await stage.money();
    const upstreamCalls = await stage.upstreamCalls();
    await gateway.close({ graceMs: 500 });
    gateway = undefined;
    const bill = world.bill();
    return {
      seed: options.seed,
      ...pickTally(stage.clients!.tally),
      upstreamCalls,
      rented: world.history().length,
      lost: stage.lost,
      leaked: world.instances().length,
      billedUsd: bill.totalUsd,
      ledgerUsd: (money?.totals.total ?? 0) / 1e6,
      savedUsd: savedOf(money),
      latencyMs: latencies(stage.clients!.tally),
      retried: stage.clients!.tally.retried,
      interrupted: stop.signal.aborted,
      tookS: (performance.now() - startedMs) / 1000,
    };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', onAbort);
    stop.abort();
    const closed = (async () => {
      await gateway?.close({ graceMs: 0 });
      await world.close();
    })();
    await Promise.race([closed, systemClock.sleep(closeMaxMs)]);
    await rm(dataDir, { recursive: true, force: true });
  }
}

class Stage {
  readonly #options: DemoOptions;
  readonly #world: VastWorld;
  readonly #gateway: RunningGateway;
  readonly #workload: typeof arrivals;
  readonly #startedMs: number;
  readonly #told = new Set<string>();
  clients: Clients | undefined;
  lost = 0;
  #act = 'the fleet sleeps';
  #fleet: FleetReport | undefined;
  #savedUsd = 0;

  constructor(options: DemoOptions, world: VastWorld, gateway: RunningGateway, workload: typeof arrivals) {
    this.#workload = workload;
    this.#options = options;
    this.#world = world;
    this.#gateway = gateway;
    this.#startedMs = world.clock.monotonicMs();
  }

  async play(random: ReturnType<typeof seededRandom>): Promise<void> {
    const { signal } = this.#options;
    const { gatewayUrl } = this.#gateway;
    this.#say(`a market of simulated GPUs on ${this.#world.url}, a gateway on ${gatewayUrl}, nothing rented`);
    await this.until(() => this.#fleet?.state === 'asleep');
    this.#say('people begin to ask; their questions wait for the first machine');
    this.#act = 'from zero';
    this.clients = startClients({
      workload: this.#workload,
      url: gatewayUrl,
      model,
      random,
      clock: this.#world.clock,
      requestsPerSecond,
      count: questions,
      signal,
      onTrouble: (says) => this.#say(says),
    });
    const { tally } = this.clients;
    await this.until(() => this.#ready.length > 0);
    this.#act = 'serving';
    await this.until(() => tally.requests >= lossAfterShare * questions && this.#ready.length > 0);
    // Long answers, so that the host dies in the middle of some.
    if (!signal.aborted) this.#lose(await this.clients.askLong(longAnswers));
    this.#act = 'a host is lost';
    await this.until(() => this.lostIsReplaced());
    this.#act = 'recovered';
    await this.#watchWhile(this.clients.done);
    this.#act = 'nobody asks any more';
    if (!signal.aborted) this.#say('nobody asks any more; machines go when idling costs more than a start');
    await this.until(() => this.#fleet?.machines.length === 0 && this.#world.instances().length === 0);
    if (signal.aborted) return;
    this.#act = 'back to zero';
    const source = await this.clients.askPopular();
    this.#say(`nothing is rented; the most popular question is still answered, by the cache (${source ?? 'failed'})`);
  }

  /** Looks and shows until it holds, or somebody wants out. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      await this.#look();
      if (await holds()) return;
      await systemClock.sleep(lookEveryMs, signal).catch(() => undefined);
    }
  }

  lostIsReplaced(): boolean {
    return this.#ready.length > 0 && !this.#ready.some(({ instanceId }) => instanceId === String(this.#lostId));
  }

  /** Every machine that has ended is accounted for. */
  async isSettled(): Promise<boolean> {
    const money = await this.money();
    const bill = this.#world.bill().totalUsd;
    return Math.abs((money?.totals.total ?? 0) / 1e6 - bill) <= 0.01 * bill;
  }

  money(): Promise<MoneyReport | undefined> {
    return this.#get<MoneyReport>('/api/money/report?days=2');
  }

  async upstreamCalls(): Promise<number> {
    const response = await fetch(`${this.#gateway.adminUrl}/metrics`).catch(() => undefined);
    const text = (await response?.text()) ?? '';
    const rows = [...text.matchAll(/^selfhost_upstream_requests_total\{[^}]*\} (\d+)/gm)];
    return rows.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  #lostId: number | undefined;

  get #ready(): FleetReport['machines'] {
    return this.#fleet?.machines.filter(({ phase }) => phase === 'ready') ?? [];
  }

  /** @param thinker its name ends in the number of its instance; '' where the answer did not say whose it is */
  #lose(thinker: string): void {
    const [busiest] = [...this.#ready].sort((x, y) => y.inFlight - x.inFlight);
    const id = Number(thinker.split('-').at(-1)) || Number(busiest?.instanceId);
    if (!this.#world.instances().some((instance) => instance.id === id)) return;
    this.#say(`the host of instance ${id} dies in the middle of an answer`);
    this.#world.inject({ kind: 'lose', instanceId: id });
    this.#lostId = id;
    this.lost += 1;
  }

  async #watchWhile(done: Promise<void>): Promise<void> {
    let ended = false;
    void done.then(() => (ended = true));
    await this.until(() => ended);
  }

  async #look(): Promise<void> {
    const [fleet, money] = await Promise.all([this.#get<FleetReport>('/api/fleet'), this.money()]);
    this.#fleet = fleet ?? this.#fleet;
    this.#savedUsd = savedOf(money);
    for (const { label, gpu, timeline } of this.#fleet?.machines ?? []) {
      for (const { at, phase, says } of timeline) {
        const key = `${label} ${at} ${phase}`;
        if (this.#told.has(key)) continue;
        this.#told.add(key);
        if (shownPhases.has(phase)) this.#say(`${gpu}: ${phase}${says === phase ? '' : `, ${says}`}`);
      }
    }
    this.#options.onScene({
      atS: this.#atS,
      act: this.#act,
      tally: this.clients?.tally ?? emptyTally,
      fleet: this.#fleet,
      savedUsd: this.#savedUsd,
    });
  }

  async #get<T>(path: string): Promise<T | undefined> {
    try {
      const response = await fetch(this.#gateway.adminUrl + path);
      return response.ok ? ((await response.json()) as T) : undefined;
    } catch {
      return undefined;
    }
  }

  get #atS(): number {
    return (this.#world.clock.monotonicMs() - this.#startedMs) / 1000;
  }

  #say(says: string): void {
    this.#options.onMoment({ atS: this.#atS, says });
  }
}

const shownPhases = new Set(['requested', 'ready', 'draining', 'destroying']);

const emptyTally: Tally = {
  requests: 0,
  answered: 0,
  failed: 0,
  wrong: 0,
  retried: 0,
  hits: { exact: 0, semantic: 0, coalesced: 0 },
  latencyMs: { thinker: [], exact: [], semantic: [], coalesced: [] },
};

/** GPU time that hits did not take, at what an hour of it has cost here. */
function savedOf(money: MoneyReport | undefined): number {
  return ((money?.totals.avoidedGpuMs ?? 0) / 3_600_000) * (money?.gpu.usdPerHour ?? 0);
}

const pickTally = ({ requests, answered, failed, wrong, hits }: Tally) => ({
  requests,
  answered,
  failed,
  wrong,
  hits: { ...hits },
});

function latencies({ latencyMs }: Tally): DemoSummary['latencyMs'] {
  return Object.fromEntries(
    sources.flatMap((source) => {
      const sorted = latencyMs[source].toSorted((a, b) => a - b);
      if (sorted.length === 0) return [];
      const at = (share: number) =>
        Number(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!.toFixed(1));
      return [[source, { p50: at(0.5), p95: at(0.95), p99: at(0.99) }]];
    }),
  );
}

function demoConfig(resolve: typeof resolveConfigType, world: VastWorld, dataDir: string): Config {
  return resolve(
    {
      discovery: 'off',
      fleet: {
        provider: 'vast',
        name: 'demo',
        model,
        caps: { perHourUsd: 3, perDayUsd: 10, perMonthUsd: 50, perRentalUsd: 5 },
        thinkersMax: 3,
        idleTimeoutMs,
        // First stopped, then given back: the demonstration ends with nothing.
        spares: { max: 1, keepMs: 60_000 },
        machines: { gpuNames: [], pricePerHourMaxUsd: 1 },
        vast: { url: world.url, timeoutMs: 600_000, tokensPerSMin: 1, slots: 4 },
      },
      timeouts: {
        connectMs: generousMs,
        firstTokenWarmMs: generousMs,
        firstTokenColdMs: generousMs,
        stallMs: generousMs,
        totalMs: 4 * generousMs,
      },
      router: { probeTimeoutMs: generousMs },
      // Answers of simulated machines depend on the wording, so that comparing them would teach nonsense.
      cache: { lookupDeadlineMs: 10_000, audits: 'off' },
      telemetry: { logLevel: 'silent' },
    },
    {
      SELFHOST_PORT: '0',
      SELFHOST_ADMIN_PORT: '0',
      SELFHOST_DATA_DIR: dataDir,
      SELFHOST_VAST_API_KEY: world.key,
    },
  );
}
