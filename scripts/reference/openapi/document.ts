/** Parts of an OpenAPI 3.1 document that both ports share. */
import type { JsonValue } from '../../../src/core/json.ts';
import { errorTable, type ErrorCode } from '../../../src/core/errors.ts';
import { version } from '../../../src/version.ts';

export type Json = Readonly<Record<string, JsonValue>>;

export interface Operation {
  /** With `{name}` where the route has a parameter. */
  readonly path: string;
  readonly method: string;
  readonly operation: Json;
}

export interface DocumentParts {
  readonly title: string;
  readonly description: string;
  readonly serverUrl: string;
  readonly operations: readonly Operation[];
  readonly components: Json;
}

export function openApiDocument({ title, description, serverUrl, operations, components }: DocumentParts): string {
  const paths: Record<string, Record<string, JsonValue>> = {};
  for (const { path, method, operation } of operations) (paths[path] ??= {})[method.toLowerCase()] = operation;
  const document = {
    openapi: '3.1.1',
    info: {
      title,
      version,
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: serverUrl, description: 'unless configured otherwise' }],
    paths,
    components,
  };
  return `${printed(document, 0)}\n`;
}

/** As deep as the methods of a path: each of them on one line, so that a change is one line. */
const depthMax = 3;

function printed(value: JsonValue, depth: number): string {
  if (depth === depthMax || value === null || typeof value !== 'object' || Array.isArray(value))
    return JSON.stringify(value);
  const pad = '  '.repeat(depth + 1);
  const lines = Object.entries(value).map(
    ([key, inner]) => `${pad}${JSON.stringify(key)}: ${printed(inner, depth + 1)}`,
  );
  return `{\n${lines.join(',\n')}\n${'  '.repeat(depth)}}`;
}

export const templated = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

/** `GET /api/requests/{id}/why` becomes `getApiRequestsIdWhy`. */
export function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const named = words.length === 0 ? ['root'] : words;
  return method.toLowerCase() + named.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
}

export function pathParameters(path: string): JsonValue[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name!,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

export const reference = (kind: string, name: string): Json => ({ $ref: `#/components/${kind}/${name}` });

/** One response for each status that these codes have; docs/reference/errors.md says what each means. */
export function errorResponses(codes: readonly ErrorCode[], schemaName: string): Record<string, JsonValue> {
  const byStatus = Map.groupBy([...new Set(codes)], (code) => errorTable[code].status);
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([a], [b]) => a - b)
      .map(([status, among]) => [
        String(status),
        {
          description: among.join(', '),
          'x-selfhost-error-codes': among,
          ...(among.some((code) => errorTable[code].retryable) && {
            headers: { 'retry-after': reference('headers', 'retry-after') },
          }),
          content: { 'application/json': { schema: reference('schemas', schemaName) } },
        },
      ]),
  );
}

export const retryAfterHeader: Json = {
  description: 'Seconds after which another try may help.',
  schema: { type: 'integer', minimum: 0 },
};

export const text = { type: 'string' } as const;
