/** Start-up and memory of the program that a user starts, before anyone has asked anything. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { percentile, round } from '../lib/stats.ts';
import type { Row } from '../lib/rows.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** By then the garbage of start-up has been collected, or stays until somebody asks something. */
const settleMs = 3_000;
const startTimeoutMs = 30_000;
const logCharsMax = 4_000;

/** @param thinkerUrl a running thinker; undefined = no configuration at all: the program starts a simulated one itself. */
export async function measureStart(thinkerUrl: string | undefined, times: number): Promise<Row> {
  const readyMs: number[] = [];
  const rssMib: number[] = [];
  for (let i = 0; i < times; i++) {
    const one = await startOnce(thinkerUrl);
    readyMs.push(one.readyMs);
    rssMib.push(one.rssMib);
  }
  return {
    cell: thinkerUrl === undefined ? 'start with no configuration' : 'start in front of a running thinker',
    program: existsSync(join(root, 'dist', 'cli', 'main.js')) ? 'dist' : 'src',
    starts: times,
    readyMs: Math.round(percentile(readyMs, 0.5)),
    readyMaxMs: Math.round(Math.max(...readyMs)),
    emptyRssMib: round(percentile(rssMib, 0.5), 1),
    emptyRssMb: round((percentile(rssMib, 0.5) * 2 ** 20) / 1e6, 1),
    emptyRssMaxMib: round(Math.max(...rssMib), 1),
  };
}

async function startOnce(thinkerUrl: string | undefined): Promise<{ readyMs: number; rssMib: number }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-bench-start-'));
  const config = join(dataDir, 'config.yaml');
  // JSON is YAML. With no thinker to talk to, discovery looks for an Ollama first, as it does for a user.
  if (thinkerUrl !== undefined) await writeFile(config, JSON.stringify({ thinkers: [{ url: thinkerUrl }] }));
  const flags = ['serve', '--json', '--port', '0', '--admin-port', '0', '--data-dir', dataDir];
  if (thinkerUrl !== undefined) flags.push('--config', config);
  const startedMs = performance.now();
  const child = spawn(process.execPath, [join(root, 'bin', 'llm-self-host.js'), ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SELFHOST_'))),
  });
  // Its log would stand between the rows; it is told when the start fails.
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (log.length < logCharsMax) log += chunk.toString('utf8');
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const url = await gatewayUrl(child.stdout, exited, () => log);
    const answered = await fetch(url);
    await answered.text();
    const readyMs = performance.now() - startedMs;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    return { readyMs, rssMib: residentMib(child.pid!) };
  } finally {
    child.kill('SIGTERM');
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  }
}

function gatewayUrl(stdout: NodeJS.ReadableStream, exited: Promise<void>, log: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready after ${startTimeoutMs} ms: ${log()}`)), startTimeoutMs);
    let text = '';
    stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const found = /"gatewayUrl": *"([^"]+)"/.exec(text)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
    void exited.then(() => {
      clearTimeout(timer);
      reject(new Error(`the gateway ended before it was ready: ${log()}`));
    });
  });
}

function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
