/** What can this server do for us? Asked of the server itself, with throw-away keys that are removed again. */
import type { Clock } from '../core/clock.ts';
import {
  chooseBackend,
  entryBytes,
  lacks,
  type BackendChoice,
  type BackendWish,
  type RedisBackend,
} from './choose-backend.ts';
import {
  RedisReplyError,
  replyList,
  replyText,
  type RedisCommand,
  type RedisConnection,
  type RedisReply,
  type ServerFacts,
} from './redis-connection.ts';
import { parseInfo } from './server-facts.ts';

export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly what: string;
  readonly found: string;
  /** What to do; absent where nothing need be done. */
  readonly remedy?: string;
}

export interface CheckReport {
  readonly address: string;
  readonly engine: string;
  readonly version: string | undefined;
  readonly findings: readonly Finding[];
  /** What each backend lacks here; empty: it can run. */
  readonly backends: Readonly<Record<RedisBackend, readonly string[]>>;
  readonly choice: BackendChoice;
  readonly memory: {
    readonly maxBytes: number | undefined;
    readonly usedBytes: number | undefined;
    /** Of 10,000 entries with answers of 800 bytes. */
    readonly per10kEntriesBytes: Readonly<Record<RedisBackend, number>>;
    /** That fit into what is free, in the chosen backend. */
    readonly entriesThatFit: number | undefined;
  };
  readonly roundTripMs: { readonly p50: number; readonly p99: number };
}

export interface CheckDeps {
  readonly connection: RedisConnection;
  readonly clock: Clock;
  readonly tls: boolean;
  readonly prefix: string;
  /** Makes throw-away names unique. */
  readonly token: string;
  readonly wish: BackendWish;
}

const askDeadlineMs = 3_000;
const pings = 50;
const lookups = 10_000;
/** A gateway has a connection for reads, one for writes and one that waits for news. */
const connectionsPerGateway = 3;

