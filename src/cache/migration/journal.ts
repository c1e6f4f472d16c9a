/** Where a migration is, in two small files beside each other: they outlive a crash and are removed at its end. */
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { entryId, exactKey } from '../../core/ids.ts';
import { noCounts, type MigrationCounts, type MigrationJournal, type MovedEntry } from './migrate.ts';

interface Kept {
  readonly version: 1;
  /** Of which to which: another pair begins anew. */
  readonly what: string;
  readonly cursor: string;
  readonly counts: MigrationCounts;
  /** Bytes of the other file that belong to it: what a crash has added is done again. */
  readonly movedBytes: number;
}

const movedAtOnce = 500;

/** @param path of the state; the moved ids lie in `<path>.moved` */
export function openJournal(path: string, what: string, { restart = false } = {}): MigrationJournal {
  const movedPath = `${path}.moved`;
  const kept = restart ? undefined : readKept(path, what);
  if (kept === undefined) for (const each of [path, movedPath]) rmSync(each, { force: true });
  else if (existsSync(movedPath)) truncateSync(movedPath, kept.movedBytes);
  let movedBytes = kept?.movedBytes ?? 0;
  return {
    cursor: kept?.cursor,
    counts: kept?.counts ?? noCounts,

    async advance(cursor, moved, counts) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      if (moved.length > 0) {
        const lines = Buffer.from(moved.map(({ id, key }) => `${key} ${id}\n`).join(''));
        const file = await open(movedPath, 'a', 0o600);
        try {
          await file.appendFile(lines);
          await file.datasync();
        } finally {
          await file.close();
        }
        movedBytes += lines.length;
      }
      const state: Kept = { version: 1, what, cursor, counts, movedBytes };
      writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },

    async *moved() {
      if (!existsSync(movedPath)) return;
      let batch: MovedEntry[] = [];
      for await (const line of createInterface({ input: createReadStream(movedPath, 'utf8'), crlfDelay: Infinity })) {
        const [key, id] = line.split(' ');
        if (id === undefined) continue;
        batch.push({ key: exactKey(key!), id: entryId(id) });
        if (batch.length < movedAtOnce) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    },

    async finish() {
      for (const each of [path, movedPath]) rmSync(each, { force: true });
    },
  };
}

function readKept(path: string, what: string): Kept | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Kept;
    return kept.version === 1 && kept.what === what ? kept : undefined;
  } catch {
    // Cut by a full disk: it is begun anew, which changes nothing in the target.
    return undefined;
  }
}
