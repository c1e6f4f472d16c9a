/** The doctor on a real gateway, a real folder and the simulated market. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { runCommand, runProcess, type Outcome } from '../../../test/support/cli.ts';
import type { CheckId, CheckResult, DoctorReport } from '../../doctor/check.ts';
import type { RuntimeFacts } from '../runtime-file.ts';

const checkOf = ({ out }: Outcome, id: CheckId): CheckResult =>
  (JSON.parse(out) as DoctorReport).checks.find((check) => check.id === id)!;

describe('doctor', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-doctor-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const nobody = { OLLAMA_HOST: 'http://127.0.0.1:9' };
  const doctor = (...words: string[]) =>
    runCommand(['doctor', '--data-dir', folder, '--port', '0', '--admin-port', '0', ...words], { environment: nobody });

  it('asks a running gateway twice, reads its metrics, and finds its page saying the same', async () => {
    const up = await runProcess(['up', '--port', '0', '--admin-port', '0', '--data-dir', folder, '--json'], {
      environment: nobody,
    });
    const facts = JSON.parse(up.out) as RuntimeFacts;
    try {
      // In a process of its own: in this one no gateway serves.
      const said = await runProcess(['doctor', '--json', '--data-dir', folder], { environment: nobody });
      assert.equal(said.code, 1, said.out + said.err);
      assert.match(checkOf(said, 'D12').evidence, /miss in \d+ ms, then exact in/);
      assert.equal(checkOf(said, 'D13').status, 'ok');
      assert.match(checkOf(said, 'D11').evidence, /simulated/);
      assert.equal(checkOf(said, 'D02').status, 'ok');
      assert.equal(checkOf(said, 'D18').status, 'ok');
      const page = (await (await fetch(`${facts.adminUrl}/api/doctor`)).json()) as DoctorReport;
      // Whether a hit took 100 ms depends on what else this machine does.
      const statuses = ({ checks }: DoctorReport) =>
        checks.map(({ id, status }) => [id, id === 'D12' ? 'asked' : status]);
      assert.deepEqual(statuses(page), statuses(JSON.parse(said.out) as DoctorReport));
    } finally {
      await runProcess(['down', '--data-dir', folder]);
    }
  });

  it('finds a taken port and an open secret, shuts the secret, and exits by the worst', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const key = join(folder, 'admin.key');
    writeFileSync(key, 'a-key-that-nobody-guesses\n');
    chmodSync(key, 0o644);
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, `admin: { keyFile: ${key} }\n`);
    try {
      const words = [
        'doctor',
        '--json',
        '--data-dir',
        folder,
        '--config',
        config,
        '--port',
        String(port),
        '--admin-port',
        '0',
      ];
      const said = await runCommand(words, { environment: nobody });
      assert.equal(said.code, 2);
      assert.match(checkOf(said, 'D02').evidence, new RegExp(`${port}: in use`));
      assert.match(checkOf(said, 'D16').evidence, /admin\.key \(644\)/);
      const mended = await runCommand([...words, '--fix'], { environment: nobody });
      assert.equal(checkOf(mended, 'D16').status, 'ok');
      assert.equal(statSync(key).mode & 0o777, 0o600);
    } finally {
      server.close();
    }
  });

  it('finds a damaged database and a thinker that is away', async () => {
    writeFileSync(join(folder, 'cache.sqlite'), 'this is no database at all, though it has its name');
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, 'thinkers: [{ url: http://127.0.0.1:9, name: gone }]\n');
    const said = await doctor('--json', '--config', config);
    assert.match(checkOf(said, 'D18').evidence, /cache\.sqlite: file is not a database/);
    assert.match(checkOf(said, 'D11').evidence, /gone at http:\/\/127\.0\.0\.1:9\/? does not answer: bad port/);
  });

  it('writes a bundle that others may read', async () => {
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, 'redis: { url: "redis://user:hunter2hunter2@127.0.0.1:9" }\n');
    writeFileSync(
      join(folder, 'gateway.log'),
      '{"msg":"x","url":"redis://u:hunter2hunter2@h"}\n{"key":"shk_abcdefghijklmnop"}\n',
    );
    const bundle = join(folder, 'bundle.json');
    await doctor('--config', config, '--bundle', bundle);
    const text = readFileSync(bundle, 'utf8');
    assert.ok(text.includes('"D04"') && text.includes('cache.entriesMax') && text.includes('[redacted]'));
    assert.doesNotMatch(text, /hunter2|abcdefghijklmnop/);
    assert.equal(statSync(bundle).mode & 0o777, 0o600);
  });

  it('says what is wrong with a configuration that it cannot read', async () => {
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, 'gatway: {}\n');
    await assert.rejects(doctor('--config', config), /did you mean `gateway`/);
  });
});
