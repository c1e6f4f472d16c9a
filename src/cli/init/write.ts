/** Puts the configuration and its secrets on disk: each file as a whole or not at all, the configuration last. */
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { SecretPaths } from './render.ts';
import type { Setup } from './setup.ts';

export interface Written {
  readonly config: string;
  readonly secrets: readonly string[];
  /** Of what was there before. */
  readonly backups: readonly string[];
}

const secretMode = 0o600;
const folderMode = 0o700;
const firstTenant = 'team';

/** `gateway.yaml` has its secrets in `gateway.secrets/`: a folder that only its owner opens. */
export function secretPathsOf(config: string): SecretPaths {
  const folder = join(dirname(resolve(config)), `${basename(config).replace(/\.ya?ml$/, '')}.secrets`);
  return {
    vastKey: join(folder, 'vast-key'),
    alertSecret: join(folder, 'alert-secret'),
    apiKeys: join(folder, 'api-keys'),
  };
}

/** The texts of the secrets by their paths, and the key that was made. */
export function secretsOf(
  setup: Pick<Setup, 'access' | 'alert'> & { readonly source: { readonly kind: string; readonly key?: string } },
  paths: SecretPaths,
): { readonly files: ReadonlyMap<string, string>; readonly apiKey: string | undefined } {
  const files = new Map<string, string>();
  if (setup.source.key !== undefined) files.set(paths.vastKey, `${setup.source.key}\n`);
  if (setup.alert?.secret !== undefined) files.set(paths.alertSecret, `${setup.alert.secret}\n`);
  const apiKey = setup.access === 'keys' ? `shk_${randomBytes(30).toString('base64url')}` : undefined;
  if (apiKey !== undefined) files.set(paths.apiKeys, `${firstTenant} ${apiKey}\n`);
  return { files, apiKey };
}

/** @param stamp ends the names of backups of what is replaced */
export function writeAll(config: string, text: string, secrets: ReadonlyMap<string, string>, stamp: string): Written {
  const path = resolve(config);
  const backups: string[] = [];
  const put = (file: string, content: string, mode: number) => {
    if (existsSync(file)) {
      const backup = `${file}.before-${stamp}`;
      copyFileSync(file, backup);
      chmodSync(backup, mode);
      backups.push(backup);
    }
    const fresh = `${file}.new`;
    try {
      writeFileSync(fresh, content, { mode });
      // A file that an interrupted run has left keeps its old mode otherwise.
      chmodSync(fresh, mode);
      renameSync(fresh, file);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
  };
  // A Ctrl-C waits for the end of these few writes.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    mkdirSync(dirname(path), { recursive: true });
    for (const [file, content] of secrets) {
      mkdirSync(dirname(file), { recursive: true, mode: folderMode });
      chmodSync(dirname(file), folderMode);
      put(file, content, secretMode);
    }
    // Last: without it nothing reads the others. It names people and servers, so it is nobody else's either.
    put(path, text, secretMode);
  } finally {
    process.off('SIGINT', ignore);
  }
  return { config: path, secrets: [...secrets.keys()], backups };
}
