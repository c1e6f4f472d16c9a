/** A rented machine played on this one: the bootstrap script with the real bash, openssl and caddy, and a stub for `ollama`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { thinkerId } from '../../src/core/ids.ts';
import { usdMicros } from '../../src/core/units.ts';
import { makeIdentity, type Admission } from '../../src/fleet/bootstrap/identity.ts';
import { connectionOf } from '../../src/fleet/bootstrap/launch.ts';
import { bootstrapScript } from '../../src/fleet/bootstrap/script.ts';
import type { Thinker } from '../../src/thinkers/thinker.ts';
import { createOllamaThinker } from '../../src/thinkers/thinker/ollama.ts';
import { until } from './until.ts';

export const model = 'qwen2:7b-instruct-q6_K';
/** Starting caddy and making a certificate takes under a second; this is for a machine that is busy. */
const startMaxMs = 30_000;
export const machineKey = 'key-of-this-machine-0123456789abcdef';

/** `pull` hangs the first time, so that the watchdog must begin it again. */
const ollamaStub = (folder: string): string => `#!/bin/bash
echo "$*" >>${folder}/asked
case $1 in
serve) exec sleep 3600 ;;
show) test -e ${folder}/pulled ;;
pull) if test -e ${folder}/tried; then touch ${folder}/pulled; else touch ${folder}/tried; exec sleep 3600; fi ;;
esac
`;

export interface Machine {
  readonly folder: string;
  readonly port: number;
  readonly admission: Admission;
  readonly process: () => ChildProcess;
  thinker(admission?: Admission): Thinker;
  start(): Promise<void>;
  /** As when the host restarts: everything in the container ends. */
  stop(): Promise<void>;
}

export interface MachineOptions {
  readonly ollamaPort: number;
  readonly marketUrl?: string;
  readonly containerId?: string;
  readonly apiKey?: string;
  readonly idleStopS?: number;
}

export async function aMachine(options: MachineOptions): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), 'machine-'));
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'ollama'), ollamaStub(folder));
  await chmod(join(bin, 'ollama'), 0o755);
  const port = await freePort();
  const { machine, admission } = makeIdentity();
  const script = bootstrapScript({
    marketUrl: options.marketUrl ?? 'http://127.0.0.1:9',
    port,
    ollamaPort: options.ollamaPort,
    directory: join(folder, 'gw'),
    stallS: 2,
    lookEveryS: 1,
  });
  let child: ChildProcess;
  return {
    folder,
    port,
    admission,
    process: () => child,
    thinker: (shown = admission) =>
      createOllamaThinker({
        id: thinkerId('m'),
        name: 'm',
        kind: 'rented',
        ...connectionOf(shown, { host: '127.0.0.1', port }),
        maxConcurrency: 4,
        costPerHour: usdMicros(0),
        clock: systemClock,
      }),
    async start() {
      child = spawn('bash', ['-c', script], {
        detached: true, // a process group of its own, which ends as one
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
          HOME: folder,
          GW_KEY: machine.keyBase64,
          GW_TOKEN: machine.token,
          GW_MODEL: model,
          GW_IDLE_STOP_S: String(options.idleStopS ?? 7_200),
          CONTAINER_ID: options.containerId ?? '1',
          CONTAINER_API_KEY: options.apiKey ?? machineKey,
        },
      });
      let said = '';
      for (const pipe of [child.stdout!, child.stderr!])
        pipe.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)));
      await until(
        'the proxy answers',
        async () => {
          if (child.exitCode !== null) throw new Error(`the script ended with ${child.exitCode}: ${said}`);
          return (await ask(port, '/', {})).status !== 0;
        },
        startMaxMs,
      );
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      process.kill(-child.pid!, 'SIGKILL');
      await gone;
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

export interface Ask {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Over TLS, with the path as it is written. Status 0: nobody answered. */
export function ask(port: number, path: string, { method = 'GET', token, headers, body }: Ask): Promise<Answer> {
  return new Promise((resolve) => {
    const outgoing = httpsRequest({
      host: '127.0.0.1',
      port,
      path,
      method,
      rejectUnauthorized: false,
      agent: false,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    });
    outgoing.on('error', () => resolve({ status: 0, text: '', headers: {} }));
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('close', () => resolve({ status: response.statusCode!, text, headers: response.headers }));
    });
    outgoing.end(body);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
