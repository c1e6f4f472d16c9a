/** Logins of people at the page: bounded, in memory, gone with the process. */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { EpochMs } from '../core/units.ts';
import type { Role } from './admin-types.ts';

export interface Session {
  readonly role: Role;
  /** For the audit log; says nothing about the secret. */
  readonly name: string;
}

export interface Sessions {
  /** The session of the cookie, if it is a live one. */
  find(request: IncomingMessage): Session | undefined;
  /** @returns the `set-cookie` header */
  open(role: Role, request: IncomingMessage): string;
  /** @returns the `set-cookie` header that makes a browser forget */
  close(request: IncomingMessage): string;
  /** A secret that logs in once, as the operator, soon. */
  createLink(): string;
  /** Uses a link up. */
  takeLink(token: string): boolean;
  /** @throws rate_limited for an address that guessed too often */
  checkAttempt(address: string): void;
  failed(address: string): void;
}

export const sessionLimits = {
  /** A team has a few browsers each; the oldest leaves first. */
  sessionsMax: 256,
  /** A working day. */
  sessionMs: 12 * 3_600_000,
  linksMax: 16,
  /** Long enough to be read in a terminal, short enough to be worthless in a log. */
  linkMs: 3_600_000,
  attemptsMax: 10,
  attemptsWindowMs: 60_000,
  addressesMax: 1_000,
} as const;

interface OpenSession extends Session {
  readonly expiresAt: EpochMs;
}

export function createSessions({ clock }: { readonly clock: Clock }): Sessions {
  // Secrets are kept as hashes: a dump of this memory logs nobody in.
  const sessions = new Map<string, OpenSession>();
  const links = new Map<string, EpochMs>();
  const attempts = new Map<string, { count: number; readonly until: EpochMs }>();

  const makeRoom = (map: Map<string, unknown>, max: number): void => {
    while (map.size >= max) map.delete(map.keys().next().value!);
  };
  const later = (ms: number): EpochMs => (clock.now() + ms) as EpochMs;

  return {
    find(request) {
      const secret = cookieOf(request);
      if (secret === undefined) return undefined;
      const hash = hashOf(secret);
      const found = sessions.get(hash);
      if (found === undefined || found.expiresAt > clock.now()) return found;
      sessions.delete(hash);
      return undefined;
    },
    open(role, request) {
      const secret = randomBytes(32).toString('base64url');
      const hash = hashOf(secret);
      makeRoom(sessions, sessionLimits.sessionsMax);
      sessions.set(hash, { role, name: hash.slice(0, 8), expiresAt: later(sessionLimits.sessionMs) });
      return cookie(request, secret, sessionLimits.sessionMs / 1000);
    },
    close(request) {
      const secret = cookieOf(request);
      if (secret !== undefined) sessions.delete(hashOf(secret));
      return cookie(request, '', 0);
    },
    createLink() {
      const token = randomBytes(24).toString('base64url');
      makeRoom(links, sessionLimits.linksMax);
      links.set(hashOf(token), later(sessionLimits.linkMs));
      return token;
    },
    takeLink(token) {
      const hash = hashOf(token);
      const until = links.get(hash);
      links.delete(hash);
      return until !== undefined && until > clock.now();
    },
    checkAttempt(address) {
      const tried = attempts.get(address);
      if (tried === undefined || tried.count < sessionLimits.attemptsMax) return;
      const leftMs = tried.until - clock.now();
      if (leftMs <= 0) return void attempts.delete(address);
      throw new AppError(
        'rate_limited',
        `${sessionLimits.attemptsMax} wrong keys from this address within a minute; try again in ${Math.ceil(leftMs / 1000)} s`,
        { retryAfterMs: leftMs },
      );
    },
    failed(address) {
      const tried = attempts.get(address);
      if (tried !== undefined && tried.until > clock.now()) {
        tried.count += 1;
        return;
      }
      attempts.delete(address);
      makeRoom(attempts, sessionLimits.addressesMax);
      attempts.set(address, { count: 1, until: later(sessionLimits.attemptsWindowMs) });
    },
  };
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Cookies know no ports: two gateways on one machine would log each other's people out. */
const cookieName = (request: IncomingMessage): string => `selfhost_session_${request.socket.localPort ?? 0}`;

function cookieOf(request: IncomingMessage): string | undefined {
  const name = cookieName(request);
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim() || undefined;
  }
  return undefined;
}

/** Strict: no request that another page starts carries it, not even a followed link. */
function cookie(request: IncomingMessage, secret: string, maxAgeS: number): string {
  const secure = request.headers.origin?.startsWith('https:') ? '; Secure' : '';
  return `${cookieName(request)}=${secret}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict${secure}`;
}
