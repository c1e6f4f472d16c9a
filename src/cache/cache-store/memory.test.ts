import { seededRandom } from '../../core/random.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { cacheStoreConformance } from './conformance.ts';
import { createMemoryStore } from './memory.ts';

cacheStoreConformance('memory', async ({ clock, ...limits }) => ({
  store: createMemoryStore({ clock, random: seededRandom(1), logger: silentLogger, limits }),
  dispose: async () => undefined,
}));
