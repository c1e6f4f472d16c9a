/** Servers in company: three masters of a cluster, a master with a replica and sentinels, a server with TLS. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { freePort, startRedis, type RedisServer } from './redis-kit.ts';

const slots = 16_384;
const settleDeadlineMs = 20_000;

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  readonly url: string;
  stop(): Promise<void>;
}

/** Three masters, no replicas: each slot has one place. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(
    [0, 1, 2].map(() =>
      startRedis({
        args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'],
      }),
    ),
  );
  const third = Math.ceil(slots / 3);
  await Promise.all(
    nodes.map(({ client }, at) =>
      client.call('CLUSTER', 'ADDSLOTSRANGE', `${at * third}`, `${Math.min(slots, (at + 1) * third) - 1}`),
    ),
  );
  const [first, ...others] = nodes;
  for (const { port } of others) await first!.client.call('CLUSTER', 'MEET', '127.0.0.1', `${port}`);
  await eventually('the cluster is whole', async () => {
    const infos = await Promise.all(nodes.map(({ client }) => client.call('CLUSTER', 'INFO')));
    return infos.every((info) => /cluster_state:ok/.test(String(info)) && /cluster_known_nodes:3/.test(String(info)));
  });
  return {
    nodes,
    url: `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}

export interface SentinelGroup {
  readonly name: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly RedisServer[];
  /** Hosts are the sentinels. */
  readonly url: string;
  stop(): Promise<void>;
}

/** A master, a replica that has caught up, and three sentinels that call a master down after 0.8 s. */
export async function startSentinelGroup(): Promise<SentinelGroup> {
  const name = 'main';
  const master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', `${master.port}`] });
  await eventually('the replica has caught up', async () =>
    /master_link_status:up/.test(await replica.client.info('replication')),
  );
  const sentinels = await Promise.all(
    [0, 1, 2].map(async () => {
      const port = await freePort();
      return startRedis({
        program: 'redis-sentinel',
        port,
        config: [
          `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
          `sentinel down-after-milliseconds ${name} 800`,
          `sentinel failover-timeout ${name} 3000`,
        ],
      });
    }),
  );
  await eventually('the sentinels know each other and the replica', async () => {
    const known = await Promise.all(
      sentinels.map(async ({ client }) => {
        const fields = (await client.call('SENTINEL', 'MASTER', name)) as string[];
        const value = (key: string) => Number(fields[fields.indexOf(key) + 1]);
        return value('num-other-sentinels') === 2 && value('num-slaves') === 1;
      }),
    );
    return known.every(Boolean);
  });
  return {
    name,
    master,
    replica,
    sentinels,
    url: `redis://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    stop: async () => void (await Promise.all([master, replica, ...sentinels].map((server) => server.stop()))),
  };
}

export interface TestCa {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  remove(): void;
}

/** A CA and a certificate for `redis.test`, made by openssl on the spot. */
export function makeTestCa(): TestCa {
  const dir = mkdtempSync(join(tmpdir(), 'selfhost-ca-'));
  const at = (name: string) => join(dir, name);
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = (name: string) => openssl('ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', at(name));
  key('ca.key');
  openssl('req', '-x509', '-new', '-key', at('ca.key'), '-subj', '/CN=test CA', '-days', '2', '-out', at('ca.pem'));
  key('server.key');
  openssl('req', '-new', '-key', at('server.key'), '-subj', '/CN=redis.test', '-out', at('server.csr'));
  writeFileSync(at('names'), 'subjectAltName=DNS:redis.test\n');
  openssl(
    'x509',
    '-req',
    '-in',
    at('server.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    at('names'),
    '-out',
    at('server.pem'),
  );
  return {
    caFile: at('ca.pem'),
    certFile: at('server.pem'),
    keyFile: at('server.key'),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export async function startTlsRedis(ca: TestCa): Promise<RedisServer> {
  return startRedis({
    tls: true,
    args: [
      '--tls-cert-file',
      ca.certFile,
      '--tls-key-file',
      ca.keyFile,
      '--tls-ca-cert-file',
      ca.caFile,
      '--tls-auth-clients',
      'no',
    ],
    client: { tls: { ca: readFileSync(ca.caFile), servername: 'redis.test' } },
  });
}

export async function eventually(
  what: string,
  holds: () => Promise<boolean> | boolean,
  deadlineMs = settleDeadlineMs,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not so after ${deadlineMs} ms`);
    await systemClock.sleep(20);
  }
}
