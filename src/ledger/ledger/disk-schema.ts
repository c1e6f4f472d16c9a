import type { RequestOutcome } from '../../core/errors.ts';

/** `seq` rises over all tables of entries: it is the order of appending. Names are kept once. Times in milliseconds. */
export const migrations: readonly string[] = [
  `CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE answer (
     seq INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     source INTEGER NOT NULL,
     outcome INTEGER NOT NULL,
     tenant INTEGER NOT NULL,
     model INTEGER NOT NULL,
     thinker INTEGER NOT NULL,
     prompt_tokens INTEGER NOT NULL,
     completion_tokens INTEGER NOT NULL,
     ttft_ms REAL,
     total_ms REAL NOT NULL,
     queued_ms INTEGER NOT NULL,
     load_ms INTEGER NOT NULL,
     gpu_ms INTEGER NOT NULL,
     avoided_gpu_ms INTEGER NOT NULL,
     request_id TEXT NOT NULL,
     question TEXT NOT NULL,
     answer_of TEXT NOT NULL
   ) STRICT;
   CREATE INDEX answer_at ON answer (at);
   CREATE TABLE answer_hour (
     at INTEGER NOT NULL,
     source INTEGER NOT NULL,
     tenant INTEGER NOT NULL,
     model INTEGER NOT NULL,
     answers INTEGER NOT NULL,
     failed INTEGER NOT NULL,
     stopped INTEGER NOT NULL,
     prompt_tokens INTEGER NOT NULL,
     completion_tokens INTEGER NOT NULL,
     gpu_ms INTEGER NOT NULL,
     avoided_gpu_ms INTEGER NOT NULL,
     PRIMARY KEY (at, source, tenant, model)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE cost (
     seq INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     component TEXT NOT NULL,
     subject TEXT NOT NULL,
     seconds REAL NOT NULL,
     amount INTEGER NOT NULL,
     id TEXT UNIQUE
   ) STRICT;
   CREATE INDEX cost_at ON cost (at);
   CREATE TABLE charge (
     seq INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     component TEXT NOT NULL,
     subject TEXT NOT NULL,
     amount INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX charge_at ON charge (at);
   CREATE TABLE holdout (
     seq INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     tenant INTEGER NOT NULL,
     model INTEGER NOT NULL,
     request_id TEXT NOT NULL,
     prompt_tokens INTEGER NOT NULL,
     completion_tokens INTEGER NOT NULL,
     gpu_ms INTEGER NOT NULL,
     stored_gpu_ms INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX holdout_at ON holdout (at);`,
  `CREATE TABLE fact (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, json TEXT NOT NULL) STRICT;`,
];

/** Stored by place: add at the end only. */
export const outcomes: readonly RequestOutcome[] = [
  'ok',
  'client_error',
  'upstream_error',
  'timeout',
  'overloaded',
  'budget_blocked',
  'cancelled',
];
const placesWhere = (is: (outcome: RequestOutcome) => boolean): string =>
  outcomes.flatMap((outcome, place) => (is(outcome) ? [place] : [])).join(', ');
export const okPlaces = placesWhere((outcome) => outcome === 'ok');
export const failedPlaces = placesWhere((outcome) => ['upstream_error', 'timeout', 'overloaded'].includes(outcome));
