import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runProcess, startProcess } from '../../test/support/cli.ts';
import { root, textOf } from '../../test/support/source-tree.ts';
import { until } from '../../test/support/until.ts';
import type { StatusReport } from '../admin/admin-types.ts';

const folder = mkdtempSync(join(tmpdir(), 'selfhost-cli-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const { version } = JSON.parse(textOf('package.json')) as { version: string };

describe('llm-self-host', () => {
  it('prints its version and its help', async () => {
    assert.deepEqual(await runProcess(['--version']), { code: 0, out: `${version}\n`, err: '' });
    const help = await runProcess(['serve', '--help']);
    assert.equal(help.code, 0);
    assert.match(help.out, /Usage: llm-self-host serve \[options\]/);
    assert.match(
      help.out,
      /--admin-port <port> +operator port; 0 picks a free one \(SELFHOST_ADMIN_PORT; default 11436\)/,
    );
  });

  it('ends with 1 and one sentence when something is wrong', async () => {
    const wrong = await runProcess(['stauts']);
    assert.deepEqual([wrong.code, wrong.out], [1, '']);
    assert.match(wrong.err, /^error: unknown command 'stauts'\n\(Did you mean status\?\)/);
    const config = join(folder, 'wrong.yaml');
    writeFileSync(config, 'cache:\n  similarityMin: 1.2\n');
    const refused = await runProcess(['serve', '--config', config]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^llm-self-host: .*wrong\.yaml is not valid:\n +cache\.similarityMin is 1\.2; .*\n$/);
    const open = join(folder, 'open.yaml');
    writeFileSync(open, 'gateway:\n  host: 0.0.0.0\n');
    assert.match(
      (await runProcess(['serve', '--config', open])).err,
      /others can reach, and no API keys are configured; set /,
    );
  });

  it('serves, answers twice with one call to the thinker, tells its status, and stops when asked', async () => {
    const thinker = await startProcess(['sim', 'thinker', '--profile', 'instant', '--json']);
    const config = join(folder, 'gateway.yaml');
    writeFileSync(
      config,
      `thinkers:\n  - url: ${String(thinker.ready['url'])}\n    name: attic\ntelemetry:\n  logLevel: warn\n`,
    );
    const words = ['serve', '--config', config, '--data-dir', join(folder, 'data'), '--json'];
    const gateway = await startProcess([...words, '--port', '0', '--admin-port', '0']);
    try {
      const { gatewayUrl, adminUrl, thinkers } = gateway.ready as unknown as StatusReport;
      // Its state depends on how soon the thinker answers its first probe; a request waits for that.
      assert.deepEqual(
        thinkers.map(({ name }) => name),
        ['attic'],
      );
      const environment = { SELFHOST_URL: gatewayUrl, SELFHOST_ADMIN_URL: adminUrl };
      const ask = async () => {
        const { code, out, err } = await runProcess(['ask', 'Why is the sky blue?', '--json'], { environment });
        assert.equal(code, 0, err);
        return JSON.parse(out) as { answer: string; cache: string; thinker: string | null; entryId: string | null };
      };
      const readyThinkers = async () =>
        ((await (await fetch(`${adminUrl}/api/status`)).json()) as StatusReport).thinkers.filter(
          ({ state }) => state === 'ready',
        ).length;
      await until('the thinker is ready', async () => (await readyThinkers()) === 1);
      const [first, second] = [await ask(), await ask()];
      assert.deepEqual([first.cache, second.cache], ['miss', 'exact']);
      assert.match(first.thinker ?? '', /attic/);
      assert.notEqual(first.answer, '');
      assert.equal(second.answer, first.answer);

      const status = JSON.parse((await runProcess(['status', '--json'], { environment })).out) as StatusReport;
      assert.deepEqual([status.traffic.requests, status.traffic.hits.exact, status.cache.entries], [2, 1, 1]);
      const shown = await runProcess(['cache', 'show', second.entryId!], { environment });
      assert.ok(shown.out.includes(first.answer), shown.out);

      const ports = ['--port', new URL(gatewayUrl).port, '--admin-port', '0'];
      const taken = await runProcess(['serve', '--config', config, '--data-dir', join(folder, 'other'), ...ports]);
      assert.equal(taken.code, 1);
      assert.match(taken.err, /^llm-self-host: port \d+ on 127\.0\.0\.1 is in use; choose another with --port .*\n$/m);
      const sharing = await runProcess([...words, '--port', '0', '--admin-port', '0']);
      assert.equal(sharing.code, 1);
      assert.match(sharing.err, /^llm-self-host: .*data is in use by process \d+; .*--data-dir\n$/);
    } finally {
      const stopped = await gateway.stop();
      assert.equal(stopped.code, 0, stopped.err);
      assert.equal((await thinker.stop('SIGINT')).code, 0);
    }
  });
});

it('serves without carrying other commands or the fetch of Node', async () => {
  const spy = join(folder, 'what-is-loaded.mjs');
  writeFileSync(
    spy,
    `import { registerHooks } from 'node:module';
     const loaded = [];
     registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
     process.once('SIGTERM', () => console.log('LOADED ' + JSON.stringify([...loaded, ...process.moduleLoadList])));`,
  );
  const config = join(folder, 'nobody.yaml');
  writeFileSync(config, 'thinkers:\n  - url: http://127.0.0.1:9\ntelemetry:\n  logLevel: silent\n');
  const words = ['serve', '--config', config, '--data-dir', join(folder, 'lean'), '--json'];
  const gateway = await startProcess([...words, '--port', '0', '--admin-port', '0'], {
    environment: { NODE_OPTIONS: `--import=${spy}` },
  });
  const { out, code } = await gateway.stop();
  assert.equal(code, 0);
  const loaded = JSON.parse(/^LOADED (.*)$/m.exec(out)![1]!) as string[];
  const commands = loaded.filter((name) => name.includes('/src/cli/commands/'));
  assert.deepEqual(
    commands.map((url) => url.slice(url.lastIndexOf('/') + 1)),
    ['serve.ts'],
  );
  assert.deepEqual(
    loaded.filter((name) => name.includes('internal/deps/undici')),
    [],
    'an import of node:http anywhere loads it, 10 MB: take it with process.getBuiltinModule',
  );
});

describe('bin/llm-self-host.js on an old Node', () => {
  // Once: the Node it starts in its place must be seen as it is.
  const pretend = join(folder, 'pretend-old.mjs');
  writeFileSync(
    pretend,
    `if (process.env.PRETEND === '1') {
       process.env.PRETEND = '0';
       Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } });
     }`,
  );
  const run = (script: string) =>
    spawnSync(process.execPath, ['--import', pretend, script, '--version'], {
      encoding: 'utf8',
      env: { ...process.env, PRETEND: '1' },
    });

  it('goes on with the newer one that npm brought', () => {
    const { stdout, stderr, status } = run(join(root, 'bin', 'llm-self-host.js'));
    assert.deepEqual([stdout, stderr, status], [`${version}\n`, '', 0]);
  });

  it('says what it needs when there is none', () => {
    const lonely = join(folder, 'lonely');
    cpSync(join(root, 'bin'), join(lonely, 'bin'), { recursive: true });
    writeFileSync(join(lonely, 'package.json'), '{"type":"module"}');
    const { stdout, stderr, status } = run(join(lonely, 'bin', 'llm-self-host.js'));
    assert.deepEqual([stdout, status], ['', 1]);
    assert.match(stderr, /^llm-self-host needs Node 24 or newer; this is Node 18\.19\.0 \(.*\)\.\nInstall Node 24 /);
  });
});
