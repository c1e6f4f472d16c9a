/** What each route of the operator port is for, and what the code of its handler does not say by its type. */
import type { ErrorCode } from '../../../src/core/errors.ts';
import { text, type Json } from './document.ts';

export interface RouteFacts {
  readonly summary: string;
  readonly query?: readonly (keyof typeof queryParameters)[];
  /** Beside those that every route has. */
  readonly codes?: readonly ErrorCode[];
  readonly status?: number;
  readonly contentType?: string;
}

const parameter = (name: string, description: string, schema: Json = text): Json => ({
  name,
  in: 'query',
  description,
  schema,
});
const count = { type: 'integer', minimum: 1 } as const;

export const queryParameters = {
  limit: parameter('limit', 'At most so many, newest first.', count),
  before: parameter('before', 'The next page: `before` of the last reply.', { type: 'integer' }),
  model: parameter('model', 'Of this model alone.'),
  contains: parameter('contains', 'With this text in the question.'),
  days: parameter('days', 'The last so many days; 30 unless said.', count),
  from: parameter('from', 'From this day or instant (UTC).'),
  to: parameter('to', 'Until this day or instant (UTC), which is not in it.'),
  tenant: parameter('tenant', 'Of this tenant alone.'),
  step: parameter('step', 'Length of a bucket.', { type: 'string', enum: ['hour', 'day'] }),
  format: parameter('format', 'Lines of CSV, or one JSON object a line.', { type: 'string', enum: ['csv', 'json'] }),
  port: parameter('port', 'Of this port.', { type: 'string', enum: ['operator', 'gateway'] }),
  topics: parameter('topics', 'What to tell of, with commas between.'),
  since: parameter('since', 'Go on after this event, as `Last-Event-ID` does.'),
  thinker: parameter('thinker', 'To this thinker alone.'),
  said: parameter('said', 'What the last word came to.'),
} as const satisfies Readonly<Record<string, Json>>;

const range = ['days', 'from', 'to', 'tenant'] as const;
const html = 'text/html';

