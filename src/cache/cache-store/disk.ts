import { join } from 'node:path';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { inTransaction, moveAside, openDatabaseFile, takeLock } from '../../sqlite/database-file.ts';
import { faultOf } from '../../sqlite/disk-error.ts';
import type { EntryFilter } from '../cache-store.ts';
import {
  namesPerRow,
  numbersPerRow,
  type DirectoryPage,
  type DiskCalls,
  type DiskChange,
  type DiskSetup,
  type Opened,
  type SemanticRow,
  type SummaryRow,
} from './disk-protocol.ts';
import { migrations } from './disk-schema.ts';
import { containsText } from './entry-filter.ts';

export const databaseFile = 'cache.sqlite';

/** The database as its own thread sees it. Every method is synchronous; the thread is what makes them harmless. */
export function openDisk(setup: DiskSetup): { readonly opened: Opened; readonly calls: DiskCalls } {
  const path = join(setup.dataDir, databaseFile);
  const lock = takeLock(setup.dataDir, 'cache');
  let database: DatabaseSync;
  let opened: Opened;
  let statements: Statements;

  const begin = (setAside: string | undefined) => {
    database = openDatabase(path, setup);
    statements = prepare(database);
    const { top } = database.prepare('SELECT coalesce(max(seq), 0) AS top FROM entry').get() as { top: number };
    const meta = database.prepare('SELECT key, value FROM meta').all() as { key: string; value: string }[];
    opened = { nextSeq: top + 1, meta: meta.map(({ key, value }) => [key, value] as const), setAside };
    return opened;
  };
  try {
    begin(undefined);
  } catch (error) {
    if (faultOf(error) !== 'damaged') {
      lock.close();
      throw error;
    }
    begin(moveAside(path, setup.openedAt));
  }

  const calls: DiskCalls = {
    apply: (changes) => applyAll(database, statements, changes),
    load: (afterSeq, limit) =>
      directoryPage(statements.load.all(afterSeq, limit) as unknown as (number | string | null)[][]),

    list(filter, limit, before, now) {
      const { where, values } = conditions(filter);
      const sql = `${summarySelect} WHERE ${where} AND expires_at > ? AND stored_at < ? ORDER BY stored_at DESC, entry.seq DESC LIMIT ?`;
      const rows = database.prepare(sql).all(...values, now, before ?? Number.MAX_SAFE_INTEGER, limit);
      return rows.map(summaryRow);
    },

    match(filter, afterSeq, limit) {
      const { where, values } = conditions(filter);
      const sql = `${summarySelect} WHERE ${where} AND entry.seq > ? ORDER BY entry.seq LIMIT ?`;
      return database
        .prepare(sql)
        .all(...values, afterSeq, limit)
        .map(summaryRow);
    },

    semantic(afterSeq, limit) {
      return statements.semantic.all(afterSeq, limit).map((row) => ({
        ...summaryRow(row),
        vectorBytes: row['vector'] as Uint8Array,
      })) satisfies SemanticRow[];
    },

    reset(at) {
      database.close();
      return begin(moveAside(path, at));
    },

    close() {
      database.close();
      lock.close();
    },
  };
  return { opened: opened!, calls };
}

interface Statements {
  readonly [name: string]: StatementSync;
  readonly putEntry: StatementSync;
  readonly putBody: StatementSync;
  readonly removeEntry: StatementSync;
  readonly removeBody: StatementSync;
  readonly hits: StatementSync;
  readonly setSpace: StatementSync;
  readonly setVector: StatementSync;
  readonly putMeta: StatementSync;
  readonly load: StatementSync;
  readonly semantic: StatementSync;
}

const summarySelect = `SELECT entry.seq, id, tenant, model, digest, coalesce(text, '') AS text, scope, embedding_model AS embeddingModel,
  stored_at AS storedAt, expires_at AS expiresAt, hits, bytes FROM entry`;

