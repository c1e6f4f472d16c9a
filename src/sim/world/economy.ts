/** The market, the rentals, the account and the bill: the world without its HTTP. */
import type { Clock, Timer } from '../../core/clock.ts';
import { seededRandom, type Random } from '../../core/random.ts';
import { streamOf } from './draws.ts';
import { Faults, type WorldFault } from './faults.ts';
import { Instance, type ActualStatus, type RentalRequest } from './instance.ts';
import { drawMachines, flaws, type Machine } from './machine.ts';
import { Market, type MarketOffer } from './market.ts';
import type { BillItem } from './meter.ts';

export interface EconomyOptions {
  readonly seed: number;
  readonly clock: Clock;
  /** Machines in the market; 64 when absent. */
  readonly machines?: number;
  /** Share of machines with a flaw that no offer shows; 0.08 when absent. */
  readonly badShare?: number;
  /** Share of machines that others hold; 0.3 when absent. */
  readonly occupiedShare?: number;
  /** Share of creates that come too late for their offer; 0.04 when absent. */
  readonly takenShare?: number;
  /** Mean hours to the loss of a host; 300 when absent, Infinity = never. */
  readonly mtbfHours?: number;
  /** Mean hours after which a machine without a fixed address gets another; 72 when absent, Infinity = never. */
  readonly moveHours?: number;
  /** Only these kinds of GPU. */
  readonly gpuNames?: readonly string[];
  readonly balanceUsd?: number;
  /** Boot steps take this share of their usual time; 1 when absent. */
  readonly bootScale?: number;
  readonly pace?: 'real' | 'instant';
  readonly thinkers?: 'serve' | 'none';
  /** After this long without a request a guarded machine stops itself; what its environment says when absent. */
  readonly idleStopMs?: number;
}

export interface Bill {
  /** 1e-9 USD, whole: the sum of all items. */
  readonly totalNanoUsd: number;
  readonly totalUsd: number;
  readonly balanceUsd: number;
  readonly items: readonly (BillItem & { readonly instanceId: number; readonly label: string | null })[];
}

/** What a test wants to know of a rental. */
export interface InstanceView {
  readonly id: number;
  readonly label: string | null;
  readonly status: ActualStatus;
  readonly machineId: number;
  readonly hostId: number;
  readonly gpuName: string;
  readonly flaw: string | undefined;
  readonly usdPerHour: number;
  readonly nanoUsd: number;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** Answers its thinker was asked for. */
  readonly answers: number;
}

/** Balance and bids are looked at this often. */
const tickMs = 10_000;
/** An account in debt loses its instances after this long. */
const graceMs = 48 * 3_600_000;
/** Rentals remembered; a year of a busy fleet. */
const historyMax = 100_000;

export class Economy {
  readonly faults = new Faults();
  readonly market: Market;
  readonly clock: Clock;
  readonly #options: EconomyOptions;
  readonly #random: Random;
  readonly #startedAt: number;
  readonly #rentals: Instance[] = [];
  readonly #ended = new Map<Instance, number>();
  /** Those whose GPU nobody else can have. */
  readonly #holding = new Set<Instance>();
  readonly #tick: Timer;
  readonly #outages = new Set<Timer>();
  #funds: number;
  #nextId: number;
  #brokeSince: number | undefined;
  #moves = 0;

  constructor(options: EconomyOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#startedAt = options.clock.now();
    this.#random = streamOf(options.seed, 'economy');
    this.#funds = options.balanceUsd ?? 100;
    this.#nextId = 12_000_000 + (options.seed % 1_000) * 1_000;
    const { seed, machines: count = 64, badShare = 0.08, gpuNames } = options;
    const machines = drawMachines({ seed, count, badShare, ...(gpuNames && { gpuNames }) });
    this.market = new Market({ seed, machines, occupiedShare: options.occupiedShare ?? 0.3 });
    this.#tick = this.clock.every(tickMs, () => this.#look());
  }

