/** docs/reference/openapi-gateway.json, from the table of routes that the gateway serves by. */
import type { ErrorCode } from '../../../src/core/errors.ts';
import type { JsonValue } from '../../../src/core/json.ts';
import { gatewayRoutes, type Route } from '../../../src/gateway/routes.ts';
import {
  errorResponses,
  openApiDocument,
  operationId,
  pathParameters,
  reference,
  retryAfterHeader,
  templated,
  text,
  type Json,
} from './document.ts';

export function gatewayOpenApi(): string {
  const unknown = Object.keys(summaries).filter((path) => !gatewayRoutes.some((route) => route.path === path));
  if (unknown.length > 0) throw new Error(`no such route: ${unknown.join(', ')}`);
  return openApiDocument({
    title: 'llm-self-host: gateway',
    description:
      'One endpoint for Ollama, OpenAI and Anthropic clients. Bodies of the three dialects are those of their own ' +
      'documentation; docs/api.md says where this gateway differs. HEAD is taken wherever GET is.',
    serverUrl: 'http://127.0.0.1:11435',
    operations: gatewayRoutes.flatMap((route) =>
      route.methods
        .filter((method) => method !== 'HEAD' || !route.methods.includes('GET'))
        .map((method) => ({ path: templated(route.path), method, operation: operationOf(route, method) })),
    ),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key. Without keys, any is taken, on loopback.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
      headers: Object.fromEntries(
        Object.entries({ ...headers, 'retry-after': retryAfterHeader }).map(([name, header]) => [name, header]),
      ),
      schemas,
    },
  });
}

function operationOf(route: Route, method: string): Json {
  const path = templated(route.path);
  const summary = summaries[route.path];
  if (summary === undefined) throw new Error(`${route.path} has no summary`);
  return {
    operationId: operationId(method, path),
    summary,
    tags: [route.kind === 'feedback' ? 'ours' : route.dialect],
    security: [{}, { bearer: [] }, { apiKey: [] }],
    parameters: [...pathParameters(path), ...requestHeaders(route)],
    ...bodyOf(route),
    responses: { ...success(route), ...errorResponses(codesOf(route), errorSchemas[route.dialect]) },
  };
}

const errorSchemas = { ollama: 'OllamaError', openai: 'OpenAiError', anthropic: 'AnthropicError' } as const;

function requestHeaders({ kind }: Route): JsonValue[] {
  if (kind !== 'answer') return [];
  return [
    {
      name: 'cache-control',
      in: 'header',
      description:
        '`no-store`: nothing is looked up or stored. `no-cache`: asked afresh. `max-age=SECONDS`: not older.',
      schema: text,
    },
  ];
}

function bodyOf(route: Route): Json {
  if (route.kind === 'feedback') return body(reference('schemas', 'Feedback'));
  const asks = route.kind === 'answer' || route.kind === 'embed' || route.kind === 'count-tokens';
  const shows = route.kind === 'models' && route.action === 'show';
  return asks || shows ? body(reference('schemas', 'ModelRequest')) : {};
}

const body = (schema: Json): Json => ({ requestBody: { required: true, content: { 'application/json': { schema } } } });

function success(route: Route): Record<string, JsonValue> {
  if (route.kind === 'operator-only' || route.kind === 'refused' || route.kind === 'unknown') return {};
  const named = (names: readonly string[]) =>
    Object.fromEntries(names.map((name): [string, JsonValue] => [name, reference('headers', name)]));
  const ordinary = { 'x-selfhost-request-id': reference('headers', 'x-selfhost-request-id') };
  const plain = { schema: { type: 'object' } };
  if (route.kind === 'answer')
    return {
      '200': {
        description: 'The answer: whole, or as a stream where the request asks for one.',
        headers: named(Object.keys(headers).filter((name) => name !== 'x-selfhost-gateway')),
        content: {
          'application/json': plain,
          [route.dialect === 'ollama' ? 'application/x-ndjson' : 'text/event-stream']: { schema: text },
        },
      },
    };
  if (route.kind === 'models' && route.action === 'root')
    return { '200': { description: 'It runs.', headers: ordinary, content: { 'text/plain': { schema: text } } } };
  const more = route.kind === 'embed' ? ['x-selfhost-cache', 'x-selfhost-thinker'] : [];
  return {
    '200': {
      description: 'OK',
      headers: { ...ordinary, ...named(more) },
      content: { 'application/json': plain },
    },
  };
}

const everywhere: readonly ErrorCode[] = ['unauthorized', 'forbidden', 'internal', 'shutting_down'];
const withBody: readonly ErrorCode[] = ['bad_request', 'request_timeout', 'body_too_large'];
const byThinker: readonly ErrorCode[] = [
  'unsupported',
  'upstream_rejected',
  'budget_exhausted',
  'model_not_found',
  'rate_limited',
  'upstream_failed',
  'wrong_thinker_key',
  'upstream_broken_stream',
  'upstream_busy',
  'queue_full',
  'no_thinker_ready',
  'timeout_connect',
  'timeout_first_token',
  'timeout_stall',
  'timeout_total',
  'timeout_queue',
];

