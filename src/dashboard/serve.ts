/** The dashboard's files, read once: as built, or made on the spot when running from the sources. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { DashboardFiles, PageFile } from '../admin/admin-types.ts';

const assets = join(import.meta.dirname, 'assets');

const contentTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

export interface DashboardDeps {
  /** Told once, when there is nothing to serve. */
  readonly onMissing: (error: unknown) => void;
}

/** Reads nothing before the first page is asked for: a gateway that nobody looks at carries no page. */
export function createDashboardFiles({ onMissing }: DashboardDeps): DashboardFiles {
  let loading: Promise<ReadonlyMap<string, PageFile>> | undefined;
  return {
    async file(name) {
      loading ??= load().catch((error: unknown) => {
        onMissing(error);
        return new Map();
      });
      return (await loading).get(name);
    },
  };
}

async function load(): Promise<ReadonlyMap<string, PageFile>> {
  const files = existsSync(assets) ? await readBuilt() : await makeNow();
  return new Map(await Promise.all(files.map(async ({ name, body }) => [name, await pageFile(name, body)] as const)));
}

const readBuilt = async (): Promise<{ name: string; body: Buffer }[]> =>
  await Promise.all((await readdir(assets)).map(async (name) => ({ name, body: await readFile(join(assets, name)) })));

async function makeNow() {
  const { bundleDashboard } = await import('./bundle.ts');
  return await bundleDashboard({ minify: true });
}

async function pageFile(name: string, body: Buffer): Promise<PageFile> {
  return {
    contentType: contentTypes[name.split('.').at(-1)!] ?? 'application/octet-stream',
    body,
    gzip: await promisify(gzip)(body, { level: 9 }),
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    isImmutable: name !== 'index.html',
  };
}
