/** The provider's side: machines that are rented, what they bill, and calls that fail. It alone knows the truth. */
import { imageGb, modelGb, storagePerHour, type Machine, type Market } from './market.ts';
import type { Faults } from './faults.ts';
import { Worker, type DataPlane } from './workers.ts';

export interface Bill {
  readonly gpuUsd: number;
  readonly storageUsd: number;
  readonly trafficUsd: number;
  /** Of it: starts that came to nothing, and machines that were given back before they served. */
  readonly wasteUsd: number;
  readonly byDayUsd: readonly number[];
}

/** A start of a machine that has its disk: from the call to readiness, uniform. Of those that get their GPU. */
const restartS = { least: 20, more: 40 } as const;
/** As of any start on a sound host. */
const restartFails = 0.02;

export type CreateOutcome =
  | { readonly kind: 'rented'; readonly worker: Worker }
  | { readonly kind: 'taken' }
  /** It failed, and may have rented. */
  | { readonly kind: 'unknown' };

export class Provider {
  readonly #market: Market;
  readonly #faults: Faults;
  readonly #plane: DataPlane;
  readonly #instances = new Map<string, Worker>();
  #created = 0;
  #restarts = 0;
  #gpuUsd = 0;
  #storageUsd = 0;
  #trafficUsd = 0;
  #wasteUsd = 0;
  readonly #byDayUsd: number[] = [];

  constructor(market: Market, faults: Faults, plane: DataPlane) {
    this.#market = market;
    this.#faults = faults;
    this.#plane = plane;
  }

  get created(): number {
    return this.#created;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** True while calls fail now: each call draws for itself. */
  #callFails(nowS: number): boolean {
    return this.#market.chance() < this.#faults.callFails(nowS);
  }

  create(machine: Machine, nowS: number): CreateOutcome {
    const fails = this.#callFails(nowS);
    // Of calls that fail, one in five had reached it.
    if (fails && this.#market.chance() < 0.8) return { kind: 'unknown' };
    if (!this.#market.isFree(machine, nowS) || this.#market.chance() < 0.05)
      return fails ? { kind: 'unknown' } : { kind: 'taken' };
    const worker = new Worker(`i${this.#created++}`, machine, this.#market.pricePerHour(machine), nowS);
    machine.rented = true;
    this.#boot(worker, nowS);
    this.#instances.set(worker.id, worker);
    return fails ? { kind: 'unknown' } : { kind: 'rented', worker };
  }

  /** Undefined when the call failed or its answer cannot be true. */
  list(nowS: number): readonly Worker[] | undefined {
    if (this.#callFails(nowS)) return undefined;
    return this.#faults.listIsEmpty(nowS) ? [] : [...this.#instances.values()];
  }

  /** @returns whether the provider has it no more. */
  destroy(worker: Worker, nowS: number): boolean {
    if (this.#callFails(nowS)) return false;
    this.#end(worker, nowS);
    return true;
  }

  /** Keeps its disk and nothing else: its GPU is in the market again, as any that is free. @returns whether it was done */
  stop(worker: Worker, nowS: number): boolean {
    if (this.#callFails(nowS)) return false;
    this.meter(worker, nowS);
    worker.phase = 'stopped';
    worker.stoppedAtS = nowS;
    worker.machine.rented = false;
    return true;
  }

  /** A call that went through is no start yet: its GPU may be somebody else's by now, and then it waits for it. @returns whether it was asked */
  restart(worker: Worker, nowS: number): boolean {
    if (this.#callFails(nowS)) return false;
    this.meter(worker, nowS);
    this.#restarts += 1;
    worker.phase = 'launching';
    worker.restartedAtS = nowS;
    worker.fails = this.#market.chance() < restartFails;
    worker.awaitsGpu = !this.#market.isFree(worker.machine, nowS);
    if (worker.awaitsGpu) worker.readyAtS = worker.billedFromS = Infinity;
    else this.#getGpu(worker, nowS);
    return true;
  }

  #getGpu(worker: Worker, nowS: number): void {
    worker.awaitsGpu = false;
    worker.machine.rented = true;
    worker.readyAtS = nowS + restartS.least + restartS.more * this.#market.chance();
    worker.billedFromS = nowS;
  }

  /** What has happened to machines by now. @returns those that were lost. */
  advance(nowS: number, isWave: boolean): readonly Worker[] {
    const lost: Worker[] = [];
    for (const worker of this.#instances.values()) {
      this.meter(worker, nowS);
      if (worker.awaitsGpu && this.#market.isFree(worker.machine, nowS)) this.#getGpu(worker, nowS);
      // A host that goes takes its stopped machines along.
      if (worker.lostAtS <= nowS || (isWave && this.#market.chance() < 0.5)) lost.push(worker);
    }
    for (const worker of lost) this.#end(worker, nowS);
    return lost;
  }

  alive(): readonly Worker[] {
    return [...this.#instances.values()];
  }

  bill(): Bill {
    return {
      gpuUsd: this.#gpuUsd,
      storageUsd: this.#storageUsd,
      trafficUsd: this.#trafficUsd,
      wasteUsd: this.#wasteUsd,
      byDayUsd: this.#byDayUsd,
    };
  }

  /** GPU time from when the container runs, storage all the time. */
  meter(worker: Worker, nowS: number): void {
    const fromS = worker.meteredS;
    worker.meteredS = nowS;
    const gpuS = worker.phase === 'stopped' ? 0 : Math.max(0, nowS - Math.max(fromS, worker.billedFromS));
    const gpuUsd = (gpuS * worker.pricePerHour) / 3600;
    const storageUsd = ((nowS - fromS) * storagePerHour) / 3600;
    this.#gpuUsd += gpuUsd;
    this.#storageUsd += storageUsd;
    this.#charge(worker, gpuUsd + storageUsd, fromS);
  }

  #boot(worker: Worker, nowS: number): void {
    const { readyInS, billedFromS, fails } = this.#market.boot(worker.machine);
    worker.readyAtS = nowS + readyInS;
    worker.billedFromS = nowS + billedFromS;
    worker.fails = fails;
    worker.lostAtS = worker.readyAtS + this.#market.lossInS(worker.machine);
    const traffic = (imageGb + modelGb) * worker.machine.usdPerGb;
    this.#trafficUsd += traffic;
    this.#charge(worker, traffic, nowS);
  }

  #charge(worker: Worker, usd: number, atS: number): void {
    worker.costUsd += usd;
    const day = Math.floor(atS / 86_400);
    this.#byDayUsd[day] = (this.#byDayUsd[day] ?? 0) + usd;
  }

  #end(worker: Worker, nowS: number): void {
    if (!this.#instances.delete(worker.id)) return;
    this.meter(worker, nowS);
    if (worker.readySinceS === undefined) this.#wasteUsd += worker.costUsd;
    worker.machine.rented = false;
    // Somebody else may have it for a moment.
    worker.machine.takenUntilS = Math.max(worker.machine.takenUntilS, nowS + 60);
    if (this.#plane.workers.includes(worker)) {
      this.#plane.lose(worker, nowS);
      this.#plane.remove(worker);
    }
    worker.phase = 'gone';
  }
}
