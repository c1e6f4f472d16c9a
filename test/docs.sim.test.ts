/** The documentation does what it says: its commands run, its links lead somewhere, its list of routes is whole. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readlinkSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { adminRoutes } from '../src/admin/app.ts';
import { isManagementRoute } from '../src/admin/management.ts';
import { guards } from '../src/cache/hit-policy/guards/guards.ts';
import { configSchema } from '../src/config/schema.ts';
import { resolveConfig } from '../src/config/load.ts';
import { AppError, errorTable, type ErrorCode } from '../src/core/errors.ts';
import { requestId } from '../src/core/ids.ts';
import { encodeAnthropicError } from '../src/gateway/dialects/anthropic/errors.ts';
import { encodeOpenAiError } from '../src/gateway/dialects/openai/errors.ts';
import { findRoute } from '../src/gateway/routes.ts';
import { startGateway } from '../src/main.ts';
import type { RunningGateway } from '../src/running-gateway.ts';
import { silentLogger } from '../src/telemetry/logger.ts';
import { parseMarkdown, type Block } from './support/markdown.ts';
import { binary } from './support/cli.ts';
import { root, textOf } from './support/source-tree.ts';

const executable = ['README.md', ...globSync('docs/*.md', { cwd: root }).toSorted()];
const linked = [
  ...executable,
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'llms.txt',
  'bench/README.md',
  ...globSync('docs/*/*.md', { cwd: root }).toSorted(),
];
const pages = new Map(linked.map((path) => [path, parseMarkdown(textOf(path))]));

/** What the pages call the two ports. */
const writtenUrls = { gateway: 'http://127.0.0.1:11435', admin: 'http://127.0.0.1:11436' } as const;
/** Most blocks take well under a second, a rented machine some seconds to start; this is for a machine that is busy with the other tests. */
const blockMaxMs = 60_000;

