/** Keys and their use on disk: two small JSON files that only their owner may read, replaced as a whole. */
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { EpochMs } from '../core/units.ts';
import type { KeyUsage } from './key-meter.ts';
import { keyRecordSchema, type KeyRecord } from './key-record.ts';

const fileSchema = z.strictObject({ version: z.literal(1), keys: z.array(keyRecordSchema) });
const usageSchema = z.record(
  z.string(),
  z.object({
    day: z.number(),
    microsToday: z.number(),
    requests: z.number(),
    tokens: z.number(),
    usdMicros: z.number(),
    lastUsedAt: z.number().optional(),
  }),
);

/** @throws config_invalid: a file that cannot be read in full must not open or close doors by halves */
export function readKeys(path: string): readonly KeyRecord[] {
  const text = readIfThere(path);
  if (text === undefined) return [];
  try {
    return fileSchema.parse(JSON.parse(text)).keys;
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new AppError(
      'config_invalid',
      `${path} holds the API keys and cannot be read: ${why.slice(0, 500)}; mend it, or move it away and create the keys anew`,
      { cause: error },
    );
  }
}

export function writeKeys(path: string, keys: readonly KeyRecord[]): void {
  replace(path, `${JSON.stringify({ version: 1, keys }, null, 2)}\n`);
}

/** Counts are worth little: what cannot be read is begun anew. */
export function readUsage(path: string): Map<string, KeyUsage> {
  try {
    const rows = usageSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return new Map(
      Object.entries(rows).map(([id, row]) => [id, { ...row, lastUsedAt: row.lastUsedAt as EpochMs | undefined }]),
    );
  } catch {
    // Absent at the first start, or cut by a full disk.
    return new Map();
  }
}

export function writeUsage(path: string, usage: ReadonlyMap<string, KeyUsage>): void {
  replace(path, JSON.stringify(Object.fromEntries(usage)));
}

/** Changes whenever the file does; '' when there is none. */
export function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.mtimeMs}/${stat.size}/${stat.ino}`;
}

function replace(path: string, text: string): void {
  const fresh = `${path}.${process.pid}.new`;
  writeFileSync(fresh, text, { mode: 0o600 });
  // The mode counts at creation only, and a file of a crashed process may be there.
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AppError('config_invalid', `cannot read the API keys in ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
