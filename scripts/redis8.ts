/**
 * `npm run redis8`: builds a Redis with vector sets from Debian's source archive, for the tests of `redis-vset`.
 *
 * Debian 12 ships Redis 7, which has no vectors. The source package of sid compiles here with the compiler of
 * Debian 12 in about three minutes on two cores. Nothing is installed: the binary is kept in `.cache/redis8/`,
 * where the tests look for it (or in REDIS8_SERVER). Needs apt-get, make, a C compiler and libssl-dev.
 */
import { spawnSync, type SpawnSyncOptions } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const kept = join(root, '.cache', 'redis8', 'redis-server');
/** A build takes three minutes; a busy machine several times that. */
const stepTimeoutMs = 30 * 60_000;

if (existsSync(kept) && !process.argv.includes('--force')) {
  console.log(`${kept} is there; --force builds it again`);
} else {
  build();
}

function build(): void {
  for (const tool of ['apt-get', 'make', 'cc', 'tar']) {
    if (spawnSync(tool, ['--version']).error !== undefined) fail(`${tool} is missing; install it and run again`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'redis8-'));
  try {
    const lists = join(folder, 'lists');
    mkdirSync(join(lists, 'partial'), { recursive: true });
    const sources = join(folder, 'sid.list');
    writeFileSync(
      sources,
      `deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${debianMirror()} sid main\n`,
    );
    const apt = [
      `-oDir::Etc::sourcelist=${sources}`,
      '-oDir::Etc::sourceparts=-',
      `-oDir::State::lists=${lists}`,
      // As the caller: the folder is his, and apt's own user could not write there.
      '-oAPT::Sandbox::User=',
    ];
    step('apt-get', [...apt, 'update', '-qq'], folder);
    step('apt-get', [...apt, 'source', '-qq', '--download-only', 'redis'], folder);
    const [archive] = globSync(join(folder, 'redis_*.orig.tar.*'));
    if (archive === undefined) fail('apt-get gave no source archive of redis');
    step('tar', ['xf', basename(archive)], folder);
    const [source] = globSync(join(folder, 'redis-*/src/Makefile'));
    if (source === undefined) fail(`${basename(archive)} does not hold a Redis source tree`);
    const tls = existsSync('/usr/include/openssl/ssl.h') ? ['BUILD_TLS=yes'] : [];
    step('make', [...tls, `-j${availableParallelism()}`, 'redis-server'], dirname(source), [
      'ignore',
      'ignore',
      'inherit',
    ]);
    mkdirSync(dirname(kept), { recursive: true });
    copyFileSync(join(dirname(source), 'redis-server'), kept);
    console.log(spawnSync(kept, ['--version'], { encoding: 'utf8' }).stdout.trim());
    console.log(`built ${kept}; \`npm test -- redis-vset\` uses it`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The mirror that apt is configured with, so that a private one keeps working. */
function debianMirror(): string {
  const files = ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*.{list,sources}')].filter(existsSync);
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const urls = [...text.matchAll(/^(?!#)(?:URIs:|deb)[^#\n]*?(https?:\/\/\S+)/gm)].map(([, url]) => url!);
  const debian = urls.find((url) => /\/debian\/?$/.test(url));
  return debian ?? fail(`apt is configured with no Debian mirror (${urls.join(', ') || 'none at all'})`);
}

function step(
  command: string,
  commandArguments: readonly string[],
  cwd: string,
  stdio: SpawnSyncOptions['stdio'] = 'inherit',
): void {
  console.log(`${command} ${commandArguments.filter((each) => !each.startsWith('-o')).join(' ')}`);
  const done = spawnSync(command, commandArguments, { cwd, stdio, timeout: stepTimeoutMs });
  if (done.status !== 0) fail(`\`${command}\` failed (${done.signal ?? done.status ?? String(done.error)})`);
}

function fail(why: string): never {
  console.error(`no Redis 8: ${why}`);
  process.exit(1);
}
