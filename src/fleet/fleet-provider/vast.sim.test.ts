import { systemClock } from '../../core/clock.ts';
import { seededRandom } from '../../core/random.ts';
import { usdMicros } from '../../core/units.ts';
import { startVastWorld } from '../../sim/world.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import type { OfferQuery } from '../fleet-provider.ts';
import { fleetProviderConformance } from './conformance.ts';
import { createVastProvider } from './vast.ts';

const query: OfferQuery = {
  gpuNames: ['RTX 4090', 'RTX 3090'],
  vramMibMin: 12_000,
  pricePerHourMax: usdMicros(900_000),
  reliabilityMin: 0.9,
  downloadMbpsMin: 100,
  diskGb: 32,
  cudaMin: 12,
  durationSMin: 86_400,
  limit: 20,
};

fleetProviderConformance('vast', async () => {
  const world = await startVastWorld({
    seed: 7,
    timeScale: 400,
    bootScale: 0.5,
    takenShare: 0,
    badShare: 0,
    mtbfHours: Infinity,
    pace: 'instant',
  });
  const provider = createVastProvider({
    url: world.url,
    key: world.key,
    clock: world.clock,
    random: seededRandom(1),
    logger: silentLogger,
    // Of the world's time, which runs fast.
    timeoutMs: 4_000_000,
    triesMax: 8,
  });
  return {
    provider,
    market: {
      query,
      gpuName: 'RTX 4090',
      now: () => world.clock.now(),
      async until(what, holds) {
        const endMs = systemClock.monotonicMs() + 20_000;
        while (!(await holds())) {
          if (systemClock.monotonicMs() > endMs) throw new Error(`not within 20 s: ${what}`);
          await world.clock.sleep(2_000);
        }
      },
    },
    own: [],
    async close() {
      await provider.close();
      await world.close();
    },
  };
});
