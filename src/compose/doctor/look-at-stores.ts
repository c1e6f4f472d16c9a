import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { chooseEmbedding } from '../../cache/embedding-model/select.ts';
import type { Config } from '../../config/schema.ts';
import type { CallOptions } from '../../core/chat.ts';
import type { EmbedderLook, RedisLook } from '../../doctor/checks/stores.ts';
import { checkServer } from '../../redis/check-server.ts';
import type { DoctorDeps } from './deps.ts';

export async function lookAtRedis(
  { redis, cache }: Config,
  { clock, random, logger }: DoctorDeps,
  { signal }: CallOptions,
): Promise<RedisLook> {
  const { address, engine, version, findings, choice } = await checkServer(
    { ...redis, url: redis.url! },
    { clock, random, logger },
    { prefix: redis.prefix, wish: { wanted: redis.backend, entriesMax: cache.entriesMax }, signal },
  );
  return { address, engine: `${engine} ${version ?? ''}`.trim(), backend: choice.backend, why: choice.why, findings };
}

const samples = 40;

/** One of ours, made as the gateway makes its own, with nothing downloaded. */
export async function lookAtEmbedder(
  config: Config,
  { clock, random, logger }: DoctorDeps,
  { signal }: CallOptions,
): Promise<EmbedderLook> {
  const { embedding, why, remedy } = await chooseEmbedding(embeddingOptions(config, false), { clock, random, logger });
  try {
    const times: number[] = [];
    let fault: string | undefined;
    for (let i = 0; i < samples; i++) {
      const beganMs = clock.monotonicMs();
      const [vector] = await embedding.embed([`How do I change setting number ${i} of my account?`], { signal });
      times.push(clock.monotonicMs() - beganMs);
      fault ??= faultOf(vector!, embedding.dimensions);
    }
    const p95Ms = times.toSorted((a, b) => a - b)[Math.floor(samples * 0.95)]!;
    return { id: embedding.id, why, remedy, dimensions: embedding.dimensions, p95Ms, fault };
  } finally {
    await embedding.close();
  }
}

function faultOf(vector: Float32Array, dimensions: number): string | undefined {
  if (vector.length !== dimensions) return `its vectors have ${vector.length} numbers, not ${dimensions}`;
  const norm = Math.hypot(...vector);
  return Math.abs(norm - 1) > 0.001 ? `its vectors have length ${norm.toFixed(3)}, not 1` : undefined;
}

export async function fetchEmbedder(config: Config, deps: DoctorDeps, { signal }: CallOptions): Promise<string> {
  signal.throwIfAborted();
  const { clock, random, logger } = deps;
  const { embedding } = await chooseEmbedding(embeddingOptions(config, true), { clock, random, logger });
  await embedding.close();
  return `fetched the files of ${embedding.id}`;
}

const embeddingOptions = (config: Config, download: boolean) => ({
  ...config.embedding,
  download,
  folder: config.embedding.folder ?? join(config.dataDir, 'models', 'all-MiniLM-L6-v2'),
  bearers: config.bearers,
});

/** Each database of the folder, read through by SQLite's own check. */
export async function stateOfDatabases(dataDir: string): Promise<{ name: string; fault: string | undefined }[]> {
  if (!existsSync(dataDir)) return [];
  const names = readdirSync(dataDir).filter((name) => /\.(sqlite|db)$/.test(name));
  return names.map((name) => ({ name, fault: faultIn(join(dataDir, name)) }));
}

function faultIn(path: string): string | undefined {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const row = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
      return row.quick_check === 'ok' ? undefined : row.quick_check;
    } finally {
      database.close();
    }
  } catch (error) {
    return (error as Error).message;
  }
}
