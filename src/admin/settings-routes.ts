/** Settings on the operator port: as they hold, and those that may be changed while the gateway runs. */
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { AdminContext } from './admin-deps.ts';
import type { ChangeSettingRequest, SettingStepView } from './admin-types.ts';
import { parseJson, readBody, sendJson, type Exchange } from './http.ts';

export const changeSettingSchema = z.strictObject({
  name: z.string().min(1).max(100),
  value: z.number(),
}) satisfies z.ZodType<ChangeSettingRequest>;

export const showSettings = (exchange: Exchange, { facts }: AdminContext): void => sendJson(exchange, facts.settings());

export async function changeSetting(exchange: Exchange, { facts, options }: AdminContext): Promise<void> {
  const parsed = changeSettingSchema.safeParse(parseJson(await readBody(exchange.request, options.bodyBytesMax)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError(
      'bad_request',
      `${issue?.path.join('.') || 'the body'}: ${issue?.message}; expected {"name": "cache.ttlMs", "value": 3600000}`,
    );
  }
  const { name, value } = parsed.data;
  // Told also when it is refused: somebody wanted it.
  exchange.audit.detail = `${name}: ${value}`;
  told(exchange, facts.changeSetting(name, value));
}

export function undoSetting(exchange: Exchange, { facts }: AdminContext, name: string): void {
  told(exchange, facts.undoSetting(name));
}

function told(exchange: Exchange, step: SettingStepView): void {
  exchange.audit.detail = `${step.name}: ${step.before ?? 'unset'} → ${step.after ?? 'unset'}`;
  sendJson(exchange, step);
}
