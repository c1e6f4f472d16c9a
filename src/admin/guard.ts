/** Who may use the operator port, and as what. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../core/errors.ts';
import type { Role } from './admin-types.ts';
import type { Sessions } from './sessions.ts';

/** Who asks. `local`: there is no key, and the request comes from a program on this machine. */
export interface Visitor {
  readonly role: Role;
  readonly via: 'key' | 'session' | 'local';
  /** Short name of the session, for the audit log. */
  readonly session?: string;
}

export type Visit =
  | { readonly kind: 'admitted'; readonly visitor: Visitor }
  /** `stranger`: shows no right to be here, and may see what holds no facts: the files of the page, the login. */
  | { readonly kind: 'stranger'; readonly error: AppError }
  | { readonly kind: 'refused'; readonly error: AppError };

export type Guard = (request: IncomingMessage) => Visit;

export interface AdminKeys {
  /** SHA-256 of the operator key, hex; undefined: anyone on this machine is the operator. */
  readonly adminKeySha256: string | undefined;
  /** SHA-256 of the key that may look and not touch. */
  readonly viewerKeySha256?: string | undefined;
}

/**
 * With a key: whoever shows it, as `Authorization: Bearer KEY`, as the password of Basic, which is how a browser
 * asks a person for it, or by the session that a login opened. Without one: programs on this machine.
 *
 * A browser is a program on this machine that acts for strangers. So a request that a foreign page makes is
 * refused by its Origin, with or without a key (browsers repeat passwords and cookies by themselves), and without
 * a key the Host must be a loopback name, because a stranger's name can be made to resolve to 127.0.0.1.
 */
export function createGuard(keys: AdminKeys, sessions: Pick<Sessions, 'find'>): Guard {
  const roleOf = createKeyCheck(keys);
  return (request) => {
    const { origin, host } = request.headers;
    if (origin !== undefined && hostOf(origin) !== host?.toLowerCase()) {
      return refused(new AppError('forbidden', `pages of ${origin.slice(0, 200)} may not use the operator port`));
    }
    if (keys.adminKeySha256 === undefined)
      return isLoopbackHost(host) ? admitted({ role: 'operator', via: 'local' }) : refused(unknownHost(host));
    const key = keyOf(request.headers.authorization);
    const role = key === undefined ? undefined : roleOf(key);
    if (role !== undefined) return admitted({ role, via: 'key' });
    const session = sessions.find(request);
    if (session !== undefined) {
      // Browsers name the origin of every request that changes something, so one without a name is no page of ours.
      if (!isReading(request.method) && origin === undefined)
        return refused(
          new AppError('forbidden', 'a session changes things from the page alone; programs send the key'),
        );
      return admitted({ role: session.role, via: 'session', session: session.name });
    }
    return {
      kind: 'stranger',
      error: new AppError(
        'unauthorized',
        key === undefined
          ? 'the operator port asks for its key; send `Authorization: Bearer KEY`, or log in on its page'
          : 'this is not the key of the operator port',
      ),
    };
  };
}

/** Hashes have one length, so the comparison takes the same time whatever was sent. */
export function createKeyCheck({ adminKeySha256, viewerKeySha256 }: AdminKeys): (key: string) => Role | undefined {
  const [operator, viewer] = [adminKeySha256, viewerKeySha256].map((hex) =>
    hex === undefined ? undefined : Buffer.from(hex, 'hex'),
  );
  return (key) => {
    const shown = createHash('sha256').update(key).digest();
    if (operator !== undefined && timingSafeEqual(shown, operator)) return 'operator';
    return viewer !== undefined && timingSafeEqual(shown, viewer) ? 'viewer' : undefined;
  };
}

/** Told with 401, so that a browser asks for the key. Calls of a script are not answered with a window of the browser. */
export function challengeOf(request: IncomingMessage): Readonly<Record<string, string>> {
  const basic = 'Basic realm="llm-self-host operator", charset="UTF-8", ';
  return { 'www-authenticate': `${request.headers['sec-fetch-dest'] === 'empty' ? '' : basic}Bearer` };
}

export const isReading = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD';

const admitted = (visitor: Visitor): Visit => ({ kind: 'admitted', visitor });
const refused = (error: AppError): Visit => ({ kind: 'refused', error });

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
