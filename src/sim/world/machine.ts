/** The machines of the simulated market, drawn once from the seed. */
import type { Random } from '../../core/random.ts';
import { between, lognormal, pick, streamOf } from './draws.ts';
import { gpuClasses, type GpuClass } from './gpu-classes.ts';

/** What is wrong with a bad machine. Nothing of it shows in its offer. */
export type Flaw =
  | 'stuck-loading'
  | 'docker-error'
  | 'cpu-only'
  | 'slow'
  | 'dead-port'
  | 'pull-stalls'
  | 'wrong-answers';

export const flaws: readonly Flaw[] = [
  'stuck-loading',
  'docker-error',
  'cpu-only',
  'slow',
  'dead-port',
  'pull-stalls',
  'wrong-answers',
];

export interface Machine {
  readonly id: number;
  readonly hostId: number;
  readonly gpu: GpuClass;
  readonly gpuCount: number;
  /** Own share of the class price. */
  readonly priceFactor: number;
  readonly reliability: number;
  /** Mb/s. */
  readonly inetDown: number;
  readonly inetUp: number;
  /** USD per GB. */
  readonly inetDownCost: number;
  readonly inetUpCost: number;
  readonly diskGb: number;
  readonly diskMbS: number;
  /** USD per GB and month. */
  readonly storageCost: number;
  readonly cudaMax: number;
  readonly directPorts: number;
  readonly geolocation: string;
  readonly verified: boolean;
  readonly datacenter: boolean;
  readonly staticIp: boolean;
  /** Seconds from the start of the world until which the host lets it out. */
  readonly leaseS: number;
  readonly cpuName: string;
  readonly flaw: Flaw | undefined;
}

export interface MachinesOptions {
  readonly seed: number;
  readonly count: number;
  /** In [0, 1]. */
  readonly badShare: number;
  /** Only these kinds; all when absent. */
  readonly gpuNames?: readonly string[];
}

/** Ids look like the market's: five digits for machines, six for hosts. */
const machineIdMin = 20_000;
const hostIdMin = 100_000;

const places: readonly string[] = [
  'California, US',
  'Texas, US',
  'Quebec, CA',
  'Germany, DE',
  'Netherlands, NL',
  'Sweden, SE',
  'Czechia, CZ',
  'Japan, JP',
  'Poland, PL',
  'Norway, NO',
];

export function drawMachines(options: MachinesOptions): Machine[] {
  const classes = gpuClasses.filter(({ name }) => options.gpuNames?.includes(name) ?? true);
  if (classes.length === 0)
    throw new Error(
      `no machine of ${options.gpuNames?.join(', ')}; known: ${gpuClasses.map(({ name }) => name).join(', ')}`,
    );
  const hosts = Math.max(1, Math.ceil(options.count / 2.5));
  return Array.from({ length: options.count }, (_, index) => {
    const random = streamOf(options.seed, 'machine', index);
    return drawMachine(random, classes, index, hosts, options.badShare);
  });
}

function drawMachine(
  random: Random,
  classes: readonly GpuClass[],
  index: number,
  hosts: number,
  badShare: number,
): Machine {
  const gpu = pick(
    random,
    classes.map((value) => ({ value, weight: value.weight })),
  );
  const datacenter = random.float() < 0.25;
  const inetDown = Math.min(9_000, Math.max(40, lognormal(random, 650, 0.7)));
  const free = random.float() < 0.2;
  return {
    id: machineIdMin + index * 7,
    hostId: hostIdMin + random.int(hosts) * 13,
    gpu,
    gpuCount: random.float() < 0.85 ? 1 : 2,
    priceFactor: lognormal(random, datacenter ? 1.15 : 1, 0.18),
    reliability: 1 - Math.min(0.15, 0.012 * lognormal(random, 0.6, 0.9)),
    inetDown,
    inetUp: inetDown * between(random, 0.3, 1),
    inetDownCost: free ? 0 : round(between(random, 0.001, 0.02), 4),
    inetUpCost: free ? 0 : round(between(random, 0.002, 0.03), 4),
    diskGb: Math.round(between(random, 40, 900)),
    diskMbS: Math.round(between(random, 400, 5_000)),
    storageCost: round(between(random, 0.08, 0.3), 3),
    cudaMax: [12.2, 12.4, 12.6, 12.8, 13][random.int(5)]!,
    directPorts: random.float() < 0.06 ? 0 : 2 + random.int(300),
    geolocation: places[random.int(places.length)]!,
    verified: random.float() < 0.85,
    datacenter,
    staticIp: datacenter || random.float() < 0.5,
    leaseS: Math.round(between(random, 0.4, 60) * 86_400),
    cpuName: random.float() < 0.5 ? 'AMD EPYC 7452 32-Core Processor' : 'Core™ i9-13900K',
    flaw: random.float() < badShare ? flaws[random.int(flaws.length)] : undefined,
  };
}

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));
