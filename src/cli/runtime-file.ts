/** What a running gateway says of itself in its data folder, so that `down` and others find it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RuntimeFacts {
  readonly pid: number;
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

const pathOf = (dataDir: string): string => join(dataDir, 'gateway.json');

export function writeRuntime(dataDir: string, facts: RuntimeFacts): void {
  writeFileSync(pathOf(dataDir), `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o600 });
}

/** Only our own: a second gateway may have taken the folder over. */
export function removeRuntime(dataDir: string, pid: number): void {
  if (readFacts(dataDir)?.pid === pid) rmSync(pathOf(dataDir), { force: true });
}

/** @returns the gateway that runs on this folder; undefined when none does, whatever a crashed one left behind */
export function readRuntime(dataDir: string): RuntimeFacts | undefined {
  const facts = readFacts(dataDir);
  return facts !== undefined && isOurs(facts.pid) ? facts : undefined;
}

function readFacts(dataDir: string): RuntimeFacts | undefined {
  try {
    return JSON.parse(readFileSync(pathOf(dataDir), 'utf8')) as RuntimeFacts;
  } catch {
    // Absent, or cut by a full disk: nobody runs here as far as one can tell.
    return undefined;
  }
}

/** Alive, and a gateway: after a crash the number may belong to somebody else's program. */
function isOurs(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes('serve');
  } catch {
    // No /proc on this system: alive must do.
    return true;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is there too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
