/** The fleet on the operator port: look at it, start it, stop it, and keep machines out of it. */
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { AdminContext } from './admin-deps.ts';
import type { FleetCommands } from './fleet-types.ts';
import { parseJson, readBody, sendJson, wholeNumber, type Exchange } from './http.ts';

export const startFleetSchema = z.strictObject({
  workers: z.int().min(0).max(100),
  hours: z.number().min(0.01).max(720),
});
export const stopFleetSchema = z.strictObject({ how: z.enum(['drain', 'now']) });
export const blockMachineSchema = z.strictObject({
  kind: z.enum(['machine', 'host']),
  id: z.string().min(1).max(64),
  reason: z.string().max(200).optional(),
  hours: z
    .number()
    .min(0.01)
    .max(24 * 365)
    .optional(),
});
const historyMax = 1_000;

export function showFleet(exchange: Exchange, context: AdminContext): void {
  sendJson(exchange, fleetOf(context).report());
}

export async function showOffers(exchange: Exchange, context: AdminContext): Promise<void> {
  const gone = new AbortController();
  exchange.response.once('close', () => gone.abort(new AppError('aborted', 'the client went away')));
  sendJson(exchange, await fleetOf(context).offers({ signal: gone.signal }));
}

export function showFleetHistory(exchange: Exchange, context: AdminContext): void {
  const limit = wholeNumber(exchange.query, 'limit', { fallback: 50, max: historyMax });
  sendJson(exchange, fleetOf(context).history(limit));
}

export async function startFleet(exchange: Exchange, context: AdminContext): Promise<void> {
  const fleet = fleetOf(context);
  fleet.start(await bodyOf(exchange, context, startFleetSchema));
  sendJson(exchange, fleet.report());
}

export async function stopFleet(exchange: Exchange, context: AdminContext): Promise<void> {
  const fleet = fleetOf(context);
  fleet.stop(await bodyOf(exchange, context, stopFleetSchema));
  sendJson(exchange, fleet.report());
}

export async function blockMachine(exchange: Exchange, context: AdminContext): Promise<void> {
  const { kind, id, reason, hours } = await bodyOf(exchange, context, blockMachineSchema);
  fleetOf(context).block({ kind, id, ...(reason !== undefined && { reason }), ...(hours !== undefined && { hours }) });
  sendJson(exchange, { blocked: true });
}

export async function unblockMachine(exchange: Exchange, context: AdminContext): Promise<void> {
  const { kind, id } = await bodyOf(exchange, context, blockMachineSchema);
  sendJson(exchange, { unblocked: fleetOf(context).unblock({ kind, id }) });
}

/** @throws not_implemented where nothing is rented */
function fleetOf({ fleet }: AdminContext): FleetCommands {
  if (fleet) return fleet;
  throw new AppError(
    'not_implemented',
    'no fleet is configured; set fleet.provider, fleet.model and fleet.caps (docs/fleet.md)',
  );
}

async function bodyOf<T>(exchange: Exchange, { options }: AdminContext, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(parseJson(await readBody(exchange.request, options.bodyBytesMax)));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError('bad_request', `${issue?.path.join('.') || 'the body'}: ${issue?.message}`);
}
