/** One request and its reply: what every handler needs, made once. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CacheDirectives, ThinkerKind } from '../core/chat.ts';
import type { RequestId, TenantId } from '../core/ids.ts';
import type { Caller } from '../keys/caller.ts';
import type { EpochMs } from '../core/units.ts';
import type { ErrorEncoder } from './dialects/dialect.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: RequestId;
  readonly route: string;
  readonly tenant: TenantId;
  readonly caller: Caller;
  readonly receivedAt: EpochMs;
  readonly startedMs: number;
  readonly cors: Readonly<Record<string, string>> | undefined;
  readonly encodeError: ErrorEncoder;
}

/** `Cache-Control` of the request. Only what concerns us is read; the rest is for caches between. */
export function cacheDirectives(header: string | undefined): CacheDirectives {
  if (header === undefined) return defaultDirectives;
  const text = header.toLowerCase();
  const mode = text.includes('no-store') ? 'no-store' : text.includes('no-cache') ? 'no-cache' : 'default';
  const maxAge = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,9})/.exec(text);
  return maxAge === null ? { mode } : { mode, maxAgeS: Number(maxAge[1]) };
}

/** Of keys whose answers are neither taken from the cache nor put there. */
export const noStore: CacheDirectives = { mode: 'no-store' };
const defaultDirectives: CacheDirectives = { mode: 'default' };

export function sendBody(
  exchange: Exchange,
  status: number,
  contentType: string,
  body: string,
  extra?: Readonly<Record<string, string>>,
): void {
  exchange.response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-selfhost-request-id': exchange.requestId,
    ...exchange.cors,
    ...extra,
  });
  exchange.response.end(exchange.request.method === 'HEAD' ? undefined : body);
}

export const json = 'application/json; charset=utf-8';

/** Header values are Latin-1 without controls; longer notices are cut rather than refused by clients. */
const headerTextMax = 1000;
export const headerText = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, headerTextMax);

/** `x-selfhost-thinker`: made-up answers are never to be taken for real ones. */
export const thinkerLabel = (name: string, kind: ThinkerKind): string =>
  kind === 'simulated' ? `${headerText(name)} (simulated)` : headerText(name);
