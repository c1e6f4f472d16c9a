/** The code base checks itself. Each rule says why it is there when it is broken. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { commandsOf } from '../scripts/reference/tables.ts';
import { generatedFiles } from '../scripts/gen-reference.ts';
import { createProgram } from '../src/cli/program.ts';
import { errorTable } from '../src/core/errors.ts';
import { metricTable } from '../src/telemetry/metrics.ts';
import {
  importsOf,
  isTestFile,
  repositoryFiles,
  root,
  textOf,
  withoutComments,
  type Import,
} from './support/source-tree.ts';

/**
 * Who may import whom. A room is a folder of src/, or a file that lies there alone. Tests and conformance
 * suites may use `testing` and build what they need; everything else keeps to its row.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  telemetry: ['core'],
  sqlite: ['core'], // a database in a thread of its own; cache and ledger build on it
  redis: ['core', 'telemetry'], // one way to reach a server; cache, ledger and locks build on it
  keys: ['core', 'telemetry'],
  doctor: ['core'],
  ledger: ['core', 'telemetry', 'redis', 'sqlite'],
  cache: ['core', 'telemetry', 'redis', 'sqlite'],
  thinkers: ['core', 'telemetry'],
  router: ['core', 'telemetry', 'thinkers'],
  fleet: ['core', 'telemetry', 'thinkers', 'ledger', 'redis'],
  gateway: ['core', 'telemetry', 'cache', 'router', 'ledger', 'thinkers', 'keys'], // thinkers: the port types behind /api/tags, /api/ps and /api/show
  whatif: ['core', 'telemetry', 'cache', 'ledger', 'fleet'], // replays what the cache and the fleet decided
  admin: ['core', 'telemetry', 'cache', 'thinkers', 'fleet', 'ledger', 'keys', 'doctor', 'whatif'],
  dashboard: ['admin', 'core', 'telemetry'], // the words of the system, and types of what the operator port tells
  sim: ['core'], // a simulator that shared our clients or encoders could not catch their faults
  testing: ['core', 'cache', 'thinkers', 'router', 'telemetry', 'fleet', 'ledger', 'redis'],
  version: [],
  'running-gateway': ['admin'],
  compose: [
    'core',
    'config',
    'telemetry',
    'ledger',
    'whatif',
    'cache',
    'thinkers',
    'router',
    'gateway',
    'admin',
    'fleet',
    'redis',
    'keys',
    'doctor',
    'dashboard',
    'sim',
    'version',
  ], // the composition root, where one file would be too long
  main: [
    'core',
    'config',
    'telemetry',
    'ledger',
    'whatif',
    'cache',
    'thinkers',
    'router',
    'gateway',
    'admin',
    'fleet',
    'redis',
    'keys',
    'doctor',
    'dashboard',
    'sim',
    'compose',
    'version',
    'running-gateway',
  ],
  cli: ['core', 'config', 'admin', 'running-gateway'],
};

/** What a command that needs no running gateway loads when it runs, and only then: start-up stays fast. */
const lazily: Readonly<Record<string, readonly string[]>> = {
  'src/cli/commands/serve.ts': ['main', 'config'],
  'src/cli/init/outside.ts': ['compose', 'config', 'telemetry', 'core'],
  'src/cli/commands/embedder.ts': ['cache', 'config', 'telemetry', 'core'],
  'src/cli/commands/fleet-stop.ts': ['compose', 'config'],
  'src/cli/demo/play.ts': ['main', 'config', 'sim'],
  'src/cli/demo/clients.ts': ['sim'],
  'src/cli/commands/sim.ts': ['sim'],
  'src/cli/commands/down.ts': ['compose', 'config'],
  'src/cli/commands/doctor.ts': ['compose', 'config', 'doctor', 'telemetry', 'core'],
  'src/cli/commands/cost.ts': ['ledger'],
  'src/cli/commands/sim-vast.ts': ['sim'],
  'src/cli/commands/sim-redis-cloud.ts': ['sim'],
  'src/cli/commands/cache-migrate.ts': ['cache', 'redis', 'config', 'telemetry', 'core'],
  'src/cli/commands/redis.ts': ['redis', 'config', 'telemetry', 'core'],
  'src/cli/commands/redis-provision.ts': ['redis', 'core'],
};

