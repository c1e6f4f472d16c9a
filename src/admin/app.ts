/** Routes of the operator port. Built from its dependencies; who listens is the composition root's business. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { unknownRequest } from '../cache/feedback-reply.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { adminDefaults, type AdminContext, type AdminDeps } from './admin-deps.ts';
import type { AuditView } from './admin-types.ts';
import { auditLimits } from './audit-log.ts';
import {
  alertsOf,
  createSilence,
  endSilence,
  showAlertHistory,
  showAlerts,
  testAlerts,
  silenceSchema,
  testAlertsSchema,
} from './alert-routes.ts';
import { flushEntries, listEntries, purgeEntries, removeEntry, showEntry, purgeSchema } from './cache-routes.ts';
import { auditsOf, decideCase, decisionsOf, showAudits, showDecisions, caseSchema } from './decision-routes.ts';
import {
  blockMachine,
  showFleet,
  showFleetHistory,
  showOffers,
  blockMachineSchema,
  startFleetSchema,
  stopFleetSchema,
} from './fleet-routes.ts';
import { startFleet, stopFleet, unblockMachine } from './fleet-routes.ts';
import { challengeOf, createGuard, isReading } from './guard.ts';
import { sendError, sendJson, sendManagementError, sendText, wholeNumber, type Exchange } from './http.ts';
import { showDoctor } from './doctor-routes.ts';
import { createKey, listKeys, revokeKey, rotateKey, createKeySchema, rotateKeySchema } from './key-routes.ts';
import { createManagement, isManagementRoute } from './management.ts';
import { createLive, type Topic } from './live.ts';
import { showOpenApi } from './openapi-routes.ts';
import { findPageFile, sendPageFile, showPlainPage } from './page-routes.ts';
import {
  exportLedger,
  rangeOf,
  replayWhatIf,
  showClaims,
  showLedgerBuckets,
  showLedgerTotals,
  showMoneyReport,
  whatIfSchema,
} from './money-routes.ts';
import { judge, judgeByForm, showWhy, showWhyPage, feedbackSchema } from './request-routes.ts';
import { createScrapeToken } from './scrape-token.ts';
import { changeSetting, changeSettingSchema, showSettings, undoSetting } from './settings-routes.ts';
import { spendNow } from './spend-now.ts';
import { createLoginLink, login, logout, showSession, loginSchema } from './session-routes.ts';

type Handler = (exchange: Exchange, context: AdminContext, id: string) => void | Promise<void>;

export interface AdminRoute {
  /** `GET` also serves HEAD. */
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `:id` matches one segment. */
  readonly path: string;
  readonly handle: Handler;
  /** What it reads, where that is JSON of ours. */
  readonly body?: z.ZodType;
  /** Whom it answers; default: everybody who may read, for GET, and operators otherwise. */
  readonly for?: 'strangers' | 'viewers';
}

