/** How long each step of a start takes on a machine: drawn per rental, by its connection and disk. */
import type { Random } from '../../core/random.ts';
import { between, lognormal } from './draws.ts';
import type { Machine } from './machine.ts';

export interface BootPlan {
  /** Status null. */
  readonly provisioningMs: number;
  readonly createdMs: number;
  /** Image pull. */
  readonly loadingMs: number;
  /** After `running`: until the proxy is installed and listens. */
  readonly proxyMs: number;
  /** After `running`: until the model is there. */
  readonly pullMs: number;
  readonly imageBytes: number;
  readonly modelBytes: number;
}

/** The image of Ollama, unpacked layers of which some are on the machine already. */
const imageBytes = 2.4e9;
/** What a registry gives to one client, Mb/s. */
const registryMbpsMax = 2_000;

export function drawBoot(machine: Machine, modelBytes: number, random: Random, scale: number): BootPlan {
  const mbps = Math.min(machine.inetDown, registryMbpsMax) * between(random, 0.6, 1);
  const cached = random.float() < 0.3 ? 0.1 : 1;
  const image = imageBytes * cached;
  const downloadMs = (bytes: number) => (bytes * 8) / (mbps * 1_000);
  return {
    provisioningMs: scale * lognormal(random, 6_000, 0.5),
    createdMs: scale * lognormal(random, 4_000, 0.5),
    loadingMs: scale * (lognormal(random, 12_000, 0.6) + downloadMs(image)),
    proxyMs: scale * lognormal(random, 15_000, 0.3),
    pullMs:
      scale * (lognormal(random, 8_000, 0.3) + downloadMs(modelBytes) + (modelBytes / 1e6 / machine.diskMbS) * 1_000),
    imageBytes: image,
    modelBytes,
  };
}
