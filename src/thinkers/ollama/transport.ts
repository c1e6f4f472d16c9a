/** HTTP to one thinker: connection pools, headers, TLS pinning, and which failures are only an old socket. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { Dispatcher } from 'undici';
// The dispatchers alone: all of undici would cost 14 MB and 60 ms at start for fetch, WebSocket and caches.
import buildConnector from 'undici/lib/core/connect.js';
import Client from 'undici/lib/dispatcher/client.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import { AppError } from '../../core/errors.ts';
import { codeOf } from './upstream-errors.ts';

export interface ThinkerTls {
  /** Certificates to trust instead of the system's. */
  readonly ca?: string;
  /** Name expected in the certificate, where it is not the host of the URL. */
  readonly servername?: string;
  /**
   * SHA-256 of the server's public key (SPKI, DER), base64. Takes the place of the certificate chain:
   * a rented host has an address but no name, and its key survives a new certificate.
   */
  readonly pinSha256?: string;
}

export interface TransportOptions {
  /** `http(s)://host:port`, with or without a path prefix. */
  readonly url: string;
  readonly bearer?: string;
  readonly tls?: ThinkerTls;
  readonly connectTimeoutMs: number;
  /** Sockets for answers. */
  readonly answerSocketsMax: number;
}

export interface TransportRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Without the URL's prefix. */
  readonly path: string;
  readonly body?: Dispatcher.DispatchOptions['body'];
  readonly contentType?: string | undefined;
  /** `answers` for what holds a lease; `control` for probes and management, which must not wait behind answers. */
  readonly lane: 'answers' | 'control';
}

export interface Transport {
  readonly authenticated: boolean;
  dispatch(request: TransportRequest, handler: Dispatcher.DispatchHandler): void;
  /** The same on a socket of its own, opened for it and closed after it. */
  dispatchFresh(request: TransportRequest, handler: Dispatcher.DispatchHandler): void;
  /** The socket had served before and went away: the server closed it while our request was on its way. */
  isStaleSocket(error: Error): boolean;
  /** Ends all calls at once. */
  close(): Promise<void>;
}

/**
 * Ollama never closes an idle socket and common proxies do so after a minute or more; servers that announce
 * their time (Node's do: 5 s) are followed, a second before it. Longer than the pause between two probes, so
 * that a quiet thinker behind TLS is not greeted anew by each.
 */
const keepAliveMs = 15_000;
const keepAliveMaxMs = 30_000;
/** A machine that vanished without a word is noticed by the kernel after this silence, and not only by our timers. */
const tcpKeepAliveMs = 15_000;
/** Probes, `show` and a few management calls side by side; more wait their turn. */
const controlSocketsMax = 8;

/** @throws config_invalid when the URL cannot be one */
export function createTransport(options: TransportOptions): Transport {
  const url = parseUrl(options.url);
  const prefix = url.pathname.replace(/\/+$/, '');
  const staleErrors = new WeakSet<Error>();
  const connect = connector(options, staleErrors);
  const shared = {
    connect,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMaxMs,
  };
  const pools = {
    answers: new Pool(url.origin, { ...shared, connections: options.answerSocketsMax }),
    control: new Pool(url.origin, { ...shared, connections: controlSocketsMax }),
  };
  const authorization = options.bearer === undefined ? [] : ['authorization', `Bearer ${options.bearer}`];
  const plainHeaders = authorization;
  const jsonHeaders = ['content-type', 'application/json', ...authorization];

  const encode = (request: TransportRequest): Dispatcher.DispatchOptions => ({
    method: request.method,
    path: prefix === '' ? request.path : prefix + request.path,
    body: request.body ?? null,
    headers:
      request.contentType === undefined
        ? plainHeaders
        : request.contentType === 'application/json'
          ? jsonHeaders
          : ['content-type', request.contentType, ...authorization],
  });

  const fresh = new Set<Client>();
  let closed = false;
  return {
    authenticated: options.bearer !== undefined,
    dispatch(request, handler) {
      pools[request.lane].dispatch(encode(request), handler);
    },
    dispatchFresh(request, handler) {
      const client = new Client(url.origin, shared);
      fresh.add(client);
      client.dispatch({ ...encode(request), reset: true }, handler);
      const forget = () => void fresh.delete(client);
      client.close().then(forget, forget);
    },
    isStaleSocket(error) {
      if (closed) return false;
      if (staleErrors.has(error)) return true;
      if (codeOf(error) !== 'UND_ERR_SOCKET' || !('socket' in error)) return false;
      const socket = error.socket as { readonly bytesRead?: number } | null;
      return (socket?.bytesRead ?? 0) > 0;
    },
    async close() {
      closed = true;
      const clients: (Pool | Client)[] = [pools.answers, pools.control, ...fresh];
      await Promise.all(clients.map((client) => client.destroy()));
    },
  };
}

/** Adds to undici's connector: the pin is compared before a byte is written, and errors of used sockets are marked. */
function connector(options: TransportOptions, staleErrors: WeakSet<Error>): buildConnector.connector {
  const { ca, servername, pinSha256 } = options.tls ?? {};
  const base = buildConnector({
    timeout: options.connectTimeoutMs,
    allowH2: false,
    keepAlive: true,
    keepAliveInitialDelay: tcpKeepAliveMs,
    ...(ca !== undefined && { ca }),
    ...(servername !== undefined && { servername }),
    // A resumed session shows no certificate, so a pinned connection always does the full handshake.
    ...(pinSha256 !== undefined && { rejectUnauthorized: false, maxCachedSessions: 0 }),
  });
  return (target, callback) => {
    base(target, (...result) => {
      const socket = result[1];
      if (!socket) return callback(...result);
      if (pinSha256 !== undefined && !hasPinnedKey(socket, pinSha256)) {
        socket.destroy();
        const host = `${target.hostname}:${target.port}`;
        return callback(
          new AppError('wrong_thinker_key', `the TLS key of ${host} is not the pinned one; nothing was sent to it`),
          null,
        );
      }
      socket.on('error', (error: Error) => {
        const code = codeOf(error);
        if (socket.bytesRead > 0 && (code === 'ECONNRESET' || code === 'EPIPE')) staleErrors.add(error);
      });
      callback(null, socket);
    });
  };
}

function hasPinnedKey(socket: unknown, pinSha256: string): boolean {
  if (!(socket instanceof TLSSocket)) return false;
  const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
  if (key === undefined) return false;
  const seen = createHash('sha256').update(key).digest();
  const pinned = Buffer.from(pinSha256, 'base64');
  return seen.length === pinned.length && timingSafeEqual(seen, pinned);
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new AppError('config_invalid', `thinker URL is \`${text}\`; expected http://host:port or https://host:port`);
}
