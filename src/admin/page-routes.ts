/** The pages: the dashboard, and the plain one for those without scripts. */
import type { AdminContext } from './admin-deps.ts';
import type { PageFile } from './admin-types.ts';
import { sendBytes, sendText, type Exchange } from './http.ts';
import { renderStatusPage, statusPagePolicy } from './status-page.ts';

/** Every one is the same file; the address is read by the page itself. */
export const dashboardPaths = [
  '/',
  '/login',
  '/savings',
  '/requests',
  '/cache',
  '/fleet',
  '/what-if',
  '/alerts',
  '/settings',
] as const;

/** Only files of ours run, and they speak to nobody but this port. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Of the dashboard's files; undefined for a path that is not one of them. */
export async function findPageFile({ dashboard }: AdminContext, path: string): Promise<PageFile | undefined> {
  if ((dashboardPaths as readonly string[]).includes(path)) return await dashboard?.file('index.html');
  return path.startsWith('/assets/') ? await dashboard?.file(path.slice('/assets/'.length)) : undefined;
}

export function sendPageFile(exchange: Exchange, { contentType, body, gzip, etag, isImmutable }: PageFile): void {
  const zipped = /\bgzip\b/.test(exchange.request.headers['accept-encoding'] ?? '') ? gzip : undefined;
  sendBytes(exchange, {
    contentType,
    body: zipped ?? body,
    headers: {
      'content-security-policy': pagePolicy,
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      // A file whose name says what is in it never changes; the others are asked for again.
      'cache-control': isImmutable ? 'private, max-age=31536000, immutable' : 'no-cache',
      etag,
      vary: 'accept-encoding',
      ...(zipped && { 'content-encoding': 'gzip' }),
    },
  });
}

/** Enough for the eye; `/api/requests` has the rest. */
const pageRequests = 20;

export function showPlainPage(exchange: Exchange, { facts, clock }: AdminContext): void {
  sendText(exchange, {
    contentType: 'text/html; charset=utf-8',
    body: renderStatusPage({ status: facts.status(), requests: facts.requests(pageRequests), now: clock.now() }),
    headers: { 'content-security-policy': statusPagePolicy },
  });
}
