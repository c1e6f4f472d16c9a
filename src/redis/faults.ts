/** What an error of the client library means: a server that is away, a refusal, or a mistake of configuration. */
import { AppError } from '../core/errors.ts';
import { RedisReplyError } from './redis-connection.ts';

export type ConnectFault =
  | { readonly kind: 'down'; readonly why: string }
  | { readonly kind: 'misconfigured'; readonly why: string; readonly remedy: string };

const tlsCodes: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: 'set redis.tls.caFile to the CA bundle of the server',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'set redis.tls.caFile to the certificate of the server',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'set redis.tls.caFile to the CA bundle of the server',
  UNABLE_TO_GET_ISSUER_CERT: 'set redis.tls.caFile to the whole CA bundle of the server',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'set redis.tls.caFile to the CA bundle of the server',
  ERR_TLS_CERT_ALTNAME_INVALID: 'connect by the name in the certificate, or set redis.tls.servername to it',
  CERT_HAS_EXPIRED: 'renew the certificate of the server',
  CERT_SIGNATURE_FAILURE: 'set redis.tls.caFile to the CA bundle of the server',
  ERR_SSL_WRONG_VERSION_NUMBER: 'this port speaks no TLS: use redis:// or the TLS port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'this port speaks no TLS: use redis:// or the TLS port',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'the server wants a client certificate: set redis.tls.certFile and keyFile',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the server wants a client certificate: set redis.tls.certFile and keyFile',
};

/** Of a failed connect or handshake. */
export function connectFault(error: unknown): ConnectFault {
  const message = plainMessage(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  if (typeof code === 'string' && code in tlsCodes) {
    return { kind: 'misconfigured', why: `TLS failed (${code}): ${message}`, remedy: tlsCodes[code]! };
  }
  const kind = /^[A-Z]+/.exec(message)?.[0];
  if (kind === 'WRONGPASS' || /invalid password|invalid username-password/i.test(message)) {
    return {
      kind: 'misconfigured',
      why: 'the server refuses the user name or password (WRONGPASS)',
      remedy: 'check redis.url, or redis.passwordFile, which is read again when it changes',
    };
  }
  if (kind === 'NOAUTH') {
    return {
      kind: 'misconfigured',
      why: 'the server wants a password (NOAUTH)',
      remedy: 'set redis.passwordFile, or put user and password into SELFHOST_REDIS_URL',
    };
  }
  if (kind === 'NOPERM') {
    return {
      kind: 'misconfigured',
      why: `the user lacks a right: ${message}`,
      remedy: 'give it the ACL rule of docs/redis.md',
    };
  }
  if (kind === 'ERR' && /DB index|SELECT/i.test(message)) {
    return { kind: 'misconfigured', why: message, remedy: 'leave out the database number of redis.url' };
  }
  return { kind: 'down', why: message };
}

/** What a caller of the connection gets. Arguments of commands, which the library attaches, stay behind. */
export function callError(error: unknown, address: string): AppError | RedisReplyError {
  if (error instanceof AppError || error instanceof RedisReplyError) return error;
  const message = plainMessage(error);
  const isReply = (error as { name?: unknown } | undefined)?.name === 'ReplyError';
  // The server answers, though not for us now: as good as away.
  if (isReply && !/^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|READONLY|NOREPLICAS)\b/.test(message)) {
    return new RedisReplyError(message);
  }
  const offline =
    /isn't writeable|Connection is closed|Cluster isn't ready|None of startup nodes|retries per request/.test(message);
  return unavailable(address, offline ? 'it is not connected' : message);
}

export function unavailable(address: string, why: string): AppError {
  return new AppError('redis_unavailable', `Redis at ${address} cannot be used: ${why}`);
}

function plainMessage(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  const last = (error as { lastNodeError?: unknown } | undefined)?.lastNodeError;
  return last instanceof Error ? `${message} (${last.message})` : message;
}
