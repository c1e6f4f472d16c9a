/** Offers and their prices: a process that steps once a minute, the same whatever anybody asks meanwhile. */
import type { Random } from '../../core/random.ts';
import { between, normal, streamOf } from './draws.ts';
import { round, type Machine } from './machine.ts';

export interface MarketOffer {
  readonly askId: number;
  readonly machine: Machine;
  /** USD per hour of the GPUs, without storage. */
  readonly usdPerHour: number;
  /** Least bid for an interruptible rental, USD per hour. */
  readonly minBid: number;
}

interface Stall {
  readonly machine: Machine;
  readonly random: Random;
  /** log of the own deviation from the usual price. */
  drift: number;
  askId: number;
  takenBy: 'nobody' | 'somebody' | 'us';
  online: boolean;
}

export interface MarketOptions {
  readonly seed: number;
  readonly machines: readonly Machine[];
  /** Share of machines that others hold at the start and, about, later. In [0, 1). */
  readonly occupiedShare: number;
}

const stepMs = 60_000;
/** A rented machine comes free after this many minutes, on average. */
const rentalMinutes = 120;
/** Steps caught up at once: two weeks. */
const stepsMax = 20_160;

export class Market {
  readonly #stalls: readonly Stall[];
  readonly #weather: Random;
  readonly #occupiedShare: number;
  #steps = 0;
  #mood = 0;
  #jump: { factor: number; untilMs: number } | undefined;
  #nextAsk = 9_000_001;
  #nowMs = 0;

  constructor({ seed, machines, occupiedShare }: MarketOptions) {
    this.#weather = streamOf(seed, 'market');
    this.#occupiedShare = occupiedShare;
    this.#stalls = machines.map((machine) => {
      const random = streamOf(seed, 'stall', machine.id);
      const takenBy = random.float() < occupiedShare ? 'somebody' : 'nobody';
      return { machine, random, drift: between(random, -0.1, 0.1), askId: this.#nextAsk++, takenBy, online: true };
    });
  }

  /** @param nowMs since the start of the world; never goes back */
  advanceTo(nowMs: number): void {
    this.#nowMs = nowMs;
    const steps = Math.floor(nowMs / stepMs);
    if (steps - this.#steps > stepsMax) this.#steps = steps - stepsMax;
    for (; this.#steps < steps; this.#steps++) this.#step();
  }

  /** All that could be rented now, in no order. */
  offers(): MarketOffer[] {
    return this.#stalls
      .filter((stall) => stall.takenBy === 'nobody' && stall.online)
      .map((stall) => this.#offer(stall));
  }

  /** One to each kind of machine, also of those that are taken: what the market is said to cost. */
  everything(): MarketOffer[] {
    return this.#stalls.map((stall) => this.#offer(stall));
  }

  offer(askId: number): MarketOffer | undefined {
    const stall = this.#stalls.find((each) => each.askId === askId);
    return stall?.takenBy === 'nobody' && stall.online ? this.#offer(stall) : undefined;
  }

  minBid(machine: Machine): number {
    return this.#offer(this.#stallOf(machine)).minBid;
  }

  /** An ask id serves one rental. */
  take(machine: Machine, by: 'us' | 'somebody'): void {
    const stall = this.#stallOf(machine);
    stall.takenBy = by;
    stall.askId = this.#nextAsk++;
  }

  release(machine: Machine): void {
    this.#stallOf(machine).takenBy = 'nobody';
  }

  isFree(machine: Machine): boolean {
    const { takenBy, online } = this.#stallOf(machine);
    return takenBy === 'nobody' && online;
  }

  setOnline(machine: Machine, online: boolean): void {
    this.#stallOf(machine).online = online;
  }

  jump(factor: number, forMs: number): void {
    this.#jump = { factor, untilMs: this.#nowMs + forMs };
  }

  #stallOf(machine: Machine): Stall {
    // By id: a rental may see the machine with another flaw.
    return this.#stalls.find((stall) => stall.machine.id === machine.id)!;
  }

  #step(): void {
    this.#mood = 0.995 * this.#mood + 0.004 * normal(this.#weather);
    for (const stall of this.#stalls) {
      // Both are drawn each minute, whoever holds the machine: our rentals move nobody else's chance.
      const move = normal(stall.random);
      const chance = stall.random.float();
      stall.drift = 0.985 * stall.drift + 0.012 * move;
      const leaves = 1 / rentalMinutes;
      const comes = (leaves * this.#occupiedShare) / Math.max(0.01, 1 - this.#occupiedShare);
      if (stall.takenBy === 'somebody' && chance < leaves) stall.takenBy = 'nobody';
      else if (stall.takenBy === 'nobody' && chance < comes) this.take(stall.machine, 'somebody');
    }
  }

  #offer({ machine, drift, askId }: Stall): MarketOffer {
    const dayCurve = 0.06 * Math.sin((2 * Math.PI * this.#nowMs) / 86_400_000);
    const jump = this.#jump !== undefined && this.#nowMs < this.#jump.untilMs ? this.#jump.factor : 1;
    const one = machine.gpu.usdPerHour * machine.priceFactor * Math.exp(drift + this.#mood + dayCurve) * jump;
    const usdPerHour = round(one * machine.gpuCount, 4);
    return { askId, machine, usdPerHour, minBid: round(usdPerHour * (0.45 + 0.2 * Math.exp(4 * drift)), 4) };
  }
}
