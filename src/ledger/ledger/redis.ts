/**
 * The ledger of one of several gateways: every entry goes to this gateway's own ledger first, and stays there. Sums of
 * an hour are told to the others through Redis, so that totals are of all. What Redis forgets is told again; what it
 * cannot say is missing from the totals, never from the books.
 */
import type { Clock } from '../../core/clock.ts';
import { tenantId } from '../../core/ids.ts';
import { epochMs } from '../../core/units.ts';
import { replyList, replyText, type RedisCommand, type RedisConnection } from '../../redis/redis-connection.ts';
import type { Logger } from '../../telemetry/logger.ts';
import {
  foldMs,
  type AnswerBucket,
  type CostBucket,
  type ChargeBucket,
  type Ledger,
  type LedgerBuckets,
  type LedgerEntry,
  type LedgerRange,
} from '../ledger.ts';
import { totalsOf } from '../sums.ts';
import { hourOf, mergeBuckets, type ForeignHour } from './redis/merge.ts';

export interface RedisLedgerDeps {
  /** This gateway's own: on its disk. */
  readonly own: Ledger;
  readonly connection: RedisConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prefix: string;
  /** Of this gateway, the same after a restart: what it tells then takes the place of what it told before. */
  readonly gateway: string;
  readonly options?: { readonly tellAfterMs?: number };
}

const dayMs = 24 * foldMs;
/** Others may see this gateway's sums this much later. */
const tellAfterMsDefault = 2_000;
/** Hours told at a time: one SQL query each. */
const hoursAtOnce = 50;
/** A quarter and some days: what a bill is compared with. */
const keptMs = 100 * dayMs;
const deadlineMs = 2_000;
/** Tenants of an hour told apart; the rest of a flood of names counts for nobody in particular. */
const tenantsMax = 1_000;
const othersKeptMs = 1_000;
/** Told again when Redis has forgotten this gateway: a flushed or replaced database. */
const retoldMs = 2 * dayMs;
/** Days of others read for one total; a longer range is of this gateway alone before them. */
const daysMax = 400;