  /** 64 hex digits, as the market's keys are. */
  makeKey(): string {
    const random = seededRandom(this.#options.seed ^ 0x5eed);
    return Array.from({ length: 64 }, () => random.int(16).toString(16)).join('');
  }

  /** Since the start of the world. */
  elapsedMs(): number {
    return this.clock.now() - this.#startedAt;
  }

  leaseEndsAt(machine: Machine): number {
    return this.#startedAt + machine.leaseS * 1_000;
  }

  offers(): MarketOffer[] {
    this.market.advanceTo(this.elapsedMs());
    return this.market.offers();
  }

  /** @returns undefined when the offer is not to be had any more */
  rent(askId: number, request: RentalRequest): Instance | undefined {
    this.market.advanceTo(this.elapsedMs());
    const offer = this.market.offer(askId);
    if (offer === undefined) return undefined;
    const fate = streamOf(this.#options.seed, 'offer', askId).float();
    const late = fate < (this.#options.takenShare ?? 0.04);
    if (late || this.faults.takes('create-gone')) {
      this.market.take(offer.machine, 'somebody');
      return undefined;
    }
    if (request.bid !== undefined && request.bid < offer.minBid) return undefined;
    this.market.take(offer.machine, 'us');
    const flaw = this.faults.takeFlaw();
    const id = ++this.#nextId;
    const random = streamOf(this.#options.seed, 'rental', id);
    const machine = flaw === undefined ? offer.machine : { ...offer.machine, flaw };
    const hex = (length: number) => Array.from({ length }, () => random.int(16).toString(16)).join('');
    const instance = new Instance(
      {
        id,
        machine,
        request,
        usdPerHour: offer.usdPerHour,
        apiKey: hex(64),
        jupyterToken: hex(64),
      },
      {
        clock: this.clock,
        random,
        seed: this.#options.seed,
        bootScale: this.#options.bootScale ?? 1,
        mtbfHours: this.#options.mtbfHours ?? 300,
        pace: this.#options.pace ?? 'real',
        thinkers: this.#options.thinkers ?? 'serve',
        host: () => this.#hostAddress(),
        nextHost: () => {
          this.#moves++;
          return this.#hostAddress();
        },
        moveHours: this.#options.moveHours ?? 72,
        idleStopMs: (env) => this.#options.idleStopMs ?? idleStopMsOf(env),
        onOutage: (lost, ms) => this.#darken(lost, ms),
        onRelease: (stopped) => this.#release(stopped),
        claim: (started) => this.#claim(started),
        onEnd: (ended) => {
          this.#ended.set(ended, this.clock.now());
          this.#release(ended);
        },
        onFailure: (failure) => instance.stop(`cannot start: ${String(failure)}`),
      },
    );
    this.#holding.add(instance);
    this.#rentals.push(instance);
    if (this.#rentals.length > historyMax) throw new Error(`the simulated market keeps ${historyMax} rentals at most`);
    return instance;
  }

  alive(): Instance[] {
    return this.#rentals.filter(({ destroyed }) => !destroyed);
  }

  find(id: number): Instance | undefined {
    return this.#rentals.find((instance) => instance.rental.id === id && !instance.destroyed);
  }

  views(): InstanceView[] {
    return this.alive().map((instance) => this.#view(instance));
  }

  history(): InstanceView[] {
    return this.#rentals.map((instance) => this.#view(instance));
  }

  bill(): Bill {
    const items = this.#rentals.flatMap((instance) => {
      instance.settle();
      return instance.meter.items().map((item) => ({ ...item, instanceId: instance.rental.id, label: instance.label }));
    });
    const totalNanoUsd = items.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0);
    return { totalNanoUsd, totalUsd: totalNanoUsd / 1e9, balanceUsd: this.#funds - totalNanoUsd / 1e9, items };
  }

  get balanceUsd(): number {
    return this.bill().balanceUsd;
  }

  inject(fault: WorldFault): void {
    const { faults } = this;
    const now = this.clock.now();
    switch (fault.kind) {
      case 'list-empty':
      case 'list-doubtful':
      case 'list-short':
      case 'api-down':
      case 'rate-limit-storm':
        return faults.last(fault.kind, now + fault.forMs);
      case 'create-unanswered':
      case 'create-gone':
      case 'destroy-ignored':
      case 'stop-ignored':
      case 'start-ignored':
      case 'gpu-taken':
        return faults.count(fault.kind, fault.times);
      case 'next-flaw':
        return faults.addFlaw(fault.flaw, fault.times);
      case 'price-jump':
        this.market.advanceTo(this.elapsedMs());
        return this.market.jump(fault.factor, fault.forMs);
      case 'lose':
        return this.#known(fault.instanceId).lose();
      case 'lose-share':
        for (const instance of this.alive())
          if (instance.status === 'running' && this.#random.float() < fault.share) instance.lose();
        return;
      case 'outbid':
        return this.#known(fault.instanceId).stop('outbid', 'running');
      case 'move':
        void this.#known(fault.instanceId).move();
        return;
      case 'balance':
        this.#funds += fault.usd - this.balanceUsd;
        this.#look();
        return;
      case 'clear':
        return faults.clear();
      default:
        throw new Error(`no such fault: ${JSON.stringify(fault)}; flaws are ${flaws.join(', ')}`);
    }
  }

  close(): void {
    this.#tick.clear();
    for (const timer of this.#outages) timer.clear();
    for (const instance of this.alive()) instance.destroy();
  }

  /** The machine comes back to the market whether or not somebody still rents it. */
  #darken(instance: Instance, ms: number): void {
    const { machine } = instance.rental;
    this.market.setOnline(machine, false);
    const timer = this.clock.after(ms, () => {
      this.#outages.delete(timer);
      this.market.setOnline(machine, true);
      instance.comeBack();
    });
    this.#outages.add(timer);
  }

  /** A stopped instance keeps its disk: the GPU is anybody's. */
  #release(instance: Instance): void {
    if (this.#holding.delete(instance)) this.market.release(instance.rental.machine);
  }

  /** @returns whether it has its GPU */
  #claim(instance: Instance): boolean {
    const { machine } = instance.rental;
    this.market.advanceTo(this.elapsedMs());
    if (this.#holding.has(instance)) return true;
    if (this.faults.takes('gpu-taken')) this.market.take(machine, 'somebody');
    if (!this.market.isFree(machine)) return false;
    this.market.take(machine, 'us');
    this.#holding.add(instance);
    return true;
  }

  #known(id: number): Instance {
    const instance = this.find(id);
    if (instance === undefined) throw new Error(`there is no instance ${id}`);
    return instance;
  }

  /** Machines move within 127.0.0.0/8 where the system answers there, which is on Linux. */
  #hostAddress(): string {
    return process.platform === 'linux' ? `127.0.0.${1 + (this.#moves % 250)}` : '127.0.0.1';
  }

  /** Debts stop instances; bids lose and win. */
  #look(): void {
    this.market.advanceTo(this.elapsedMs());
    const alive = this.alive();
    if (alive.length === 0) return;
    const now = this.clock.now();
    if (this.balanceUsd <= 0) {
      this.#brokeSince ??= now;
      for (const instance of alive) {
        if (now - this.#brokeSince > graceMs) instance.destroy();
        else if (instance.status === 'running') instance.stop('account has no credit');
      }
      return;
    }
    this.#brokeSince = undefined;
    for (const instance of alive) {
      if (instance.status === 'scheduling') instance.resume();
      if (now > this.leaseEndsAt(instance.rental.machine) && instance.status === 'running')
        instance.stop('the host lets it out no longer');
      if (instance.bid === undefined) continue;
      const wins = instance.bid >= this.market.minBid(instance.rental.machine);
      if (!wins && instance.status === 'running') instance.stop('outbid', 'running');
      else if (wins && instance.status === 'stopped' && instance.intended === 'running') instance.resume();
    }
  }

  #view(instance: Instance): InstanceView {
    instance.settle();
    const { machine, id } = instance.rental;
    return {
      id,
      label: instance.label,
      status: instance.status,
      machineId: machine.id,
      hostId: machine.hostId,
      gpuName: machine.gpu.name,
      flaw: machine.flaw,
      usdPerHour: instance.usdPerHour,
      nanoUsd: instance.meter.nanoUsd,
      startedAt: instance.startedAt,
      endedAt: this.#ended.get(instance),
      answers: instance.answers,
    };
  }
}

function idleStopMsOf(env: ReadonlyMap<string, string>): number {
  const seconds = Number(env.get('GW_IDLE_STOP_S'));
  return env.has('GW_TOKEN') && seconds > 0 ? seconds * 1_000 : Infinity;
}
