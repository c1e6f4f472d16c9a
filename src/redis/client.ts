/** The client library behind one face, whatever the shape of the server: one node, sentinels, or a cluster. */
import { readFileSync, statSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import { AppError } from '../core/errors.ts';
import type { RedisCommand } from './redis-connection.ts';
import type { RedisTarget } from './target.ts';

export interface TlsOptions {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Name to ask for and to find in the certificate, where it is not the host of the URL. */
  readonly servername?: string | undefined;
}

export interface SentinelOptions {
  /** Name of the master group. */
  readonly name: string;
  /** Of the sentinels' own ACL, where they have one. */
  readonly passwordFile?: string | undefined;
}

export interface ClientOptions {
  readonly target: RedisTarget;
  readonly shape: 'single' | 'cluster';
  readonly username?: string | undefined;
  /** Read again before each connect: a rotated password takes hold without a restart. */
  readonly passwordFile?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly sentinel?: SentinelOptions | undefined;
  readonly connectTimeoutMs: number;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** Milliseconds until the next try of a lost connection. */
  readonly retryAfterMs: (tries: number) => number;
  readonly onError: (error: unknown) => void;
  readonly onReady: () => void;
  readonly onLost: () => void;
  /** A node came or went. */
  readonly onTopology: () => void;
}

export interface Client {
  isReady(): boolean;
  /** The library has given up on it: it never comes back by itself. */
  hasEnded(): boolean;
  send(command: RedisCommand): Promise<unknown>;
  /** Replies of the commands, or the error of EXEC. */
  transaction(commands: readonly RedisCommand[]): Promise<unknown>;
  nodes(): readonly Redis[];
  end(): void;
}

/** Tries of one command that a cluster sends elsewhere: more would outlast every deadline. */
const redirectionsMax = 4;

export function createClient(options: ClientOptions): Client {
  return options.shape === 'cluster' ? clusterClient(options) : singleClient(options);
}

function singleClient(options: ClientOptions): Client {
  const { target, sentinel } = options;
  const retryStrategy = (tries: number): number => {
    refresh(redis.options, options);
    return options.retryAfterMs(tries);
  };
  const redisOptions: RedisOptions & { readonly replyMapping: 'legacy' } = {
    replyMapping: 'legacy',
    ...commonOptions(options),
    ...(sentinel
      ? {
          sentinels: target.hosts.map((each) => ({ ...each })),
          name: sentinel.name,
          ...(sentinel.passwordFile !== undefined && { sentinelPassword: secretOf(sentinel.passwordFile) }),
          sentinelRetryStrategy: options.retryAfterMs,
          sentinelCommandTimeout: options.connectTimeoutMs,
          ...(target.tls && { enableTLSForSentinelMode: true, sentinelTLS: tlsOf(options, undefined) }),
        }
      : { host: target.hosts[0]!.host, port: target.hosts[0]!.port }),
    ...(target.tls && { tls: tlsOf(options, sentinel ? undefined : target.hosts[0]!.host) }),
    db: target.db,
    enableOfflineQueue: false,
    retryStrategy,
  };
  const redis = new Redis(redisOptions);
  redis.on('error', options.onError);
  redis.on('ready', options.onReady);
  redis.on('close', options.onLost);
  const send = (command: RedisCommand): Promise<unknown> => {
    corkForThisTurn(redis);
    return sendTo(redis, command);
  };
  return {
    isReady: () => redis.status === 'ready',
    hasEnded: () => redis.status === 'end',
    send,
    async transaction(commands) {
      const replies = [send(['MULTI']), ...commands.map(send)];
      const outcome = send(['EXEC']);
      // What is refused while queuing is told by EXEC as well, without saying which: the first one tells more.
      const queued = await Promise.allSettled(replies);
      const refused = queued.find((each) => each.status === 'rejected');
      return outcome.catch((error: unknown) => {
        throw refused?.reason ?? error;
      });
    },
    nodes: () => [redis],
    end: () => endNode(redis),
  };
}

function clusterClient(options: ClientOptions): Client {
  const { target } = options;
  const common = commonOptions(options);
  const cluster = new Cluster(
    target.hosts.map((each) => ({ ...each })),
    {
      enableOfflineQueue: false,
      clusterRetryStrategy: (tries, reason) => {
        if (reason) options.onError(reason);
        refresh(cluster.options.redisOptions as RedisOptions, options);
        for (const node of cluster.nodes('all')) refresh(node.options, options);
        return options.retryAfterMs(tries);
      },
      clusterNodeRetryStrategy: options.retryAfterMs,
      maxRedirections: redirectionsMax,
      retryDelayOnFailover: 20,
      retryDelayOnClusterDown: 20,
      slotsRefreshTimeout: options.connectTimeoutMs,
      slotsRefreshInterval: 5_000,
      ...(target.tls && { dnsLookup: (address, callback) => callback(null, address) }),
      redisOptions: { ...common, ...(target.tls && { tls: tlsOf(options, undefined) }) },
    },
  );
  cluster.on('error', options.onError);
  cluster.on('node error', options.onError);
  cluster.on('ready', options.onReady);
  cluster.on('close', options.onLost);
  cluster.on('+node', options.onTopology);
  cluster.on('-node', options.onTopology);
  return {
    isReady: () => cluster.status === 'ready',
    hasEnded: () => cluster.status === 'end',
    send: (command) => sendTo(cluster, command),
    async transaction(commands) {
      const chain = cluster.multi();
      for (const [name, ...rest] of commands) chain.callBuffer(name, ...rest.map(argumentOf));
      const replies = await chain.exec();
      const failed = replies?.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
      return replies?.map(([, reply]) => reply) ?? null;
    },
    nodes: () => cluster.nodes('master'),
    end: () => {
      const nodes = cluster.nodes('all');
      cluster.disconnect();
      nodes.forEach(endNode);
    },
  };
}

/** A dead socket answers no goodbye: it is destroyed, not ended. */
export function cutNode(redis: Redis): void {
  (redis as { stream?: { destroy(): void } }).stream?.destroy();
}

function endNode(redis: Redis): void {
  redis.disconnect();
  cutNode(redis);
}

export function sendTo(redis: Redis | Cluster, [name, ...rest]: RedisCommand): Promise<unknown> {
  const command = new Command(name, rest.map(argumentOf), { replyEncoding: null });
  return redis.sendCommand(command) as Promise<unknown>;
}

/** Uint8Array and Buffer are one to the server, not to the library. */
function argumentOf(value: RedisCommand[number]): string | number | Buffer {
  return typeof value === 'object' && !Buffer.isBuffer(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : value;
}

const corked = new WeakSet<object>();

/** What is sent within one turn leaves in one write. */
function corkForThisTurn(redis: Redis): void {
  const stream = (redis as { stream?: { cork(): void; uncork(): void } }).stream;
  if (stream === undefined || corked.has(stream)) return;
  corked.add(stream);
  stream.cork();
  process.nextTick(() => {
    corked.delete(stream);
    stream.uncork();
  });
}

function commonOptions(options: ClientOptions) {
  return {
    ...credentialsOf(options),
    connectTimeout: options.connectTimeoutMs,
    disconnectTimeout: 100,
    connectionName: options.name,
    disableClientInfo: true,
    // Whether it is loading is asked with everything else; only behind sentinels the role must be known before.
    enableReadyCheck: options.sentinel !== undefined,
    // A command of a lost connection may have run: whoever sent it knows whether it may be sent again.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // After a failover the old master takes no writes: find the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    keepAlive: 5_000,
  };
}

function credentialsOf({ target, username, passwordFile }: ClientOptions): { username?: string; password?: string } {
  const user = username ?? target.username;
  const password = passwordFile === undefined ? target.password : secretOf(passwordFile);
  return { ...(user !== undefined && { username: user }), ...(password !== undefined && { password }) };
}

/** Credentials and certificates may have been rotated since the last connect. */
function refresh(redisOptions: RedisOptions, options: ClientOptions): void {
  try {
    Object.assign(redisOptions, credentialsOf(options));
    if (redisOptions.tls) Object.assign(redisOptions.tls, tlsFiles(options.tls));
  } catch (error) {
    options.onError(error);
  }
}

function tlsOf({ tls }: ClientOptions, host: string | undefined): ConnectionOptions {
  const servername = tls?.servername ?? (host !== undefined && !/^[\d.]+$|:/.test(host) ? host : undefined);
  return { ...tlsFiles(tls), ...(servername !== undefined && { servername }) };
}

function tlsFiles(tls: TlsOptions | undefined): ConnectionOptions {
  const read = (path: string, option: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new AppError('config_invalid', `redis.tls.${option}: cannot read ${path}: ${(error as Error).message}`);
    }
  };
  return {
    ...(tls?.caFile !== undefined && { ca: read(tls.caFile, 'caFile') }),
    ...(tls?.certFile !== undefined && { cert: read(tls.certFile, 'certFile') }),
    ...(tls?.keyFile !== undefined && { key: read(tls.keyFile, 'keyFile') }),
  };
}

function secretOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new AppError('config_invalid', `redis: cannot read the password file ${path}: ${(error as Error).message}`);
  }
}

/** Changes when a secret or a certificate does, for whoever waits for somebody to mend them. */
export function filesStamp({
  passwordFile,
  tls,
  sentinel,
}: Pick<ClientOptions, 'passwordFile' | 'tls' | 'sentinel'>): string {
  return [passwordFile, tls?.caFile, tls?.certFile, tls?.keyFile, sentinel?.passwordFile]
    .map((path) => {
      if (path === undefined) return '';
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat ? `${stat.mtimeMs}:${stat.size}:${stat.ino}` : 'absent';
    })
    .join();
}
