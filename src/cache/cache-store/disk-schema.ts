import type { DatabaseSync } from 'node:sqlite';

/**
 * What lists and the directory need lies apart from the answers and vectors, so that neither a start
 * nor a search for a text reads those. `seq` is the directory's; it rises with every put.
 */
const migrations: readonly string[] = [
  `CREATE TABLE entry (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     exact_key TEXT NOT NULL UNIQUE,
     tenant TEXT NOT NULL,
     model TEXT NOT NULL,
     digest TEXT NOT NULL,
     scope TEXT,
     embedding_model TEXT,
     stored_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     origin TEXT NOT NULL,
     gpu_ms REAL NOT NULL,
     bytes INTEGER NOT NULL,
     hits INTEGER NOT NULL,
     text TEXT
   ) STRICT;
   CREATE INDEX entry_stored_at ON entry (stored_at);
   CREATE TABLE body (
     seq INTEGER PRIMARY KEY,
     answer TEXT NOT NULL,
     vector BLOB
   ) STRICT;
   CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  // Removals after a change of model look for a digest.
  `ALTER TABLE body ADD COLUMN context BLOB;
   CREATE INDEX entry_digest ON entry (digest);`,
];

export const schemaVersion = migrations.length;

/** 'newer': written by a later version of the program, left as it is. */
export function migrate(database: DatabaseSync): 'ok' | 'newer' {
  const row = database.prepare('PRAGMA user_version').get() as { readonly user_version: number };
  if (row.user_version > schemaVersion) return 'newer';
  for (const [at, sql] of migrations.entries()) {
    if (at < row.user_version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${at + 1}; COMMIT;`);
  }
  return 'ok';
}

/** The file is not, or no longer, a sound database: it can be set aside, never repaired in place. */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === sqliteCorrupt || code === sqliteNotADatabase;
}

/** Another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === sqliteBusy;
}

const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

/** SQLite's extended codes carry the primary one in their low byte. */
function primaryCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}
