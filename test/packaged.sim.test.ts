/**
 * As a stranger gets it: the steps of the image without its engine, and the packed tarball in an empty folder, with a
 * stopwatch. Needs the package registry, as `npm ci` did.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { environmentOf, parseDockerfile, stepsOf, wordsOf, type DockerStage } from './support/dockerfile.ts';
import { repositoryFiles, root, textOf } from './support/source-tree.ts';
import { until } from './support/until.ts';

/** One command; a registry that does not answer would hold it for much longer. */
const commandMaxMs = 110_000;
/** From nothing to the second, cached answer, installation included. Promised: two minutes. */
const promisedMs = 120_000;

const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);

/** What a stranger's shell has: how this machine reaches the registry, and nothing of ours. */
const clean = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ||
      /^SELFHOST_|^npm_(package|lifecycle|command|execpath)|^OLLAMA_HOST$|^NODE_(TEST|OPTIONS|ENV$)/i.test(name)
        ? []
        : [[name, value]],
    ),
  ),
  PATH: path,
  // Nobody answers there, so that an Ollama of this machine is not taken for the stranger's.
  OLLAMA_HOST: 'http://127.0.0.1:9',
  ...more,
});

function run(cwd: string, command: string, environment: Readonly<Record<string, string>> = clean()): string {
  const done = spawnSync('sh', ['-c', command], {
    cwd,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: commandMaxMs,
  });
  assert.equal(done.status, 0, `\`${command}\` ended with ${done.status}:\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

const pathsOf = (document: unknown): object => (document as { readonly paths: object }).paths;

async function askTwice(gatewayUrl: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const expected of ['miss', 'exact']) {
    const reply = await fetch(`${gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'llama3.2:3b', messages: [{ role: 'user', content: 'Why is the sky blue?' }] }),
    });
    const body = (await reply.json()) as { choices: { message: { content: string } }[] };
    assert.equal(reply.headers.get('x-selfhost-cache'), expected);
    assert.match(body.choices[0]!.message.content, /^\[simulated\] .*sky/);
  }
}

