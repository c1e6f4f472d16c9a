import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { runProcess } from '../../../test/support/cli.ts';
import { isAlive, type RuntimeFacts } from '../runtime-file.ts';
import { unitText } from '../systemd.ts';

describe('up and down', () => {
  let folder: string;
  let started: number | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-up-'));
    started = undefined;
  });
  afterEach(() => {
    if (started !== undefined && isAlive(started)) process.kill(started, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const here = () => ['--data-dir', folder];
  const environment = { OLLAMA_HOST: 'http://127.0.0.1:9' };
  const up = (...words: string[]) =>
    runProcess(['up', '--port', '0', '--admin-port', '0', ...here(), ...words], { environment });

  it('starts it in the background, healthy and with its address last, and stops it', async () => {
    const first = await up('--json');
    assert.equal(first.code, 0, first.err);
    const facts = JSON.parse(first.out) as RuntimeFacts;
    started = facts.pid;
    assert.equal((await fetch(`${facts.gatewayUrl}/api/tags`)).status, 200);

    const again = await up();
    assert.match(again.out, new RegExp(`runs already \\(pid ${facts.pid}.*\\n.*\\ngateway {3}${facts.gatewayUrl}\\n$`));

    const down = await runProcess(['down', ...here()]);
    assert.equal(down.code, 0, down.err);
    assert.match(down.out, /^stopped \(pid \d+\)/);
    assert.equal(isAlive(facts.pid), false);
    assert.match((await runProcess(['down', ...here()])).out, /^no gateway runs on/);
  });

  it('says where answers come from, and starts again after a crash', async () => {
    const first = await up();
    assert.match(first.out, /answers come from simulated \(simulated\); log in .*gateway\.log/);
    assert.match(first.out, /\ngateway {3}http:\/\/127\.0\.0\.1:\d+\n$/);
    started = Number(/pid (\d+)/.exec(first.out)![1]);
    process.kill(started, 'SIGKILL');
    while (isAlive(started)) await new Promise((resolve) => setImmediate(resolve));
    const second = JSON.parse((await up('--json')).out) as RuntimeFacts;
    started = second.pid;
    assert.equal((await runProcess(['down', ...here(), '--json'])).code, 0);
  });

  it('prints a link that logs in at the page, where the operator port has a key', async () => {
    const [config, keyFile] = [join(folder, 'keys.yaml'), join(folder, 'admin-key')];
    writeFileSync(keyFile, 'the-operator-key-of-this-test\n');
    writeFileSync(config, `admin: { keyFile: ${JSON.stringify(keyFile)} }\n`);
    const { out, err, code } = await up('--config', config);
    assert.equal(code, 0, err);
    started = Number(/pid (\d+)/.exec(out)![1]);
    const [, adminUrl, link] = /\nlog in {4}(http:\/\/[^/]+)\/login#link=([\w-]+) {2}\(once/.exec(out)!;
    const login = () =>
      fetch(`${adminUrl!}/api/session`, {
        method: 'POST',
        headers: { origin: adminUrl! },
        body: JSON.stringify({ link }),
      });
    assert.equal((await login()).status, 200);
    assert.equal((await login()).status, 401);
    assert.equal((await runProcess(['down', ...here()])).code, 0);
  });

  it('tells the reason when it does not start, and leaves nothing running', async () => {
    const config = join(folder, 'bad.yaml');
    writeFileSync(config, 'gateway: { prot: 1 }\n');
    const refused = await up('--config', config);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /gateway\.prot is unknown; did you mean `port`\?/);

    const blocker = await up('--json');
    const facts = JSON.parse(blocker.out) as RuntimeFacts;
    started = facts.pid;
    const other = mkdtempSync(join(tmpdir(), 'selfhost-up-'));
    try {
      const port = new URL(facts.gatewayUrl).port;
      const late = await runProcess(['up', '--port', port, '--admin-port', '0', '--data-dir', other], { environment });
      assert.equal(late.code, 1);
      assert.match(late.err, new RegExp(`ended at once:[^]*port ${port} on 127\\.0\\.0\\.1 is in use`));
      assert.match((await runProcess(['down', '--data-dir', other])).out, /^no gateway runs/);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
    await runProcess(['down', ...here()]);
  });

  it('writes a unit that systemd accepts', (test) => {
    const unit = unitText(['serve', '--data-dir', '/srv/my answers', '--config', '/etc/50%/$x.yaml']);
    assert.match(unit, /^ExecStart=\S+ \S+ serve --data-dir "\/srv\/my answers" --config "\/etc\/50%%\/\$\$x\.yaml"$/m);
    if (spawnSync('systemd-analyze', ['--version']).status !== 0)
      return test.diagnostic('systemd-analyze is not on this machine: the unit was not verified');
    const path = join(folder, 'llm-self-host.service');
    writeFileSync(path, unitText(['serve']));
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
    assert.equal(
      verified.stderr
        .split('\n')
        .filter((line) => line.includes('llm-self-host'))
        .join('\n'),
      '',
    );
  });
});