export function createRedisLedger(deps: RedisLedgerDeps): Ledger {
  const { own, connection, clock, logger, prefix, gateway } = deps;
  /** Per hour, the tenants whose answers have changed; '' for costs and charges. */
  const dirty = new Map<number, Set<string>>();
  let telling: Promise<void> | undefined;
  let timer: { clear(): void } | undefined;
  let heard: { readonly key: string; readonly atMs: number; readonly hours: readonly ForeignHour[] } | undefined;
  let silent = false;
  const keyOf = (name: string, day: number): string => `${prefix}:{ledger}:${name}:${day}`;
  const gateways = `${prefix}:{ledger}:gateways`;
  const stopFollowing = connection.onReady(() => void tellAgain());

  return {
    name: `${own.name}+redis`,
    get lost() {
      return own.lost;
    },
    append(entry) {
      own.append(entry);
      note(entry);
      timer ??= clock.after(deps.options?.tellAfterMs ?? tellAfterMsDefault, () => void tell());
    },
    async flush() {
      await own.flush();
      await tell();
    },
    totals: async (range) => totalsOf(await buckets(range, foldMs)),
    buckets,
    entries: (range, kinds) => own.entries(range, kinds),
    async close() {
      stopFollowing();
      timer?.clear();
      timer = undefined;
      await own.flush();
      await tell();
      await own.close();
    },
  };

  function note(entry: LedgerEntry): void {
    // A bill is of the hour in which its time ended.
    const hour = hourOf(entry.kind === 'cost' ? entry.at - 1 : entry.at);
    let tenants = dirty.get(hour);
    if (tenants === undefined) dirty.set(hour, (tenants = new Set()));
    if (entry.kind !== 'answer') tenants.add('');
    else if (tenants.size < tenantsMax) tenants.add(entry.tenant);
  }

  async function tellAgain(): Promise<void> {
    try {
      if ((await connection.call(['HEXISTS', gateways, gateway], { as: 'read', deadlineMs })) !== 0) return;
      const now = clock.now();
      for await (const entry of own.entries({ from: epochMs(now - retoldMs), to: epochMs(now + dayMs) })) note(entry);
      await tell();
    } catch (error) {
      logger.debug({ err: error }, 'what Redis knows of this gateway’s ledger cannot be looked at');
    }
  }

  async function buckets(range: LedgerRange, bucketMs: number): Promise<LedgerBuckets> {
    const [mine, others] = await Promise.all([own.buckets(range, foldMs), foreignHours(range)]);
    return mergeBuckets(mine, others, range, bucketMs);
  }

  /** One telling at a time. Never rejects: what could not be told is told with the next. */
  function tell(): Promise<void> {
    timer?.clear();
    timer = undefined;
    telling ??= tellDirty()
      .catch((error: unknown) =>
        logger.debug({ err: error }, 'the sums of the ledger are told to the other gateways later'),
      )
      .finally(() => {
        telling = undefined;
        if (dirty.size > 0) timer ??= clock.after(tellAfterMsDefault, () => void tell());
      });
    return telling;
  }

  async function tellDirty(): Promise<void> {
    await own.flush();
    for (const [hour, tenants] of [...dirty].slice(0, hoursAtOnce)) {
      dirty.delete(hour);
      try {
        await tellHour(hour, tenants);
      } catch (error) {
        dirty.set(hour, new Set([...tenants, ...(dirty.get(hour) ?? [])]));
        throw error;
      }
    }
  }

  /** Absolute sums, read from the books: to tell them twice changes nothing. */
  async function tellHour(hour: number, tenants: ReadonlySet<string>): Promise<void> {
    const range = { from: epochMs(hour), to: epochMs(hour + foldMs) };
    const fields: string[] = [];
    for (const tenant of tenants) {
      const sums = await own.buckets(tenant === '' ? range : { ...range, tenant: tenantId(tenant) }, foldMs);
      if (tenant === '')
        fields.push(`${hour}|costs`, JSON.stringify(sums.costs), `${hour}|charges`, JSON.stringify(sums.charges));
      else fields.push(`${hour}|answers|${tenant}`, JSON.stringify(sums.answers));
    }
    const key = keyOf(gateway, Math.floor(hour / dayMs));
    const commands: RedisCommand[] = [
      ['HSET', key, ...fields],
      ['PEXPIRE', key, String(keptMs)],
      ['HSET', gateways, gateway, String(clock.now())],
      ['PEXPIRE', gateways, String(keptMs)],
    ];
    await connection.transaction(commands, { as: 'write', deadlineMs });
  }

  /** What the others have told of these hours; empty when they cannot be heard. */
  async function foreignHours({ from, to }: LedgerRange): Promise<readonly ForeignHour[]> {
    const last = Math.floor(Math.min(to, clock.now() + dayMs) / dayMs);
    const first = Math.max(Math.floor(from / dayMs), last - daysMax);
    const key = `${first}/${last}`;
    // A page asks for several totals of the same time at once.
    if (heard?.key === key && clock.monotonicMs() - heard.atMs < othersKeptMs) return heard.hours;
    try {
      const names = (replyList(await connection.call(['HKEYS', gateways], { as: 'read', deadlineMs })) ?? [])
        .flatMap((each) => replyText(each) ?? [])
        .filter((name) => name !== gateway);
      const keys = names.flatMap((name) => Array.from({ length: last - first + 1 }, (_, i) => keyOf(name, first + i)));
      const replies =
        keys.length === 0
          ? []
          : await connection.pipeline(
              keys.map((each) => ['HGETALL', each] as const),
              { as: 'read', deadlineMs },
            );
      const hours = replies.flatMap((reply) => readHours(reply instanceof Error ? [] : replyList(reply)));
      heard = { key, atMs: clock.monotonicMs(), hours };
      silent = false;
      return hours;
    } catch (error) {
      if (!silent)
        logger.warn(
          { err: error },
          'the other gateways’ part of the ledger cannot be read: totals are of this gateway alone',
        );
      silent = true;
      return [];
    }
  }
}

function readHours(flat: readonly unknown[]): ForeignHour[] {
  const hours: ForeignHour[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const [name, value] = [flat[at], flat[at + 1]].map((each) => (Buffer.isBuffer(each) ? each.toString() : ''));
    const [hourText, kind, ...tenant] = name!.split('|');
    const hour = Number(hourText);
    try {
      const rows = JSON.parse(value!) as unknown;
      if (kind === 'answers')
        hours.push({ hour, kind, tenant: tenant.join('|'), rows: rows as readonly AnswerBucket[] });
      else if (kind === 'costs') hours.push({ hour, kind, rows: rows as readonly CostBucket[] });
      else if (kind === 'charges') hours.push({ hour, kind, rows: rows as readonly ChargeBucket[] });
    } catch {
      // Of a newer version of ours: it is left out, as what was never told.
    }
  }
  return hours;
}