/** Its connection must be ready. @throws redis_unavailable when it is lost meanwhile */
export async function checkRedis(deps: CheckDeps): Promise<CheckReport> {
  const { connection, clock, prefix, token, wish } = deps;
  const facts = connection.facts!;
  const findings: Finding[] = [];
  const add = (level: Finding['level'], what: string, found: string, remedy?: string): void =>
    void findings.push({ level, what, found, ...(remedy !== undefined && { remedy }) });
  const info = parseInfo(replyText(orNull(await attempt(['INFO']))) ?? '');

  const roundTripMs = await measurePings();
  add(
    roundTripMs.p50 > 50 ? 'problem' : roundTripMs.p50 > 10 ? 'warning' : 'ok',
    'round trip',
    `p50 ${roundTripMs.p50.toFixed(2)} ms, p99 ${roundTripMs.p99.toFixed(2)} ms over ${pings} pings`,
    roundTripMs.p50 > 10 ? 'put gateways and database into one region: every lookup waits for it' : undefined,
  );
  checkTls();
  await checkRights();
  const engine = await checkEngine();
  const usable: ServerFacts = engine.usable ? facts : { ...facts, commands: without(facts.commands, 'ft.search') };
  checkMemory();
  checkPersistence();
  await checkClients();
  const choice = chooseBackend(usable, wish);
  if (choice.backend === undefined) add('problem', 'backend', choice.why, 'use Redis from 6.2 on, or Valkey');
  else add(choice.degradedFrom ? 'warning' : 'ok', 'backend', `${choice.backend}: ${choice.why}`);
  const freeBytes = facts.memoryMaxBytes ? facts.memoryMaxBytes - (facts.memoryUsedBytes ?? 0) : undefined;
  return {
    address: connection.address,
    engine: facts.engine,
    version: facts.version,
    findings,
    backends: { log: lacks(usable, 'log'), ft: lacks(usable, 'ft'), vset: lacks(usable, 'vset') },
    choice,
    memory: {
      maxBytes: facts.memoryMaxBytes,
      usedBytes: facts.memoryUsedBytes,
      per10kEntriesBytes: {
        log: entryBytes.log * lookups,
        ft: entryBytes.ft * lookups,
        vset: entryBytes.vset * lookups,
      },
      entriesThatFit:
        freeBytes === undefined || choice.backend === undefined
          ? undefined
          : Math.max(0, Math.floor((0.9 * freeBytes) / entryBytes[choice.backend])),
    },
    roundTripMs,
  };

  async function measurePings(): Promise<CheckReport['roundTripMs']> {
    const took: number[] = [];
    for (let i = 0; i < pings; i++) {
      const beganMs = clock.monotonicMs();
      await connection.call(['PING'], { as: 'read', deadlineMs: askDeadlineMs });
      took.push(clock.monotonicMs() - beganMs);
    }
    took.sort((a, b) => a - b);
    return { p50: took[Math.floor(pings / 2)]!, p99: took[pings - 1]! };
  }

  function checkTls(): void {
    const local = /\/\/(?:[^@]*@)?(127\.|localhost|\[::1\])/.test(connection.address);
    if (deps.tls) add('ok', 'TLS', 'on, and the certificate is trusted');
    else if (local) add('ok', 'TLS', 'off, on this machine alone');
    else
      add(
        'warning',
        'TLS',
        'off: prompts and answers cross the network in clear',
        'use rediss://, and redis.tls.caFile for a private authority',
      );
  }

  async function checkRights(): Promise<void> {
    const key = `${prefix}:{check-${token}}:key`;
    const stream = `${prefix}:{check-${token}}:s`;
    const steps: readonly (readonly [what: string, command: RedisCommand])[] = [
      ['write a record', ['HSET', key, 'a', '1']],
      ['give it a time', ['PEXPIRE', key, '60000']],
      ['read it', ['HGET', key, 'a']],
      ['append to the stream', ['XADD', stream, '*', 'op', 'check']],
      ['read the stream', ['XREAD', 'COUNT', '1', 'STREAMS', stream, '0']],
      ['look over keys', ['SCAN', '0', 'COUNT', '10']],
      ['run scripts', ['EVAL', "return redis.call('TIME')[1]", '0']],
      ['remove keys', ['UNLINK', key, stream]],
    ];
    const refused: string[] = [];
    for (const [what, command] of steps) {
      const reply = await attempt(command);
      if (reply instanceof RedisReplyError) refused.push(`${what} (${command[0]}: ${reply.message.slice(0, 80)})`);
    }
    if (refused.length === 0) add('ok', 'rights', 'this user may do all that is needed');
    else add('problem', 'rights', `refused: ${refused.join('; ')}`, 'give the user the ACL rule of docs/redis.md');
    const user = replyText(orNull(await attempt(['ACL', 'WHOAMI'])));
    if (user === 'default' && !deps.tls)
      add('warning', 'user', 'default, which may do everything', 'make a user with the ACL rule of docs/redis.md');
    else if (user !== undefined) add('ok', 'user', user);
  }

  /** Whether the engine works for this user: that a command is listed proves no right to it. */
  async function checkEngine(): Promise<{ readonly usable: boolean }> {
    if (lacks(facts, 'ft').length > 0) {
      add('ok', 'Query Engine', 'not there; needed only above some 250,000 entries');
      return { usable: false };
    }
    const name = `${prefix}:check:${token}`;
    const made = await attempt([
      'FT.CREATE',
      name,
      ...`ON HASH PREFIX 1 ${prefix}check:${token}: SCHEMA vec VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC COSINE`.split(
        ' ',
      ),
    ]);
    if (made instanceof RedisReplyError) {
      add(
        'warning',
        'Query Engine',
        `there, and this user may make no index: ${made.message.slice(0, 80)}`,
        'give it +ft.create +ft.aliasadd +ft.info, or make the index by hand; the log of a gateway has the command',
      );
      return { usable: true };
    }
    const query = Buffer.from(new Float32Array([1, 0]).buffer);
    const found = await attempt([
      'FT.SEARCH',
      name,
      '*=>[KNN 1 @vec $q AS d]',
      'PARAMS',
      '2',
      'q',
      query,
      'DIALECT',
      '2',
    ]);
    await attempt(['FT.DROPINDEX', name]);
    if (found instanceof RedisReplyError) {
      add('problem', 'Query Engine', `a search is refused: ${found.message.slice(0, 80)}`, 'give the user +ft.search');
      return { usable: false };
    }
    add('ok', 'Query Engine', 'makes an index and searches it');
    return { usable: true };
  }

  function checkMemory(): void {
    const { memoryMaxBytes: max, memoryUsedBytes: used, evictionPolicy: policy } = facts;
    const size = max === undefined ? 'unknown' : max === 0 ? 'not limited' : `${megabytes(max)} MB`;
    const share = max && used !== undefined ? used / max : 0;
    add(
      share > 0.9 ? 'problem' : 'ok',
      'memory',
      `${size}${used === undefined ? '' : `, ${megabytes(used)} MB in use`}`,
      share > 0.9 ? 'less than a tenth is free: raise maxmemory, or expect entries to leave early' : undefined,
    );
    if (policy === undefined) add('warning', 'eviction', 'unknown: this user may not read it');
    else if (policy === 'noeviction') {
      add(
        'warning',
        'eviction',
        'noeviction: a full database takes no answers and no accounts any more',
        'set maxmemory-policy volatile-lru: every entry has a time',
      );
    } else if (policy.startsWith('allkeys')) {
      add(
        'warning',
        'eviction',
        `${policy}: may also take the generations by which answers are invalidated`,
        'set maxmemory-policy volatile-lru',
      );
    } else add('ok', 'eviction', policy);
  }

  function checkPersistence(): void {
    const aof = info.get('aof_enabled') === '1';
    const kept = aof
      ? 'append-only file'
      : info.get('rdb_last_save_time') === undefined
        ? undefined
        : 'snapshots, if any are set';
    add(
      'ok',
      'persistence',
      kept === undefined
        ? 'unknown'
        : `${kept}; what is lost is asked again, and accounts are kept by each gateway first`,
    );
    const replicas = Number(info.get('connected_slaves') ?? 0);
    if (info.get('role') === 'slave')
      add(
        'problem',
        'role',
        'this is a replica, which takes no writes',
        'use the address of the master, or of its sentinels',
      );
    else
      add(
        'ok',
        'role',
        `master with ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}${facts.cluster ? ', part of a cluster' : ''}`,
      );
  }

  async function checkClients(): Promise<void> {
    const limit = Number(
      info.get('maxclients') ??
        replyText(replyList(orNull(await attempt(['CONFIG', 'GET', 'maxclients'])))[1]) ??
        Number.NaN,
    );
    const gateways = Math.floor((0.9 * limit) / connectionsPerGateway);
    if (Number.isNaN(limit)) add('ok', 'connections', 'limit unknown');
    else
      add(
        gateways < 2 ? 'warning' : 'ok',
        'connections',
        `${limit} at most: room for ${gateways} gateways with ${connectionsPerGateway} each`,
      );
  }

  /** A refusal is an answer here. */
  async function attempt(command: RedisCommand): Promise<RedisReply | RedisReplyError> {
    return connection.call(command, { as: 'read', deadlineMs: askDeadlineMs }).catch((error: unknown) => {
      if (error instanceof RedisReplyError) return error;
      throw error;
    });
  }
}

const orNull = (reply: RedisReply | RedisReplyError): RedisReply => (reply instanceof RedisReplyError ? null : reply);
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
const without = (set: ReadonlySet<string>, name: string): ReadonlySet<string> =>
  new Set([...set].filter((each) => each !== name));