export const adminRoutes: readonly AdminRoute[] = [
  { method: 'GET', path: '/', handle: showPlainPage },
  { method: 'GET', path: '/plain', handle: showPlainPage },
  { method: 'GET', path: '/api/session', handle: showSession, for: 'strangers' },
  { method: 'POST', path: '/api/session', handle: login, body: loginSchema, for: 'strangers' },
  { method: 'DELETE', path: '/api/session', handle: logout, for: 'strangers' },
  { method: 'POST', path: '/api/session/link', handle: createLoginLink },
  { method: 'GET', path: '/api/settings', handle: showSettings },
  { method: 'POST', path: '/api/settings', handle: changeSetting, body: changeSettingSchema },
  { method: 'DELETE', path: '/api/settings/:id', handle: undoSetting },
  { method: 'GET', path: '/api/audit', handle: listAudit },
  { method: 'GET', path: '/api/live', handle: (exchange, { live }) => live.open(exchange) },
  { method: 'GET', path: '/api/live/:id', handle: (exchange, { live }, topic) => live.show(exchange, topic) },
  { method: 'GET', path: '/api/openapi.json', handle: showOpenApi },
  { method: 'GET', path: '/metrics', handle: showMetrics },
  { method: 'GET', path: '/healthz', handle: (exchange) => sendJson(exchange, { status: 'ok' }) },
  { method: 'GET', path: '/api/status', handle: (exchange, { facts }) => sendJson(exchange, facts.status()) },
  { method: 'GET', path: '/api/requests', handle: listRequests },
  { method: 'GET', path: '/api/requests/:id', handle: showRequest },
  { method: 'GET', path: '/api/requests/:id/why', handle: showWhy },
  { method: 'POST', path: '/api/requests/:id/feedback', handle: judge, body: feedbackSchema },
  { method: 'GET', path: '/requests/:id', handle: showWhyPage },
  { method: 'POST', path: '/requests/:id/feedback', handle: judgeByForm },
  { method: 'GET', path: '/api/cache/entries', handle: listEntries },
  { method: 'GET', path: '/api/cache/entries/:id', handle: showEntry },
  { method: 'DELETE', path: '/api/cache/entries/:id', handle: removeEntry },
  { method: 'GET', path: '/api/cache/decisions', handle: showDecisions },
  { method: 'GET', path: '/api/cache/audits', handle: showAudits },
  { method: 'POST', path: '/api/cache/audits/:id', handle: decideCase, body: caseSchema },
  { method: 'POST', path: '/api/cache/purge', handle: purgeEntries, body: purgeSchema },
  { method: 'POST', path: '/api/cache/flush', handle: flushEntries },
  { method: 'GET', path: '/api/ledger/totals', handle: showLedgerTotals },
  { method: 'GET', path: '/api/ledger/buckets', handle: showLedgerBuckets },
  { method: 'GET', path: '/api/ledger/export', handle: exportLedger },
  {
    method: 'GET',
    path: '/api/money/now',
    handle: async (exchange, context) => sendJson(exchange, await spendNow(context)),
  },
  { method: 'GET', path: '/api/money/report', handle: showMoneyReport },
  { method: 'GET', path: '/api/money/claims', handle: showClaims },
  { method: 'GET', path: '/api/fleet', handle: showFleet },
  { method: 'GET', path: '/api/fleet/offers', handle: showOffers },
  { method: 'GET', path: '/api/fleet/history', handle: showFleetHistory },
  { method: 'POST', path: '/api/fleet/start', handle: startFleet, body: startFleetSchema },
  { method: 'POST', path: '/api/fleet/stop', handle: stopFleet, body: stopFleetSchema },
  { method: 'POST', path: '/api/fleet/block', handle: blockMachine, body: blockMachineSchema },
  { method: 'POST', path: '/api/fleet/unblock', handle: unblockMachine, body: blockMachineSchema },
  { method: 'GET', path: '/api/alerts', handle: showAlerts },
  { method: 'GET', path: '/api/alerts/history', handle: showAlertHistory },
  { method: 'POST', path: '/api/alerts/test', handle: testAlerts, body: testAlertsSchema },
  { method: 'POST', path: '/api/alerts/silences', handle: createSilence, body: silenceSchema },
  { method: 'DELETE', path: '/api/alerts/silences/:id', handle: endSilence },
  { method: 'POST', path: '/api/money/whatif', handle: replayWhatIf, body: whatIfSchema, for: 'viewers' },
  { method: 'GET', path: '/api/doctor', handle: showDoctor },
  { method: 'GET', path: '/api/keys', handle: listKeys },
  { method: 'POST', path: '/api/keys', handle: createKey, body: createKeySchema },
  { method: 'POST', path: '/api/keys/:id/rotate', handle: rotateKey, body: rotateKeySchema },
  { method: 'DELETE', path: '/api/keys/:id', handle: revokeKey },
];

export interface Admin {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Ends the streams of open pages. */
  close(): void;
}

export function createAdmin(deps: AdminDeps): Admin {
  const live = createLive({ ...deps, topics: topicsOf(deps) });
  const context: AdminContext = { ...deps, options: { ...adminDefaults, ...deps.options }, live };
  const guard = createGuard(deps, deps.sessions);
  const isScrape = createScrapeToken(deps.metricsTokenSha256);
  const management = createManagement(context);

  async function serve(exchange: Exchange): Promise<void> {
    const { request, path } = exchange;
    // A liveness probe has no key, and learns nothing but that we live.
    if (path === '/healthz') return sendJson(exchange, { status: 'ok' });
    if (isScrape(request)) return await showMetrics(exchange, context);
    const visit = guard(request);
    if (visit.kind === 'refused') return sendError(exchange, visit.error);
    if (visit.kind === 'admitted') exchange.visitor = visit.visitor;
    // Whoever may log in may load the page that asks for the key.
    const pageFile = isReading(exchange.method) ? await findPageFile(context, path) : undefined;
    if (pageFile !== undefined) return sendPageFile(exchange, pageFile);
    const found = isManagementRoute(path) ? undefined : tryRoute(exchange);
    if (visit.kind === 'stranger' && found?.route.for !== 'strangers')
      return sendError(exchange, visit.error, challengeOf(request));
    if (!isReading(exchange.method)) {
      // What it came to is known when the answer has ended.
      exchange.response.once('close', () => note(exchange, found?.route));
      if (exchange.visitor?.role === 'viewer' && found?.route.for === undefined)
        throw new AppError('forbidden', `${exchange.method} ${path} is for the operator; this key may only look`);
    }
    if (isManagementRoute(path)) return await management(exchange);
    const { route, id } = found ?? findRoute(exchange);
    await route.handle(exchange, context, id);
  }

  /** Every try to change something, also the ones that were refused. What viewers may ask changes nothing. */
  function note(exchange: Exchange, route: AdminRoute | undefined): void {
    if (route?.for === 'viewers') return;
    const { visitor, method, path, response, audit } = exchange;
    deps.auditLog.append({
      role: visitor?.role,
      via: visitor?.via,
      ...(visitor?.session !== undefined && { session: visitor.session }),
      action: `${method} ${route?.path ?? path}`,
      target: path,
      status: response.statusCode,
      ...audit,
    });
  }

  return {
    handle(request, response) {
      const exchange = openExchange(request, response);
      serve(exchange).catch((thrown: unknown) => {
        const error = toAppError(thrown);
        // An operator who left needs no answer and is no fault.
        if (error.code === 'aborted') return void response.destroy();
        if (error.code === 'internal') {
          deps.logger.error({ err: error.cause, path: exchange.path }, 'operator request failed');
        }
        if (response.headersSent) response.destroy();
        else if (isManagementRoute(exchange.path)) sendManagementError(exchange, error);
        else sendError(exchange, error, allowOf(exchange, error));
      });
    },
    close: () => live.close(),
  };
}

