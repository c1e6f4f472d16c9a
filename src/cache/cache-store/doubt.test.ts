import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { entryId } from '../../core/ids.ts';
import { seededRandom } from '../../core/random.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { anEntry } from './conformance.ts';
import { createEmbeddedStore } from './embedded.ts';
import { createMemoryStore } from './memory.ts';

describe('doubted entries', () => {
  for (const driver of ['memory', 'embedded'] as const) {
    it(`leave before others of the same worth, and after those worth less than half: ${driver}`, async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-doubt-'));
      const clock = new FakeClock();
      const limits = { entriesMax: 4, bytesMax: 1e7 };
      const deps = { clock, random: seededRandom(1), logger: silentLogger };
      const store =
        driver === 'memory'
          ? createMemoryStore({ ...deps, limits })
          : await createEmbeddedStore({ ...deps, dataDir, options: limits });
      const gone: string[] = [];
      try {
        await store.ready();
        store.onRemoved((id) => void gone.push(id));
        await store.put(anEntry('same', { gpuMs: 1000 }));
        await store.put(anEntry('doubted', { gpuMs: 1000 }));
        await store.put(anEntry('other', { gpuMs: 1000 }));
        await store.put(anEntry('cheap', { gpuMs: 400 }));
        store.doubt(entryId('entry-doubted'));
        store.doubt(entryId('entry-absent'));
        await store.put(anEntry('new1', { gpuMs: 5000 }));
        await store.put(anEntry('new2', { gpuMs: 5000 }));
        assert.deepEqual(gone, ['entry-cheap', 'entry-doubted']);
        assert.equal((await store.get(entryId('entry-same')))?.gpuMs, 1000);
      } finally {
        await store.close();
        rmSync(dataDir, { recursive: true });
      }
    });
  }
});
