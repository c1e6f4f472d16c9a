/**
 * One decision engine in several gateways: every label goes into a log in Redis, and every gateway applies all of them
 * in the order of that log, its own too. From the same beginning they learn the same and decide alike. The beginning is
 * a snapshot, written by the one that leads. Without Redis each goes on by itself, and takes the snapshot when it is back.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Lease } from '../../redis/lease.ts';
import { replyList, replyText, type RedisConnection, type RedisReply } from '../../redis/redis-connection.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { DecisionEngine, DecisionLabel } from '../decision/engine-types.ts';

export interface SharedEngineDeps {
  readonly engine: DecisionEngine;
  readonly connection: RedisConnection;
  /** Whoever holds it writes the snapshot. */
  readonly lease: Lease;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prefix: string;
  readonly options?: { readonly pollEveryMs?: number; readonly snapshotEveryMs?: number };
}

export interface SharedEngine extends DecisionEngine {
  /** Takes over what the others know, then follows them. Call after `import`. Never rejects. */
  start(): Promise<void>;
  /** Told when labels have come that may be worth a refit. */
  onLabels(listener: () => void): void;
  /** Applies what is in the log now. */
  catchUp(): Promise<void>;
  close(): Promise<void>;
}

type Row =
  | { readonly kind: 'label'; readonly label: DecisionLabel }
  | { readonly kind: 'quarantine'; readonly entryId: string };

interface Snapshot {
  readonly shared: 1;
  /** Of the log: what came up to here is in it. */
  readonly position: string;
  readonly state: unknown;
}

/** A label is worth a second. */
const pollEveryMsDefault = 1_000;
const snapshotEveryMsDefault = 60_000;
const rowsAtOnce = 200;
/** As many as an engine keeps; who lags further takes the snapshot. */
const rowsMax = 20_000;
const keptMs = 60 * 86_400_000;
const deadlineMs = 2_000;
/** A state of a few MB takes this long to cross a slow network. */
const snapshotDeadlineMs = 10_000;
const first = '0-0';
const zip = promisify(gzip);
const unzip = promisify(gunzip);

/**
 * KEYS[1] snapshot, KEYS[2] token of who wrote it; ARGV[1] snapshot, ARGV[2] token, ARGV[3] milliseconds kept
 * Output: 1 when it was written. Atomic: a leader of the past does not overwrite what its successor wrote.
 */
const keepScript = `
if tonumber(redis.call('GET', KEYS[2]) or '0') > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`;

