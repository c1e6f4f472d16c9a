/** Logging in at the page, and who one is there. */
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { AdminContext } from './admin-deps.ts';
import type { LoginLinkReply, LoginRequest, SessionView } from './admin-types.ts';
import { createKeyCheck } from './guard.ts';
import { parseJson, readBody, sendJson, type Exchange } from './http.ts';

/** Answers strangers as well: the page must know whether to ask for a key. */
export function showSession(exchange: Exchange, { adminKeySha256 }: AdminContext): void {
  const view: SessionView = {
    keyRequired: adminKeySha256 !== undefined,
    role: exchange.visitor?.role,
    via: exchange.visitor?.via,
  };
  sendJson(exchange, view);
}

export const loginSchema = z.union([
  z.strictObject({ key: z.string().min(1).max(1024) }),
  z.strictObject({ link: z.string().min(1).max(128) }),
]) satisfies z.ZodType<LoginRequest>;

export async function login(exchange: Exchange, context: AdminContext): Promise<void> {
  const { request } = exchange;
  const { sessions, logger, options } = context;
  // A page of elsewhere that logs a browser in as somebody is no gift.
  if (request.headers.origin === undefined)
    throw new AppError(
      'forbidden',
      'a login is for the page; programs send `Authorization: Bearer KEY` with each call',
    );
  const parsed = loginSchema.safeParse(parseJson(await readBody(request, options.bodyBytesMax)));
  if (!parsed.success) throw new AppError('bad_request', 'expected {"key": "…"} or {"link": "…"}');
  const address = request.socket.remoteAddress ?? '';
  sessions.checkAttempt(address);
  const given = parsed.data;
  const role =
    'key' in given ? createKeyCheck(context)(given.key) : sessions.takeLink(given.link) ? 'operator' : undefined;
  if (role === undefined) {
    sessions.failed(address);
    logger.warn({ with: 'key' in given ? 'key' : 'link' }, 'a login at the operator port was refused');
    throw new AppError(
      'unauthorized',
      'key' in given
        ? 'this is not a key of the operator port'
        : 'this link was used already, or is too old; print another with `llm-self-host login`, or use the key',
    );
  }
  exchange.audit.detail = `as ${role}, with ${'key' in given ? 'a key' : 'a one-time link'}`;
  const view: SessionView = { keyRequired: true, role, via: 'session' };
  sendJson(exchange, view, { headers: { 'set-cookie': sessions.open(role, request) } });
}

export function logout(exchange: Exchange, { sessions, adminKeySha256 }: AdminContext): void {
  const view: SessionView = { keyRequired: adminKeySha256 !== undefined, role: undefined, via: undefined };
  sendJson(exchange, view, { headers: { 'set-cookie': sessions.close(exchange.request) } });
}

export function createLoginLink(exchange: Exchange, { sessions, adminKeySha256 }: AdminContext): void {
  if (adminKeySha256 === undefined)
    throw new AppError('bad_request', 'the operator port has no key, so nobody logs in; just open it');
  const reply: LoginLinkReply = { path: linkPath(sessions.createLink()) };
  sendJson(exchange, reply);
}

/** Behind `#`, so that neither servers nor logs on the way see the secret. */
export const linkPath = (token: string): string => `/login#link=${token}`;
