/** Starts the simulated thinker as a child process, so that its work does not run on the caller's event loop. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { systemClock, type Clock } from '../core/clock.ts';
import type { ThinkerProfileName } from './profiles.ts';

export interface SpawnThinkerOptions {
  /** `demo` when absent. */
  readonly profile?: ThinkerProfileName;
  readonly seed?: number;
  /** 0, a free port, when absent. */
  readonly port?: number;
  readonly host?: string;
  readonly models?: readonly string[];
  /** Fault models work and are listed; false when absent. */
  readonly faults?: boolean;
  /** Serves `/__sim/…`; false when absent. */
  readonly control?: boolean;
  readonly slots?: number;
  readonly maxQueue?: number;
  /** 30 s when absent: a Node process starts in one or two, and in ten where a dozen others start beside it. */
  readonly startTimeoutMs?: number;
  readonly clock?: Clock;
}

export interface SpawnedThinker {
  readonly url: string;
  readonly pid: number;
  /** Resolves when the process is gone, for whatever reason; it is never restarted here. */
  readonly exited: Promise<string>;
  /** Ends the process. Idempotent. */
  close(): Promise<void>;
}

/** Enough of what a dying program says to see why. */
const stderrCharsMax = 4_000;
/** A program that does not end on SIGTERM is killed. */
const closeGraceMs = 2_000;

/**
 * The child keeps nothing of ours alive, and ends when we do: its stdin closes.
 * @throws Error when it is not ready within `startTimeoutMs`, with what it wrote to stderr.
 */
export async function spawnSimulatedThinker(options: SpawnThinkerOptions = {}): Promise<SpawnedThinker> {
  const clock = options.clock ?? systemClock;
  // `.ts` when run from source, `.js` from the built package.
  const program = fileURLToPath(new URL(`./thinker-server/main${import.meta.url.slice(-3)}`, import.meta.url));
  const child = spawn(process.execPath, [program, ...flagsOf(options)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.once('error', (error) => resolve(error.message));
  });
  // Writing to a child that is gone is no failure of ours: nothing is ever written.
  child.stdin.on('error', () => {});
  const close = () => stop(child, exited, clock);
  try {
    const url = await ready(child, exited, { timeoutMs: options.startTimeoutMs ?? 30_000, clock });
    child.unref();
    for (const pipe of child.stdio) (pipe as unknown as { unref(): void } | null)?.unref();
    return { url, pid: child.pid!, exited, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function flagsOf(options: SpawnThinkerOptions): string[] {
  const flags = ['--profile', options.profile ?? 'demo'];
  const add = (flag: string, value: string | number | undefined) => {
    if (value !== undefined) flags.push(flag, String(value));
  };
  add('--seed', options.seed);
  add('--port', options.port);
  add('--host', options.host);
  add('--models', options.models?.join(','));
  add('--slots', options.slots);
  add('--max-queue', options.maxQueue);
  if (options.faults) flags.push('--faults');
  if (options.control) flags.push('--control');
  return flags;
}

function ready(
  child: ChildProcess,
  exited: Promise<string>,
  { timeoutMs, clock }: { timeoutMs: number; clock: Clock },
): Promise<string> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    const fail = (why: string) => {
      timer.clear();
      reject(
        new Error(`the simulated thinker did not start: ${why}${stderr === '' ? '' : `; it said: ${stderr.trim()}`}`),
      );
    };
    const timer = clock.after(timeoutMs, () => fail(`not ready after ${timeoutMs} ms`));
    void exited.then(fail);
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < stderrCharsMax) stderr += text;
    });
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      if (!stdout.includes('\n')) stdout += text;
      const line = /^(\{.*\})\n/.exec(stdout)?.[1];
      if (line === undefined) return;
      timer.clear();
      resolve((JSON.parse(line) as { url: string }).url);
    });
  });
}

async function stop(child: ChildProcess, exited: Promise<string>, clock: Clock): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.ref();
  child.kill('SIGTERM');
  const timer = clock.after(closeGraceMs, () => child.kill('SIGKILL'));
  await exited;
  timer.clear();
}
