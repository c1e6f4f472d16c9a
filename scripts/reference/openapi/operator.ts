/** docs/reference/openapi-operator.json, from the routes of the operator port and the schemas of what they read. */
import { z } from 'zod';
import { adminRoutes, type AdminRoute } from '../../../src/admin/app.ts';
import { managementRoutes } from '../../../src/admin/management.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import type { JsonValue } from '../../../src/core/json.ts';
import {
  errorResponses,
  openApiDocument,
  operationId,
  pathParameters,
  retryAfterHeader,
  templated,
  text,
  type Json,
  type Operation,
} from './document.ts';
import { operatorRouteFacts, queryParameters, type RouteFacts } from './operator-facts.ts';

export function operatorOpenApi(): string {
  const known = new Set(adminRoutes.map(({ method, path }) => `${method} ${path}`));
  const unknown = Object.keys(operatorRouteFacts).filter((route) => !known.has(route));
  if (unknown.length > 0) throw new Error(`no such route: ${unknown.join(', ')}`);
  return openApiDocument({
    title: 'llm-self-host: operator port',
    description:
      'What the operator sees and does. HEAD is taken wherever GET is. JSON that is read carries an `etag`, and 304 ' +
      'answers whoever has it already. Every POST and DELETE is written to the audit log. Pages of other origins are refused.',
    serverUrl: 'http://127.0.0.1:11436',
    operations: [...adminRoutes.map(ownOperation), ...managementRoutes.flatMap(managementOperations)],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The operator key or the viewer key.' },
        basic: {
          type: 'http',
          scheme: 'basic',
          description: 'The same key as the password: how a browser asks for it.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'selfhost_session_11436',
          description: 'What a login at the page sets; the number is the port.',
        },
        scrapeToken: { type: 'http', scheme: 'bearer', description: 'telemetry.metricsTokenFile; opens nothing else.' },
      },
      headers: { 'retry-after': retryAfterHeader },
      schemas,
    },
  });
}

function ownOperation(route: AdminRoute): Operation {
  const facts = operatorRouteFacts[`${route.method} ${route.path}`];
  if (facts === undefined) throw new Error(`${route.method} ${route.path} has no summary`);
  const path = templated(route.path);
  return {
    path,
    method: route.method,
    operation: {
      operationId: operationId(route.method, path),
      summary: facts.summary,
      tags: [tagOf(path)],
      'x-selfhost-role': roleOf(route),
      security: securityOf(route),
      parameters: [...pathParameters(path), ...(facts.query ?? []).map((name) => queryParameters[name])],
      ...(route.body !== undefined && {
        requestBody: { required: true, content: { 'application/json': { schema: jsonSchemaOf(route.body) } } },
      }),
      responses: { ...success(facts), ...errorResponses(codesOf(route, facts), 'Error') },
    },
  };
}

/** Ollama's own, to the thinkers of the operator. */
function managementOperations({ path: pattern, methods }: (typeof managementRoutes)[number]): Operation[] {
  const path = templated(pattern);
  const blob = path.startsWith('/api/blobs/');
  return methods.map((method) => ({
    path,
    method,
    operation: {
      operationId: operationId(method, path),
      summary: blob ? 'Ollama’s, to one thinker.' : 'Ollama’s, to all thinkers of yours, one after the other.',
      tags: ['thinkers'],
      'x-selfhost-role': 'operator',
      security: keyed,
      parameters: [...pathParameters(path), queryParameters.thinker],
      ...(method !== 'HEAD' && {
        requestBody: {
          required: true,
          content: blob
            ? { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
            : { 'application/json': { schema: { type: 'object', additionalProperties: true } } },
        },
      }),
      responses: {
        '200': { description: 'As Ollama answers it.' },
        ...errorResponses(
          [
            'bad_request',
            'unauthorized',
            'forbidden',
            'operator_only',
            'body_too_large',
            'upstream_failed',
            'no_thinker_ready',
            'internal',
          ],
          'ManagementError',
        ),
      },
    },
  }));
}

const keyed: JsonValue = [{}, { bearer: [] }, { basic: [] }, { session: [] }];

function securityOf({ path, for: whom }: AdminRoute): JsonValue {
  if (path === '/healthz' || whom === 'strangers') return [];
  return path === '/metrics' ? [...(keyed as JsonValue[]), { scrapeToken: [] }] : keyed;
}

function roleOf({ method, path, for: whom }: AdminRoute): string {
  if (path === '/healthz' || whom === 'strangers') return 'anyone';
  return method === 'GET' || whom === 'viewers' ? 'viewer' : 'operator';
}

function tagOf(path: string): string {
  const [, first = '', second = ''] = path.split('/');
  return first === 'api' ? second : first === '' || first === 'plain' || first === 'requests' ? 'pages' : 'health';
}

function success({ status = 200, contentType = 'application/json', summary }: RouteFacts): Record<string, JsonValue> {
  const json = contentType === 'application/json';
  return {
    [status]: {
      description: summary,
      content: { [contentType]: { schema: json ? { type: 'object' } : text } },
    },
  };
}

function codesOf(route: AdminRoute, { codes = [], query = [] }: RouteFacts): ErrorCode[] {
  if (route.path === '/healthz') return [];
  const closed: ErrorCode[] = route.for === 'strangers' ? ['forbidden'] : ['unauthorized', 'forbidden'];
  return [
    ...(route.body !== undefined ? (['bad_request', 'body_too_large'] as const) : []),
    ...(query.length > 0 ? (['bad_request'] as const) : []),
    ...closed,
    ...codes,
    'internal',
  ];
}

/** What is sent, before defaults and transformations. */
function jsonSchemaOf(schema: z.ZodType): JsonValue {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest as unknown as JsonValue;
}

const schemas: Json = {
  Error: {
    type: 'object',
    properties: {
      error: { type: 'object', properties: { code: text, message: text }, required: ['code', 'message'] },
    },
    required: ['error'],
  },
  ManagementError: { type: 'object', properties: { error: text, code: text }, required: ['error', 'code'] },
};
