/** Reading and answering requests of the operator port. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../core/errors.ts';
import type { JsonValue } from '../core/json.ts';
import type { Visitor } from './guard.ts';

/** One request on its way through the operator port. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** undefined for a stranger, whom few routes answer. */
  visitor: Visitor | undefined;
  /** What the audit log says beside the route, where that is not enough. */
  readonly audit: { detail?: string };
}

/** Answers with these headers: nothing here is for caches, frames or guessing browsers. */
const baseHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
} as const;

export interface TextReply {
  readonly status?: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const sendText = (exchange: Exchange, { body, ...reply }: TextReply): void =>
  sendBytes(exchange, { ...reply, body: Buffer.from(body) });

/** HEAD gets the same head and no body; who has the same already gets the head alone. */
export function sendBytes(
  { request, response }: Exchange,
  { status = 200, contentType, body, headers }: Omit<TextReply, 'body'> & { readonly body: Buffer },
): void {
  if (response.headersSent || response.destroyed) return;
  const etag = headers?.['etag'];
  if (status === 200 && etag !== undefined && request.headers['if-none-match'] === etag) {
    response.writeHead(304, { ...baseHeaders, ...headers });
    response.end();
    return;
  }
  response.writeHead(status, {
    ...baseHeaders,
    ...headers,
    'content-type': contentType,
    'content-length': body.length,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
  // A body nobody reads would keep the connection busy.
  if (!request.complete) request.resume();
}

export function sendJson(
  exchange: Exchange,
  value: unknown,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): void {
  const body = `${JSON.stringify(value)}\n`;
  sendText(exchange, {
    status,
    contentType: 'application/json; charset=utf-8',
    body,
    // A page that polls learns with a few bytes that nothing changed.
    headers: isRead(exchange) && status === 200 ? { etag: etagOf(body), ...headers } : headers,
  });
}

const isRead = ({ method }: Exchange): boolean => method === 'GET' || method === 'HEAD';

export const etagOf = (body: string | Buffer): string =>
  `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;

export function sendError(exchange: Exchange, error: AppError, headers: Readonly<Record<string, string>> = {}): void {
  const { code, message, retryAfterMs } = error;
  sendJson(
    exchange,
    { error: { code, message } },
    {
      status: error.status,
      headers: {
        ...headers,
        ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
        // Too much is still coming: the rest is not worth reading.
        ...(code === 'body_too_large' && { connection: 'close' }),
      },
    },
  );
}

/** As Ollama words an error, with our code beside it. */
export function sendManagementError(exchange: Exchange, error: AppError): void {
  sendJson(
    exchange,
    { error: error.message, code: error.code },
    { status: error.status, headers: error.code === 'body_too_large' ? { connection: 'close' } : {} },
  );
}

/** @throws AppError body_too_large | aborted */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const tooLarge = () =>
      new AppError('body_too_large', `the body is larger than ${bytesMax} bytes, the most this route reads`);
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) return reject(tooLarge());
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        request.pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => reject(new AppError('aborted', 'the client left while sending its request')));
    request.on('error', (cause) =>
      reject(new AppError('aborted', 'the client left while sending its request', { cause })),
    );
  });
}

/** @throws AppError bad_request */
export function parseJson(body: Buffer): JsonValue {
  if (body.length === 0) throw new AppError('bad_request', 'missing request body; expected a JSON object');
  try {
    return JSON.parse(body.toString('utf8')) as JsonValue;
  } catch (error) {
    throw new AppError('bad_request', `the body is not valid JSON: ${(error as Error).message}`);
  }
}

/** @throws AppError bad_request */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  { fallback, max }: { readonly fallback: number; readonly max: number },
): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < 1 || value > max) {
    throw new AppError('bad_request', `${name} is \`${text}\`; expected a whole number from 1 to ${max}`);
  }
  return value;
}