/** What open pages are told by themselves: the same values as the routes of these names. */
const topicsOf = (deps: AdminDeps): Readonly<Record<string, Topic>> => ({
  status: { everyMs: 2_000, read: () => deps.facts.status() },
  'cache/decisions': { everyMs: 5_000, read: () => decisionsOf(deps) },
  'cache/audits': { everyMs: 5_000, read: () => auditsOf(deps) },
  'money/now': { everyMs: 5_000, read: () => spendNow(deps) },
  'money/report': {
    everyMs: 10_000,
    read: () => deps.money.reports.report(rangeOf(new URLSearchParams(), deps.clock.now())),
  },
  alerts: { everyMs: 5_000, read: () => alertsOf(deps) },
  fleet: { everyMs: 2_000, read: () => deps.fleet?.report() ?? null },
});

function openExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return {
    request,
    response,
    method: request.method ?? 'GET',
    path: mark === -1 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)),
    visitor: undefined,
    audit: {},
  };
}

interface FoundRoute {
  readonly route: AdminRoute;
  readonly id: string;
}

function tryRoute(exchange: Exchange): FoundRoute | undefined {
  try {
    return findRoute(exchange);
  } catch {
    // Told to those who may know.
    return undefined;
  }
}

/** @throws AppError route_not_found | method_not_allowed */
function findRoute({ method, path }: Exchange): FoundRoute {
  const here = adminRoutes.flatMap((route) => {
    const id = matchPath(route.path, path);
    return id === undefined ? [] : [{ route, id }];
  });
  if (here.length === 0) {
    throw new AppError(
      'route_not_found',
      `no route ${path} on the operator port; models are asked on the gateway port`,
    );
  }
  const wanted = method === 'HEAD' ? 'GET' : method;
  const found = here.find(({ route }) => route.method === wanted);
  if (!found) throw new AppError('method_not_allowed', `${path} does not take ${method}; it takes ${allowed(path)}`);
  return found;
}

/** @returns the `:id` part, '' where there is none, undefined when the path does not match. */
function matchPath(pattern: string, path: string): string | undefined {
  const [prefix, suffix] = pattern.split(':id') as [string, string?];
  if (suffix === undefined) return pattern === path ? '' : undefined;
  if (!path.startsWith(prefix) || !path.endsWith(suffix)) return undefined;
  const id = path.slice(prefix.length, path.length - suffix.length);
  if (id === '' || id.includes('/')) return undefined;
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

const allowed = (path: string): string =>
  adminRoutes
    .filter((route) => matchPath(route.path, path) !== undefined)
    .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');

const allowOf = ({ path }: Exchange, error: AppError): Record<string, string> =>
  error.code === 'method_not_allowed' ? { allow: allowed(path) } : {};

async function showMetrics(exchange: Exchange, { metrics }: AdminContext): Promise<void> {
  const body = await metrics.registry.metrics();
  sendText(exchange, { contentType: metrics.registry.contentType, body });
}

function listRequests(exchange: Exchange, { facts }: AdminContext): void {
  const limit = wholeNumber(exchange.query, 'limit', { fallback: 50, max: facts.requestsMax });
  sendJson(exchange, { requests: facts.requests(limit) });
}

function showRequest(exchange: Exchange, { facts }: AdminContext, id: string): void {
  const record = facts.request(id);
  if (!record) throw unknownRequest(id, facts.requestsMax);
  sendJson(exchange, record);
}

function listAudit(exchange: Exchange, { auditLog }: AdminContext): void {
  const limit = wholeNumber(exchange.query, 'limit', { fallback: 100, max: auditLimits.shownMax });
  const view: AuditView = { entries: auditLog.list(limit) };
  sendJson(exchange, view);
}
