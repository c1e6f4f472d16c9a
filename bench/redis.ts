/**
 * The shared store on a real server: what an entry costs, how fast it is stored, found, caught up with and heard of.
 * `npm run bench:redis [-- --sizes 10k,100k --url redis://… --json FILE --seed n]`
 * Without `--url` it starts a redis-server of its own, without persistence, on loopback.
 */
import { hash } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CacheEntry, CacheStore } from '../src/cache/cache-store.ts';
import { createRedisLogStore } from '../src/cache/cache-store/redis-log.ts';
import { encodeBody } from '../src/cache/cache-store/redis-log/body-codec.ts';
import type { VectorIndex } from '../src/cache/vector-index.ts';
import { createMemoryVectorIndex } from '../src/cache/vector-index/memory.ts';
import { systemClock } from '../src/core/clock.ts';
import { entryId, exactKey, modelName, requestId, scope, tenantId } from '../src/core/ids.ts';
import { seededRandom, systemRandom, type Random } from '../src/core/random.ts';
import { addMs } from '../src/core/units.ts';
import { createRedisConnection } from '../src/redis/connect.ts';
import { parseInfo } from '../src/redis/server-facts.ts';
import { replyText, type RedisConnection } from '../src/redis/redis-connection.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { startRedis } from '../src/testing/redis-kit.ts';
import { benchArgs } from './lib/args.ts';
import { clusteredVectors, type ClusteredVectors } from './lib/clustered-vectors.ts';
import { writeRows, type Row } from './lib/rows.ts';
import { percentile, round } from './lib/stats.ts';

const dimensions = 384;
const scopes = 20;
const bodyBytes = 800;
const putsAtOnce = 64;
const lookups = 2_000;
/** Lookups and bare GETs in turns of this many, so that both meet the same machine. */
const turn = 100;
const candidates = 8;
const similarityMin = 0.5;
const stalenessPuts = 500;
const read = { as: 'read', deadlineMs: 10_000 } as const;
const { signal } = new AbortController();
const logger = createLogger('warn');

const idOf = (at: number) => entryId(`e${String(at).padStart(19, '0')}`);
const scopeOf = (at: number) => scope(Buffer.alloc(32, at % scopes).toString('base64url'));

interface Gateway {
  readonly redis: RedisConnection;
  readonly store: CacheStore;
  readonly index: VectorIndex;
  /** Called when an entry of another gateway can be found here. */
  heard: (id: string) => void;
  close(): Promise<void>;
}

const args = benchArgs({ sizes: '10k,100k' }, ['url']);
const given = args.values['url'];
const server = typeof given === 'string' ? undefined : await startRedis();
const url = typeof given === 'string' ? given : server!.url;
const rows: Row[] = [];
try {
  for (const size of args.sizes) rows.push(...(await measure(size)));
} finally {
  await server?.stop();
}
writeRows(rows, args.json);

async function measure(size: number): Promise<Row[]> {
  const random = seededRandom(args.seed);
  const prefix = `b${systemRandom.id(8)}`;
  const vectors = clusteredVectors(size, dimensions, random);
  const writer = await open(prefix, size);
  await writer.store.ready();
  const versionOf = writer.redis.facts?.version ?? 'unknown';
  const before = await usedBytes(writer.redis);
  const inserted = await insert(writer, vectors, random);
  const after = await usedBytes(writer.redis);
  const base = { bench: 'redis', backend: 'redis-log', server: versionOf, entries: size };

  const caughtUp = await catchUp(prefix, size);
  const reader = caughtUp.gateway;
  const cold = await lookup(reader, vectors, random);
  const warm = await lookup(reader, vectors, seededRandom(args.seed + 1));
  const again = await lookup(reader, vectors, seededRandom(args.seed + 1));
  const stale = await staleness(writer, reader, vectors, random);
  await reader.close();
  // The other way to catch up: a log that does not reach back to the first entry.
  await writer.redis.call(['XTRIM', `${prefix}:{cfg}:log`, 'MAXLEN', 1], { as: 'write', deadlineMs: 10_000 });
  const scanned = await catchUp(prefix, size);
  await scanned.gateway.close();
  await removeAll(writer.redis, prefix);
  await writer.close();
  return [
    {
      ...base,
      step: 'insert',
      entriesPerS: Math.round(size / inserted.s),
      clientCpuUs: round(inserted.cpuUs / size, 1),
      bytesPerEntry: Math.round((after - before) / size),
      bodyBytes: inserted.bodyBytes,
    },
    ...[
      ['log', caughtUp],
      ['scan', scanned],
    ].map(([by, one]) => {
      const { s, cpuUs, mainCpuUs, blockedMs, count } = one as typeof caughtUp;
      return {
        ...base,
        step: `catch-up by ${by as string}`,
        entriesPerS: Math.round(count / s),
        clientCpuUs: round(cpuUs / count, 1),
        mainCpuUs: round(mainCpuUs / count, 1),
        ...blockedMs,
      };
    }),
    { ...base, step: 'lookup', decoded: 'cold', ...cold },
    { ...base, step: 'lookup', decoded: 'cold', ...warm },
    { ...base, step: 'lookup', decoded: 'hot', ...again },
    { ...base, step: 'staleness', ...stale },
  ];
}

