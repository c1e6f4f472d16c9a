/** Real servers for tests: each in a folder of its own, stopped by its pid. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { systemClock } from '../core/clock.ts';

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly dir: string;
  /** A plain client of the test itself. */
  readonly client: Redis;
  /** As the kernel does it: nothing is said, nothing is saved. */
  kill(): Promise<void>;
  /** Starts again on the same port with the same files. */
  restart(): Promise<void>;
  /** Ends server, client and folder. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** More of the command line, such as `['--maxmemory', '6mb']`. */
  readonly args?: readonly string[];
  readonly program?: 'redis-server' | 'redis-sentinel';
  readonly port?: number;
  /** Credentials and certificates of `client`. */
  readonly client?: Partial<RedisOptions>;
  /** `redis.conf` lines, for what has no form on the command line. */
  readonly config?: readonly string[];
  readonly tls?: boolean;
}

const startDeadlineMs = 20_000;

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'selfhost-redis-'));
  const port = options.port ?? (await freePort());
  const configPath = join(dir, 'redis.conf');
  writeFileSync(configPath, `${(options.config ?? []).join('\n')}\n`, { mode: 0o600 });
  const sentinel = options.program === 'redis-sentinel';
  const listening = options.tls ? ['--port', '0', '--tls-port', `${port}`] : ['--port', `${port}`];
  const args = [
    configPath,
    ...listening,
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    ...(sentinel ? ['--sentinel'] : ['--save', '', '--enable-debug-command', 'yes']),
    ...(options.args ?? []),
  ];
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const output: string[] = [];
    const started = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', (chunk: Buffer) => void (output.length < 200 && output.push(chunk.toString())));
    }
    child = started;
    let ended = false;
    started.on('error', (error) => {
      ended = true;
      output.push(error.message);
    });
    started.on('exit', () => void (ended = true));
    const end = performance.now() + startDeadlineMs;
    while (!(await accepts(port))) {
      if (ended || performance.now() > end)
        throw new Error(`redis-server did not start: ${output.join('').slice(-2000)}`);
    }
  };
  await start();
  const clientOptions: RedisOptions & { readonly replyMapping: 'legacy' } = {
    host: '127.0.0.1',
    port,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
    ...(sentinel && { enableReadyCheck: false, disableClientInfo: true }),
    ...options.client,
    replyMapping: 'legacy',
  };
  const client = new Redis(clientOptions);
  client.on('error', () => undefined);
  return {
    port,
    url: `${options.tls ? 'rediss' : 'redis'}://127.0.0.1:${port}`,
    dir,
    client,
    kill: () => killed(child),
    restart: start,
    async stop() {
      client.disconnect();
      await killed(child);
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const done = (is: boolean) => {
      socket.destroy();
      if (is) resolve(true);
      else void systemClock.sleep(20).then(() => resolve(false));
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
