/** A command in a real terminal: keys go in, the screen comes out. Needs tmux. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { binary } from './cli.ts';

const run = promisify(execFile);
/** Machines are busy, and a command loads for a second. */
const seenMaxMs = 60_000;
const lookMs = 100;

export interface Terminal {
  /** What is on the screen, and what has left it. */
  screen(): Promise<string>;
  /** Waits until the screen shows it. @returns the screen */
  sees(what: RegExp): Promise<string>;
  /** Names of keys as tmux has them: Enter, Down, C-c. */
  press(...keys: readonly string[]): Promise<void>;
  type(text: string): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** Waits for the end of the command. */
  ended(): Promise<{ readonly code: number; readonly screen: string }>;
  close(): Promise<void>;
}

let serial = 0;

export async function openTerminal(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Terminal> {
  // A server of its own: nothing of the person at this machine is touched.
  const socket = `selfhost-test-${process.pid}-${serial++}`;
  const tmux = async (...args: readonly string[]): Promise<string> =>
    (await run('tmux', ['-L', socket, '-f', '/dev/null', ...args])).stdout;
  const quoted = [process.execPath, binary, ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const variables = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', LANG: 'C.UTF-8', ...environment };
  const assigned = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  // The shell goes on after a Ctrl-C, and keeps the screen.
  const script = `trap : INT; env -i TERM=screen ${assigned.join(' ')} ${quoted}; echo "ended=$?"; trap - INT; exec sleep 600`;
  await tmux('-u', 'new-session', '-d', '-x', '100', '-y', '40', script);
  const screen = () => tmux('capture-pane', '-p', '-J', '-S', '-200');
  const sees = async (what: RegExp): Promise<string> => {
    const endMs = performance.now() + seenMaxMs;
    for (;;) {
      const now = await screen();
      if (what.test(now)) return now;
      if (performance.now() > endMs)
        throw new Error(`the screen does not show ${what} after ${seenMaxMs} ms; it shows:\n${now.trimEnd()}`);
      // Each look is a process: a machine with two cores needs them for what is waited for.
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  };
  return {
    screen,
    sees,
    press: async (...keys) => void (await tmux('send-keys', ...keys)),
    type: async (text) => void (await tmux('send-keys', '-l', text)),
    resize: async (columns, rows) => void (await tmux('resize-window', '-x', String(columns), '-y', String(rows))),
    async ended() {
      const last = await sees(/^ended=\d+$/m);
      return { code: Number(/^ended=(\d+)$/m.exec(last)![1]), screen: last };
    },
    close: async () => void (await tmux('kill-server').catch(() => '')),
  };
}
