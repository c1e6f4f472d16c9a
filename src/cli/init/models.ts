/** What a model asks of a machine: memory for its weights and for the contexts of all answers at a time, and disk. */

export interface KnownModel {
  /** As Ollama names it. */
  readonly name: string;
  /** What is downloaded, GB. */
  readonly sizeGb: number;
  /** Numbers kept for each token of context: keys and values of all layers. */
  readonly cacheValuesPerToken: number;
  readonly about: string;
}

export interface ModelNeeds {
  readonly model: string;
  readonly sizeGb: number;
  /** As `fleet.machines.vramGbMin` counts them: thousands of MiB. */
  readonly vramGb: number;
  readonly diskGb: number;
}

const row = (
  name: string,
  sizeGb: number,
  [layers, heads, width]: readonly [layers: number, keyValueHeads: number, headWidth: number],
  about: string,
): KnownModel => ({ name, sizeGb, cacheValuesPerToken: 2 * layers * heads * width, about });

/** Sizes as Ollama lists them; shapes from the models' own descriptions. */
export const knownModels: readonly KnownModel[] = [
  row('qwen2:7b-instruct-q6_K', 6.25, [28, 4, 128], 'good all-rounder, finer weights'),
  row('llama3.2:1b', 1.3, [16, 8, 64], 'tiny and fast'),
  row('llama3.2:3b', 2, [28, 8, 128], 'small and fast'),
  row('mistral:7b', 4.4, [32, 8, 128], 'all-rounder'),
  row('qwen2.5-coder:7b', 4.7, [28, 4, 128], 'code'),
  row('llama3.1:8b', 4.9, [32, 8, 128], 'all-rounder'),
  row('qwen3:8b', 5.2, [36, 8, 128], 'thinks before it answers'),
  row('qwen2.5:14b', 9, [48, 8, 128], 'better, slower'),
  row('phi4:14b', 9.1, [40, 10, 128], 'better, slower'),
  row('qwen2.5:32b', 20, [64, 8, 128], 'strong; a 32 GB card'),
  row('llama3.3:70b', 43, [80, 8, 128], 'strongest; an 80 GB card'),
];

/** Kinds that serve a model well, as vast.ai names them, with their memory in thousands of MiB. */
export const knownGpus: Readonly<Record<string, number>> = {
  'RTX 3060': 12,
  'RTX 4070 Ti': 12,
  'RTX 4060 Ti': 16,
  'RTX 4070S Ti': 16,
  'RTX 4080': 16,
  'RTX A4000': 16,
  'RTX 3090': 24,
  'RTX 3090 Ti': 24,
  'RTX 4090': 24,
  'RTX A5000': 24,
  'RTX 5090': 32,
  L40S: 46,
  'RTX A6000': 48,
  'A100 PCIE': 80,
  'A100 SXM4': 80,
  'H100 SXM': 80,
};

/** Contexts are kept in 8 bits (`q8_0`): 34 bytes for 32 values. */
const bytesPerCacheValue = 34 / 32;
/** What CUDA and the buffers of a pass take, MiB. */
const overheadMib = 600;
/** Between what a formula says and what a driver takes. */
const margin = 1.05;
const mibPerGb = 1e9 / 2 ** 20;
/** Image, logs, and room for a pull that is tried again, GB. */
const diskBesideModelGb = 16;
const diskGbMin = 32;

export function needsOf(
  model: string,
  options: { readonly sizeGb?: number | undefined; readonly slots: number; readonly contextTokens: number },
): ModelNeeds | undefined {
  const known = knownModels.find(({ name }) => name === model);
  const sizeGb = options.sizeGb ?? known?.sizeGb;
  if (sizeGb === undefined) return undefined;
  const values = known?.cacheValuesPerToken ?? cacheValuesOfUnknown(sizeGb);
  const contextsMib = (values * bytesPerCacheValue * options.contextTokens * options.slots) / 2 ** 20;
  const vramMib = (sizeGb * mibPerGb + contextsMib + overheadMib) * margin;
  return {
    model,
    sizeGb,
    vramGb: Math.ceil(vramMib / 500) / 2,
    diskGb: Math.max(diskGbMin, Math.ceil(sizeGb + diskBesideModelGb)),
  };
}

/** Of a model that is not in the list: as the largest of its size have it, so that it fits rather than saves. */
const cacheValuesOfUnknown = (sizeGb: number): number => (sizeGb <= 6 ? 73_728 : sizeGb <= 12 ? 102_400 : 163_840);

/** Kinds with enough memory, the smallest first. */
export const gpusFor = (vramGb: number): readonly string[] =>
  Object.entries(knownGpus)
    .filter(([, gb]) => gb >= vramGb)
    .toSorted(([, a], [, b]) => a - b)
    .map(([name]) => name);
