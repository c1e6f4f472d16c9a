/** Runs commands: in this process against a captured context, or as a real process. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { CliContext } from '../../src/cli/context.ts';
import { createProgram } from '../../src/cli/program.ts';
import { root } from './source-tree.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Standard input is a terminal on which nobody types. */
  readonly terminal?: boolean;
}

/** As `main.ts` does it, without a process. @throws what the command threw, unless commander said it already */
export async function runCommand(
  words: readonly string[],
  { environment = {}, input = '', terminal = false }: RunOptions = {},
): Promise<Outcome> {
  const said = { out: '', err: '', code: 0 };
  const stdin = Object.assign(Readable.from(terminal ? [] : [Buffer.from(input)]), {
    isTTY: terminal,
  });
  const context: CliContext = {
    environment,
    out: (piece) => void (said.out += piece),
    err: (piece) => void (said.err += piece),
    stdin: stdin,
    outIsTerminal: false,
    errIsTerminal: false,
    version: '9.9.9',
    setExitCode: (code) => void (said.code = code),
  };
  try {
    await createProgram(context).parseAsync([...words], { from: 'user' });
  } catch (error) {
    const { code, exitCode } = error as { code?: string; exitCode?: number };
    if (!code?.startsWith('commander.')) throw error;
    said.code = exitCode ?? 1;
  }
  return said;
}

export const binary = join(root, 'src', 'cli', 'main.ts');

/** The command as a process of its own, from the sources, so that no stale build answers. */
export async function runProcess(
  words: readonly string[],
  { environment = {}, input = '' }: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [binary, ...words], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...environment },
    stdio: 'pipe',
  });
  child.stdin.end(input);
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.on('exit', (exit) => resolve(exit ?? -1))),
  ]);
  return { code, out, err };
}

export interface RunningProcess {
  /** What it printed first, as JSON. */
  readonly ready: Record<string, unknown>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Outcome>;
}

/** Starts a command that goes on until it is stopped, and waits for its first JSON. @throws when it ends before */
export async function startProcess(
  words: readonly string[],
  { environment = {} }: RunOptions = {},
): Promise<RunningProcess> {
  const child = spawn(process.execPath, [binary, ...words], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (said.err += piece));
  const exited = new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? -1)));
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      said.out += piece;
      if (said.out.endsWith('\n}\n')) resolve(JSON.parse(said.out) as Record<string, unknown>);
    });
    void exited.then((code) =>
      reject(new Error(`${words.join(' ')} ended with ${code} before it was ready: ${said.err}`)),
    );
  });
  return {
    ready,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return { code: await exited, ...said };
    },
  };
}
