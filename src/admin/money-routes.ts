/** What it costs and what it saves, on the operator port. */
import { once } from 'node:events';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { tenantId } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';
import { csvHeader, exportFormats, exportLine } from '../ledger/export.ts';
import type { LedgerRange } from '../ledger/ledger.ts';
import type { AdminContext } from './admin-deps.ts';
import type { LedgerTotalsView, WhatIfChange, WhatIfReply, WhatIfRequest } from './admin-types.ts';
import { parseJson, readBody, sendJson, wholeNumber, type Exchange } from './http.ts';

const dayMs = 86_400_000;
const steps = { hour: 3_600_000, day: dayMs } as const;
/** Longest window of a report; a ledger goes on for years. */
const daysMax = 3_660;
const daysDefault = 30;
/** Entries written before others get their turn. */
const entriesPerTurn = 500;

export async function showLedgerTotals(exchange: Exchange, { money, clock }: AdminContext): Promise<void> {
  const range = rangeOf(exchange.query, clock.now());
  const view: LedgerTotalsView = { range, totals: await money.ledger.totals(range), lost: money.ledger.lost };
  sendJson(exchange, view);
}

export async function showLedgerBuckets(exchange: Exchange, { money, clock }: AdminContext): Promise<void> {
  const range = rangeOf(exchange.query, clock.now());
  const step = exchange.query.get('step') ?? 'day';
  if (step !== 'hour' && step !== 'day') throw new AppError('bad_request', `step is \`${step}\`; expected hour or day`);
  sendJson(exchange, { range, step, ...(await money.ledger.buckets(range, steps[step])) });
}

/** Streamed: a ledger may be larger than memory. */
export async function exportLedger(exchange: Exchange, { money, clock }: AdminContext): Promise<void> {
  const { query, request, response } = exchange;
  const range = rangeOf(query, clock.now());
  const asked = query.get('format') ?? 'json';
  const format = exportFormats.find((each) => each === asked);
  if (format === undefined) throw new AppError('bad_request', `format is \`${asked}\`; expected csv or json`);
  response.writeHead(200, {
    'content-type':
      format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson; charset=utf-8',
    'content-disposition': `attachment; filename="ledger-${isoDay(range.from)}-${isoDay(range.to)}.${format === 'csv' ? 'csv' : 'ndjson'}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  if (request.method === 'HEAD') return void response.end();
  let lines = format === 'csv' ? csvHeader : '';
  let held = 0;
  for await (const entry of money.ledger.entries(range)) {
    lines += exportLine(entry, format);
    if (++held < entriesPerTurn) continue;
    if (response.destroyed) return;
    if (!response.write(lines)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    lines = '';
    held = 0;
  }
  response.end(lines);
}

/** What it cost, what it saved and against what. */
export async function showMoneyReport(exchange: Exchange, { money, clock }: AdminContext): Promise<void> {
  sendJson(exchange, await money.reports.report(rangeOf(exchange.query, clock.now())));
}

/** The promises, measured. */
export async function showClaims(exchange: Exchange, { money, clock }: AdminContext): Promise<void> {
  sendJson(exchange, await money.reports.claims(rangeOf(exchange.query, clock.now())));
}

const some = (max: number) => z.number().positive().max(max).optional();
const changeSchema = z.strictObject({
  threshold: z.number().min(0).max(1).optional(),
  target: z.number().positive().max(0.5).optional(),
  ttlMs: some(3.2e10),
  idleS: z.number().min(0).max(1e6).optional(),
  gpuUsdPerHour: z.number().min(0).max(1e3).optional(),
  gpuSpeed: some(100),
  machinesMax: z.int().min(1).max(64).optional(),
  sparesMax: z.int().min(0).max(64).optional(),
}) satisfies z.ZodType<WhatIfChange>;
export const whatIfSchema = z.strictObject({
  days: z.int().min(1).max(daysMax).optional(),
  changes: z.array(changeSchema).min(1).max(10),
}) satisfies z.ZodType<WhatIfRequest>;

/** The recorded traffic under other settings; changes nothing. */
export async function replayWhatIf(exchange: Exchange, { money, clock, options }: AdminContext): Promise<void> {
  const parsed = whatIfSchema.safeParse(parseJson(await readBody(exchange.request, options.bodyBytesMax)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError(
      'bad_request',
      `${issue?.path.join('.') || 'the body'}: ${issue?.message}; expected {"days": 7, "changes": [{"threshold": 0.97}]}`,
    );
  }
  const { days = 7, changes } = parsed.data;
  if (changes.some(({ threshold, target }) => threshold !== undefined && target !== undefined))
    throw new AppError('bad_request', 'a change has a threshold or a target, not both');
  const now = clock.now();
  const reply: WhatIfReply = {
    reports: await money.whatIf.run({ from: epochMs(Math.max(0, now - days * dayMs)), to: epochMs(now + 1) }, changes),
  };
  sendJson(exchange, reply);
}

/** `from` and `to` as ISO 8601 days or instants, else the last `days`. @throws AppError bad_request */
export function rangeOf(query: URLSearchParams, now: number): LedgerRange {
  const days = wholeNumber(query, 'days', { fallback: daysDefault, max: daysMax });
  const to = instantOf(query, 'to') ?? now + 1;
  const from = instantOf(query, 'from') ?? to - days * dayMs;
  if (from >= to) throw new AppError('bad_request', `from is ${isoDay(from)}, which is not before to, ${isoDay(to)}`);
  const tenant = query.get('tenant');
  return {
    from: epochMs(Math.max(0, from)),
    to: epochMs(to),
    ...(tenant !== null && tenant !== '' && { tenant: tenantId(tenant) }),
  };
}

function instantOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const at = /^\d{4}-\d\d-\d\d([T ]|$)/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(at) || at < 0)
    throw new AppError(
      'bad_request',
      `${name} is \`${text}\`; expected a day such as 2026-06-01, or an instant with its zone`,
    );
  return at;
}

const isoDay = (at: number): string => new Date(Math.min(at, 8.64e15)).toISOString().slice(0, 10);