/** Of these rooms, others see the port or type files alone. */
const doors: Readonly<Record<string, readonly string[]>> = {
  admin: ['src/admin/admin-types.ts', 'src/admin/alert-types.ts'],
};

/** Ports and their folders of drivers: other rooms import the port, and only the composition root a driver. */
const portFolders = [
  'src/cache/cache-store/',
  'src/cache/embedding-model/',
  'src/cache/vector-index/',
  'src/cache/hit-policy/',
  'src/thinkers/thinker/',
  'src/fleet/fleet-provider/',
  'src/ledger/ledger/',
  'src/redis/lease/',
];
const composers = ['main', 'compose'];

const linesMax = 400;
const files = repositoryFiles();
const typescript = files.filter((path) => /\.tsx?$/.test(path));
const source = typescript.filter((path) => path.startsWith('src/'));
/** Declarations of packages that bring none are nobody's room: they hold no code. */
const production = source.filter((path) => !isTestFile(path) && !path.endsWith('.d.ts'));

const roomOf = (path: string): string => {
  const [, first] = path.split('/');
  return first!.replace(/\.tsx?$/, '');
};

/** One readable complaint per line: a list of objects hides the path that matters. */
function none(complaints: readonly string[], why: string): void {
  assert.equal(complaints.length, 0, `${why}\n  ${complaints.join('\n  ')}`);
}

