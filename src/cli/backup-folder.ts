/** A copy of a data folder that is whole although a gateway writes to it, with a list by which it is proved so. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { CliError } from './context.ts';

const manifestName = 'backup.json';
const manifestSchema = z.object({
  version: z.literal(1),
  madeBy: z.string(),
  at: z.string(),
  files: z.array(z.object({ name: z.string().regex(/^[\w.-]+$/), bytes: z.number(), sha256: z.string() })),
});

export type BackupManifest = z.output<typeof manifestSchema>;

/** What a running process writes for itself, what SQLite keeps beside a database, and what can be fetched again. */
const leftOut = /(\.lock|\.pid|-wal|-shm|-journal|\.log|\.log\.1|\.new)$|^gateway\.(json|start)$/;

/**
 * Databases are copied by SQLite itself, page by page under its locks; all other files are replaced as a whole by who
 * writes them. Folders (embedder files) are left out: they are fetched again.
 * @throws CliError
 */
export async function backUp(
  dataDir: string,
  target: string,
  about: { readonly version: string; readonly at: string; onFile(name: string): void },
): Promise<BackupManifest> {
  if (!existsSync(dataDir)) throw new CliError(`there is no data folder ${dataDir}; nothing has been stored yet`);
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new CliError(`${target} is not empty; name a new folder, so that no older backup is spoilt`);
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const names = readdirSync(dataDir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !leftOut.test(entry.name))
    .map(({ name }) => name)
    .toSorted();
  const files: BackupManifest['files'] = [];
  for (const name of names) {
    about.onFile(name);
    const to = join(target, name);
    if (/\.(sqlite|db)$/.test(name)) await copyDatabase(join(dataDir, name), to);
    else copyFileSync(join(dataDir, name), to);
    files.push({ name, bytes: statSync(to).size, sha256: await digestOf(to) });
  }
  const manifest: BackupManifest = { version: 1, madeBy: about.version, at: about.at, files };
  writeFileSync(join(target, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
}

/** @throws CliError naming the file that is not as it was written */
export async function checkBackup(source: string): Promise<BackupManifest> {
  const path = join(source, manifestName);
  if (!existsSync(path)) throw new CliError(`${source} is no backup: it has no ${manifestName}`);
  let manifest: BackupManifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${(error as Error).message.slice(0, 300)}`, { cause: error });
  }
  for (const { name, bytes, sha256 } of manifest.files) {
    const file = join(source, name);
    if (!existsSync(file)) throw new CliError(`${file} is missing; the backup is not whole`);
    if (statSync(file).size !== bytes || (await digestOf(file)) !== sha256)
      throw new CliError(`${file} is not as it was backed up; the backup is damaged`);
  }
  return manifest;
}

async function copyDatabase(from: string, to: string): Promise<void> {
  // Loaded only here: other commands should not pay for it.
  const { DatabaseSync, backup } = await import('node:sqlite');
  const database = new DatabaseSync(from, { readOnly: true });
  try {
    await backup(database, to, { rate: pagesAtOnce });
  } finally {
    database.close();
  }
}

/** 4 MB at a time: a writer waits for no longer than that takes. */
const pagesAtOnce = 1_000;

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
