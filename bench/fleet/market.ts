/** A market of machines: who lets what at which price now, and what a machine is really like, which no offer says. */
import { seededRandom, type Random } from '../../src/core/random.ts';
import { usdMicros } from '../../src/core/units.ts';
import { offerId, type Offer } from '../../src/fleet/fleet-provider.ts';
import { secondsToReady } from '../../src/fleet/offers/estimates.ts';

export interface Machine {
  readonly index: number;
  readonly machineId: string;
  readonly hostId: string;
  readonly gpu: Gpu;
  /** Tokens per second of a full batch of 8, in truth. */
  readonly tokensPerS: number;
  readonly basePricePerHour: number;
  readonly reliability: number;
  /** Mean hours between losses, in truth. */
  readonly lossHours: number;
  /** Chance that a start never gets ready, in truth. */
  readonly failChance: number;
  readonly downloadMbps: number;
  readonly diskMbS: number;
  readonly usdPerGb: number;
  logPrice: number;
  rented: boolean;
  /** Rented by somebody else until this second. */
  takenUntilS: number;
}

export interface Gpu {
  readonly name: string;
  readonly vramMib: number;
  readonly bandwidthGbS: number;
  readonly tokensPerS: number;
  readonly pricePerHour: number;
  readonly weight: number;
}

/** Speeds of a 7B model at 6 bits, by bandwidth; prices of the middle of a market. None was measured by us. */
const gpus: readonly Gpu[] = [
  { name: 'RTX 4090', vramMib: 24_564, bandwidthGbS: 1008, tokensPerS: 400, pricePerHour: 0.4, weight: 0.6 },
  { name: 'RTX 3090', vramMib: 24_576, bandwidthGbS: 936, tokensPerS: 340, pricePerHour: 0.3, weight: 0.25 },
  { name: 'RTX 5090', vramMib: 32_607, bandwidthGbS: 1792, tokensPerS: 640, pricePerHour: 0.75, weight: 0.15 },
];

export const imageGb = 2;
export const modelGb = 6.25;
export const storagePerHour = 0.0066;

export interface MarketOptions {
  readonly machines: number;
  /** Share of hosts whose machines nearly never get ready. */
  readonly badHosts: number;
  readonly lossHours: number;
  readonly seed: number;
}

/** The middle of the time from a rental to readiness is 240 s; ours of the estimate is shorter, so it is stretched. */
const bootStretch = 1.5;
const bootSpread = 0.35;
/** A start is given up after this long, as the lifecycle does. */
export const bootDeadlineS = 900;

export class Market {
  readonly machines: readonly Machine[];
  readonly #random: Random;
  /** All prices, for a while. */
  priceFactor = 1;

  constructor({ machines, badHosts, lossHours, seed }: MarketOptions) {
    const random = seededRandom(seed * 104_729 + 5);
    this.#random = random;
    const hosts = Math.ceil(machines / 2.5);
    const isBad = Array.from({ length: hosts }, () => random.float() < badHosts);
    this.machines = Array.from({ length: machines }, (_, index) => {
      const host = random.int(hosts);
      const gpu = pickGpu(random);
      const reliability = 0.97 + 0.029 * random.float();
      return {
        index,
        machineId: `m${index}`,
        hostId: `h${host}`,
        gpu,
        tokensPerS: gpu.tokensPerS * Math.exp(0.08 * normal(random)),
        basePricePerHour: gpu.pricePerHour * Math.exp(0.15 * normal(random)),
        reliability,
        lossHours: lossHours * (0.5 + random.float()),
        failChance: isBad[host]! ? 0.9 : 0.02,
        downloadMbps: 250 + 1750 * random.float(),
        diskMbS: 500 + 2500 * random.float(),
        usdPerGb: [0, 0.002, 0.005, 0.01][random.int(4)]!,
        logPrice: 0,
        rented: false,
        takenUntilS: random.float() < 0.4 ? random.float() * 14_400 : 0,
      };
    });
  }

  /** Once every ten minutes: prices wander back to their base, others come and go. */
  step(nowS: number): void {
    for (const machine of this.machines) {
      machine.logPrice = 0.97 * machine.logPrice + 0.02 * normal(this.#random);
      if (!machine.rented && machine.takenUntilS <= nowS && this.#random.float() < 0.03)
        machine.takenUntilS = nowS + 3600 * (0.5 + 6 * this.#random.float());
    }
  }

  pricePerHour(machine: Machine): number {
    return machine.basePricePerHour * Math.exp(machine.logPrice) * this.priceFactor;
  }

  isFree(machine: Machine, nowS: number): boolean {
    return !machine.rented && machine.takenUntilS <= nowS;
  }

  offers(nowS: number): Offer[] {
    return this.machines.filter((machine) => this.isFree(machine, nowS)).map((machine) => this.#offer(machine));
  }

  /** Seconds of one start; the model is pulled in the billed part. */
  boot(machine: Machine): { readonly readyInS: number; readonly billedFromS: number; readonly fails: boolean } {
    const { readyInS, billedS } = secondsToReady(this.#offer(machine), { imageGb, modelGb });
    const stretch = bootStretch * Math.exp(bootSpread * normal(this.#random));
    const fails = this.#random.float() < machine.failChance;
    const total = readyInS * stretch;
    // A bad one shows it at once, or hangs until its deadline.
    const failsIn = this.#random.float() < 0.5 ? 30 + 90 * this.#random.float() : bootDeadlineS;
    return {
      readyInS: fails ? failsIn : Math.min(total, bootDeadlineS),
      billedFromS: (readyInS - billedS) * stretch,
      fails: fails || total > bootDeadlineS,
    };
  }

  lossInS(machine: Machine): number {
    return -Math.log(1 - this.#random.float()) * machine.lossHours * 3600;
  }

  chance(): number {
    return this.#random.float();
  }

  #offer(machine: Machine): Offer {
    return {
      id: offerId(String(machine.index)),
      machineId: machine.machineId,
      hostId: machine.hostId,
      gpuName: machine.gpu.name,
      gpuCount: 1,
      vramMib: machine.gpu.vramMib,
      memoryBandwidthGbS: machine.gpu.bandwidthGbS,
      pricePerHour: usdMicros((this.pricePerHour(machine) + storagePerHour) * 1e6),
      storagePerHour: usdMicros(storagePerHour * 1e6),
      downUsdPerGb: machine.usdPerGb,
      upUsdPerGb: machine.usdPerGb,
      downloadMbps: machine.downloadMbps,
      uploadMbps: 300,
      diskGb: 200,
      diskMbS: machine.diskMbS,
      reliability: machine.reliability,
      directPorts: 50,
      cudaMax: 12.8,
      durationS: 30 * 86_400,
      country: 'SE',
      verified: true,
      datacenter: false,
    };
  }
}

function pickGpu(random: Random): Gpu {
  let left = random.float();
  for (const gpu of gpus) if ((left -= gpu.weight) < 0) return gpu;
  return gpus[0]!;
}

/** Near enough: twelve uniforms less six. */
export function normal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.float();
  return sum;
}
