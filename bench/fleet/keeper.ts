/**
 * Carries decisions out against a provider that fails, as the reconciler does: what is unknown is never taken
 * for gone, what nobody knows is adopted, what shall go is destroyed until it is gone. Offers are chosen by the
 * product's own score, for every law alike.
 */
import { usdMicros, type UsdMicros } from '../../src/core/units.ts';
import { mayRent, type BudgetPolicy, type SpendSoFar } from '../../src/fleet/budget.ts';
import type { Offer } from '../../src/fleet/fleet-provider.ts';
import { offerWeightDefaults, pickOffers, type OfferContext } from '../../src/fleet/offers.ts';
import { benchHours, type HostHistory, type MachineRecord } from '../../src/fleet/offers/host-history.ts';
import type { LaunchRecord } from '../../src/fleet/plan/observation.ts';
import { imageGb, modelGb, type Market } from './market.ts';
import type { Provider } from './provider.ts';
import type { Decision } from './scaler.ts';
import { atOf } from './time.ts';
import type { DataPlane, Worker } from './workers.ts';

export interface KeeperDeps {
  readonly market: Market;
  readonly provider: Provider;
  readonly plane: DataPlane;
  readonly budget: BudgetPolicy;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const drainS = 120;
/** An empty list is believed at last when none of ours answers either. */
const emptyListsMax = 3;
const offersAgeMaxS = 600;
/** As the lifecycle has it: a stopped machine that finds its GPU taken is given up. */
const awaitsGpuMaxS = 30;

export class FleetKeeper {
  readonly #deps: KeeperDeps;
  readonly #rows = new Map<string, Worker>();
  readonly #starts = new Map<string, Mutable<LaunchRecord>>();
  readonly #restarting = new Map<string, Mutable<LaunchRecord>>();
  readonly #doomed = new Set<Worker>();
  readonly launches: Mutable<LaunchRecord>[] = [];
  readonly restarts: Mutable<LaunchRecord>[] = [];
  readonly #machines = new Map<string, Mutable<MachineRecord>>();
  readonly #hosts = new Map<string, Mutable<MachineRecord>>();
  readonly #strikes = new Map<string, number>();
  readonly #benchedUntilS = new Map<string, number>();
  #emptyLists = 0;
  #price: { atS: number; value: UsdMicros | undefined } = { atS: -Infinity, value: undefined };

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  known(): readonly Worker[] {
    return [...this.#rows.values()];
  }

  nextPricePerHour(nowS: number): UsdMicros | undefined {
    if (nowS - this.#price.atS >= offersAgeMaxS)
      this.#price = { atS: nowS, value: this.#pick(1, 'normal', nowS)[0]?.pricePerHour };
    return this.#price.value;
  }

  /** Undefined when the list is unknown. */
  observe(nowS: number): readonly Worker[] | undefined {
    this.#ripen(nowS);
    const list = this.#deps.provider.list(nowS);
    if (list === undefined) return undefined;
    if (list.length === 0 && this.#rows.size > 0) {
      const answers = [...this.#rows.values()].some(({ phase }) => phase === 'ready' || phase === 'draining');
      if (answers || ++this.#emptyLists < emptyListsMax) return undefined;
    } else this.#emptyLists = 0;
    for (const worker of list) if (!this.#rows.has(worker.id)) this.#adopt(worker);
    const alive = new Set(list);
    for (const worker of this.#rows.values()) if (!alive.has(worker)) this.#forget(worker, nowS);
    for (const worker of this.#doomed) if (this.#deps.provider.destroy(worker, nowS)) this.#forget(worker, nowS);
    return [...this.#rows.values()].filter((worker) => !this.#doomed.has(worker));
  }

  act(decision: Decision, spend: SpendSoFar, nowS: number): void {
    for (const worker of this.#of(decision.keep)) [worker.phase, worker.stopsWhenDrained] = ['ready', false];
    for (const worker of this.#of(decision.drain)) {
      worker.phase = 'draining';
      worker.drainingSinceS = nowS;
    }
    for (const worker of this.#of(decision.cancel)) this.#destroy(worker, 'cancelled', nowS);
    for (const worker of this.#of(decision.stop ?? []))
      [worker.phase, worker.drainingSinceS, worker.stopsWhenDrained] = ['draining', nowS, true];
    for (const worker of this.#of(decision.restart ?? [])) this.#restart(worker, nowS);
    if (decision.launch > 0) this.#launch(decision, spend, nowS);
  }

  stopAll(nowS: number): void {
    for (const worker of this.#rows.values())
      if (worker.phase === 'ready') [worker.phase, worker.drainingSinceS] = ['draining', nowS];
      else if (worker.phase !== 'draining') this.#destroy(worker, 'cancelled', nowS);
  }

  #of(ids: readonly string[]): Worker[] {
    return ids.flatMap((id) => this.#rows.get(id) ?? []);
  }

  #launch(decision: Decision, spend: SpendSoFar, nowS: number): void {
    const rentals = [...spend.rentals];
    this.#price.atS = -Infinity;
    for (const offer of this.#pick(decision.launch, decision.urgency, nowS)) {
      const launchCost = usdMicros((imageGb + modelGb) * offer.downUsdPerGb * 1e6);
      const verdict = mayRent({
        policy: this.#deps.budget,
        spend: { ...spend, rentals },
        pricePerHour: offer.pricePerHour,
        launchCost,
        now: atOf(nowS),
      });
      if (verdict.kind === 'refused') return;
      const outcome = this.#deps.provider.create(this.#deps.market.machines[Number(offer.id)]!, nowS);
      if (outcome.kind === 'taken') continue;
      rentals.push({ id: offer.id, pricePerHour: offer.pricePerHour, kind: 'running', spent: usdMicros(0) });
      if (outcome.kind === 'rented') this.#adopt(outcome.worker);
    }
  }

  #pick(count: number, urgency: 'normal' | 'urgent', nowS: number): readonly Offer[] {
    const context: OfferContext = {
      needs: {
        vramMibMin: 12_000,
        cudaMin: 12.4,
        directPortsMin: 2,
        downloadMbpsMin: 200,
        diskGb: 32,
        reliabilityMin: 0.97,
        durationSMin: 86_400,
        pricePerHourMax: usdMicros(2_000_000),
        gpuNames: [],
        countries: [],
        verification: 'verified',
        hosting: 'any',
      },
      history: this.#history(),
      benched: ({ machineId, hostId }) =>
        [machineId, hostId].some((id) => (this.#benchedUntilS.get(id) ?? 0) > nowS) ? 'benched' : undefined,
      placed: [...this.#rows.values()].map(({ machine }) => machine),
      workload: { imageGb, modelGb, utilisation: 0.7, upGbPerHour: 0.02, downGbPerHour: 0.02, lifeHours: 4 },
      urgency,
      weights: offerWeightDefaults,
    };
    return pickOffers(this.#deps.market.offers(nowS), context, count).map(({ offer }) => offer);
  }

  #history(): HostHistory {
    return {
      machine: (id) => this.#machines.get(id),
      host: (id) => this.#hosts.get(id),
      gpuTokensPerS: () => undefined,
    };
  }

  /** Also what a create left behind that seemed to have failed. */
  #adopt(worker: Worker): void {
    this.#rows.set(worker.id, worker);
    const start: Mutable<LaunchRecord> = { at: atOf(worker.createdS), outcome: 'pending', tookS: 0, billedS: 0 };
    this.#starts.set(worker.id, start);
    this.launches.push(start);
  }

  /** Starts that are over, drains that are over. */
  #ripen(nowS: number): void {
    const { plane } = this.#deps;
    for (const worker of this.#rows.values()) {
      if (this.#doomed.has(worker)) continue;
      const start = this.#starts.get(worker.id);
      if (start?.outcome === 'pending') start.tookS = nowS - worker.createdS;
      const restart = this.#restarting.get(worker.id);
      if (restart) restart.tookS = nowS - worker.restartedAtS!;
      // The list says that it waits for its GPU, which may be for ever.
      if (restart && worker.awaitsGpu && restart.tookS >= awaitsGpuMaxS) {
        this.#endRestart(worker, 'failed');
        this.#destroy(worker, 'cancelled', nowS);
        continue;
      }
      if (worker.phase === 'launching' && worker.readyAtS <= nowS) {
        if (worker.fails) {
          this.#endRestart(worker, 'failed');
          this.#strike(worker, nowS);
          this.#destroy(worker, 'failed', nowS);
          continue;
        }
        this.#endRestart(worker, 'ready');
        worker.phase = 'ready';
        worker.readySinceS ??= nowS;
        worker.movedS = nowS;
        plane.workers.push(worker);
        if (start?.outcome === 'pending') {
          start.outcome = 'ready';
          start.billedS = Math.max(0, nowS - worker.billedFromS);
          this.#count(worker, 'startsGood', 1);
        }
      }
      if (worker.phase === 'draining' && worker.stopsWhenDrained) {
        if (worker.active === 0 && this.#deps.provider.stop(worker, nowS)) plane.remove(worker);
      } else if (worker.phase === 'draining' && (worker.active === 0 || nowS - worker.drainingSinceS >= drainS))
        this.#destroy(worker, 'cancelled', nowS);
    }
  }

  #restart(worker: Worker, nowS: number): void {
    if (!this.#deps.provider.restart(worker, nowS)) return;
    const start: Mutable<LaunchRecord> = { at: atOf(nowS), outcome: 'pending', tookS: 0, billedS: 0 };
    this.#restarting.set(worker.id, start);
    this.restarts.push(start);
  }

  #endRestart(worker: Worker, outcome: 'ready' | 'failed' | 'cancelled'): void {
    const start = this.#restarting.get(worker.id);
    if (!start) return;
    start.outcome = outcome;
    if (outcome === 'ready') start.billedS = start.tookS;
    this.#restarting.delete(worker.id);
  }

  #destroy(worker: Worker, outcome: 'failed' | 'cancelled', nowS: number): void {
    const start = this.#starts.get(worker.id);
    if (start?.outcome === 'pending') start.outcome = outcome;
    this.#endRestart(worker, 'cancelled');
    this.#doomed.add(worker);
    if (this.#deps.provider.destroy(worker, nowS)) this.#forget(worker, nowS);
  }

  #forget(worker: Worker, nowS: number): void {
    this.#rows.delete(worker.id);
    const wasDoomed = this.#doomed.delete(worker);
    const start = this.#starts.get(worker.id);
    this.#starts.delete(worker.id);
    if (start?.outcome === 'pending') start.outcome = 'failed';
    this.#endRestart(worker, 'failed');
    if (worker.readySinceS === undefined) return;
    this.#count(worker, 'servedHours', (nowS - worker.readySinceS) / 3600);
    if (!wasDoomed) this.#count(worker, 'losses', 1);
  }

  #count(worker: Worker, field: 'startsGood' | 'startsBad' | 'losses' | 'servedHours', by: number): void {
    for (const [records, id] of [
      [this.#machines, worker.machine.machineId],
      [this.#hosts, worker.machine.hostId],
    ] as const) {
      const record = records.get(id) ?? {
        startsGood: 0,
        startsBad: 0,
        losses: 0,
        servedHours: 0,
        tokensPerS: undefined,
      };
      record[field] += by;
      if (worker.measured !== undefined && records === this.#machines) record.tokensPerS = worker.measured;
      records.set(id, record);
    }
  }

  #strike(worker: Worker, nowS: number): void {
    this.#count(worker, 'startsBad', 1);
    const { machineId, hostId } = worker.machine;
    const strikes = (this.#strikes.get(machineId) ?? 0) + 1;
    this.#strikes.set(machineId, strikes);
    this.#benchedUntilS.set(machineId, nowS + 3600 * benchHours(strikes));
    const struck = this.#deps.market.machines.filter(
      (each) => each.hostId === hostId && this.#strikes.has(each.machineId),
    );
    if (struck.length >= 3) this.#benchedUntilS.set(hostId, nowS + 86_400);
  }
}