describe('what is shipped', { concurrency: false }, () => {
  let folder: string;
  let build: string;
  let stages: readonly [DockerStage, DockerStage];
  const tookMs: Record<string, number> = {};

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-shipped-'));
    build = join(folder, 'build');
    stages = parseDockerfile(textOf('deploy/Dockerfile')) as [DockerStage, DockerStage];
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** The files of the repository under a path, as git has them: neither dist/ nor what lies about in a checkout. */
  const copy = (from: string, to: string): void => {
    for (const file of repositoryFiles()) {
      if (file !== from && !file.startsWith(`${from}/`)) continue;
      const target = join(to, file === from ? from : file);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(root, file), target);
    }
  };

  it('builds by the steps of the image', () => {
    const startedMs = performance.now();
    mkdirSync(build);
    const environment = clean(environmentOf(stages[0]));
    for (const { instruction, rest } of stages[0].steps) {
      if (instruction === 'COPY') for (const from of rest.split(/\s+/).slice(0, -1)) copy(from, build);
      // The last step takes away what packing still needs.
      else if (instruction === 'RUN' && !rest.startsWith('npm prune')) run(build, rest, environment);
    }
    assert.ok(existsSync(join(build, 'dist/cli/main.js')));
    tookMs['build'] = performance.now() - startedMs;
  });

  it('packs what runs, and nothing else', () => {
    for (const extra of ['docs']) copy(extra, build);
    run(build, 'npm pack --ignore-scripts --silent');
    const tarball = readdirSync(build).find((name) => name.endsWith('.tgz'))!;
    const listed = run(build, `tar tzf ${tarball}`).split('\n');
    assert.ok(listed.includes('package/dist/cli/main.js') && listed.includes('package/bin/llm-self-host.js'));
    assert.ok(listed.includes('package/LICENSE') && listed.includes('package/README.md'));
    assert.deepEqual(
      listed.filter(
        (name) =>
          /\.ts$|\.test\.|^package\/(src|test|bench|scripts|node_modules)\//.test(name) && !name.endsWith('.d.ts'),
      ),
      [],
    );
  });

  it('gives a stranger with an empty folder a cached answer within two minutes', async (test) => {
    const startedMs = performance.now();
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    writeFileSync(join(empty, 'package.json'), '{"private": true}\n');
    const tarball = readdirSync(build).find((name) => name.endsWith('.tgz'))!;
    run(empty, `npm install --no-audit --no-fund ${join(build, tarball)}`);
    const data = join(folder, 'data');
    const up = run(empty, `npx llm-self-host up --json --port 0 --admin-port 0 --data-dir ${data}`);
    try {
      await askTwice((JSON.parse(up) as { gatewayUrl: string }).gatewayUrl);
      const took = performance.now() - startedMs;
      test.diagnostic(`from the tarball to the cached answer: ${(took / 1000).toFixed(1)} s`);
      assert.ok(took < promisedMs, `${took} ms`);
    } finally {
      run(empty, `npx llm-self-host down --data-dir ${data}`);
    }
  });

  it('runs as the image would, healthy by its own check, and closed to those without a key', async () => {
    const app = join(folder, 'app');
    mkdirSync(app);
    // With --omit=dev npm leaves what running needs.
    for (const { rest } of stepsOf(stages[0], 'RUN').filter((step) => step.rest.startsWith('npm prune')))
      run(build, rest, clean(environmentOf(stages[0])));
    let config = '';
    for (const { rest } of stepsOf(stages[1], 'COPY')) {
      const inner = /^--from=build \/build\/(\S+) (\S+)$/.exec(rest);
      if (inner) cpSync(join(build, inner[1]!), join(app, inner[2]!), { recursive: true });
      else config = join(root, rest.split(/\s+/)[0]!);
    }
    const words = [...wordsOf(stepsOf(stages[1], 'ENTRYPOINT')[0]), ...wordsOf(stepsOf(stages[1], 'CMD')[0])];
    const data = join(folder, 'image-data');
    const child = spawn(words[0]!, words.slice(1), {
      cwd: app,
      env: clean({
        ...environmentOf(stages[1]),
        SELFHOST_CONFIG: config,
        SELFHOST_DATA_DIR: data,
        SELFHOST_PORT: '0',
        SELFHOST_ADMIN_PORT: '0',
        SELFHOST_API_KEYS: 'acme:0123456789abcdef',
        SELFHOST_ADMIN_KEY: 'operator-0123456789',
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    try {
      const runtime = join(data, 'gateway.json');
      await until('it says where it is', () => existsSync(runtime) || child.exitCode !== null, 60_000);
      assert.equal(child.exitCode, null, said);
      const facts = JSON.parse(readFileSync(runtime, 'utf8')) as { gatewayUrl: string; adminUrl: string };
      const [gateway, admin] = [facts.gatewayUrl, facts.adminUrl].map((url) => url.replace('0.0.0.0', '127.0.0.1'));
      const check = wordsOf(stepsOf(stages[1], 'HEALTHCHECK')[0]).map((word) =>
        word.replace('127.0.0.1:11436', new URL(admin!).host),
      );
      assert.equal(spawnSync(check[0]!, check.slice(1), { env: clean() }).status, 0, said);
      assert.equal((await fetch(`${gateway}/api/tags`)).status, 401);
      assert.equal((await fetch(`${admin}/api/status`)).status, 401);
      const described = await fetch(`${admin}/api/openapi.json`, {
        headers: { authorization: 'Bearer operator-0123456789' },
      });
      assert.deepEqual([described.status, '/api/status' in pathsOf(await described.json())], [200, true]);
      await askTwice(gateway!, { authorization: 'Bearer 0123456789abcdef' });
    } finally {
      child.kill('SIGTERM');
      await until('it has stopped', () => child.exitCode !== null || child.signalCode !== null, 30_000);
    }
    assert.equal(child.exitCode, 0, said);
  });
});