async function open(prefix: string, size: number): Promise<Gateway> {
  // A bench waits for what a gateway under load would count as a miss.
  const redis = createRedisConnection(
    { url, deadlineMinMs: 10_000, deadlineMaxMs: 10_000 },
    { clock: systemClock, random: systemRandom, logger },
  );
  await redis.ready(10_000);
  const index = createMemoryVectorIndex({ dimensions, vectorsMax: 2 * size + 10_000, logger });
  const store = createRedisLogStore({
    redis,
    prefix,
    journalPath: undefined,
    why: 'bench',
    clock: systemClock,
    random: systemRandom,
    logger,
    options: { entriesMax: 2 * size + 10_000, bytesMax: 64 * 2 ** 30 },
  });
  const gateway: Gateway = {
    redis,
    store,
    index,
    heard: () => {},
    async close() {
      await store.close();
      await index.close();
      await redis.close();
    },
  };
  store.shared!.onAdded(({ id, scope: of, vector }) => {
    void index.upsert(of, id, vector).then(() => gateway.heard(id));
  });
  return gateway;
}

async function insert(gateway: Gateway, vectors: ClusteredVectors, random: Random) {
  let bytes = 0;
  const cpu = process.cpuUsage();
  const fromMs = performance.now();
  for (let at = 0; at < vectors.count; at += putsAtOnce) {
    const puts: Promise<void>[] = [];
    for (let i = at; i < Math.min(vectors.count, at + putsAtOnce); i++) {
      const entry = anEntry(i, vectors, random);
      if (i % 1000 === 0) bytes += encodeBody(entry, JSON.stringify(entry.answer)).length;
      puts.push(gateway.store.put(entry));
    }
    await Promise.all(puts);
  }
  await gateway.store.flush();
  const s = (performance.now() - fromMs) / 1000;
  return { s, cpuUs: cpuUsSince(cpu), bodyBytes: Math.round(bytes / Math.ceil(vectors.count / 1000)) };
}

async function catchUp(prefix: string, size: number) {
  const gateway = await open(prefix, size);
  const waiting = monitorEventLoopDelay({ resolution: 1 });
  waiting.enable();
  const cpu = process.cpuUsage();
  const mainCpu = process.threadCpuUsage();
  const fromMs = performance.now();
  await gateway.store.ready();
  while (gateway.index.stats().vectors < gateway.store.stats().entries) await nextTurn();
  const s = (performance.now() - fromMs) / 1000;
  const cpuUs = cpuUsSince(cpu);
  const { user, system } = process.threadCpuUsage(mainCpu);
  waiting.disable();
  // What a request that comes in meanwhile waits for its turn; a millisecond of it is the probe's own.
  const blockedMs = { turnP99Ms: round(waiting.percentile(99) / 1e6), turnMaxMs: round(waiting.max / 1e6) };
  const count = gateway.index.stats().vectors;
  if (count < size) throw new Error(`${count} of ${size} entries were caught up with`);
  return { gateway, s, cpuUs, mainCpuUs: user + system, blockedMs, count };
}