describe('tidy', () => {
  it('lets every room import only what its row allows', () => {
    const allImports = production.flatMap(importsOf);
    const wrong = allImports.filter((each) => each.to !== undefined && !mayImport(each));
    none(
      wrong.map(({ from, specifier }) => `${from} imports ${specifier}`),
      'arrows point downward only, see the table in test/tidy.test.ts',
    );
    // A table with rows for rooms that do not exist yet is a plan; a room without a row is a hole.
    none(
      [...new Set(production.map(roomOf))].filter((room) => !(room in rooms)),
      'these rooms have no row in the table',
    );
  });

  it('keeps drivers behind their ports', () => {
    const wrong = production.flatMap(importsOf).filter(({ from, to }) => {
      const folder = portFolders.find((each) => to?.startsWith(each));
      if (folder === undefined) return false;
      const room = roomOf(from);
      const isLazyCommand = lazily[from]?.includes(roomOf(folder)) ?? false;
      return room !== roomOf(folder) && !composers.includes(room) && !isLazyCommand;
    });
    none(
      wrong.map(({ from, specifier }) => `${from} imports ${specifier}`),
      'drivers are named in the composition root alone',
    );
  });

  it('has no import cycles', () => {
    none(findCycles(production), 'a cycle means that two files are one; move what they share');
  });

  it('writes relative imports with their extension', () => {
    const wrong = typescript
      .flatMap(importsOf)
      .filter(({ specifier, to }) => to !== undefined && !/\.(tsx?|js|json|css)$/.test(specifier));
    none(
      wrong.map(({ from, specifier }) => `${from} imports ${specifier}`),
      'Node runs these files as they are, and resolves no extension',
    );
  });

  it(`keeps every file within ${linesMax} lines`, () => {
    const long = typescript
      .map((path) => ({ path, lines: textOf(path).split('\n').length - 1 }))
      .filter(({ lines }) => lines > linesMax);
    none(
      long.map(({ path, lines }) => `${path}: ${lines} lines`),
      'a longer file holds more than one idea',
    );
  });

  it('takes time, chance and the environment from its dependencies', () => {
    const owners: readonly (readonly [pattern: RegExp, owner: RegExp])[] = [
      // What runs in a browser has the browser's own.
      [/\bDate\.now\(|\bnew Date\(\)/, /^src\/core\/clock\.ts$|^src\/testing\/|^src\/dashboard\/app\//],
      [/\bMath\.random\b/, /^src\/core\/random\.ts$|^src\/dashboard\/app\//],
      [
        /(?<![.\w])(setTimeout|setInterval)\(/,
        /^src\/core\/clock\.ts$|^src\/cli\/|^src\/admin\/status-page\/script\.ts$/,
      ],
      [/\bprocess\.env\b/, /^src\/cli\/|^src\/main\.ts$|^src\/config\/|^src\/sim\/[\w-]+\/main\.ts$|^src\/testing\//],
    ];
    const wrong = production.flatMap((path) =>
      withoutComments(textOf(path))
        .split('\n')
        .flatMap((line, index) =>
          owners
            .filter(([pattern, owner]) => pattern.test(line) && !owner.test(path))
            .map(() => `${path}:${index + 1} ${line.trim()}`),
        ),
    );
    none(wrong, 'a test must be able to move time and to repeat chance: take `clock`, `random` or configuration');
  });

  it('runs the conformance suite of its port with every driver', () => {
    const suites = source.filter((path) => path.endsWith('/conformance.ts'));
    assert.ok(suites.length > 0, 'no conformance suite found');
    const wrong = suites.flatMap((suite) => {
      const folder = suite.slice(0, -'conformance.ts'.length);
      const port = `${folder.slice(0, -1)}.ts`;
      const names = portNames(port);
      if (names.length === 0) return [`${suite} has no port beside it in ${port}`];
      const drivers = source.filter((path) => isDriver(path, folder, names));
      if (drivers.length === 0) return [`${suite} has no driver`];
      return drivers
        .filter((driver) => !testsOf(driver).some((test) => importsOf(test).some(({ to }) => to === suite)))
        .map((driver) => `${driver} has no test beside it that runs ${suite}`);
    });
    none(wrong, 'what holds for one driver of a port must hold for all');
  });

  it('runs every test', () => {
    const wrong = typescript
      .filter((path) => path.endsWith('.test.ts') && path !== 'test/tidy.test.ts')
      .flatMap((path) =>
        withoutComments(textOf(path))
          .split('\n')
          .flatMap((line, index) => {
            const focused = /\b(it|test|describe)\.only\(|\bonly: true/.test(line);
            // A skip says why in its own text, or is decided by a condition that gives the reason.
            const silent = /\b(it|test|describe)\.skip\(|\bskip: true\b|\b(it|test|describe)\.todo\(/.test(line);
            return focused || silent ? [`${path}:${index + 1} ${line.trim()}`] : [];
          }),
      );
    none(wrong, 'a test that does not run proves nothing; a tier or `skip: reason` says why one cannot');
  });

  it('has in its documents what is generated from the code', () => {
    const stale = Object.entries(generatedFiles())
      .filter(([path, content]) => !files.includes(path) || textOf(path) !== content)
      .map(([path]) => path);
    none(stale, 'these files are out of date; run `npm run docs:reference`');
  });

  it('names every error, metric and command in the reference', () => {
    const missing = [
      ...Object.keys(errorTable).filter((code) => !textOf('docs/reference/errors.md').includes(`\`${code}\``)),
      ...Object.values(metricTable)
        .map(({ name }) => name)
        .filter((name) => !textOf('docs/reference/metrics.md').includes(`\`${name}\``)),
      ...commandsOf(createProgram(silentContext))
        .map(({ name }) => name)
        .filter((name) => !textOf('docs/reference/cli.md').includes(`## ${name}\n`)),
    ];
    none(missing, 'what users meet is written down');
  });

  it('ends the help of every command with examples', () => {
    const silent = commandsOf(createProgram(silentContext))
      .filter(({ command }) => {
        let help = '';
        command.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp();
        return !/\nExamples:\n {2}\S/.test(help);
      })
      .map(({ name }) => name);
    none(silent, 'an example says more than a list of options');
  });

  it('names no machine and no private registry', () => {
    const told = [
      /\/work\/(main|shared)/,
      /(?<![\w.-])\/root\//,
      /https?:\/\/[^\s"'`)]*\bregistry\.(?!npmjs\.org|ollama\.ai)/,
    ];
    const readable = files.filter((path) =>
      /\.(ts|js|json|md|yaml|yml|sh|toml)$|^\.(npmrc|gitignore)$|^\.ci\//.test(path),
    );
    const wrong = readable
      .filter((path) => path !== 'test/tidy.test.ts')
      .flatMap((path) =>
        textOf(path)
          .split('\n')
          .flatMap((line, index) => (told.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}`] : [])),
      );
    none(wrong, 'what only one machine has does not belong in the repository');
  });

  it('locks packages without saying where they were fetched from', () => {
    const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, { resolved?: string }> };
    const foreign = Object.entries(packages)
      .filter(([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'))
      .map(([name]) => name);
    none(foreign, 'a mirror of ours would break the installation of everybody else');
  });
});

const silentContext = {
  environment: {},
  out: () => {},
  err: () => {},
  stdin: process.stdin,
  outIsTerminal: false,
  errIsTerminal: false,
  version: '0.0.0',
  setExitCode: () => {},
};

function mayImport({ from, to, kind }: Import): boolean {
  // package.json and the like, for the version.
  if (!to!.startsWith('src/')) return !isTestFile(to!);
  const [own, other] = [roomOf(from), roomOf(to!)];
  if (own === other) return !isTestFile(to!);
  // The type of what is loaded lazily costs nothing.
  if (kind !== 'value' && lazily[from]?.includes(other)) return true;
  if (!rooms[own]?.includes(other)) return false;
  const door = doors[other];
  return door === undefined || composers.includes(own) || door.includes(to!);
}

/** Each cycle once, as a path. A type cannot make a cycle at run time, and still ties two files together. */
function findCycles(paths: readonly string[]): string[] {
  const graph = new Map(
    paths.map((path) => [
      path,
      importsOf(path).flatMap(({ to, kind }) => (to !== undefined && kind !== 'dynamic' ? [to] : [])),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) return void cycles.push([...trail.slice(start), path].join(' → '));
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

/** Interfaces that a port file calls `Port:` in their docstring. */
function portNames(path: string): string[] {
  if (!files.includes(path)) return [];
  return [...textOf(path).matchAll(/Port: [\s\S]*?\*\/\s*export interface (\w+)/g)].map(([, name]) => name!);
}

/** A file that lies in the folder itself and exports a maker of the port. */
function isDriver(path: string, folder: string, names: readonly string[]): boolean {
  if (!path.startsWith(folder) || path.slice(folder.length).includes('/') || isTestFile(path)) return false;
  const text = textOf(path);
  const extended = names.flatMap((name) =>
    [...text.matchAll(new RegExp(`interface (\\w+) extends ${name}\\b`, 'g'))].map(([, each]) => each!),
  );
  const made = [...names, ...extended].join('|');
  return new RegExp(`export (async )?function \\w+\\([\\s\\S]{0,400}?\\): (Promise<)?(${made})\\b`).test(text);
}

/** `memory.ts` → `memory.test.ts`, `memory.redis.test.ts`, … */
function testsOf(path: string): string[] {
  const stem = path.slice(0, -'.ts'.length);
  return source.filter((test) => test.startsWith(`${stem}.`) && test.endsWith('.test.ts'));
}

// The root is where `git ls-files` was asked; a wrong one would make every rule pass on nothing.
assert.ok(files.includes('package.json') && production.length > 50, `no repository at ${join(root, '.')}`);
