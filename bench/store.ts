/**
 * The embedded store: memory per entry, what an empty one costs, puts, reads from memory and from
 * disk, and how long a restart takes. `node bench/store.ts [--sizes 100k] [--json FILE] [--seed n]`
 * Each line is measured in a process of its own, because memory is only comparable there.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CacheEntry } from '../src/cache/cache-store.ts';
import { createEmbeddedStore } from '../src/cache/cache-store/embedded.ts';
import { systemClock } from '../src/core/clock.ts';
import { entryId, exactKey, modelName, requestId, scope, tenantId } from '../src/core/ids.ts';
import { seededRandom, type Random } from '../src/core/random.ts';
import { addMs } from '../src/core/units.ts';
import { toUnitVector } from '../src/core/vector.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { benchArgs } from './lib/args.ts';
import { writeRows, type Row } from './lib/rows.ts';
import { percentile, round, threadCpuUs } from './lib/stats.ts';

const answerChars = 1000;
const dimensions = 384;
const reads = 5000;
const thisFile = fileURLToPath(import.meta.url);

function runAll(): Row[] {
  const args = benchArgs({ sizes: '100k' });
  const rows: Row[] = [];
  for (const entries of [0, ...args.sizes]) {
    const folder = mkdtempSync(join(tmpdir(), 'selfhost-bench-'));
    try {
      for (const one of entries === 0 ? ['fill'] : ['fill', 'restart']) {
        const flags = ['--expose-gc', thisFile, one, folder, String(entries), String(args.seed)];
        const output = execFileSync(process.execPath, flags, {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        rows.push(JSON.parse(output) as Row);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  return rows;
}

async function measure(kind: 'fill' | 'restart', folder: string, entries: number, seedOf: number): Promise<Row> {
  const random = seededRandom(seedOf);
  const before = await memoryNow();
  let turnCpuMaxMs = 0;
  const openedMs = performance.now();
  const store = await createEmbeddedStore({
    dataDir: folder,
    clock: systemClock,
    random,
    logger: createLogger('warn'),
    // The hot entries have a cap of their own; without them the directory's share shows.
    options: { entriesMax: 1_000_000, bytesMax: 8 * 2 ** 30, hotBytesMax: 0 },
  });
  const loading = { done: false };
  const ready = store.ready().then(() => {
    loading.done = true;
  });
  for (let turnUs = threadCpuUs(); !loading.done;) {
    await nextTurn();
    turnCpuMaxMs = Math.max(turnCpuMaxMs, (threadCpuUs() - turnUs) / 1000);
    turnUs = threadCpuUs();
  }
  await ready;
  const readyMs = performance.now() - openedMs;

  const putCpuUs: number[] = [];
  const putsFromMs = performance.now();
  if (kind === 'fill') {
    for (let at = 0; at < entries; at++) {
      const entry = anEntry(at, random);
      const cpuUs = threadCpuUs();
      await store.put(entry);
      putCpuUs.push(threadCpuUs() - cpuUs);
      if (at % 256 === 255) await nextTurn();
      if (at % 4096 === 4095) await store.flush();
    }
  }
  await store.flush();
  const putsS = (performance.now() - putsFromMs) / 1000;
  const after = await memoryNow();

  const readUs: number[] = [];
  for (let i = 0; i < (entries === 0 ? 0 : reads); i++) {
    const key = exactKey(keyOf(random.int(entries)));
    const startedMs = performance.now();
    const entry = await store.getByKey(key);
    readUs.push((performance.now() - startedMs) * 1000);
    if (!entry) throw new Error(`${key} is missing`);
  }
  const { bytes } = store.stats();
  await store.close();
  const perEntry = (count: number) => (entries === 0 ? null : Math.round(count / entries));
  return {
    bench: 'store',
    step: kind,
    entries,
    answerChars,
    rssMib: round(after.rss / 2 ** 20, 1),
    rssGrowthMib: round((after.rss - before.rss) / 2 ** 20, 1),
    rssBytesPerEntry: perEntry(after.rss - before.rss),
    heapBytesPerEntry: perEntry(after.heap - before.heap),
    diskBytesPerEntry: perEntry(statSync(join(folder, 'cache.sqlite')).size),
    countedBytesPerEntry: perEntry(bytes),
    readyMs: round(readyMs, 1),
    loadTurnCpuMaxMs: round(turnCpuMaxMs, 1),
    putsPerS: kind === 'fill' && entries > 0 ? Math.round(entries / putsS) : null,
    putCpuP50Us: kind === 'fill' && entries > 0 ? percentile(putCpuUs, 0.5) : null,
    putCpuP99Us: kind === 'fill' && entries > 0 ? percentile(putCpuUs, 0.99) : null,
    coldReadP50Us: entries > 0 ? round(percentile(readUs, 0.5), 1) : null,
    coldReadP99Us: entries > 0 ? round(percentile(readUs, 0.99), 1) : null,
  };
}

/** After collection: what is held, not what was touched. */
async function memoryNow(): Promise<{ readonly rss: number; readonly heap: number }> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await nextTurn();
  }
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { rss, heap: heapUsed + external + arrayBuffers };
}

/** As long as a real one: 43 characters of SHA-256. */
const keyOf = (at: number): string => `key-${String(at).padStart(39, '0')}`;

function anEntry(at: number, random: Random): CacheEntry {
  const storedAt = systemClock.now();
  return {
    id: entryId(`entry-${String(at).padStart(10, '0')}`),
    exactKey: exactKey(keyOf(at)),
    tenant: tenantId('local'),
    model: modelName('qwen3:8b'),
    digest: 'sha256:500a1f067a9f782620b40bee6f7b0c89e17ae61f686b92c24933e4ca4b2b8b41',
    semantic: {
      scope: scope(`scope-${String(at % 1000).padStart(37, '0')}`),
      text: `question ${at} about ${random.id(40)}?`,
      embeddingModel: 'lexical-1',
      vector: toUnitVector(Float32Array.from({ length: dimensions }, () => random.float() - 0.5)),
    },
    answer: {
      model: 'qwen3:8b',
      createdAt: storedAt,
      thinking: '',
      text: random.id(100).repeat(answerChars / 100),
      toolCalls: [],
      end: {
        type: 'end',
        finishReason: 'stop',
        usage: { promptTokens: 12, completionTokens: 250 },
        timings: { totalNs: 5e9, loadNs: 1e6, promptEvalNs: 1e8, evalNs: 4e9 },
      },
    },
    storedAt,
    expiresAt: addMs(storedAt, 86_400_000),
    origin: requestId(`request-${at}`),
    gpuMs: 4000,
  };
}

const [step, dataDir, size, seed] = process.argv.slice(2);
if (step === 'fill' || step === 'restart')
  console.log(JSON.stringify(await measure(step, dataDir!, Number(size), Number(seed))));
else writeRows(runAll(), benchArgs({ sizes: '100k' }).json);