const missingTools = ['sh', 'curl', 'grep'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
const skip = missingTools.length > 0 && `this machine has no ${missingTools.join(', ')}`;

// Pages have nothing to do with each other, and mostly wait for programs to start.
describe('pages', { concurrency: true, skip }, () => {
  for (const path of executable) {
    const blocks = pages.get(path)!.blocks.filter(({ language }) => language === 'sh' || language === 'js');
    if (blocks.length === 0) continue;
    describe(path, { concurrency: false }, () => {
      let terminal: Terminal;
      before(async () => {
        terminal = await openTerminal();
      });
      after(() => terminal.close());

      // In order and in one terminal, as a reader goes through the page.
      for (const block of blocks) {
        const title = `line ${block.line}: ${block.text.trim().split('\n')[0]}`;
        if (block.notRun !== undefined) {
          it(title, { skip: block.notRun || 'no reason given' }, () => {});
          continue;
        }
        it(title, async () => {
          const { code, output } = await terminal.run(block);
          assert.equal(code, 0, `exit code ${code}; it printed:\n${output}`);
          for (const expected of block.expected) {
            assert.match(output, new RegExp(expected, 'm'), `${expected} is not in what it printed:\n${output}`);
          }
        });
      }
    });
  }
});

describe('documentation', () => {
  it('gives a reason for each block that is not run, and an expectation for each that is', (test) => {
    const executed: string[] = [];
    let left = 0;
    const complaints = everyBlock().flatMap(({ path, block }) => {
      const where = `${path}:${block.line}`;
      if (['bash', 'shell', 'console', 'javascript', 'mjs'].includes(block.language))
        return [`${where}: \`${block.language}\` is not executed; write \`sh\` or \`js\``];
      if (block.language !== 'sh' && block.language !== 'js') return [];
      if (block.notRun !== undefined) {
        left++;
        return block.notRun === '' ? [`${where}: say why it is not run`] : [];
      }
      executed.push(where);
      return block.expected.length === 0 && !onlyExports(block)
        ? [`${where}: add <!-- expect: … --> with what it prints`]
        : [];
    });
    const stray = executable.flatMap((path) =>
      pages.get(path)!.strayLines.map((line) => `${path}:${line}: this comment stands before no block`),
    );
    assert.deepEqual([...complaints, ...stray], []);
    test.diagnostic(`${executed.length} blocks are run, ${left} are not and say why`);
    for (const path of ['README.md', 'docs/api.md', 'docs/cache.md', 'docs/troubleshooting.md'])
      assert.ok(
        executed.some((where) => where.startsWith(`${path}:`)),
        `${path} has no block that is run`,
      );
  });

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const named = everyBlock().flatMap(({ path, block }) =>
      [...block.text.matchAll(/^(?:.*&& )?npm (?:run ([\w:]+)|(start|test))\b/gm)].map((match) => ({
        where: `${path}:${block.line}`,
        script: match[1] ?? match[2]!,
      })),
    );
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter(({ script }) => !(script in scripts)),
      [],
    );
  });

  it('shows configuration that is accepted, and JSON that is JSON', async () => {
    const yaml = await import('yaml');
    for (const { path, block } of everyBlock()) {
      const where = `${path}:${block.line}`;
      if (block.language === 'json') assert.doesNotThrow(() => JSON.parse(block.text), `${where} is not JSON`);
      if (block.language !== 'yaml') continue;
      const parsed = configSchema.safeParse(yaml.parse(block.text));
      assert.ok(parsed.success, `${where} would be refused at start: ${parsed.error?.message}`);
    }
  });

  it('has links that lead somewhere', () => {
    const complaints = linked.flatMap((path) =>
      pages.get(path)!.links.flatMap(({ target, line }) => {
        if (/^[a-z]+:/.test(target)) return [];
        const [file = '', anchor] = target.split('#', 2);
        const to = file === '' ? path : normalize(join(dirname(path), file)).replaceAll('\\', '/');
        if (!existsSync(join(root, to))) return [`${path}:${line}: ${target}: there is no ${to}`];
        if (anchor === undefined || !to.endsWith('.md')) return [];
        const { anchors } = pages.get(to) ?? parseMarkdown(textOf(to));
        return anchors.has(anchor) ? [] : [`${path}:${line}: ${target}: ${to} has no such heading`];
      }),
    );
    assert.deepEqual(complaints, []);
  });
});

