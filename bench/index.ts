/**
 * The vector index against the plain scan that is exact by construction: recall, latency, CPU of
 * the main thread per call, inserts and memory. `npm run bench:index -- [--sizes 1k,10k,100k,1M]
 * [--queries n] [--json FILE] [--seed n]`
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { entryId, scope } from '../src/core/ids.ts';
import { seededRandom } from '../src/core/random.ts';
import type { UnitVector } from '../src/core/vector.ts';
import { createMemoryVectorIndex } from '../src/cache/vector-index/memory.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { benchArgs, formatCount, parseCount } from './lib/args.ts';
import { clusteredVectors, plainNearest, type ClusteredVectors } from './lib/clustered-vectors.ts';
import { startProgress } from './lib/progress.ts';
import { writeRows, type Row } from './lib/rows.ts';
import { percentile, round, threadCpuUs } from './lib/stats.ts';

const dimensions = 384;
const neighbours = 8;
const removedShare = 0.1;
/** From here on it is shown what the sketches are worth, by searching without them too. */
const ablationFrom = 100_000;
const home = scope('bench');
const { signal } = new AbortController();

const args = benchArgs({ sizes: '1k,10k,100k,1M' }, ['queries']);
const queryCount = parseCount(String(args.values['queries'] ?? '200'));
const rows: Row[] = [];
for (const size of args.sizes) rows.push(...(await benchSize(size)));
writeRows(rows, args.json);

interface Question {
  readonly query: UnitVector;
  readonly best: { readonly at: number; readonly similarity: number };
}

async function benchSize(size: number): Promise<Row[]> {
  const random = seededRandom(args.seed);
  const vectors = clusteredVectors(size, dimensions, random);
  // Every tenth row, so that every cluster loses some.
  const removed = new Set(Array.from({ length: Math.floor(size * removedShare) }, (_, i) => i * 10 + (i % 10)));
  const plainMs: number[] = [];
  const ask = (without: ReadonlySet<number>, label: string) => {
    const progress = startProgress(`${formatCount(size)} ${label}`, queryCount);
    const questions = Array.from({ length: queryCount }, (_, i): Question => {
      const query = vectors.query(random.int(size));
      const startedMs = performance.now();
      const best = plainNearest(vectors, query, without);
      plainMs.push(performance.now() - startedMs);
      progress.update(i + 1);
      return { query, best };
    });
    progress.end();
    return questions;
  };
  const asked = ask(new Set(), 'exact answers');
  const askedAfter = ask(removed, 'exact answers after removals');
  const found: Row[] = [
    {
      bench: 'index',
      method: 'plain scan',
      rows: size,
      dimensions,
      queries: plainMs.length,
      p50Ms: round(percentile(plainMs, 0.5)),
      p99Ms: round(percentile(plainMs, 0.99)),
      bytesPerRow: dimensions * 4,
    },
  ];
  found.push(await benchIndex(vectors, { asked, askedAfter, removed }, 'index', undefined));
  if (size >= ablationFrom)
    found.push(await benchIndex(vectors, { asked, askedAfter, removed }, 'index without sketches', Infinity));
  return found;
}

async function benchIndex(
  vectors: ClusteredVectors,
  work: {
    readonly asked: readonly Question[];
    readonly askedAfter: readonly Question[];
    readonly removed: Set<number>;
  },
  method: string,
  sketchRowsMin: number | undefined,
): Promise<Row> {
  const size = vectors.count;
  globalThis.gc?.();
  const rssBefore = process.memoryUsage.rss();
  const index = createMemoryVectorIndex({
    dimensions,
    vectorsMax: size,
    logger: createLogger('warn'),
    ...(sketchRowsMin !== undefined && { sketchRowsMin }),
  });
  const ids = Array.from({ length: size }, (_, at) => entryId(`entry-${at}`));
  const progress = startProgress(`${formatCount(size)} ${method}: inserts`, size);
  const insertCpuUs = new Float64Array(size);
  const insertsFromMs = performance.now();
  for (let at = 0; at < size; at++) {
    const before = threadCpuUs();
    await index.upsert(home, ids[at]!, vectors.row(at));
    insertCpuUs[at] = threadCpuUs() - before;
    if (at % 1000 === 999) progress.update(at + 1);
  }
  const insertS = (performance.now() - insertsFromMs) / 1000;
  progress.end();
  const rssPerRow = (process.memoryUsage.rss() - rssBefore) / size;

  for (const { query } of work.asked.slice(0, 20)) await index.nearest(home, query, neighbours, { signal });
  const first = await search(index, work.asked, ids, new Set());
  for (const at of work.removed) await index.remove(home, ids[at]!);
  const after = await search(index, work.askedAfter, ids, new Set([...work.removed].map((at) => ids[at]!)));
  const { bytes } = index.stats();
  await index.close();
  return {
    bench: 'index',
    method,
    rows: size,
    dimensions,
    queries: work.asked.length,
    recallAt1: round(first.recall, 4),
    recallAt1AfterRemovals: round(after.recall, 4),
    removedReturned: after.removedReturned,
    similarityErrorMax: round(Math.max(first.errorMax, after.errorMax), 6),
    p50Ms: round(percentile(first.ms, 0.5)),
    p99Ms: round(percentile(first.ms, 0.99)),
    mainCpuP50Ms: round(percentile(first.cpuMs, 0.5)),
    mainCpuP99Ms: round(percentile(first.cpuMs, 0.99)),
    mainCpuMaxMs: round(Math.max(...first.cpuMs, ...after.cpuMs)),
    insertsPerS: Math.round(size / insertS),
    insertCpuP50Us: round(percentile(insertCpuUs, 0.5), 1),
    // These are the garbage collector's pauses: the insert itself takes its p50.
    insertsOver5Ms: insertCpuUs.filter((us) => us > 5000).length,
    insertCpuMaxMs: round(insertCpuUs.reduce((a, b) => Math.max(a, b), 0) / 1000),
    bytesPerRow: round(bytes / size, 1),
    rssBytesPerRow: Math.round(rssPerRow),
  };
}

async function search(
  index: ReturnType<typeof createMemoryVectorIndex>,
  questions: readonly Question[],
  ids: readonly string[],
  removed: ReadonlySet<string>,
) {
  const ms: number[] = [];
  const cpuMs: number[] = [];
  let right = 0;
  let removedReturned = 0;
  let errorMax = 0;
  for (const { query, best } of questions) {
    await nextTurn();
    const cpuBefore = threadCpuUs();
    const startedMs = performance.now();
    const found = await index.nearest(home, query, neighbours, { signal });
    ms.push(performance.now() - startedMs);
    cpuMs.push((threadCpuUs() - cpuBefore) / 1000);
    if (found[0]?.entryId === ids[best.at]) {
      right++;
      errorMax = Math.max(errorMax, Math.abs(found[0]!.similarity - best.similarity));
    }
    for (const { entryId } of found) if (removed.has(entryId)) removedReturned++;
  }
  return { ms, cpuMs, recall: right / questions.length, removedReturned, errorMax };
}
