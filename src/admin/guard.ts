/** Who may use the operator port. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../core/errors.ts';

export type Guard = (request: IncomingMessage) => AppError | undefined;

/**
 * With a key: whoever shows it, as `Authorization: Bearer KEY`, or as the password of Basic, which is how a
 * browser asks a person for it. Without one: programs on this machine.
 *
 * A browser is a program on this machine that acts for strangers. So a request that a foreign page makes is
 * refused by its Origin, with or without a key (browsers repeat Basic passwords by themselves), and without
 * a key the Host must be a loopback name, because a stranger's name can be made to resolve to 127.0.0.1.
 */
export function createGuard(adminKeySha256: string | undefined): Guard {
  const expected = adminKeySha256 === undefined ? undefined : Buffer.from(adminKeySha256, 'hex');
  return (request) => {
    const { origin, host } = request.headers;
    if (origin !== undefined && hostOf(origin) !== host?.toLowerCase()) {
      return new AppError('forbidden', `pages of ${origin.slice(0, 200)} may not use the operator port`);
    }
    if (expected === undefined) return isLoopbackHost(host) ? undefined : unknownHost(host);
    const key = keyOf(request.headers.authorization);
    // Hashes have one length, so the comparison takes the same time whatever was sent.
    if (key !== undefined && timingSafeEqual(createHash('sha256').update(key).digest(), expected)) return undefined;
    return new AppError(
      'unauthorized',
      key === undefined
        ? 'the operator port asks for its key; send `Authorization: Bearer KEY`'
        : 'this is not the key of the operator port',
    );
  };
}

/** Told with 401, so that a browser asks for the key. */
export const challenge = {
  'www-authenticate': 'Basic realm="llm-self-host operator", charset="UTF-8", Bearer',
} as const;

const unknownHost = (host: string | undefined) =>
  new AppError(
    'forbidden',
    `the operator port has no key, so it only answers to localhost and 127.0.0.1, not to \`${(host ?? '').slice(0, 200)}\`; ` +
      'set admin.keyFile or SELFHOST_ADMIN_KEY to use it under another name',
  );

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function isLoopbackHost(host: string | undefined): boolean {
  const name = host?.toLowerCase().replace(/:\d{1,5}$/, '');
  return name === 'localhost' || name === '[::1]' || (name !== undefined && /^127(\.\d{1,3}){3}$/.test(name));
}

function keyOf(authorization: string | undefined): string | undefined {
  const match = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization ?? '');
  if (!match) return undefined;
  if (match[1]!.toLowerCase() === 'bearer') return match[2]!;
  const pair = Buffer.from(match[2]!, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
