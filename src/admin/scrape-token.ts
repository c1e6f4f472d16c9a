/** A token of its own for whoever collects metrics: it opens `/metrics` and nothing else. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** @returns whether a request may read the metrics by its token; without one configured, none may. */
export function createScrapeToken(sha256: string | undefined): (request: IncomingMessage) => boolean {
  if (sha256 === undefined) return () => false;
  const expected = Buffer.from(sha256, 'hex');
  return ({ method, url, headers }) => {
    if ((method !== 'GET' && method !== 'HEAD') || !/^\/metrics(\?|$)/.test(url ?? '')) return false;
    const [, token] = /^bearer +(\S+)\s*$/i.exec(headers.authorization ?? '') ?? [];
    return token !== undefined && timingSafeEqual(createHash('sha256').update(token).digest(), expected);
  };
}
