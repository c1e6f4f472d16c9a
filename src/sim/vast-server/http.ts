/** HTTP manners of the market's API. Its official client reads nothing whose type is not exactly this. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject, JsonValue } from '../../core/json.ts';

export const jsonType = 'application/json';

/** Create bodies carry a script of 4 kB and an environment of 32 kB at most. */
const bodyBytesMax = 256 * 1024;

/** An answer other than 200: `{"success":false,"error":slug,"msg":words}`. */
export class ApiError extends Error {
  readonly status: number;
  readonly slug: string;

  constructor(status: number, slug: string, words: string) {
    super(words);
    this.status = status;
    this.slug = slug;
  }
}

export function sendJson(response: ServerResponse, status: number, value: JsonValue): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': jsonType, 'content-length': body.length });
  response.end(body);
}

export function sendText(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendError(response: ServerResponse, error: ApiError): void {
  sendJson(response, error.status, { success: false, error: error.slug, msg: error.message });
}

/** @throws ApiError 400 `Invalid json body`; an empty body is an empty object */
export async function readBody(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new ApiError(413, 'invalid_request', 'Request body too large');
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  return parseObject(Buffer.concat(chunks).toString('utf8'));
}

export function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ApiError(400, 'invalid_args', 'Invalid json body');
  return value as JsonObject;
}

/** The client sends most numbers as strings. */
export function numberOf(value: JsonValue | undefined): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export const textOf = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** Any value as one word, for keys and comparisons. */
export const wordOf = (value: JsonValue | undefined): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value ?? '');