function prepare(database: DatabaseSync): Statements {
  const statement = (sql: string) => database.prepare(sql);
  return {
    // OR REPLACE heals rows left by an older file; in step with the directory nothing collides.
    putEntry:
      statement(`INSERT OR REPLACE INTO entry (seq, id, exact_key, tenant, model, digest, scope, embedding_model,
      stored_at, expires_at, origin, gpu_ms, bytes, hits, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    putBody: statement('INSERT OR REPLACE INTO body (seq, answer, vector, context) VALUES (?, ?, ?, ?)'),
    removeEntry: statement('DELETE FROM entry WHERE seq = ?'),
    removeBody: statement('DELETE FROM body WHERE seq = ?'),
    hits: statement('UPDATE entry SET hits = ? WHERE seq = ?'),
    setSpace: statement(`UPDATE entry SET embedding_model = ?,
      bytes = bytes + ? - coalesce((SELECT length(vector) + coalesce(length(context), 0) FROM body WHERE body.seq = entry.seq), 0) WHERE seq = ?`),
    setVector: statement('UPDATE body SET vector = ?, context = NULL WHERE seq = ?'),
    putMeta: statement('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)'),
    load: asArrays(
      statement(`SELECT seq, stored_at, expires_at, bytes, hits, gpu_ms, id, exact_key, tenant, model, scope
        FROM entry WHERE seq > ? ORDER BY seq LIMIT ?`),
    ),
    semantic: statement(`${summarySelect.replace('bytes FROM entry', 'bytes, vector FROM entry JOIN body USING (seq)')}
      WHERE entry.seq > ? AND scope IS NOT NULL AND vector IS NOT NULL ORDER BY entry.seq LIMIT ?`),
  };
}

function asArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}

function directoryPage(rows: readonly (readonly (number | string | null)[])[]): DirectoryPage {
  const numbers = new Float64Array(rows.length * numbersPerRow);
  const names: (string | null)[] = [];
  for (const [at, row] of rows.entries()) {
    for (let i = 0; i < numbersPerRow; i++) numbers[at * numbersPerRow + i] = row[i] as number;
    for (let i = 0; i < namesPerRow; i++) names.push(row[numbersPerRow + i] as string | null);
  }
  return { rows: rows.length, numbers, names };
}

function applyAll(database: DatabaseSync, statements: Statements, changes: readonly DiskChange[]): void {
  inTransaction(database, () => {
    for (const change of changes) applyOne(statements, change);
  });
}

function applyOne(statements: Statements, change: DiskChange): void {
  switch (change.kind) {
    case 'put': {
      const e = change.entry;
      const { seq, id, exactKey, tenant, model, digest, scope, embeddingModel, storedAt, expiresAt } = e;
      const keys = [seq, id, exactKey, tenant, model, digest, scope ?? null, embeddingModel];
      statements.putEntry.run(...keys, storedAt, expiresAt, e.origin, e.gpuMs, e.bytes, e.hits, e.text);
      statements.putBody.run(e.seq, e.answerJson, e.vector, e.context);
      return;
    }
    case 'remove':
      statements.removeEntry.run(change.seq);
      statements.removeBody.run(change.seq);
      return;
    case 'hits':
      statements.hits.run(change.hits, change.seq);
      return;
    case 'vector':
      statements.setSpace.run(change.embeddingModel, change.vector.length, change.seq);
      statements.setVector.run(change.vector, change.seq);
      return;
    default:
      statements.putMeta.run(change.key, change.value);
  }
}

function conditions(filter: EntryFilter): { readonly where: string; readonly values: SQLInputValue[] } {
  const parts = ['1 = 1'];
  const values: SQLInputValue[] = [];
  const add = (sql: string, value: SQLInputValue | undefined) => {
    if (value === undefined) return;
    parts.push(sql);
    values.push(value);
  };
  add('tenant = ?', filter.tenant);
  add('model = ?', filter.model);
  add('digest = ?', filter.digest);
  add('stored_at < ?', filter.olderThan);
  add("contains_text(coalesce(text, ''), ?)", filter.contains);
  return { where: parts.join(' AND '), values };
}

function summaryRow(row: Record<string, unknown>): SummaryRow {
  const { scope, embeddingModel, ...rest } = row;
  delete rest['vector'];
  return { ...rest, scope: scope ?? undefined, embeddingModel: embeddingModel ?? undefined } as unknown as SummaryRow;
}

function openDatabase(path: string, { fileBytesMax }: DiskSetup): DatabaseSync {
  const database = openDatabaseFile({ path, migrations, fileBytesMax });
  database.function('contains_text', { deterministic: true }, (text, part) =>
    containsText(String(text), String(part)) ? 1 : 0,
  );
  return database;
}