function codesOf(route: Route): readonly ErrorCode[] {
  switch (route.kind) {
    case 'answer':
    case 'embed':
      return [...everywhere, ...withBody, ...byThinker];
    case 'count-tokens':
      return [...everywhere, ...withBody, 'unsupported'];
    case 'feedback':
      return [...everywhere, ...withBody, 'request_not_found', 'not_a_hit', 'rate_limited'];
    case 'models':
      return route.action === 'show' || route.action === 'one'
        ? [...everywhere, ...(route.action === 'show' ? withBody : []), 'model_not_found', 'upstream_failed']
        : everywhere;
    case 'operator-only':
      return [...everywhere, 'operator_only'];
    case 'refused':
      return [...everywhere, route.code];
    case 'unknown':
      return [...everywhere, 'route_not_found'];
  }
}

const summaries: Readonly<Record<string, string>> = {
  '/api/chat': 'Answers messages. Streams unless told not to.',
  '/api/generate': 'Answers a prompt. Streams unless told not to.',
  '/v1/chat/completions': 'Answers messages.',
  '/v1/completions': 'Answers a prompt.',
  '/v1/responses': 'Answers input items, and keeps nothing between calls.',
  '/v1/messages': 'Answers messages.',
  '/api/embed': 'Embeddings of one or more texts.',
  '/api/embeddings': 'Embedding of one text, in the older form.',
  '/v1/embeddings': 'Embeddings of one or more texts.',
  '/': 'Says that it runs.',
  '/api/version': 'The lowest version among the thinkers.',
  '/api/status': 'Says that features of Ollama’s cloud are off.',
  '/api/tags': 'Models of all thinkers.',
  '/api/ps': 'Models that are loaded now.',
  '/api/show': 'Facts of one model.',
  '/v1/models': 'Models of all thinkers; in Anthropic’s shape where `anthropic-version` is sent.',
  '/v1/models/:model': 'One model; in Anthropic’s shape where `anthropic-version` is sent.',
  '/v1/messages/count_tokens': 'Estimates the tokens of a request.',
  '/cache/feedback': 'Says of a stored answer that it was right or wrong.',
  '/api/pull': 'Refused: the operator port has it.',
  '/api/push': 'Refused: the operator port has it.',
  '/api/create': 'Refused: the operator port has it.',
  '/api/copy': 'Refused: the operator port has it.',
  '/api/delete': 'Refused: the operator port has it.',
  '/api/blobs/:digest': 'Refused: the operator port has it.',
  '/api/me': 'Refused: there are no accounts of Ollama’s cloud here.',
  '/api/signout': 'Refused: there are no accounts of Ollama’s cloud here.',
  '/v1/audio/transcriptions': 'Refused: the thinkers answer text.',
  '/v1/images/generations': 'Refused: the thinkers answer text.',
};

const number = { type: 'number' } as const;
const header = (description: string, schema: Json): Json => ({ description, schema });

/** What the gateway says about an answer. */
export const headers: Readonly<Record<string, Json>> = {
  'x-selfhost-request-id': header('On every answer, errors too: `llm-self-host why ID` explains it.', text),
  'x-selfhost-cache': header('Where the answer came from.', {
    type: 'string',
    enum: ['exact', 'semantic', 'coalesced', 'miss', 'bypass'],
  }),
  'x-selfhost-similarity': header('Cosine between this question and the stored one.', number),
  'x-selfhost-entry': header('Id of the stored answer.', text),
  'x-selfhost-semantic': header('How far other wordings may be served, where they were compared.', text),
  'x-selfhost-bypass': header('Why the cache was not asked.', text),
  'x-selfhost-thinker': header('Who answered; `(simulated)` behind the name where no model ran.', text),
  'x-selfhost-cost-usd': header('What the thinker’s time cost; absent where that is not known.', number),
  'x-selfhost-saved-usd': header('What a stored or shared answer would have cost; absent where unpriced.', number),
  'x-selfhost-notice': header('What the request asked for and does not get.', text),
  'x-selfhost-gateway': header('Marks a gateway of ours, on lists of models.', text),
  age: header('Seconds since the answer was stored.', { type: 'integer', minimum: 0 }),
};

const object = (properties: Json, required: readonly string[], more: Json = {}): Json => ({
  type: 'object',
  properties,
  required: [...required],
  ...more,
});

const schemas: Json = {
  ModelRequest: object({ model: text }, ['model'], {
    description: 'In the words of the dialect; docs/api.md names the fields that differ.',
    additionalProperties: true,
  }),
  Feedback: object(
    {
      requestId: { type: 'string', description: 'from `x-selfhost-request-id`' },
      verdict: { enum: ['right', 'wrong'] },
    },
    ['requestId', 'verdict'],
    { additionalProperties: false },
  ),
  OllamaError: object({ error: text }, ['error']),
  OpenAiError: object(
    {
      error: object(
        { message: text, type: text, param: { type: ['string', 'null'] }, code: { type: ['string', 'null'] } },
        ['message', 'type'],
      ),
    },
    ['error'],
  ),
  AnthropicError: object(
    { type: { const: 'error' }, error: object({ type: text, message: text }, ['type', 'message']), request_id: text },
    ['type', 'error'],
  ),
};
