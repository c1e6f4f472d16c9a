/**
 * Search in the server: what a row costs there, how fast it is placed, and what a search takes of server and client.
 * `npm run bench:search [-- --sizes 10k --redis8 PROGRAM --url redis://… --json FILE --seed n]`
 *
 * Rows of the Query Engine are measured on any Redis (their hashes alone; the engine's own index comes on top and is
 * in docs/scaling.md). Vector sets need a Redis 8: `npm run redis8` builds one. With `--url` of a server that has the
 * Query Engine its searches are measured too. What every gateway asks beside searches (limits, leadership) is
 * measured against a bare GET in the same run.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { VectorIndex } from '../src/cache/vector-index.ts';
import { createRedisFtIndex } from '../src/cache/vector-index/redis-ft.ts';
import { createRedisVsetIndex } from '../src/cache/vector-index/redis-vset.ts';
import { systemClock } from '../src/core/clock.ts';
import { entryId, scope } from '../src/core/ids.ts';
import { seededRandom, systemRandom } from '../src/core/random.ts';
import { createRedisConnection } from '../src/redis/connect.ts';
import { createRedisSharedUsage } from '../src/redis/limits/shared-usage.ts';
import { replyText, type RedisConnection } from '../src/redis/redis-connection.ts';
import { parseInfo } from '../src/redis/server-facts.ts';
import { silentLogger } from '../src/telemetry/logger.ts';
import { freePort, startRedis } from '../src/testing/redis-kit.ts';
import { benchArgs } from './lib/args.ts';
import { clusteredVectors, type ClusteredVectors } from './lib/clustered-vectors.ts';
import { writeRows, type Row } from './lib/rows.ts';
import { percentile, round } from './lib/stats.ts';

const dimensions = 384;
const scopes = 20;
const searches = 1_000;
const neighbours = 8;
const placedAtOnce = 32;
const { signal } = new AbortController();
const read = { as: 'read', deadlineMs: 10_000 } as const;

const args = benchArgs({ sizes: '10k' }, ['url', 'redis8']);
const built = join(import.meta.dirname, '..', '.cache', 'redis8', 'redis-server');
const redis8 =
  typeof args.values['redis8'] === 'string' ? args.values['redis8'] : existsSync(built) ? built : undefined;
const rows: Row[] = [];

const plain = await startRedis();
try {
  for (const size of args.sizes) rows.push(await measure('redis-ft rows', plain.url, size, ftIndex, 'place only'));
  rows.push(...(await measureCalls(plain.url)));
} finally {
  await plain.stop();
}
if (typeof args.values['url'] === 'string') {
  for (const size of args.sizes) rows.push(await measure('redis-ft', args.values['url'], size, ftIndex, 'search too'));
} else console.log('the Query Engine is not measured: no --url of a server that has it');
if (redis8 === undefined)
  console.log('vector sets are not measured: `npm run redis8` builds a Redis that has them, or give --redis8');
else {
  const port = await freePort();
  const child = spawn(redis8, ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
  try {
    for (const size of args.sizes)
      rows.push(await measure('redis-vset', `redis://127.0.0.1:${port}`, size, vsetIndex, 'search too'));
  } finally {
    child.kill('SIGKILL');
  }
}
writeRows(rows, args.json);

function ftIndex(connection: RedisConnection, prefix: string): VectorIndex & { ready?(): Promise<void> } {
  return createRedisFtIndex({
    connection,
    dimensions,
    embeddingModelId: 'bench',
    clock: systemClock,
    logger: silentLogger,
    options: { prefix, rowTtlMs: () => 3_600_000 },
  });
}

function vsetIndex(connection: RedisConnection, prefix: string): VectorIndex {
  return createRedisVsetIndex({
    connection,
    dimensions,
    embeddingModelId: 'bench',
    clock: systemClock,
    options: { prefix, setTtlMs: () => 3_600_000 },
  });
}

async function connect(url: string): Promise<RedisConnection> {
  const connection = createRedisConnection(
    { url, deadlineMinMs: 10_000, deadlineMaxMs: 10_000 },
    { clock: systemClock, random: systemRandom, logger: silentLogger },
  );
  await connection.ready(20_000);
  return connection;
}

async function measure(
  backend: string,
  url: string,
  size: number,
  open: (connection: RedisConnection, prefix: string) => VectorIndex & { ready?(): Promise<void> },
  what: 'place only' | 'search too',
): Promise<Row> {
  const random = seededRandom(args.seed);
  const vectors = clusteredVectors(size, dimensions, random);
  const connection = await connect(url);
  const index = open(connection, `b${systemRandom.id(8)}`);
  try {
    await index.ready?.();
    const before = await infoOf(connection);
    const placed = await place(index, vectors);
    const after = await infoOf(connection);
    const row: Row = {
      bench: 'redis-search',
      backend,
      server: connection.facts?.version ?? 'unknown',
      rows: size,
      dimensions,
      insertsPerS: Math.round(size / (placed / 1000)),
      serverCpuPerInsertUs: round((after.cpuUs - before.cpuUs) / size, 1),
      bytesPerRow: Math.round((after.bytes - before.bytes) / size),
    };
    if (what === 'place only') return row;
    return { ...row, ...(await search(index, connection, vectors, random)) };
  } finally {
    // A server under load may not take it away in time: rows have an end of their own.
    await index.clear().catch(() => console.log('rows of this run are left to expire'));
    await index.close();
    await connection.close();
  }
}

async function place(index: VectorIndex, vectors: ClusteredVectors): Promise<number> {
  const beganMs = performance.now();
  for (let at = 0; at < vectors.count; at += placedAtOnce) {
    await Promise.all(
      Array.from({ length: Math.min(placedAtOnce, vectors.count - at) }, (_, i) =>
        index.upsert(scope(`scope-${(at + i) % scopes}`), entryId(`entry-${at + i}`), vectors.row(at + i)),
      ),
    );
  }
  return performance.now() - beganMs;
}

async function search(
  index: VectorIndex,
  connection: RedisConnection,
  vectors: ClusteredVectors,
  random: ReturnType<typeof seededRandom>,
) {
  const took: number[] = [];
  let found = 0;
  const before = await infoOf(connection);
  const cpu = process.cpuUsage();
  for (let i = 0; i < searches; i++) {
    const at = random.int(vectors.count);
    const query = vectors.query(at);
    const beganMs = performance.now();
    const [first] = await index.nearest(scope(`scope-${at % scopes}`), query, neighbours, { signal });
    took.push(performance.now() - beganMs);
    if (first?.entryId === `entry-${at}`) found += 1;
  }
  const client = process.cpuUsage(cpu);
  const after = await infoOf(connection);
  return {
    searches,
    p50Ms: round(percentile(took, 0.5), 3),
    p99Ms: round(percentile(took, 0.99), 3),
    serverCpuPerSearchUs: round((after.cpuUs - before.cpuUs) / searches, 1),
    clientCpuPerSearchUs: round((client.user + client.system) / searches, 1),
    sameRowFirst: round(found / searches, 3),
  };
}

/** What a gateway asks beside searches, against the least that can be asked. */
async function measureCalls(url: string): Promise<Row[]> {
  const connection = await connect(url);
  const usage = createRedisSharedUsage({ connection, logger: silentLogger, prefix: 'bench', deadlineMs: 10_000 });
  await connection.call(['SET', 'bench:one', '1', 'EX', '600'], { as: 'write' });
  const calls = {
    'bare GET': () => connection.call(['GET', 'bench:one'], read),
    'pace of a key': () => usage.enter('bench', { requestsPerMinute: 1e9 }),
  };
  const took = new Map<string, number[]>(Object.keys(calls).map((name) => [name, []]));
  // In turns, so that both meet the same machine.
  for (let i = 0; i < searches; i++) {
    for (const [name, call] of Object.entries(calls)) {
      const beganMs = performance.now();
      await call();
      took.get(name)!.push(performance.now() - beganMs);
    }
  }
  await connection.close();
  return [...took].map(([call, times]) => ({
    bench: 'redis-search',
    call,
    p50Ms: round(percentile(times, 0.5), 3),
    p99Ms: round(percentile(times, 0.99), 3),
  }));
}

async function infoOf(connection: RedisConnection): Promise<{ readonly bytes: number; readonly cpuUs: number }> {
  const info = parseInfo(replyText(await connection.call(['INFO', 'all'], read)) ?? '');
  const cpu = Number(info.get('used_cpu_user') ?? 0) + Number(info.get('used_cpu_sys') ?? 0);
  return { bytes: Number(info.get('used_memory') ?? 0), cpuUs: cpu * 1e6 };
}
