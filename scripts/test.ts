/**
 * `npm test`: everything this machine can prove. Format, lint and types first, then every tier of tests in one run.
 *
 *   npm test                 all of it
 *   npm test -- gateway cli  only test files whose path contains one of the words, without the checks
 *
 * A tier that cannot run here is named with its reason, and never counts as passed. A file of real processes that fails
 * while others run beside it is run once more, alone: what passes then is told as unstable, with its first failure.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** One file, or one test in it, may take this long, milliseconds: several times the slowest, so that only a hang is cut off. */
const fileTimeoutMs = 240_000;
/**
 * With nothing told for so long, a process hangs where the runner's own limit does not reach: at its exit. A test is told
 * of at its end, so this is longer than one may take.
 */
const silenceMs = fileTimeoutMs + 60_000;
/** Files that may be run once more; where more fail, it is no accident. */
const secondTriesMax = 3;
/** Reasons shown in the summary; a longer list is in the report above it. */
const skipsShownMax = 20;

interface Tier {
  readonly suffix: string;
  readonly what: string;
  /** Real processes with real clocks share the cores with all other files; what runs in one process has no such excuse. */
  readonly tries: 1 | 2;
  /** Makes the machine ready; a string is why it cannot be. */
  readonly prepare: () => Unready | undefined;
}

/** `missing`: the machine should have been able to and is not: a failure. `absent`: hardware that one may lack. */
interface Unready {
  readonly kind: 'missing' | 'absent';
  readonly why: string;
}

const ready = (): undefined => undefined;

/** Most specific suffix first: `.test.ts` ends all of them. */
const tiers: readonly Tier[] = [
  { suffix: '.sim.test.ts', what: 'simulators on loopback', tries: 2, prepare: ready },
  {
    suffix: '.redis.test.ts',
    what: 'a real Redis',
    tries: 2,
    prepare: () =>
      haveProgram('redis-server', ['/usr/bin/redis-server'], 'redis-server') ??
      haveProgram('openssl', ['/usr/bin/openssl'], 'openssl'),
  },
  {
    suffix: '.page.test.ts',
    what: 'pages in Chromium',
    tries: 2,
    prepare: () => haveProgram('Chromium', ['/usr/bin/chromium', '/usr/bin/chromium-browser'], 'chromium'),
  },
  {
    suffix: '.prom.test.ts',
    what: "Prometheus' own tools",
    tries: 1,
    prepare: () => haveProgram('promtool', ['/usr/bin/promtool'], 'prometheus'),
  },
  {
    suffix: '.proxy.test.ts',
    what: 'the real caddy, openssl and curl',
    tries: 2,
    prepare: () =>
      haveProgram('caddy', ['/usr/bin/caddy'], 'caddy') ??
      haveProgram('openssl', ['/usr/bin/openssl'], 'openssl') ??
      haveProgram('curl', ['/usr/bin/curl'], 'curl'),
  },
  {
    suffix: '.tty.test.ts',
    what: 'a real terminal, by tmux',
    tries: 2,
    prepare: () => haveProgram('tmux', ['/usr/bin/tmux'], 'tmux'),
  },
  {
    suffix: '.gpu.test.ts',
    what: 'a GPU of this machine',
    tries: 1,
    prepare: () =>
      spawnSync('nvidia-smi', ['-L']).status === 0
        ? undefined
        : { kind: 'absent', why: 'no GPU here: `nvidia-smi -L` does not list one' },
  },
  { suffix: '.test.ts', what: 'in this process', tries: 1, prepare: ready },
];

const root = dirname(import.meta.dirname);
process.chdir(root);
const words = process.argv.slice(2);
const summary: string[] = [];
/** Tests that did not run, each with its reason. */
const skips = new Set<string>();
let failed = false;

