/** A SQLite file of ours: opened with its schema, told when damaged, set aside, and used by one process at a time. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DiskError, isBusy } from './disk-error.ts';

/** Of the SQLite file format: https://sqlite.org/fileformat2.html#the_database_header */
const headerBytes = 100;
const pageSizeAt = 16;
const pageCountAt = 28;
const pageBytes = 4096;

export interface DatabaseSetup {
  readonly path: string;
  /** One script per schema version, oldest first. */
  readonly migrations: readonly string[];
  /** Bound on the file; SQLite then reports it full. */
  readonly fileBytesMax: number;
}

/** @throws DiskError newer | damaged, or what SQLite throws, which `faultOf` reads */
export function openDatabaseFile({ path, migrations, fileBytesMax }: DatabaseSetup): DatabaseSync {
  assertWhole(path);
  const database = new DatabaseSync(path);
  try {
    // NORMAL: a commit survives the death of the process; a power cut may take the last moments.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;');
    // A long write burst leaves a long log; it is cut back to this at the next checkpoint.
    database.exec('PRAGMA journal_size_limit = 67108864;');
    database.exec(`PRAGMA max_page_count = ${Math.ceil(fileBytesMax / pageBytes)};`);
    if (migrate(database, migrations) === 'newer') {
      throw new DiskError(
        'newer',
        `${path} was written by a newer version of llm-self-host (this one reads schema ${migrations.length}); ` +
          `use that version, or another --data-dir`,
      );
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** 'newer': written by a later version of the program, left as it is. */
function migrate(database: DatabaseSync, migrations: readonly string[]): 'ok' | 'newer' {
  const row = database.prepare('PRAGMA user_version').get() as { readonly user_version: number };
  if (row.user_version > migrations.length) return 'newer';
  for (const [at, sql] of migrations.entries()) {
    if (at < row.user_version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${at + 1}; COMMIT;`);
  }
  return 'ok';
}

/** A file cut short is opened by SQLite without complaint and fails at some later read: its header tells sooner. */
function assertWhole(path: string): void {
  // With a log beside it, pages missing from the file may lie there.
  if (!existsSync(path) || existsSync(`${path}-wal`)) return;
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(headerBytes);
    const { size } = fstatSync(file);
    if (readSync(file, header, 0, headerBytes, 0) < headerBytes) {
      if (size > 0) throw new DiskError('damaged', `${path} ends within its header`);
      return;
    }
    const wanted = header.readUInt32BE(pageCountAt) * header.readUInt16BE(pageSizeAt);
    if (size < wanted) throw new DiskError('damaged', `${path} has ${size} bytes; its header says ${wanted}`);
  } finally {
    closeSync(file);
  }
}

/** All or nothing. */
export function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    // SQLite has rolled back by itself after some errors, and says so by not being in a transaction.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** @returns where the damaged file lies from now on */
export function moveAside(path: string, at: number): string {
  const stamp = new Date(at).toISOString().replace(/[:.]/g, '-');
  const target = `${path}.damaged-${stamp}`;
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  return target;
}

/**
 * An exclusive SQLite lock on a file of its own. The operating system drops it when the process
 * dies, however it dies, so a stale one cannot exist; nor can it be fooled by process ids of two
 * containers. The id of the holder is kept beside it for the message alone.
 * @param name of the lock: `<name>.lock`, `<name>.pid`
 * @throws DiskError locked
 */
export function takeLock(dataDir: string, name: string): DatabaseSync {
  const lock = new DatabaseSync(join(dataDir, `${name}.lock`));
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new DiskError('locked', lockedMessage(dataDir, name), error);
  }
  writeFileSync(join(dataDir, `${name}.pid`), `${process.pid}\n`);
  return lock;
}

function lockedMessage(dataDir: string, name: string): string {
  let holder = 'another process';
  try {
    holder = `process ${readFileSync(join(dataDir, `${name}.pid`), 'utf8').trim()}`;
  } catch {
    // The holder has the lock but has not written its id yet; the message does without.
  }
  return `${dataDir} is in use by ${holder}; stop that one, or give this one another --data-dir`;
}
