import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { model, post, startRig, until, type Rig } from '../../../test/journeys/harness.ts';
import { runCommand } from '../../../test/support/cli.ts';
import { writeRuntime } from '../runtime-file.ts';

describe('backup and restore', () => {
  let folder: string;
  let rig: Rig | undefined;
  const dataDir = () => join(folder, 'data');
  const target = () => join(folder, 'backup');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-backup-'));
    mkdirSync(dataDir());
  });
  afterEach(async () => {
    await rig?.close();
    rig = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = async (text: string, key = 'none') => {
    const body = { model, stream: false, messages: [{ role: 'user', content: text }] };
    const reply = await post(`${rig!.url}/api/chat`, body, { authorization: `Bearer ${key}` });
    assert.equal(reply.status, 200);
    await reply.text();
  };
  const countOf = (path: string): number => {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      return (database.prepare('SELECT count(*) AS n FROM entry').get() as { n: number }).n;
    } finally {
      database.close();
    }
  };
  const run = (...words: string[]) => runCommand([...words, '--data-dir', dataDir()]);

  it('copies a gateway that is answering, and brings its answers and keys back', async () => {
    rig = await startRig({ dataDir: dataDir() });
    const made = await runCommand(['keys', 'create', '--tenant', 'acme', '--admin-url', rig.adminUrl]);
    const key = made.out.trim();
    for (let i = 0; i < 20; i++) await ask(`What is ${i} in words?`, key);
    // An answer is on disk within a second of its end; a copy taken later has it.
    await until('the first answers are on disk', () => countOf(join(dataDir(), 'cache.sqlite')) >= 20);
    const stop = new AbortController();
    const traffic = (async () => {
      for (let i = 0; !stop.signal.aborted; i++) await ask(`What comes after ${i}?`, key);
    })();
    const done = await run('backup', target());
    stop.abort();
    await traffic;
    assert.match(done.out, /^\d+ files, .* in /);
    assert.equal(statSync(target()).mode & 0o777, 0o700);
    await rig.close();
    rig = undefined;

    rmSync(dataDir(), { recursive: true });
    mkdirSync(join(dataDir(), 'models'), { recursive: true });
    writeFileSync(join(dataDir(), 'other'), 'what was there');
    const restored = await run('restore', target());
    assert.match(restored.out, /^restored \d+ files/);
    const aside = readdirSync(folder).find((name) => name.startsWith('data.before-'))!;
    assert.equal(readFileSync(join(folder, aside, 'other'), 'utf8'), 'what was there');
    assert.ok(existsSync(join(dataDir(), 'models')), 'embedder files stay');

    rig = await startRig({ dataDir: dataDir() });
    const reply = await post(
      `${rig.url}/api/chat`,
      { model, stream: false, messages: [{ role: 'user', content: 'What is 7 in words?' }] },
      { authorization: `Bearer ${key}` },
    );
    assert.equal(reply.status, 200, 'the key works');
    const { entries } = JSON.parse(
      (await runCommand(['cache', 'list', '--json', '--admin-url', rig.adminUrl])).out,
    ) as {
      entries: unknown[];
    };
    assert.ok(entries.length >= 20, `${entries.length} answers`);
  });

  it('refuses a backup that is not whole, and changes nothing', async () => {
    rig = await startRig({ dataDir: dataDir() });
    await ask('What is a checksum?');
    await run('backup', target());
    await rig.close();
    rig = undefined;
    assert.match((await run('restore', '--check', target())).out, /^whole: \d+ files/);
    const database = join(target(), 'cache.sqlite');
    const good = readFileSync(database);
    appendFileSync(database, 'x');
    const before = readdirSync(dataDir());
    await assert.rejects(run('restore', target()), /cache\.sqlite is not as it was backed up/);
    rmSync(database);
    await assert.rejects(run('restore', target()), /cache\.sqlite is missing/);
    writeFileSync(database, good);
    rmSync(join(target(), 'backup.json'));
    await assert.rejects(run('restore', target()), /is no backup/);
    assert.deepEqual(readdirSync(dataDir()), before);
  });

  it('spoils no older backup, and touches no folder that a gateway runs on', async () => {
    rig = await startRig({ dataDir: dataDir() });
    await run('backup', target());
    await assert.rejects(run('backup', target()), /is not empty/);
    // The test's own process, which is alive; that it serves cannot be told apart where there is no /proc.
    writeRuntime(dataDir(), { pid: process.pid, gatewayUrl: '', adminUrl: '', version: '', startedAt: '' });
    const isServe = readFileSync('/proc/self/cmdline', 'utf8').includes('serve');
    if (isServe) await assert.rejects(run('restore', target()), /llm-self-host down/);
    await assert.rejects(
      runCommand(['backup', join(folder, 'b2'), '--data-dir', join(folder, 'none')]),
      /no data folder/,
    );
  });
});
