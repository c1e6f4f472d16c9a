import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { CacheEntry } from '../cache-store.ts';
import type { EntryId, ExactKey } from '../../core/ids.ts';
import type { UnitVector } from '../../core/vector.ts';
import type { DirectoryRecord } from './directory.ts';
import type { StoredEntry } from './disk-protocol.ts';

export function encodeEntry(entry: CacheEntry, record: DirectoryRecord, answerJson: string): StoredEntry {
  const { semantic } = entry;
  return {
    ...record,
    digest: entry.digest,
    origin: entry.origin,
    embeddingModel: semantic?.embeddingModel ?? null,
    text: semantic?.text ?? null,
    answerJson,
    vector: semantic ? vectorBytes(semantic.vector) : null,
    context: semantic?.context ? vectorBytes(semantic.context) : null,
  };
}

/** A copy of the vector's own bytes: it may be a view into a larger buffer. */
export function vectorBytes(vector: UnitVector): Uint8Array {
  return new Uint8Array(Float32Array.from(vector).buffer);
}

export function decodeVector(bytes: Uint8Array): UnitVector {
  return new Float32Array(bytes.slice().buffer) as UnitVector;
}

export interface EntryReader {
  bySeq(seq: number): CacheEntry | undefined;
  byKey(key: ExactKey): CacheEntry | undefined;
  byId(id: EntryId): CacheEntry | undefined;
  close(): void;
}

const columns = `id, exact_key AS exactKey, tenant, model, digest, scope, embedding_model AS embeddingModel,
  stored_at AS storedAt, expires_at AS expiresAt, origin, gpu_ms AS gpuMs, text, answer, vector, context`;

/** Reads single entries on the calling thread: 20 to 50 µs each from the page cache, less than a thread hop. */
export function openReader(path: string): EntryReader {
  const database = new DatabaseSync(path, { readOnly: true });
  const select = (column: string): StatementSync =>
    database.prepare(`SELECT ${columns} FROM entry JOIN body USING (seq) WHERE ${column} = ?`);
  const bySeq = select('entry.seq');
  const byKey = select('exact_key');
  const byId = select('id');
  return {
    bySeq: (seq) => decodeEntry(bySeq.get(seq)),
    byKey: (key) => decodeEntry(byKey.get(key)),
    byId: (id) => decodeEntry(byId.get(id)),
    close: () => database.close(),
  };
}

function decodeEntry(row: Record<string, unknown> | undefined): CacheEntry | undefined {
  if (!row) return undefined;
  const { scope, embeddingModel, text, answer, vector, context, ...rest } = row;
  const semantic =
    scope !== null && vector !== null
      ? {
          scope,
          text,
          embeddingModel,
          vector: decodeVector(vector as Uint8Array),
          ...(context !== null && { context: decodeVector(context as Uint8Array) }),
        }
      : undefined;
  return { ...rest, ...(semantic && { semantic }), answer: JSON.parse(answer as string) } as unknown as CacheEntry;
}