/** By method and path, as in the table of routes. */
export const operatorRouteFacts: Readonly<Record<string, RouteFacts>> = {
  'GET /': { summary: 'The dashboard; its pages are below it.', contentType: html },
  'GET /plain': { summary: 'Status page without scripts.', contentType: html },
  'GET /api/session': { summary: 'Who asks.' },
  'POST /api/session': { summary: 'Logs a browser in.', codes: ['unauthorized', 'rate_limited'] },
  'DELETE /api/session': { summary: 'Logs it out.' },
  'POST /api/session/link': { summary: 'Path of a link that logs in once, within an hour.', codes: ['bad_request'] },
  'GET /api/settings': { summary: 'The configuration as it holds, without secrets.' },
  'POST /api/settings': { summary: 'Changes one of those that may be changed while it runs, also for the next start.' },
  'DELETE /api/settings/:id': { summary: 'What the configuration says holds again.', codes: ['bad_request'] },
  'GET /api/audit': { summary: 'Changes made through this port.', query: ['limit'] },
  'GET /api/live': {
    summary: 'Server-sent events.',
    query: ['topics', 'since'],
    codes: ['rate_limited'],
    contentType: 'text/event-stream',
  },
  'GET /api/live/:id': { summary: 'What one topic tells now.', codes: ['bad_request'] },
  'GET /api/openapi.json': {
    summary: 'This description, or that of the gateway port.',
    query: ['port'],
    codes: ['not_implemented'],
  },
  'GET /metrics': { summary: 'Metrics of Prometheus.', contentType: 'text/plain' },
  'GET /healthz': { summary: 'It lives.' },
  'GET /api/status': { summary: 'Thinkers, hits, latency, memory, embedder.' },
  'GET /api/requests': { summary: 'The last requests, without texts.', query: ['limit'] },
  'GET /api/requests/:id': { summary: 'One of them.', codes: ['request_not_found'] },
  'GET /api/requests/:id/why': { summary: 'Why it was answered as it was, with texts.', codes: ['request_not_found'] },
  'POST /api/requests/:id/feedback': {
    summary: 'Says of a stored answer that it was right or wrong.',
    codes: ['request_not_found', 'not_a_hit', 'rate_limited'],
  },
  'GET /requests/:id': {
    summary: 'The same as a page.',
    query: ['said'],
    codes: ['request_not_found'],
    contentType: html,
  },
  'POST /requests/:id/feedback': {
    summary: 'The buttons of that page.',
    codes: ['bad_request', 'request_not_found', 'not_a_hit', 'rate_limited'],
    status: 303,
    contentType: 'text/plain',
  },
  'GET /api/cache/entries': { summary: 'Stored answers.', query: ['limit', 'before', 'model', 'contains'] },
  'GET /api/cache/entries/:id': { summary: 'One of them, whole.', codes: ['entry_not_found', 'cache_unavailable'] },
  'DELETE /api/cache/entries/:id': { summary: 'Forgets it.', codes: ['entry_not_found', 'cache_unavailable'] },
  'GET /api/cache/decisions': { summary: 'Scores of hits and misses, and near misses, with texts.' },
  'GET /api/cache/audits': { summary: 'Answers that wait for a person’s word, with texts.' },
  'POST /api/cache/audits/:id': { summary: 'A person’s word on one of them.', codes: ['entry_not_found'] },
  'POST /api/cache/purge': { summary: 'Forgets what the filters meet.', codes: ['cache_unavailable'] },
  'POST /api/cache/flush': { summary: 'Makes every stored answer unreachable.', codes: ['cache_unavailable'] },
  'GET /api/ledger/totals': { summary: 'What was answered and billed.', query: range, codes: ['ledger_unavailable'] },
  'GET /api/ledger/buckets': {
    summary: 'The same by hour or day.',
    query: [...range, 'step'],
    codes: ['ledger_unavailable'],
  },
  'GET /api/ledger/export': {
    summary: 'Every entry, oldest first.',
    query: [...range, 'format'],
    codes: ['ledger_unavailable'],
    contentType: 'application/x-ndjson',
  },
  'GET /api/money/now': {
    summary: 'Dollars an hour now, today, this month, forecast, caps.',
    codes: ['ledger_unavailable'],
  },
  'GET /api/money/report': {
    summary: 'Cost, savings with an interval, baselines, break-even, drift.',
    query: range,
    codes: ['ledger_unavailable'],
  },
  'GET /api/money/claims': { summary: 'The promises, measured.', query: range, codes: ['ledger_unavailable'] },
  'GET /api/fleet': { summary: 'The rented machines, and why they are there.', codes: ['not_implemented'] },
  'GET /api/fleet/offers': {
    summary: 'What could be rented now, best first.',
    codes: ['not_implemented', 'provider_unavailable', 'provider_refused'],
  },
  'GET /api/fleet/history': { summary: 'What was rented.', query: ['limit'], codes: ['not_implemented'] },
  'POST /api/fleet/start': { summary: 'Keeps so many machines for so long.', codes: ['not_implemented'] },
  'POST /api/fleet/stop': { summary: 'Gives all back, until the next start.', codes: ['not_implemented'] },
  'POST /api/fleet/block': { summary: 'Keeps a machine or host out.', codes: ['not_implemented'] },
  'POST /api/fleet/unblock': { summary: 'Lets it in again.', codes: ['not_implemented'] },
  'GET /api/alerts': { summary: 'How every alert stands, who is told, what is silenced.' },
  'GET /api/alerts/history': { summary: 'The last messages, and whether they arrived.', query: ['limit'] },
  'POST /api/alerts/test': { summary: 'A test message to one channel or all.' },
  'POST /api/alerts/silences': { summary: 'No messages about an alert for a while.', status: 201 },
  'DELETE /api/alerts/silences/:id': { summary: 'Ends that.', codes: ['bad_request'] },
  'POST /api/money/whatif': { summary: 'Recorded traffic replayed under other settings.' },
  'GET /api/doctor': { summary: 'The findings of the doctor.' },
  'GET /api/keys': { summary: 'API keys with their use, without their secrets.' },
  'POST /api/keys': { summary: 'A new key, told once.', status: 201 },
  'POST /api/keys/:id/rotate': { summary: 'A new key for the same holder.', status: 201, codes: ['key_not_found'] },
  'DELETE /api/keys/:id': { summary: 'Revokes it.', codes: ['key_not_found'] },
};