describe('docs/api.md', () => {
  const text = textOf('docs/api.md');
  /** `METHOD /path` as the page writes them, in code. */
  const written = new Set([...text.matchAll(/`((?:GET|POST|DELETE|HEAD) \/[^`\s?]*)/g)].map((match) => match[1]!));

  it('has every route of the gateway', () => {
    const literals = [...textOf('src/gateway/routes.ts').matchAll(/'(\/(?:(?:api|v1)\/[\w/]+)?)'/g)].map((m) => m[1]!);
    const paths = [...new Set(literals)];
    assert.ok(paths.length > 20, `only ${paths.length} routes were found in routes.ts`);
    const missing = paths.flatMap((path) => {
      // A closing slash takes a name.
      const shown = path !== '/' && path.endsWith('/') ? `${path}{` : path;
      const { methods } = findRoute(path === shown ? path : `${path}x`, {});
      return methods
        .filter((method) => method !== 'HEAD' || !methods.includes('GET'))
        .map((method) => `${method} ${shown}`)
        .filter(
          (route) => ![...written].some((each) => each === route || (route.endsWith('{') && each.startsWith(route))),
        );
    });
    assert.deepEqual(missing, []);
  });

  it('has every route of the operator port', () => {
    const missing = adminRoutes
      .map(({ method, path }) => `${method} ${path.replace(':id', '{id}')}`)
      .filter((route) => !written.has(route));
    assert.deepEqual(missing, []);
  });

  it('has no route that does not exist', () => {
    const unknown = [...written].filter((route) => {
      const [method, path] = route.split(' ') as [string, string];
      const filled = path.replace(/\{\w+\}/g, 'x');
      const onGateway = findRoute(filled, {});
      if (onGateway.kind !== 'unknown' && onGateway.methods.includes(method)) return false;
      if (isManagementRoute(filled)) return false;
      return !adminRoutes.some((each) => each.path.replace(':id', '{id}') === path && each.method === method);
    });
    assert.deepEqual(unknown, []);
  });

  it('has every header that the gateway sends', () => {
    const sent = globSync('src/gateway/**/*.ts', { cwd: root })
      .filter((path) => !path.endsWith('.test.ts'))
      .flatMap((path) => [...textOf(path).matchAll(/'(x-selfhost-[a-z-]+)'/g)].map((match) => match[1]!));
    assert.ok(sent.length > 5);
    assert.deepEqual(
      [...new Set(sent)].filter((header) => !text.includes(`\`${header}\``)),
      [],
    );
  });

  it('has the status and the types of each error as the dialects send them', () => {
    const rows = [...text.matchAll(/^\| (\d{3}) \| (.+?) \| `(\w+)` \| `(\w+)` \|$/gm)];
    assert.ok(rows.length > 10);
    for (const [, status, codes, openAi, anthropic] of rows) {
      for (const [, code] of codes!.matchAll(/`(\w+)`/g)) {
        const error = new AppError(code as ErrorCode, 'x');
        assert.equal(error.status, Number(status), code);
        assert.match(encodeOpenAiError(error, requestId('r')).body, new RegExp(`"type":"${openAi}"`), code);
        assert.match(encodeAnthropicError(error, requestId('r')).body, new RegExp(`"type":"${anthropic}"`), code);
      }
    }
  });

  it('has the limits that apply unless configured', () => {
    const defaults = configSchema.parse({}) as unknown as Record<string, Record<string, unknown>>;
    const rows = [...text.matchAll(/^\| [^|]+ \| ([^|]+) \| ((?:`\w+\.\w+`(?:, )?)+) \|$/gm)];
    assert.ok(rows.length > 6);
    for (const [row, shown, options] of rows) {
      for (const [, section, option] of options!.matchAll(/`(\w+)\.(\w+)`/g)) {
        const value = defaults[section!]?.[option!];
        assert.ok(typeof value === 'number', `${section}.${option} is no option with a number: ${row}`);
        const forms = [
          value.toLocaleString('en'),
          `${value / 1000} s`,
          `${value / 60_000} min`,
          `${value / 2 ** 20} MiB`,
        ];
        assert.ok(
          forms.some((form) => shown!.includes(form)),
          `${section}.${option} is ${value}, the page says ${shown}`,
        );
      }
    }
  });

  it('has every error code that a request can meet', () => {
    // These end a start, a semantic lookup, or a command of the fleet: no request meets them.
    const never = [
      'config_invalid',
      'embedding_failed',
      'provider_unavailable',
      'provider_refused',
      'offer_gone',
      'ledger_unavailable',
      'redis_unavailable',
    ];
    const missing = Object.keys(errorTable).filter((code) => !never.includes(code) && !text.includes(`\`${code}\``));
    assert.deepEqual(missing, []);
  });
});

describe('docs/cache.md', () => {
  it('has every guard', () => {
    const text = textOf('docs/cache.md');
    assert.deepEqual(
      Object.keys(guards).filter((guard) => !text.includes(`| \`${guard}\` |`)),
      [],
    );
  });

  it('has every reason for which the cache is not asked', () => {
    const union = /export type BypassReason =([^;]+);/.exec(textOf('src/cache/cache-types.ts'))?.[1] ?? '';
    const reasons = [...union.matchAll(/'([\w-]+)'/g)].map((match) => match[1]!);
    assert.ok(reasons.length > 3);
    const text = textOf('docs/cache.md');
    assert.deepEqual(
      reasons.filter((reason) => !text.includes(`\`${reason}\``)),
      [],
    );
  });
});

function everyBlock(): { readonly path: string; readonly block: Block }[] {
  return executable.flatMap((path) => pages.get(path)!.blocks.map((block) => ({ path, block })));
}

const onlyExports = (block: Block): boolean =>
  block.language === 'sh' && block.text.split('\n').every((line) => line === '' || line.startsWith('export '));

