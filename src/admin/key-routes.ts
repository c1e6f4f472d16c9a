/** API keys on the operator port: made, listed, rotated, revoked. The key itself is told once, in the reply to its making. */
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { tenantId } from '../core/ids.ts';
import { addMs } from '../core/units.ts';
import { cacheSharings, keyModelsMax, limitsSchema, tenantPattern, type KeyRecord } from '../keys/key-record.ts';
import type { ListedKey } from '../keys/key-ring.ts';
import type { AdminContext } from './admin-deps.ts';
import type { CreateKeyRequest, KeyListView, KeyView, NewKeyView, RotateKeyRequest } from './admin-types.ts';
import { parseJson, readBody, sendJson, type Exchange } from './http.ts';

const yearS = 366 * 86_400;
const secondsMax = 20 * yearS;

export const createKeySchema = z.strictObject({
  tenant: z.string().regex(tenantPattern, 'expected letters, digits, . _ -, at most 64'),
  name: z.string().min(1).max(128).optional(),
  models: z.array(z.string().min(1).max(256)).max(keyModelsMax).optional(),
  limits: limitsSchema.optional(),
  cache: z.enum(cacheSharings).optional(),
  expiresInS: z.int().min(1).max(secondsMax).optional(),
}) satisfies z.ZodType<CreateKeyRequest>;

export const rotateKeySchema = z.strictObject({
  graceS: z.int().min(0).max(yearS).optional(),
}) satisfies z.ZodType<RotateKeyRequest>;

/** How long the old key goes on after a rotation, seconds: a deployment takes hours, not weeks. */
const graceDefaultS = 86_400;

export function listKeys(exchange: Exchange, { keys }: AdminContext): void {
  const view: KeyListView = { required: keys.required, keys: keys.list().map(keyView) };
  sendJson(exchange, view);
}

export async function createKey(exchange: Exchange, context: AdminContext): Promise<void> {
  const asked = await parsed(
    exchange,
    context,
    createKeySchema,
    'tenant, and perhaps name, models, limits, cache, expiresInS',
  );
  const { keys, clock, logger } = context;
  const { tenant, name = tenant, models = [], limits = {}, cache = 'tenant', expiresInS } = asked;
  const firstKey = !keys.required;
  const { record, secret } = keys.create({
    tenant: tenantId(tenant),
    name,
    models,
    limits,
    cache,
    ...(expiresInS !== undefined && { expiresAt: addMs(clock.now(), expiresInS * 1000) }),
  });
  logger.info({ keyId: record.id, tenant, firstKey }, 'API key created');
  sendNew(exchange, context, { record, secret, firstKey });
}

export async function rotateKey(exchange: Exchange, context: AdminContext, id: string): Promise<void> {
  const { graceS = graceDefaultS } = await parsed(exchange, context, rotateKeySchema, 'nothing, or graceS');
  const { record, secret } = context.keys.rotate(id, graceS * 1000);
  context.logger.info({ keyId: id, newKeyId: record.id, graceS }, 'API key rotated');
  sendNew(exchange, context, { record, secret, firstKey: false });
}

export function revokeKey(exchange: Exchange, { keys, logger }: AdminContext, id: string): void {
  const record = keys.revoke(id);
  logger.info({ keyId: id, tenant: record.tenant }, 'API key revoked');
  sendJson(exchange, keyView(keys.list().find((key) => key.id === record.id)!));
}

function sendNew(
  exchange: Exchange,
  { keys }: AdminContext,
  { record, secret, firstKey }: { readonly record: KeyRecord; readonly secret: string; readonly firstKey: boolean },
): void {
  const view: NewKeyView = { key: secret, firstKey, record: keyView(keys.list().find((key) => key.id === record.id)!) };
  sendJson(exchange, view, { status: 201 });
}

/** Without the hash: it opens nothing, and nobody needs it. */
function keyView({ usage, ...key }: ListedKey): KeyView {
  return {
    ...withoutHash(key),
    usage: {
      requests: usage.requests,
      tokens: usage.tokens,
      usd: usage.usdMicros / 1e6,
      usdToday: usage.microsToday / 1e6,
      lastUsedAt: usage.lastUsedAt,
    },
  };
}

function withoutHash<T extends { readonly sha256: string }>(key: T): Omit<T, 'sha256'> {
  const shown: Omit<T, 'sha256'> & { sha256?: string } = { ...key };
  delete shown.sha256;
  return shown;
}

async function parsed<T>(
  exchange: Exchange,
  { options }: AdminContext,
  schema: z.ZodType<T>,
  expected: string,
): Promise<T> {
  const body = await readBody(exchange.request, options.bodyBytesMax);
  const result = schema.safeParse(body.length === 0 ? {} : parseJson(body));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AppError('bad_request', `${issue?.path.join('.') || 'the body'}: ${issue?.message}; expected ${expected}`);
}