/** What a semantic lookup does after the embedding, and a bare GET of as many bytes, in turns. */
async function lookup({ redis, store, index }: Gateway, vectors: ClusteredVectors, random: Random) {
  const queries = Array.from({ length: lookups }, () => random.int(vectors.count));
  const bareKey = `bare${systemRandom.id(8)}`;
  await redis.call(['SET', bareKey, Buffer.alloc(bodyBytes)], { as: 'write', deadlineMs: 10_000 });
  const took: number[] = [];
  const bare: number[] = [];
  let [cpuUs, bareCpuUs, found] = [0, 0, 0];
  for (let from = 0; from < lookups; from += turn) {
    let cpu = process.cpuUsage();
    for (const at of queries.slice(from, from + turn)) {
      const query = vectors.query(at);
      const beganMs = performance.now();
      const near = await index.nearest(scopeOf(at), query, candidates, { signal });
      const entries = await Promise.all(
        near.filter(({ similarity }) => similarity >= similarityMin).map(({ entryId: id }) => store.get(id)),
      );
      took.push(performance.now() - beganMs);
      if (entries.some((entry) => entry?.id === idOf(at))) found += 1;
    }
    cpuUs += cpuUsSince(cpu);
    cpu = process.cpuUsage();
    for (let i = 0; i < turn; i++) {
      const beganMs = performance.now();
      await redis.call(['GET', bareKey], read);
      bare.push(performance.now() - beganMs);
    }
    bareCpuUs += cpuUsSince(cpu);
  }
  await redis.call(['UNLINK', bareKey], { as: 'write', deadlineMs: 10_000 });
  return {
    p50Ms: round(percentile(took, 0.5)),
    p99Ms: round(percentile(took, 0.99)),
    clientCpuUs: round(cpuUs / lookups, 1),
    bareGetP50Ms: round(percentile(bare, 0.5)),
    bareGetP99Ms: round(percentile(bare, 0.99)),
    bareGetCpuUs: round(bareCpuUs / lookups, 1),
    foundShare: round(found / lookups),
  };
}

/** From the call that stores an answer here to its vector being found in the other gateway. */
async function staleness(writer: Gateway, reader: Gateway, vectors: ClusteredVectors, random: Random) {
  const took: number[] = [];
  for (let i = 0; i < stalenessPuts; i++) {
    const entry = anEntry(vectors.count + i, vectors, random);
    const heard = new Promise<void>((resolve) => {
      reader.heard = (id) => void (id === entry.id && resolve());
    });
    const beganMs = performance.now();
    await writer.store.put(entry);
    await heard;
    took.push(performance.now() - beganMs);
  }
  return { p50Ms: round(percentile(took, 0.5)), p99Ms: round(percentile(took, 0.99)) };
}

function anEntry(at: number, vectors: ClusteredVectors, random: Random): CacheEntry {
  const storedAt = systemClock.now();
  return {
    id: idOf(at),
    exactKey: exactKey(hash('sha256', `${at}`, 'base64url')),
    tenant: tenantId('acme'),
    model: modelName('qwen3:8b'),
    digest: `sha256:${'5'.repeat(64)}`,
    semantic: {
      scope: scopeOf(at),
      text: `What is special about number ${at}?`,
      embeddingModel: 'lexical-v1',
      vector: vectors.row(at % vectors.count),
    },
    answer: {
      model: 'qwen3:8b',
      createdAt: storedAt,
      thinking: '',
      // Letters at random, which shrink by a quarter: so much of them that the stored body has 800 bytes.
      text: random.id(256) + random.id(256) + random.id(180),
      toolCalls: [],
      end: {
        type: 'end',
        finishReason: 'stop',
        usage: { promptTokens: 30, completionTokens: 200 },
        timings: { totalNs: 4e9, loadNs: 0, promptEvalNs: 1e8, evalNs: 3_900_000_000 },
      },
    },
    storedAt,
    expiresAt: addMs(storedAt, 86_400_000),
    origin: requestId(`req_${String(at).padStart(16, '0')}`),
    gpuMs: 4000,
  };
}

async function usedBytes(redis: RedisConnection): Promise<number> {
  return Number(parseInfo(replyText(await redis.call(['INFO', 'memory'], read)) ?? '').get('used_memory'));
}

function cpuUsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function removeAll(redis: RedisConnection, prefix: string): Promise<void> {
  for (const node of redis.nodes()) {
    let cursor = '0';
    do {
      const [next, names] = (await node.call(['SCAN', cursor, 'MATCH', `${prefix}:*`, 'COUNT', 1000], read)) as [
        Buffer,
        Buffer[],
      ];
      cursor = next.toString();
      if (names.length > 0) {
        await redis.pipeline(
          names.map((name) => ['UNLINK', name] as const),
          { as: 'write', deadlineMs: 10_000 },
        );
      }
    } while (cursor !== '0');
  }
}