interface Terminal {
  run(block: Block): Promise<{ readonly code: number | null; readonly output: string }>;
  close(): Promise<void>;
}

/** A folder, a gateway as `npm start` gives it to a stranger, and one environment that blocks leave to the next. */
async function openTerminal(): Promise<Terminal> {
  const folder = await mkdtemp(join(tmpdir(), 'selfhost-docs-'));
  const gateway = await startDefaultGateway(join(folder, 'data'));
  const exported = join(folder, '.exported');
  let functions = '';
  const programs = join(folder, '.programs');
  await mkdir(programs);
  // `npx llm-self-host` costs a second of npm each time, and would run what was built rather than what is here.
  const run = `exec '${process.execPath}' '${binary}' "$@"\n`;
  await writeFile(join(programs, 'llm-self-host'), `#!/bin/sh\n${run}`);
  await writeFile(
    join(programs, 'npx'),
    `#!/bin/sh\n[ "$1" = llm-self-host ] || { echo "npx $1 is not known to this test" >&2; exit 1; }\nshift\n${run}`,
  );
  for (const name of ['llm-self-host', 'npx']) await chmod(join(programs, name), 0o755);
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const environment = {
    HOME: folder,
    PATH: [programs, dirname(process.execPath), process.env['PATH'] ?? ''].join(':'),
    SELFHOST_URL: gateway.gatewayUrl,
    SELFHOST_ADMIN_URL: gateway.adminUrl,
    // What a page starts beside it takes free ports: the usual ones may be somebody's.
    SELFHOST_PORT: '0',
    SELFHOST_ADMIN_PORT: '0',
    NO_COLOR: '1',
    NO_PROXY: '127.0.0.1',
  };

  return {
    async run(block) {
      const text = block.text
        .replaceAll(writtenUrls.gateway, gateway.gatewayUrl)
        .replaceAll(writtenUrls.admin, gateway.adminUrl);
      const before = existsSync(exported) ? `. '${exported}'\n` : '';
      if (block.language === 'sh') {
        const result = runShell(
          `${before}${functions}set -eu\n${text}\nexport -p > '${exported}'\n`,
          folder,
          environment,
        );
        // What a terminal would remember beside its variables.
        for (const [definition] of text.matchAll(/^\w+\(\) \{\n[^]*?^\}$/gm)) functions += `${definition}\n`;
        return result;
      }
      const script = join(folder, `line-${block.line}.mjs`);
      await writeFile(script, text);
      return runShell(`${before}exec '${process.execPath}' '${script}'\n`, folder, environment);
    },
    async close() {
      await gateway.close({ graceMs: 0 });
      stopAllIn(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Ends what blocks left running: one that failed ended before the one that stops it. Linux alone tells whose it is. */
function stopAllIn(folder: string): void {
  if (!existsSync('/proc')) return;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Ended meanwhile, or somebody else's.
    }
  }
}

function startDefaultGateway(dataDir: string): Promise<RunningGateway> {
  const config = resolveConfig(
    // At once instead of at a believable pace: the pages promise no times.
    { simulation: { profile: 'instant' }, embedding: { kind: 'lexical' }, telemetry: { logLevel: 'silent' } },
    {
      SELFHOST_PORT: '0',
      SELFHOST_ADMIN_PORT: '0',
      SELFHOST_DATA_DIR: dataDir,
      // Nobody listens on the discard port: an Ollama of this machine is left alone.
      OLLAMA_HOST: 'http://127.0.0.1:9',
    },
  );
  return startGateway(config, { logger: silentLogger });
}

function runShell(
  script: string,
  cwd: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn('sh', ['-c', script], { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const hear = (chunk: Buffer) => void (output += chunk.toString('utf8').replaceAll('\r\n', '\n'));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const deadline = setTimeout(() => {
    output += `\n${basename(cwd)}: stopped after ${blockMaxMs} ms`;
    child.kill('SIGKILL');
  }, blockMaxMs);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(deadline);
      resolve({ code, output });
    });
  });
}
