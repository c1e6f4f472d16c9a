/** A gateway as people start it: a process of its own, which can be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { root } from './source-tree.ts';

export interface GatewayProcess {
  readonly url: string;
  readonly adminUrl: string;
  /** It goes on with nothing from here on; only `kill` and `stop` help. */
  freeze(): void;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function startGatewayProcess(
  config: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-process-'));
  const configFile = join(dataDir, 'config.yaml');
  await writeFile(configFile, stringify(config));
  const options = ['--port', '0', '--admin-port', '0', '--data-dir', dataDir, '--config', configFile, '--json'];
  const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), 'serve', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OLLAMA_HOST: '127.0.0.1:9', ...environment },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => void (errors = (errors + String(chunk)).slice(-4000)));
  const stop = async (): Promise<void> => {
    await killed(child);
    await rm(dataDir, { recursive: true, force: true });
  };
  let out = '';
  for await (const chunk of child.stdout) {
    out += String(chunk);
    const url = /"gatewayUrl":\s*"([^"]+)"/.exec(out)?.[1];
    const adminUrl = /"adminUrl":\s*"([^"]+)"/.exec(out)?.[1];
    if (url !== undefined && adminUrl !== undefined) {
      return { url, adminUrl, freeze: () => void child.kill('SIGSTOP'), kill: () => killed(child), stop };
    }
  }
  await stop();
  throw new Error(`serve ended without a URL: ${out} ${errors}`);
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
