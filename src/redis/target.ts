/** Where a Redis is: parsed from a URL, printed without its secrets. */
import { AppError } from '../core/errors.ts';

export interface RedisTarget {
  readonly tls: boolean;
  /** Several for the seeds of a cluster, or none of them sentinels. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

const form = 'redis://[user[:password]@]host[:port][,host:port…][/db], or rediss:// for TLS';

/** @throws AppError config_invalid; the message never holds the password */
export function parseRedisUrl(url: string): RedisTarget {
  const match = /^(rediss?):\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/(\d*))?$/.exec(url.trim());
  if (!match) throw new AppError('config_invalid', `redis.url is ${redactUrl(url)}; expected ${form}`);
  const [, scheme, credentials, hosts, db] = match;
  const at = credentials?.indexOf(':') ?? -1;
  const user = credentials === undefined ? '' : at === -1 ? credentials : credentials.slice(0, at);
  const password = credentials === undefined || at === -1 ? '' : credentials.slice(at + 1);
  return {
    tls: scheme === 'rediss',
    hosts: hosts!.split(',').map((each) => parseHost(each, url)),
    username: decode(user, url) || undefined,
    password: decode(password, url) || undefined,
    db: Number(db ?? '') || 0,
  };
}

export function parseHost(
  text: string,
  url: string,
  portDefault = 6379,
): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const port = Number(match?.[3] ?? portDefault);
  if (!match || port > 65_535) {
    throw new AppError('config_invalid', `redis: \`${text}\` in ${redactUrl(url)} is no host:port; expected ${form}`);
  }
  return { host: (match[1] ?? match[2])!, port };
}

/** For logs, banners and errors. */
export function printTarget({ tls, hosts, username, db }: RedisTarget): string {
  const places = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  return `${tls ? 'rediss' : 'redis'}://${username ? `${username}@` : ''}${places}${db === 0 ? '' : `/${db}`}`;
}

/** Also of what cannot be parsed: everything before an @ may be a secret. */
export function redactUrl(url: string): string {
  return url.replace(/^([a-z]+:\/\/)?.*@/s, (_all, scheme: string | undefined) => `${scheme ?? ''}[redacted]@`);
}

function decode(text: string, url: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AppError(
      'config_invalid',
      `redis.url ${redactUrl(url)}: user or password has a % that starts no escape; write %25 for it`,
    );
  }
}
