/** Kinds of machines in the simulated market. Prices and speeds are orders of magnitude for planning, not measurements. */

export interface GpuClass {
  /** As the market writes it, with a space. */
  readonly name: string;
  readonly vramMib: number;
  /** GB/s. */
  readonly memoryBandwidth: number;
  /** Usual price of one, USD per hour. */
  readonly usdPerHour: number;
  /** ×100, as the market writes it. */
  readonly computeCap: number;
  readonly arch: 'nvidia';
  /** How common it is. */
  readonly weight: number;
}

const row = (
  name: string,
  vramMib: number,
  memoryBandwidth: number,
  usdPerHour: number,
  computeCap: number,
  weight: number,
): GpuClass => ({ name, vramMib, memoryBandwidth, usdPerHour, computeCap, weight, arch: 'nvidia' });

export const gpuClasses: readonly GpuClass[] = [
  row('RTX 3060', 12_288, 360, 0.07, 860, 5),
  row('RTX 3090', 24_576, 936, 0.2, 860, 14),
  row('RTX 4060 Ti', 16_380, 288, 0.11, 890, 4),
  row('RTX 4070S Ti', 16_376, 672, 0.16, 890, 6),
  row('RTX 4090', 24_564, 1_008, 0.38, 890, 22),
  row('RTX 5090', 32_607, 1_792, 0.62, 1_200, 8),
  row('RTX A4000', 16_376, 448, 0.12, 860, 6),
  row('RTX A5000', 24_564, 768, 0.24, 860, 5),
  row('L40S', 46_068, 864, 0.75, 890, 2),
  row('A100 SXM4', 81_920, 2_039, 1.05, 800, 3),
  row('H100 SXM', 81_559, 3_350, 2.1, 900, 2),
];

/** The 6-bit 7B model of the planning figures, GB: tokens per second follow from memory bandwidth. */
const plannedModelGb = 6.25;
const bandwidthUse = 0.58;

export const tokensPerSecondOf = ({ memoryBandwidth }: GpuClass): number =>
  (bandwidthUse * memoryBandwidth) / plannedModelGb;
