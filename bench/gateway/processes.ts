/** The parent's side: starts programs beside this file as processes of their own. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, Usage } from './child.ts';

export interface Started {
  readonly url: string;
  /** The operator port, where the program has one. */
  readonly adminUrl: string | undefined;
  readonly process: ChildProcess;
  usage(): Promise<Usage>;
  close(): Promise<void>;
}

/** Filling a cache with 100,000 entries is the slowest thing a child does. */
const startTimeoutMs = 300_000;
const usageTimeoutMs = 30_000;
const closeTimeoutMs = 10_000;

export async function startChild(
  program: string,
  options: object,
  nodeFlags: readonly string[] = [],
): Promise<Started> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [JSON.stringify(options)], {
    execArgv: [...nodeFlags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: childEnvironment(),
  });
  const { url, adminUrl } = await nextMessage(child, 'ready', startTimeoutMs);
  return {
    url,
    adminUrl,
    process: child,
    usage() {
      const answer = nextMessage(child, 'usage', usageTimeoutMs);
      child.send('usage');
      return answer;
    },
    close: () => stop(child),
  };
}

/** Runs a program to its end. @throws Error when it fails */
export async function runChild(program: string, options: object): Promise<void> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: childEnvironment(),
  });
  await nextMessage(child, 'done', startTimeoutMs);
  await stop(child);
}

/** Settings of whoever runs the benchmark must not change what is measured. */
function childEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('SELFHOST_') && name !== 'OLLAMA_HOST'),
  );
}

function nextMessage<Type extends ChildMessage['type']>(
  child: ChildProcess,
  type: Type,
  timeoutMs: number,
): Promise<Extract<ChildMessage, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      outcome();
    };
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no "${type}" from ${child.spawnargs[1]} after ${timeoutMs} ms`))),
      timeoutMs,
    );
    const onMessage = (message: unknown) => {
      const said = message as ChildMessage;
      if (said.type === type) settle(() => resolve(said as Extract<ChildMessage, { type: Type }>));
    };
    const onExit = (code: number | null) =>
      settle(() => reject(new Error(`${child.spawnargs[1]} ended with code ${code} before it was "${type}"`)));
    child.on('message', onMessage).on('exit', onExit);
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill('SIGKILL'), closeTimeoutMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
