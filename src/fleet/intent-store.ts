/**
 * What the fleet has asked for and owns, on disk before anything is asked of the market: after a crash at any
 * point the next start finds every machine again. One file, readable by its owner alone, because it holds the
 * secrets of the machines.
 */
import { chmodSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { EpochMs, UsdMicros } from '../core/units.ts';
import type { InstanceId, OfferId } from './fleet-provider.ts';
import type { Phase } from './lifecycle.ts';
import type { MeterState } from './meter.ts';

/** One machine, from the wish for it to its end. */
export interface Rental {
  /** `gw-<fleet>-<uuid>`: the key that we and the market share. */
  readonly label: string;
  readonly offerId: OfferId;
  readonly instanceId: InstanceId | undefined;
  readonly machineId: string;
  readonly hostId: string;
  readonly gpuName: string;
  readonly country: string;
  readonly pricePerHour: UsdMicros;
  readonly storagePerHour: UsdMicros;
  readonly downUsdPerGb: number;
  readonly upUsdPerGb: number;
  /** Of a full batch, as measured on it. */
  readonly tokensPerS: number | undefined;
  readonly phase: Phase;
  readonly phaseAt: EpochMs;
  /** Why it was rented. */
  readonly reason: string;
  readonly createdAt: EpochMs;
  readonly readyAt: EpochMs | undefined;
  readonly endedAt: EpochMs | undefined;
  /** Why it ended, or is ending. */
  readonly endReason: string | undefined;
  /** `failed`: it never became ready, or was lost; `released`: we no longer wanted it. */
  readonly outcome: 'pending' | 'ready' | 'failed' | 'cancelled';
  /** GPU time of its first start; absent until it was ready, and in rows of earlier versions. */
  readonly launchColdMs?: number;
  /** What a drain ends with; absent: it is destroyed. */
  readonly afterDrain?: 'stop' | undefined;
  /** Its starts from its disk, oldest first, the last `restartsMax`. */
  readonly restarts?: readonly Restart[];
  /** What opens its door; '' once it is gone. */
  readonly secrets: string;
  readonly meter: MeterState;
  /** When what the market charged was taken into account for good. */
  readonly settledAt: EpochMs | undefined;
}

/** A start of a stopped machine. */
export interface Restart {
  readonly at: EpochMs;
  readonly endedAt: EpochMs | undefined;
  readonly outcome: 'pending' | 'ready' | 'failed' | 'cancelled';
}

/** Kept of each machine. */
export const restartsMax = 20;

export interface BenchRow {
  readonly kind: 'machine' | 'host';
  readonly id: string;
  readonly strikes: number;
  /** undefined: until an operator takes it off. */
  readonly until: EpochMs | undefined;
  readonly reason: string;
  readonly at: EpochMs;
}

export interface FleetEventRow {
  readonly at: EpochMs;
  readonly label: string;
  readonly kind: string;
  readonly text: string;
}

export interface IntentStore {
  /** Durable when it returns. Written before the market is asked. */
  put(rental: Rental): void;
  get(label: string): Rental | undefined;
  /** Everything not gone, oldest first. */
  alive(): readonly Rental[];
  /** Newest first. */
  recent(limit: number): readonly Rental[];
  /** Created at or after, oldest first. */
  since(at: EpochMs): readonly Rental[];
  bench(row: BenchRow): void;
  unbench(kind: BenchRow['kind'], id: string): boolean;
  benched(): readonly BenchRow[];
  note(event: FleetEventRow): void;
  /** Newest first. */
  events(limit: number): readonly FleetEventRow[];
  /** Small facts: the kill switch, the last alerts, the model as last seen. */
  fact(key: string): string | undefined;
  setFact(key: string, value: string | undefined): void;
  close(): void;
}

const schema = `
  CREATE TABLE IF NOT EXISTS rental (
    label TEXT PRIMARY KEY, created_at INTEGER NOT NULL, alive INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS rental_alive ON rental (alive, created_at);
  CREATE INDEX IF NOT EXISTS rental_created ON rental (created_at);
  CREATE TABLE IF NOT EXISTS bench (
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, label TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Rentals and events kept: years of an ordinary fleet, some megabytes. */
const rentalsMax = 10_000;
const eventsMax = 20_000;
/** How often the oldest are looked for. */
const pruneEvery = 256;

/** @param path a file, or `:memory:` */
export function openIntentStore(path: string): IntentStore {
  const database = new DatabaseSync(path);
  if (path !== ':memory:') chmodSync(path, 0o600);
  // FULL: the row of a machine must outlive a power cut, or the machine would outlive its row.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;');
  database.exec(schema);
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (!statement) statements.set(text, (statement = database.prepare(text)));
    return statement;
  };
  const rows = <T>(text: string, ...values: SQLInputValue[]): T[] =>
    sql(text)
      .all(...values)
      .map((row) => JSON.parse(row['body'] as string) as T);
  let written = 0;
  const prune = (): void => {
    if (++written % pruneEvery !== 0) return;
    sql(
      'DELETE FROM rental WHERE alive = 0 AND label NOT IN (SELECT label FROM rental ORDER BY created_at DESC LIMIT ?)',
    ).run(rentalsMax);
    sql('DELETE FROM event WHERE seq <= (SELECT max(seq) FROM event) - ?').run(eventsMax);
  };

  return {
    put(rental) {
      sql(
        `INSERT INTO rental (label, created_at, alive, body) VALUES (?, ?, ?, ?)
         ON CONFLICT (label) DO UPDATE SET alive = excluded.alive, body = excluded.body`,
      ).run(rental.label, rental.createdAt, rental.phase === 'gone' ? 0 : 1, JSON.stringify(rental));
      prune();
    },
    get: (label) => rows<Rental>('SELECT body FROM rental WHERE label = ?', label)[0],
    alive: () => rows<Rental>('SELECT body FROM rental WHERE alive = 1 ORDER BY created_at'),
    recent: (limit) => rows<Rental>('SELECT body FROM rental ORDER BY created_at DESC LIMIT ?', limit),
    since: (at) => rows<Rental>('SELECT body FROM rental WHERE created_at >= ? ORDER BY created_at', at),
    bench(row) {
      sql(
        'INSERT INTO bench (kind, id, body) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body',
      ).run(row.kind, row.id, JSON.stringify(row));
    },
    unbench: (kind, id) => sql('DELETE FROM bench WHERE kind = ? AND id = ?').run(kind, id).changes > 0,
    benched: () => rows<BenchRow>('SELECT body FROM bench ORDER BY kind, id'),
    note({ at, label, kind, text }) {
      sql('INSERT INTO event (at, label, kind, text) VALUES (?, ?, ?, ?)').run(at, label, kind, text);
      prune();
    },
    events: (limit) =>
      sql('SELECT at, label, kind, text FROM event ORDER BY seq DESC LIMIT ?')
        .all(limit)
        .map((row) => ({ ...row }) as unknown as FleetEventRow),
    fact: (key) => sql('SELECT value FROM fact WHERE key = ?').get(key)?.['value'] as string | undefined,
    setFact(key, value) {
      if (value === undefined) sql('DELETE FROM fact WHERE key = ?').run(key);
      else
        sql('INSERT INTO fact (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(
          key,
          value,
        );
    },
    close: () => database.close(),
  };
}
