/** Routes, and the one place where a request becomes an Exchange. Built from its parts; never listens. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../core/clock.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { localTenant, requestId, type TenantId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Router } from '../router/router-types.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import type { Admission } from './admission.ts';
import type { AnswerBook } from './answer-book.ts';
import type { AnswerCost } from './answer-cost.ts';
import { AnswerWriter } from './answer-writer.ts';
import { localCaller, type Caller } from '../keys/caller.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { AnswerCodec, EmbedCodec } from './dialects/dialect.ts';
import type { createPinner } from './effective-request.ts';
import { countAnthropicTokens } from './dialects/anthropic/count-tokens.ts';
import { cacheDirectives, headerText, noStore, json, sendBody, type Exchange } from './exchange.ts';
import { preflightHeaders, type OriginPolicy } from './http/origin-policy.ts';
import { readJsonBody } from './http/read-body.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { findRoute, type Route } from './routes.ts';
import type { ServeAnswer } from './serve-answer.ts';
import { serveEmbeddings } from './serve-embeddings.ts';
import { serveFeedback, type ServeFeedbackDeps } from './serve-feedback.ts';
import { serveModels } from './serve-models.ts';

export interface GatewayDeps {
  readonly serveAnswer: ServeAnswer;
  readonly router: Router;
  readonly pool: ThinkerPool;
  readonly pinner: ReturnType<typeof createPinner>;
  /** @throws unauthorized */
  readonly identify: KeyRing['identify'];
  readonly origins: OriginPolicy;
  readonly admission: Admission;
  readonly requestMetrics: RequestMetrics;
  readonly requestLog: RequestLog;
  readonly book: AnswerBook;
  readonly feedback: ServeFeedbackDeps['feedback'];
  readonly answerCost: AnswerCost;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For the refusal of management routes. */
  readonly adminUrl: () => string;
  readonly options: { readonly bodyBytesMax: number; readonly heartbeatMs: number };
}

export interface Gateway {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** From here on every new request is told `shutting_down`. */
  drain(): void;
}

