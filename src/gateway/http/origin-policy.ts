/**
 * Keeps other people's web pages out. A page may reach a server on the visitor's own machine, by
 * name (DNS rebinding) or by a cross-site request; without API keys nothing else would stop it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { AppError } from '../../core/errors.ts';

export interface OriginPolicyOptions {
  /** With keys a foreign page cannot ask: it has none. */
  readonly keysRequired: () => boolean;
  readonly corsOrigins: readonly string[];
}

export interface OriginPolicy {
  /** @returns CORS headers to send, or undefined for a request that comes from no page. @throws forbidden */
  check(headers: IncomingHttpHeaders): Readonly<Record<string, string>> | undefined;
}

const localSchemes = /^(app|file|tauri|vscode-webview|vscode-file|capacitor):\/\//;

export function createOriginPolicy(options: OriginPolicyOptions): OriginPolicy {
  const allowed = new Set(options.corsOrigins);
  const allowAll = allowed.has('*');
  return {
    check(headers) {
      if (!options.keysRequired() && !isLocalHost(headers.host)) {
        throw new AppError(
          'forbidden',
          `the Host header \`${headers.host}\` is not an address of this machine; call it by IP address or localhost, or configure API keys`,
        );
      }
      const origin = headers.origin;
      if (origin === undefined) return undefined;
      if (!allowAll && !allowed.has(origin) && !isLocalOrigin(origin)) {
        throw new AppError(
          'forbidden',
          `pages of ${origin} may not call this gateway; add it to gateway.corsOrigins to allow them`,
        );
      }
      return {
        'access-control-allow-origin': origin,
        vary: 'Origin',
        'access-control-expose-headers':
          'x-selfhost-cache, x-selfhost-similarity, x-selfhost-entry, x-selfhost-thinker, x-selfhost-bypass, x-selfhost-request-id, x-selfhost-notice, age',
      };
    },
  };
}

export const preflightHeaders = {
  'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
  'access-control-max-age': '600',
} as const;

function isLocalHost(host: string | undefined): boolean {
  if (host === undefined) return true; // HTTP/1.0 clients; browsers always send it
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d+$/, '');
  return name === 'localhost' || isIP(name) !== 0 || /\.(localhost|local|internal)$/.test(name);
}

function isLocalOrigin(origin: string): boolean {
  if (localSchemes.test(origin)) return true;
  try {
    const { hostname } = new URL(origin);
    return (
      hostname === 'localhost' ||
      hostname === '[::1]' ||
      hostname === '0.0.0.0' ||
      /^127(\.\d{1,3}){3}$/.test(hostname) ||
      hostname.endsWith('.localhost')
    );
  } catch {
    return false;
  }
}
