import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../../core/errors.ts';
import { databaseFile } from '../cache-store/disk.ts';
import { openReader } from '../cache-store/entry-codec.ts';
import { nextTurn } from '../time-slice.ts';
import type { MigrationSource } from './migrate.ts';

const batchMax = 256;

/** Reads the store of a data folder, also while a gateway writes to it. @throws config_invalid when there is none */
export function openEmbeddedSource(dataDir: string): MigrationSource {
  const path = join(dataDir, databaseFile);
  if (!existsSync(path))
    throw new AppError('config_invalid', `there are no stored answers in ${dataDir} (no ${databaseFile})`);
  const database = new DatabaseSync(path, { readOnly: true });
  const reader = openReader(path);
  const page = database.prepare('SELECT seq FROM entry WHERE seq > ? ORDER BY seq LIMIT ?');
  const here = database.prepare('SELECT 1 FROM entry WHERE id = ? AND exact_key = ?');
  const meta = database.prepare('SELECT value FROM meta WHERE key = ?');
  const all = database.prepare('SELECT count(*) AS entries FROM entry');
  return {
    name: `the data folder ${dataDir}`,
    count: async () => Number(all.get()!['entries']),
    async *batches(after) {
      // `seq` rises with every put: what comes while it runs is read at the end.
      let seq = Number(after ?? 0);
      for (;;) {
        const rows = page.all(seq, batchMax) as { readonly seq: number }[];
        if (rows.length === 0) return;
        seq = rows.at(-1)!.seq;
        yield { cursor: String(seq), entries: rows.flatMap((row) => reader.bySeq(row.seq) ?? []) };
        await nextTurn();
      }
    },
    has: async (entries) => entries.map(({ id, key }) => here.get(id, key) !== undefined),
    getMeta: async (key) => meta.get(key)?.['value'] as string | undefined,
    async close() {
      reader.close();
      database.close();
    },
  };
}
