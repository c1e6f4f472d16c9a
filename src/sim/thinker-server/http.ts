/** The few HTTP manners of the simulated server: bodies in, JSON and errors out, as Ollama's router does. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonObject } from '../../core/json.ts';

export const jsonType = 'application/json; charset=utf-8';
export const ndjsonType = 'application/x-ndjson';
export const textType = 'text/plain; charset=utf-8';

/** Images make bodies of tens of MB; beyond this a request is a mistake, and memory is shared with the tests. */
const bodyBytesMax = 256 * 1024 * 1024;

/** An answer other than 200 that a handler chose: thrown, and written by the server. */
export class HttpError extends Error {
  readonly status: number;
  readonly extra: JsonObject | undefined;

  constructor(status: number, message: string, extra?: JsonObject) {
    super(message);
    this.status = status;
    this.extra = extra;
  }
}

/** Calls back with the whole body; never when the connection dies first. */
export function readBody(request: IncomingMessage, done: (body: Buffer | HttpError) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  });
  request.on('end', () => {
    if (bytes > bodyBytesMax) return done(new HttpError(413, `body of ${bytes} bytes is over ${bodyBytesMax}`));
    done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  });
}

/** @throws HttpError 400 with Ollama's words for an empty body, the parser's for a broken one. */
export function parseBody(body: Buffer): JsonObject {
  if (body.length === 0) throw new HttpError(400, 'missing request body');
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new HttpError(400, error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HttpError(400, 'json: cannot unmarshal the body into an object');
  return value as JsonObject;
}

export function sendJson(response: ServerResponse, status: number, value: JsonObject): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': jsonType, 'content-length': body.length });
  response.end(body);
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': textType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendError(response: ServerResponse, error: HttpError): void {
  sendJson(response, error.status, { error: error.message, ...error.extra });
}
