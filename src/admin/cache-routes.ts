/** Stored answers: look at them, forget them. */
import { z } from 'zod';
import type { CacheEntry, EntryFilter, EntrySummary } from '../cache/cache-store.ts';
import { AppError } from '../core/errors.ts';
import { entryId, modelName } from '../core/ids.ts';
import { addMs, type EpochMs } from '../core/units.ts';
import type {
  CacheEntryView,
  CacheListView,
  CacheRowView,
  FlushReply,
  PurgeReply,
  PurgeRequest,
} from './admin-types.ts';
import type { AdminContext } from './admin-deps.ts';
import { parseJson, readBody, sendJson, wholeNumber, type Exchange } from './http.ts';

/** A page of entries that a person or a script takes at a time. */
const pageMax = 1000;

export async function listEntries(exchange: Exchange, { cache, clock }: AdminContext): Promise<void> {
  const { query } = exchange;
  const limit = wholeNumber(query, 'limit', { fallback: 50, max: pageMax });
  const before = wholeNumber(query, 'before', { fallback: 0, max: Number.MAX_SAFE_INTEGER });
  const filter = filterOf(
    { model: query.get('model') ?? undefined, contains: query.get('contains') ?? undefined },
    clock.now(),
  );
  const found = await cache.list(filter, { limit, ...(before > 0 && { before }) });
  const last = found.length === limit ? found.at(-1) : undefined;
  const view: CacheListView = {
    entries: found.map((summary) => rowView(summary, clock.now())),
    ...(last && { before: last.storedAt }),
  };
  sendJson(exchange, view);
}

export async function showEntry(exchange: Exchange, { cache }: AdminContext, id: string): Promise<void> {
  const entry = await cache.show(entryId(id));
  if (!entry) throw unknownEntry(id);
  sendJson(exchange, entryView(entry));
}

export async function removeEntry(exchange: Exchange, { cache, logger }: AdminContext, id: string): Promise<void> {
  if (!(await cache.remove(entryId(id)))) throw unknownEntry(id);
  logger.info({ entryId: id }, 'stored answer removed by the operator');
  const reply: PurgeReply = { removed: 1 };
  sendJson(exchange, reply);
}

/** Strict: a misspelt filter would forget more than was meant. */
export const purgeSchema = z.strictObject({
  model: z.string().min(1).optional(),
  contains: z.string().min(1).optional(),
  olderThanS: z.number().min(0).max(1e9).optional(),
  all: z.literal(true).optional(),
});

export async function purgeEntries(exchange: Exchange, { cache, clock, logger, options }: AdminContext): Promise<void> {
  const parsed = purgeSchema.safeParse(parseJson(await readBody(exchange.request, options.bodyBytesMax)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError(
      'bad_request',
      `${issue?.path.join('.') || 'the body'}: ${issue?.message}; expected model, contains, olderThanS, or all: true`,
    );
  }
  const { all, ...wanted } = parsed.data;
  const filtered = Object.values(wanted).some((value) => value !== undefined);
  if (filtered === (all === true)) {
    throw new AppError(
      'bad_request',
      filtered
        ? 'both filters and all: true are given; it is not clear what to forget'
        : 'no filter is given; send all: true to forget every stored answer',
    );
  }
  const removed = await cache.purge(filterOf(wanted, clock.now()));
  logger.info(
    { removed, all: all === true, model: wanted.model, olderThanS: wanted.olderThanS },
    'stored answers purged by the operator',
  );
  const reply: PurgeReply = { removed };
  sendJson(exchange, reply);
}

/** Everything at once, however much there is: what was stored so far serves nobody any more. */
export async function flushEntries(exchange: Exchange, { cache, logger }: AdminContext): Promise<void> {
  const epoch = await cache.flush();
  logger.info({ epoch }, 'stored answers flushed by the operator');
  const reply: FlushReply = { epoch };
  sendJson(exchange, reply);
}

function filterOf({ model, contains, olderThanS }: PurgeRequest, now: EpochMs): EntryFilter {
  return {
    ...(model !== undefined && { model: modelName(model) }),
    ...(contains !== undefined && { contains }),
    ...(olderThanS !== undefined && { olderThan: addMs(now, -olderThanS * 1000) }),
  };
}

function rowView(summary: EntrySummary, now: EpochMs): CacheRowView {
  const { id, tenant, model, text, embeddingModel, storedAt, expiresAt, hits, bytes } = summary;
  return {
    id,
    tenant,
    model,
    text,
    embeddingModel,
    storedAt,
    ageS: Math.max(0, Math.round((now - storedAt) / 1000)),
    expiresInS: Math.max(0, Math.round((expiresAt - now) / 1000)),
    hits,
    bytes,
  };
}

/** A vector of hundreds of numbers helps nobody. */
function entryView({ semantic, ...entry }: CacheEntry): CacheEntryView {
  return { ...entry, semantic: semantic && { text: semantic.text, embeddingModel: semantic.embeddingModel } };
}

const unknownEntry = (id: string) =>
  new AppError('entry_not_found', `no stored answer \`${id}\`; it may have expired or been evicted`);