if (words.length === 0) {
  await check('format', 'oxfmt', ['--check', '.'], 'npm run format');
  await check('lint', 'oxlint', ['--type-aware'], 'npm run lint');
  await check('types', 'tsc', ['-p', 'tsconfig.json'], 'npm run types');
  await check('types of the dashboard', 'tsc', ['-p', 'src/dashboard/app/tsconfig.json'], 'npm run types');
} else {
  summary.push(`only files matching ${words.join(' or ')}; format, lint and types not checked`);
}

const files = chooseFiles();
const closing = files.length === 0 ? [] : await runTests(files);
if (files.length === 0) {
  failed = true;
  summary.push(`no test file ${words.length === 0 ? 'found' : `matches ${words.join(' or ')}`}: nothing is proven`);
}
console.log(`\n${summary.join('\n')}\n${failed ? 'FAILED' : 'passed'}\n`);
console.log(closing.join('\n'));
process.exitCode = failed ? 1 : 0;

function chooseFiles(): string[] {
  const all = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'])
    .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
    .toSorted();
  const byTier = Map.groupBy(all, tierOf);
  const chosen: string[] = [];
  for (const tier of tiers) {
    const found = byTier.get(tier) ?? [];
    if (found.length === 0) continue;
    const unready = tier.prepare();
    if (unready === undefined) {
      chosen.push(...found);
      summary.push(`tier ${tier.suffix} (${tier.what}): ${found.length} files`);
    } else {
      failed ||= unready.kind === 'missing';
      summary.push(`tier ${tier.suffix} (${tier.what}): NOT RUN, ${found.length} files: ${unready.why}`);
    }
  }
  return chosen;
}

function tierOf(path: string): Tier | undefined {
  return tiers.find((tier) => path.endsWith(tier.suffix));
}

async function check(name: string, command: string, commandArguments: readonly string[], mend: string): Promise<void> {
  const startedAt = performance.now();
  const child = spawn(join('node_modules', '.bin', command), commandArguments, {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', (error) => {
      console.error(`cannot run ${command}: ${error.message}; run \`npm ci\``);
      resolve(null);
    });
    child.on('exit', resolve);
  });
  const took = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  failed ||= code !== 0;
  summary.push(code === 0 ? `${name}: ok (${took})` : `${name}: FAILED (${took}); see above, or run \`${mend}\``);
}

/** What the runner counts, of a file or of all. */
interface Counts {
  readonly tests: number;
  readonly suites: number;
  readonly passed: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly todo: number;
}

interface Outcome {
  readonly counts: ReadonlyMap<string, Counts>;
  /** Files that failed, with the names of what did. */
  readonly failures: ReadonlyMap<string, readonly string[]>;
  readonly durationMs: number;
}

/** @returns the runner's closing lines (`# tests …` to `# duration_ms …`), to be printed last; each file by its last try. */
async function runTests(paths: readonly string[]): Promise<string[]> {
  const first = await runFiles(paths, Math.max(2, availableParallelism()));
  const counts = new Map(first.counts);
  const failures = new Map(first.failures);
  let durationMs = first.durationMs;
  const again = [...failures.keys()];
  if (again.length > 0 && again.length <= secondTriesMax && again.every((path) => tierOf(path)?.tries === 2)) {
    console.log(`\nonce more, alone: ${again.join(' ')}\n`);
    const second = await runFiles(again, 1);
    durationMs += second.durationMs;
    for (const path of again.filter((each) => !second.failures.has(each))) {
      for (const name of failures.get(path)!)
        summary.push(`UNSTABLE, failed beside others: ${path}: ${name}; see above`);
      failures.delete(path);
      counts.set(path, second.counts.get(path)!);
    }
  }
  for (const skip of [...skips].slice(0, skipsShownMax)) summary.push(`not run: ${skip}`);
  if (skips.size > skipsShownMax) summary.push(`not run: ${skips.size - skipsShownMax} more, see above`);
  failed ||= failures.size > 0;
  for (const [path, names] of failures) for (const name of names) summary.push(`failed in ${path}: ${name}`);
  const sum = (of: keyof Counts) => [...counts.values()].reduce((total, count) => total + count[of], 0);
  if (sum('tests') === 0) {
    failed = true;
    summary.push('the test files contain no tests: nothing is proven');
  }
  const passed = sum('passed');
  const unsettled = sum('cancelled') + sum('skipped') + sum('todo');
  /** Files that ended before they could count. */
  const uncounted = [...failures.keys()].filter((path) => !counts.has(path)).length;
  const lines = [
    ['tests', sum('tests') + uncounted],
    ['suites', sum('suites')],
    ['pass', passed],
    ['fail', Math.max(failures.size, sum('tests') + uncounted - passed - unsettled)],
    ['cancelled', sum('cancelled')],
    ['skipped', sum('skipped')],
    ['todo', sum('todo')],
    ['duration_ms', durationMs],
  ];
  return lines.map(([name, value]) => `# ${name} ${value}`);
}

