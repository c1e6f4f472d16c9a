/** One run: a workload, a market, faults and a law; ticks of ten seconds. The same arguments give the same figures. */
import { usdMicros } from '../../src/core/units.ts';
import { budgetVerdict, type BudgetPolicy, type SpendSoFar } from '../../src/fleet/budget.ts';
import { createDemandMeter } from '../../src/fleet/demand-work.ts';
import { noFaults, type Faults } from './faults.ts';
import { FleetKeeper } from './keeper.ts';
import { Market, storagePerHour } from './market.ts';
import { Provider, type Bill } from './provider.ts';
import type { Scaler } from './scaler.ts';
import { atOf, tickS } from './time.ts';
import { DataPlane, promptWeight, type RequestListener } from './workers.ts';
import { dayS, type Requests } from './workload.ts';

export interface RunOptions {
  readonly requests: Requests;
  readonly days: number;
  readonly seed: number;
  readonly faults?: Faults;
  readonly budget: BudgetPolicy;
  readonly scaler: Scaler;
}

export interface RunResult {
  readonly requests: number;
  readonly bill: Bill;
  readonly usd: number;
  readonly waits: Float32Array;
  readonly launches: number;
  readonly failedLaunches: number;
  /** Stopped machines that were started again, or asked to. */
  readonly restarts: number;
  readonly failedRestarts: number;
  readonly lost: number;
  /** Machines that the provider still bills when the law has been told to stop everything and had 30 minutes. */
  readonly leaked: number;
  /** Days on which the provider billed more than the cap. */
  readonly breaches: number;
  readonly machineHours: number;
}

const marketStepS = 600;
const shutdownS = 1800;

export function play({ requests, days, seed, faults = noFaults, budget, scaler }: RunOptions): RunResult {
  const meter = createDemandMeter({ promptWeight, requestsMax: 50_000 });
  const plane = new DataPlane(requests, scaler.demand === 'unused' ? deaf : listen(requests, meter));
  const market = new Market({ machines: 80, badHosts: faults.badHosts, lossHours: 24, seed });
  const provider = new Provider(market, faults, plane);
  const keeper = new FleetKeeper({ market, provider, plane, budget });
  const endS = days * dayS;
  let lost = 0;
  let machineTicks = 0;
  let bill: Bill | undefined;
  for (let nowS = 0; nowS <= endS + shutdownS; nowS += tickS) {
    if (nowS > 0) plane.run(nowS);
    market.priceFactor = faults.priceFactor(nowS);
    if (nowS % marketStepS === 0) market.step(nowS);
    lost += provider.advance(nowS, faults.wavesAtS.includes(nowS)).length;
    if (nowS === endS) {
      plane.finish(nowS);
      bill = structuredClone(provider.bill());
    }
    const workers = keeper.observe(nowS);
    measure(plane);
    if (nowS >= endS) keeper.stopAll(nowS);
    else {
      machineTicks += plane.workers.length;
      const spend = spendSoFar(provider, keeper, nowS);
      const verdict = budgetVerdict({
        policy: budget,
        spend,
        nextPricePerHour: keeper.nextPricePerHour(nowS) ?? usdMicros(0),
        now: atOf(nowS),
      });
      const decision = scaler.decide({
        nowS,
        workers,
        demand: meter.snapshot(atOf(nowS)),
        plane,
        launches: keeper.launches,
        restarts: keeper.restarts,
        budget: verdict,
        nextPricePerHour: keeper.nextPricePerHour(nowS),
      });
      if (workers !== undefined) keeper.act(decision, spend, nowS);
    }
    plane.dispatch(nowS);
  }
  const { perDay } = budget.caps;
  const settled = bill ?? provider.bill();
  return {
    requests: requests.count,
    bill: settled,
    usd: settled.gpuUsd + settled.storageUsd + settled.trafficUsd,
    waits: plane.waits,
    launches: provider.created,
    failedLaunches: keeper.launches.filter(({ outcome }) => outcome === 'failed').length,
    restarts: provider.restarts,
    failedRestarts: keeper.restarts.filter(({ outcome }) => outcome === 'failed').length,
    lost,
    leaked: provider.alive().length,
    breaches: perDay === undefined ? 0 : provider.bill().byDayUsd.filter((usd) => usd * 1e6 > perDay).length,
    machineHours: (machineTicks * tickS) / 3600,
  };
}

/** As the gateway's meter knows it: what the provider has billed for this day so far. */
function spendSoFar(provider: Provider, keeper: FleetKeeper, nowS: number): SpendSoFar {
  const byDay = provider.bill().byDayUsd;
  return {
    day: usdMicros((byDay[Math.floor(nowS / dayS)] ?? 0) * 1e6),
    month: usdMicros(byDay.reduce((sum, usd) => sum + (usd ?? 0), 0) * 1e6),
    rentals: keeper.known().map((worker) => ({
      id: worker.id,
      pricePerHour: usdMicros(((worker.phase === 'stopped' ? 0 : worker.pricePerHour) + storagePerHour) * 1e6),
      kind: worker.phase === 'stopped' ? 'stopped' : 'running',
      spent: usdMicros(worker.costUsd * 1e6),
    })),
  };
}

/** Speeds are believed from six answers at once on, as in production. */
function measure(plane: DataPlane): void {
  for (const worker of plane.workers)
    if (worker.active >= 6)
      worker.measured = 0.9 * (worker.measured ?? worker.machine.tokensPerS) + 0.1 * worker.machine.tokensPerS;
}

const deaf: RequestListener = { arrived() {}, started() {}, requeued() {}, ended() {} };

function listen(requests: Requests, meter: ReturnType<typeof createDemandMeter>): RequestListener {
  return {
    arrived: (i, nowS) =>
      meter.arrived(
        { id: String(i), key: 'bench', model: 'm', tokensMax: undefined, promptTokens: requests.promptTokens[i]! },
        atOf(nowS),
      ),
    started: (i) => meter.started(String(i)),
    requeued: (i, nowS) => meter.requeued(String(i), atOf(nowS)),
    ended: (i, nowS) =>
      meter.ended(
        String(i),
        { promptTokens: requests.promptTokens[i]!, completionTokens: requests.completionTokens[i]! },
        atOf(nowS),
      ),
  };
}
