import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { runProcess } from '../../../test/support/cli.ts';
import type { CliContext } from '../context.ts';
import { installationOf, isNewer } from '../installation.ts';
import { upgrade as upgradeFrom } from './upgrade.ts';

describe('llm-self-host upgrade', () => {
  let server: Server;
  let newest: string | undefined;
  let asked: string[];
  let folder: string;
  before(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const found = newest !== undefined && request.url?.startsWith('/llm-self-host') === true;
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(
          found
            ? {
                name: 'llm-self-host',
                'dist-tags': { latest: newest },
                versions: { [newest!]: { name: 'llm-self-host', version: newest, dist: { tarball: '', shasum: '' } } },
              }
            : { error: 'not found' },
        ),
      );
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-upgrade-'));
    asked = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const upgrade = (...words: string[]) =>
    runProcess(['upgrade', '--data-dir', join(folder, 'data'), ...words], {
      environment: {
        HOME: folder,
        npm_config_registry: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
        npm_config_cache: join(folder, 'npm'),
        npm_config_fetch_retries: '0',
      },
    });

  it('says what there is and what to type, and does nothing', async () => {
    newest = '99.1.0';
    const { code, out, err } = await upgrade();
    assert.equal(code, 0, err);
    assert.match(out, /^99\.1\.0 is out; this is \d+\.\d+\.\d+, installed by a checkout/);
    assert.match(out, /nothing was done\.[^]* {2}git pull --ff-only\n {2}npm ci\n/);
    assert.ok(asked.some((each) => each.startsWith('GET /llm-self-host')));
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('data')),
      [],
    );
    const check = JSON.parse((await upgrade('--check', '--json')).out) as Record<string, unknown>;
    assert.deepEqual([check['isNewer'], check['newest'], check['installation']], [true, '99.1.0', 'checkout']);
  });

  it('with --yes backs up first, and leaves a checkout to its owner', async () => {
    newest = '99.1.0';
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'keys.json'), '{}');
    const { code, out, err } = await upgrade('--yes');
    assert.equal(code, 0, err);
    assert.match(out, /^backed up to .*\n.*which npm does not touch; type:\n {2}git pull/);
    const backup = readdirSync(folder).find((name) => name.startsWith('data.backup-'))!;
    assert.equal(readFileSync(join(folder, backup, 'keys.json'), 'utf8'), '{}');
  });

  it('has npm install it where npm has put this copy, after the backup', async () => {
    const dataDir = join(folder, 'data');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'keys.json'), '{}');
    // In the place of npm: says a version, and notes what else it is told, with what lies there at that time.
    const notes = join(folder, 'notes');
    const npm = join(folder, 'npm');
    writeFileSync(
      npm,
      `#!/bin/sh\n[ "$1" = view ] && echo '"99.2.0"' || { echo "$@"; ls '${folder}'; } >> '${notes}'\n`,
    );
    chmodSync(npm, 0o755);
    let said = '';
    const context: CliContext = {
      environment: { PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: folder },
      out: (text) => void (said += text),
      err: () => {},
      stdin: process.stdin,
      outIsTerminal: false,
      errIsTerminal: false,
      version: '0.1.0',
      setExitCode: () => {},
    };
    await upgradeFrom({ dataDir }, context, 'global');
    assert.equal(existsSync(notes), false, 'nothing is done without --yes');
    assert.match(
      said,
      /installed by npm, for all of this computer\n.*and runs:\n {2}npm install --global llm-self-host@99\.2\.0/,
    );
    await upgradeFrom({ dataDir, yes: true }, context, 'global');
    assert.match(readFileSync(notes, 'utf8'), /^install --global llm-self-host@99\.2\.0 [^]*data\.backup-/);
    assert.match(said, /99\.2\.0 is installed\n$/);
  });

  it('says so when this is the newest, and when the registry does not know it', async () => {
    newest = '0.0.1';
    assert.match((await upgrade('--yes')).out, /is the newest version \(the registry has 0\.0\.1\)/);
    newest = undefined;
    const { code, err } = await upgrade();
    assert.equal(code, 1);
    assert.match(err, /the registry of npm knows no llm-self-host/);
    assert.equal(existsSync(join(folder, 'data')), false);
  });
});

describe('what upgrade knows', () => {
  it('how a copy came here', () => {
    const of = (root: string, over: { hasGit?: boolean; isContainer?: boolean } = {}) =>
      installationOf({ root, hasGit: false, isContainer: false, ...over });
    assert.equal(of('/home/a/llm-self-host', { hasGit: true }), 'checkout');
    assert.equal(of('/app', { isContainer: true }), 'container');
    assert.equal(of('/home/a/.npm/_npx/1f/node_modules/llm-self-host'), 'npx');
    assert.equal(of('/usr/local/lib/node_modules/llm-self-host', { isContainer: true }), 'global');
    assert.equal(of('/srv/shop/node_modules/llm-self-host'), 'project');
  });

  it('which version is newer', () => {
    for (const [a, b] of [
      ['1.0.0', '0.9.9'],
      ['0.10.0', '0.9.0'],
      ['1.0.0', '1.0.0-rc.1'],
      ['1.0.0-rc.10', '1.0.0-rc.2'],
      ['1.0.0-rc.1.1', '1.0.0-rc.1'],
    ] as const) {
      assert.equal(isNewer(a, b), true, `${a} > ${b}`);
      assert.equal(isNewer(b, a), false, `${b} < ${a}`);
    }
    assert.equal(isNewer('1.0.0', '1.0.0+build'), false);
  });
});