async function runFiles(paths: readonly string[], concurrency: number): Promise<Outcome> {
  const hanging = new AbortController();
  const results = run({
    files: paths.map((path) => join(root, path)),
    concurrency,
    timeout: fileTimeoutMs,
    signal: hanging.signal,
  });
  const silence = setTimeout(() => hanging.abort(), silenceMs);
  const counts = new Map<string, Counts>();
  const failures = new Map<string, string[]>();
  let durationMs = 0;
  const failedIn = (file: string, name: string) => {
    const path = relative(root, file);
    failures.set(path, [...(failures.get(path) ?? []), name]);
  };
  results.on('test:pass', ({ name, skip }) => {
    if (skip !== undefined && skip !== false) skips.add(`${name}: ${reasonOf(skip)}`);
  });
  results.on('test:fail', ({ todo, nesting, file, name }) => {
    // A `todo` test may fail: the runner reports it, and does not count it as a failure.
    if (todo !== undefined && todo !== false) return;
    if (nesting === 0) failedIn(file ?? root, name);
  });
  results.on('test:summary', ({ file, success, counts: count, duration_ms }) => {
    if (file !== undefined) counts.set(relative(root, file), count);
    else durationMs = duration_ms;
    if (!success && (file === undefined ? failures.size === 0 : !failures.has(relative(root, file))))
      failedIn(file ?? root, 'the run');
  });
  const asSpec = results.compose(new spec());
  asSpec.on('data', (chunk: string | Buffer) => {
    silence.refresh();
    process.stdout.write(chunk);
  });
  await finished(asSpec);
  clearTimeout(silence);
  return { counts, failures, durationMs };
}

function reasonOf(skip: string | boolean): string {
  return typeof skip === 'string' ? skip : 'no reason given';
}

/** Installs a Debian package when none of the programs is there. */
function haveProgram(name: string, paths: readonly string[], debianPackage: string): Unready | undefined {
  const there = () => paths.some((path) => existsSync(path));
  if (there()) return undefined;
  const missing = (why: string): Unready => ({
    kind: 'missing',
    why: `${name} is not at ${paths.join(' or ')} and cannot be installed: ${why}; install it and run again`,
  });
  if (spawnSync('apt-get', ['--version']).status !== 0) return missing('this machine has no apt-get');
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (prefix.length > 0 && spawnSync('sudo', ['-n', 'true']).status !== 0) {
    return missing('that needs root, and sudo asks for a password');
  }
  console.log(`installing ${debianPackage} with apt-get, which these tests need …`);
  for (const step of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', debianPackage],
  ]) {
    const [command, ...rest] = [...prefix, ...step];
    const done = spawnSync(command!, rest, {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (done.status !== 0) return missing(`\`${step.join(' ')}\` failed: ${done.stderr.trim().slice(-500)}`);
  }
  return there() ? undefined : missing(`apt-get installed ${debianPackage}, but the program is not there`);
}