export function createGateway(deps: GatewayDeps): Gateway {
  const { clock, random, logger } = deps;
  const overhead = deps.metrics.gatewayOverhead.labels({});
  const writerDeps = { ...deps, heartbeatMs: deps.options.heartbeatMs };
  let draining = false;

  return {
    handle(request, response) {
      const startedMs = clock.monotonicMs();
      const route = findRoute(request.url!, request.headers);
      const exchange: Exchange & { tenant: TenantId; caller: Caller; cors: Exchange['cors'] } = {
        request,
        response,
        requestId: requestId(`req_${random.id(20)}`),
        route: route.label,
        tenant: localTenant,
        caller: localCaller,
        receivedAt: clock.now(),
        startedMs,
        cors: undefined,
        encodeError: route.encodeError,
      };
      try {
        exchange.cors = deps.origins.check(request.headers);
        if (request.method === 'OPTIONS') return preflight(exchange);
        if (draining)
          throw new AppError('shutting_down', 'the gateway is shutting down; try again in a moment', {
            retryAfterMs: 2000,
          });
        exchange.caller = deps.identify(request.headers, request.socket.remoteAddress);
        exchange.tenant = exchange.caller.tenant;
        perform(route, exchange).catch((error: unknown) => refuse(exchange, error));
      } catch (error) {
        refuse(exchange, error);
      }
    },
    drain: () => {
      draining = true;
    },
  };

  /** @throws AppError also at once. An answer's promise is passed on as it is: another around it would cost each request one more. */
  function perform(route: Route, exchange: Exchange): Promise<void> {
    const { method } = exchange.request;
    if (!route.methods.includes(method!)) {
      throw new AppError(
        'method_not_allowed',
        `${method} ${route.path} is not offered; use ${route.methods.join(' or ')}`,
      );
    }
    switch (route.kind) {
      case 'answer':
        return answer(route.codec, exchange);
      case 'embed':
        return embed(route.codec, exchange);
      case 'models':
        return models(route, exchange);
      case 'count-tokens':
        return countTokens(exchange);
      case 'feedback':
        return feedback(exchange);
      case 'operator-only':
        throw new AppError(
          'operator_only',
          `${method} ${route.path} changes what the thinkers hold and is the operator's; call ${deps.adminUrl()}${route.path}`,
        );
      case 'refused':
        throw new AppError(route.code, route.message);
      default:
        throw new AppError(
          'route_not_found',
          `${method} ${route.path} is no route of this gateway; GET /v1/models or /api/tags lists its models, docs/api.md its routes`,
        );
    }
  }

  async function answer(codec: AnswerCodec, exchange: Exchange): Promise<void> {
    const body = await readJsonBody(exchange.request, deps.options.bodyBytesMax);
    const decoded = codec.decode(body);
    const { request, notices } = deps.pinner.pin(decoded.request);
    const { caller } = exchange;
    caller.checkModel(decoded.model);
    // Counted together with other gateways it takes a round trip; else nothing is waited for.
    const counted = caller.enter();
    if (counted !== undefined) await counted;
    deps.admission.enter(exchange.tenant);
    const writer = new AnswerWriter(exchange, codec, decoded, joinNotices(decoded.notices, notices), writerDeps, () =>
      deps.admission.leave(exchange.tenant),
    );
    overhead.observe((clock.monotonicMs() - exchange.startedMs) / 1000);
    const asker = {
      requestId: exchange.requestId,
      tenant: exchange.tenant,
      cacheOwner: caller.cacheOwner ?? exchange.tenant,
      spent: caller.spent(),
      cache: caller.cacheOwner === undefined ? noStore : cacheDirectives(exchange.request.headers['cache-control']),
      receivedAt: exchange.receivedAt,
      patience: decoded.stream ? ('streamed' as const) : ('plain' as const),
    };
    try {
      writer.attach(deps.serveAnswer(request, asker, writer));
    } catch (error) {
      logger.error({ err: error, requestId: exchange.requestId }, 'request failed inside the gateway');
      writer.fail(toAppError(error));
    }
  }

  async function models(route: Route & { readonly kind: 'models' }, exchange: Exchange): Promise<void> {
    const { method } = exchange.request;
    const body = method === 'POST' ? await readJsonBody(exchange.request, deps.options.bodyBytesMax) : undefined;
    await serveModels(deps, exchange, route, body);
    simple(exchange, 'ok');
  }

  async function countTokens(exchange: Exchange): Promise<void> {
    const counted = countAnthropicTokens(await readJsonBody(exchange.request, deps.options.bodyBytesMax));
    sendBody(exchange, 200, json, counted.body, { 'x-selfhost-notice': headerText(counted.notices.join('; ')) });
    simple(exchange, 'ok');
  }

  async function feedback(exchange: Exchange): Promise<void> {
    serveFeedback(deps, exchange, await readJsonBody(exchange.request, deps.options.bodyBytesMax));
    simple(exchange, 'ok');
  }

  async function embed(codec: EmbedCodec, exchange: Exchange): Promise<void> {
    const body = await readJsonBody(exchange.request, deps.options.bodyBytesMax);
    await exchange.caller.enter();
    deps.admission.enter(exchange.tenant);
    try {
      const served = await serveEmbeddings(
        { router: deps.router, pinEmbed: (request) => deps.pinner.pinEmbed(request) },
        exchange,
        codec,
        body,
      );
      simple(exchange, 'ok', served);
    } finally {
      deps.admission.leave(exchange.tenant);
    }
  }

  function preflight(exchange: Exchange): void {
    const wanted = exchange.request.headers['access-control-request-headers'];
    exchange.response.writeHead(204, {
      ...exchange.cors,
      ...preflightHeaders,
      ...(wanted !== undefined && { 'access-control-allow-headers': wanted }),
    });
    exchange.response.end();
  }

  /** An error before any answer was under way. */
  function refuse(exchange: Exchange, thrown: unknown): void {
    const error = toAppError(thrown);
    if (error.code === 'internal')
      logger.error({ err: thrown, requestId: exchange.requestId }, 'request failed inside the gateway');
    const { request, response } = exchange;
    if (response.headersSent) return void response.destroy();
    const encoded = exchange.encodeError(error, exchange.requestId);
    // A request without a body is whole though Node has not said so yet.
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
    const unread = hasBody && !request.complete;
    sendBody(exchange, encoded.status, json, encoded.body, {
      ...(error.retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) }),
      // What is left of the body is read and dropped, and the connection is not used again.
      ...(error.code === 'method_not_allowed' && {
        allow: findRoute(request.url!, request.headers).methods.join(', '),
      }),
      ...(unread && { connection: 'close' }),
      // Anthropic's client would try a 501 again, and get it again.
      ...(error.code === 'not_implemented' && { 'x-should-retry': 'false' }),
    });
    if (unread) request.resume();
    simple(exchange, error.outcome, undefined, error, encoded.status);
  }

  /** Counts a request that had no answer writer. */
  function simple(
    exchange: Exchange,
    outcome: AppError['outcome'] | 'ok',
    served?: { readonly model: string; readonly thinker: string; readonly promptTokens: number },
    error?: AppError,
    status = 200,
  ): void {
    const facts = {
      route: exchange.route,
      model: served?.model ?? '',
      stream: false,
      cache: served === undefined ? undefined : ('bypass' as const),
      outcome,
      totalMs: clock.monotonicMs() - exchange.startedMs,
      ttftMs: undefined,
      promptTokens: served?.promptTokens ?? 0,
      completionTokens: 0,
    };
    if (exchange.route === 'other' && error === undefined) return; // probes and lists would drown what people ask
    deps.requestMetrics.finished({ ...facts, evalNs: 0 });
    deps.requestLog.add({
      ...facts,
      id: exchange.requestId,
      at: exchange.receivedAt,
      tenant: exchange.tenant,
      thinker: served?.thinker,
      entryId: undefined,
      similarity: undefined,
      status,
      error: error === undefined ? undefined : `${error.code}: ${error.message}`,
      steps: undefined,
    });
  }
}

const joinNotices = (a: readonly string[], b: readonly string[]): readonly string[] =>
  a.length === 0 ? b : b.length === 0 ? a : [...a, ...b];
