/**
 * What lists and the directory need lies apart from the answers and vectors, so that neither a start
 * nor a search for a text reads those. `seq` is the directory's; it rises with every put.
 */
export const migrations: readonly string[] = [
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