export function createSharedEngine(deps: SharedEngineDeps): SharedEngine {
  const { engine, connection, lease, clock, logger, prefix, options = {} } = deps;
  const log = `${prefix}:{learned}:s`;
  const keys = [`${prefix}:{learned}:state`, `${prefix}:{learned}:token`] as const;
  const listeners: (() => void)[] = [];
  const timers: Timer[] = [];
  let position = first;
  /** Learned here while the others could not be told: the next snapshot sets it right. */
  let strayed = false;
  let changed = false;
  let started = false;
  let closed = false;
  let polling: Promise<void> | undefined;
  let stopFollowing = (): void => {};

  return {
    ...engine,

    label(label) {
      if (label.sample.space !== engine.space) return false;
      if (!started) return engine.label(label);
      // What a person said counts here at once, whatever the others hear when.
      if (label.source === 'thumbs-down') engine.quarantine(label.sample.entryId);
      void tell({ kind: 'label', label }, () => engine.label(label));
      return true;
    },

    quarantine(entryId) {
      engine.quarantine(entryId);
      if (started) void tell({ kind: 'quarantine', entryId }, () => {});
    },

    export: (): Snapshot => ({ shared: 1, position, state: engine.export() }),

    import(given) {
      if (!isSnapshot(given)) return engine.import(given);
      const report = engine.import(given.state);
      position = given.position;
      return report;
    },

    async start() {
      await takeSnapshot('newer');
      started = true;
      timers.push(
        clock.every(options.pollEveryMs ?? pollEveryMsDefault, () => void poll()),
        clock.every(options.snapshotEveryMs ?? snapshotEveryMsDefault, () => void keepSnapshot()),
      );
      stopFollowing = connection.onReady(() => void poll());
      await poll();
    },

    onLabels: (listener) => void listeners.push(listener),
    catchUp: () => poll(),

    async close() {
      closed = true;
      stopFollowing();
      for (const timer of timers) timer.clear();
      await polling;
      await keepSnapshot();
    },
  };

  async function tell(row: Row, alone: () => unknown): Promise<void> {
    try {
      const command = ['XADD', log, 'MAXLEN', '~', String(rowsMax), '*', 'row', JSON.stringify(row)] as const;
      await connection.transaction([command, ['PEXPIRE', log, String(keptMs)]], { as: 'write', deadlineMs });
      await poll();
    } catch (error) {
      logger.debug({ err: error }, 'what was learned counts in this gateway alone until Redis is back');
      strayed = true;
      alone();
      for (const listener of listeners) listener();
    }
  }

  /** One at a time; a call that comes meanwhile is followed by another look. Never rejects. */
  function poll(): Promise<void> {
    const before = polling ?? Promise.resolve();
    const mine: Promise<void> = before.then(read).finally(() => {
      if (polling === mine) polling = undefined;
    });
    polling = mine;
    return mine;
  }

  async function read(): Promise<void> {
    try {
      if (strayed || (await isBehind())) {
        await takeSnapshot('any');
        strayed = false;
      }
      let applied = 0;
      for (;;) {
        const rows = rowsOf(
          await connection.call(['XRANGE', log, `(${position}`, '+', 'COUNT', String(rowsAtOnce)], {
            as: 'read',
            deadlineMs,
          }),
        );
        for (const { id, row } of rows) {
          apply(row);
          position = id;
        }
        applied += rows.length;
        if (rows.length < rowsAtOnce) break;
      }
      if (applied === 0) return;
      changed = true;
      for (const listener of listeners) listener();
    } catch (error) {
      if (!closed) logger.debug({ err: error }, 'what other gateways have learned cannot be read now');
    }
  }

  function apply(row: Row | undefined): void {
    if (row?.kind === 'label') engine.label(row.label);
    else if (row?.kind === 'quarantine') engine.quarantine(row.entryId);
  }

  /** Whether the log has been trimmed past what is known here. */
  async function isBehind(): Promise<boolean> {
    if (position === first) return false;
    const [oldest] = rowsOf(await connection.call(['XRANGE', log, '-', '+', 'COUNT', '1'], { as: 'read', deadlineMs }));
    return oldest !== undefined && compareIds(oldest.id, position) > 0;
  }

  async function takeSnapshot(which: 'newer' | 'any'): Promise<void> {
    try {
      const reply = await connection.call(['GET', keys[0]], { as: 'read', deadlineMs: snapshotDeadlineMs });
      if (!Buffer.isBuffer(reply)) return;
      const snapshot = JSON.parse((await unzip(reply)).toString()) as unknown;
      if (!isSnapshot(snapshot)) return;
      if (which === 'newer' && compareIds(snapshot.position, position) <= 0) return;
      const { labels, dropped } = engine.import(snapshot.state);
      position = snapshot.position;
      logger.info(
        { labels, ...(dropped !== undefined && { dropped }) },
        'what the gateways have learned together is taken over',
      );
      for (const listener of listeners) listener();
    } catch (error) {
      logger.debug({ err: error }, 'no snapshot of what the gateways have learned');
    }
  }

  /** By the leader alone; what it holds is in the order of the log. */
  async function keepSnapshot(): Promise<void> {
    const { held } = lease;
    if (held === undefined || !changed || strayed) return;
    changed = false;
    try {
      const snapshot: Snapshot = { shared: 1, position, state: engine.export() };
      const bytes = await zip(JSON.stringify(snapshot));
      await connection.call(['EVAL', keepScript, '2', ...keys, bytes, String(held.token), String(keptMs)], {
        as: 'write',
        deadlineMs: snapshotDeadlineMs,
      });
    } catch (error) {
      changed = true;
      logger.debug({ err: error }, 'the snapshot of what was learned is written later');
    }
  }
}

function rowsOf(reply: RedisReply): { readonly id: string; readonly row: Row | undefined }[] {
  return replyList(reply).flatMap((each) => {
    const [idReply, fields] = replyList(each);
    const id = replyText(idReply);
    if (id === undefined) return [];
    const text = replyText(replyList(fields)[1]);
    try {
      return [{ id, row: text === undefined ? undefined : (JSON.parse(text) as Row) }];
    } catch {
      return [{ id, row: undefined }];
    }
  });
}

const isSnapshot = (given: unknown): given is Snapshot =>
  typeof given === 'object' && given !== null && (given as Partial<Snapshot>).shared === 1;

/** `milliseconds-number`, each as a number. */
export function compareIds(a: string, b: string): number {
  const [aMs, aSeq] = a.split('-').map(Number);
  const [bMs, bSeq] = b.split('-').map(Number);
  return aMs! - bMs! || aSeq! - bSeq!;
}
