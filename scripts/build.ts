/**
 * Compiles src/ to dist/, copies what is not TypeScript, and bundles the dashboard. `npm ci` runs it, so it must be quick and
 * must not stand in the way of an installation without development dependencies that brings its dist/.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { bundleDashboard } from '../src/dashboard/bundle.ts';

const root = dirname(import.meta.dirname);
const dist = join(root, 'dist');
/** Beside dist/, so that what runs from dist/ meanwhile keeps its files, and a failed build leaves the last good one. */
const fresh = join(root, `dist-${process.pid}`);

process.exitCode = await build();

async function build(): Promise<number> {
  const compiler = findCompiler();
  if (compiler === undefined) {
    if (existsSync(join(dist, 'cli', 'main.js'))) return 0;
    console.error(
      'build: TypeScript is not installed and there is no dist/ yet; run `npm ci` with development dependencies once',
    );
    return 1;
  }
  const startedAt = performance.now();
  const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh], {
    cwd: root,
    stdio: 'inherit',
  });
  if (compiled.status !== 0) {
    console.error('build: the TypeScript compiler found the errors above; dist/ is as it was');
    rmSync(fresh, { recursive: true, force: true });
    return 1;
  }
  const assets = globSync('src/**/*', { cwd: root, withFileTypes: true }).filter(
    (entry) =>
      entry.isFile() &&
      !entry.name.endsWith('.ts') &&
      !entry.parentPath.includes('__fixtures__') &&
      !entry.parentPath.startsWith(join(root, 'src', 'dashboard', 'app')),
  );
  for (const asset of assets) {
    const from = join(asset.parentPath, asset.name);
    const to = join(fresh, from.slice(join(root, 'src').length));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
  try {
    await makeDashboard();
  } catch (error) {
    console.error(`build: the dashboard cannot be bundled: ${(error as Error).message}; dist/ is as it was`);
    rmSync(fresh, { recursive: true, force: true });
    return 1;
  }
  const broken = typeScriptUrls();
  if (broken.length > 0) {
    console.error(`build: these files point at a .ts file, which dist/ does not have:\n  ${broken.join('\n  ')}`);
    rmSync(fresh, { recursive: true, force: true });
    return 1;
  }
  rmSync(dist, { recursive: true, force: true });
  renameSync(fresh, dist);
  console.log(`built dist/ in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return 0;
}

async function makeDashboard(): Promise<void> {
  const assets = join(fresh, 'dashboard', 'assets');
  mkdirSync(assets, { recursive: true });
  for (const { name, body } of await bundleDashboard({ minify: true })) writeFileSync(join(assets, name), body);
}

function findCompiler(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve('typescript/package.json');
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { tsc: string } };
    return join(dirname(manifest), bin.tsc);
  } catch {
    return undefined;
  }
}

/** The compiler rewrites import specifiers but not `new URL('./worker.ts', import.meta.url)`. */
function typeScriptUrls(): string[] {
  const direct = /new URL\(\s*['"`][^'"`]+\.ts['"`]\s*,\s*import\.meta\.url/;
  return globSync(`${basename(fresh)}/**/*.js`, { cwd: root }).filter((path) =>
    direct.test(readFileSync(join(root, path), 'utf8')),
  );
}
