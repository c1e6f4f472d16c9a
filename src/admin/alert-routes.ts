/** Alerts on the operator port: how they stand, who is told, what was told; silences, and a test of the channels. */
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { alertRules } from '../telemetry/alerts/catalogue.ts';
import { eventKinds } from '../telemetry/alerts/event-messages.ts';
import { historyMax, silenceMsMax } from '../telemetry/alerts/desk.ts';
import { toPromql } from '../telemetry/alerts/promql.ts';
import { runbookAnchor } from '../telemetry/alerts/rule.ts';
import type { AdminContext, AdminDeps } from './admin-deps.ts';
import type {
  AlertHistoryView,
  AlertsView,
  AlertTestRequest,
  AlertTestView,
  SilenceRequest,
  SilenceView,
} from './alert-types.ts';
import { parseJson, readBody, sendJson, wholeNumber, type Exchange } from './http.ts';

const silenceable: readonly string[] = ['*', ...alertRules.map(({ name }) => name), ...eventKinds];

export const silenceSchema = z.strictObject({
  rule: z.string().refine((name) => silenceable.includes(name), { error: `expected one of ${silenceable.join(', ')}` }),
  forS: z
    .int()
    .min(1)
    .max(silenceMsMax / 1000),
  comment: z.string().max(500).optional(),
}) satisfies z.ZodType<SilenceRequest>;

export const testAlertsSchema = z.strictObject({
  channel: z.string().max(64).optional(),
}) satisfies z.ZodType<AlertTestRequest>;

export const showAlerts = (exchange: Exchange, context: AdminContext): void => sendJson(exchange, alertsOf(context));

export function alertsOf({ alerts }: Pick<AdminDeps, 'alerts'>): AlertsView {
  const states = new Map(alerts.states().map((state) => [state.rule.name, state]));
  return {
    rules: alertRules
      .filter(({ noData }) => noData === 'ok')
      .map((rule) => {
        const state = states.get(rule.name);
        const { name, severity, summary, action, forMs } = rule;
        return {
          name,
          severity,
          level: state?.level ?? 'ok',
          pending: state?.pending ?? false,
          since: state?.since,
          silenced: alerts.isSilenced(name),
          summary,
          action,
          runbook: `docs/runbook.md#${runbookAnchor(rule)}`,
          expression: toPromql(rule.when),
          forMs,
          values: [...(state?.values ?? [])].map(([labels, value]) => ({ labels, value })),
        };
      }),
    channels: alerts.channels(),
    silences: alerts.silences(),
  };
}

export function showAlertHistory(exchange: Exchange, { alerts }: AdminContext): void {
  const limit = wholeNumber(exchange.query, 'limit', { fallback: 50, max: historyMax });
  const view: AlertHistoryView = { messages: alerts.history(limit) };
  sendJson(exchange, view);
}

export async function testAlerts(exchange: Exchange, context: AdminContext): Promise<void> {
  const { channel } = await parsed(exchange, context, testAlertsSchema, 'nothing, or channel');
  const results = await context.alerts.test(channel);
  if (results.length === 0) {
    throw new AppError('bad_request', 'no channel is configured; add one to alerts.channels and start again');
  }
  const view: AlertTestView = {
    results: results.map(({ name, error }) => ({ channel: name, sent: error === undefined, error })),
  };
  sendJson(exchange, view);
}

export async function createSilence(exchange: Exchange, context: AdminContext): Promise<void> {
  const {
    rule,
    forS,
    comment = '',
  } = await parsed(exchange, context, silenceSchema, 'rule, forS, and perhaps comment');
  const silence: SilenceView = context.alerts.silence({ rule, forMs: forS * 1000, comment });
  context.logger.info({ rule, until: silence.until }, 'alerts silenced');
  sendJson(exchange, silence, { status: 201 });
}

export function endSilence(exchange: Exchange, { alerts, logger }: AdminContext, id: string): void {
  if (!alerts.unsilence(id)) throw new AppError('bad_request', `there is no silence \`${id}\``);
  logger.info({ silence: id }, 'silence ended');
  sendJson(exchange, { ended: true });
}

/** An empty body is an empty object. */
async function parsed<T>(
  { request }: Exchange,
  { options }: AdminContext,
  schema: z.ZodType<T>,
  expected: string,
): Promise<T> {
  const body = await readBody(request, options.bodyBytesMax);
  const result = schema.safeParse(body.length === 0 ? {} : parseJson(body));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue!.path.join('.');
  throw new AppError('bad_request', `${at === '' ? 'body' : at}: ${issue!.message}; expected ${expected}`);
}
