import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../core/random.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { cacheStoreConformance } from './conformance.ts';
import { createEmbeddedStore } from './embedded.ts';

cacheStoreConformance('embedded', async ({ clock, ...options }) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-store-'));
  return {
    store: await createEmbeddedStore({ dataDir, clock, random: seededRandom(1), logger: silentLogger, options }),
    dispose: async () => rmSync(dataDir, { recursive: true }),
  };
});

cacheStoreConformance('embedded, nothing kept in memory', async ({ clock, ...options }) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-store-'));
  return {
    store: await createEmbeddedStore({
      dataDir,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      options: { ...options, hotBytesMax: 0 },
    }),
    dispose: async () => rmSync(dataDir, { recursive: true }),
  };
});
