import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { systemClock } from '../../core/clock.ts';
import type { AppError } from '../../core/errors.ts';
import { requestId } from '../../core/ids.ts';
import { epochMs, usdMicros } from '../../core/units.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { aCost, anAnswer, ledgerConformance } from './conformance.ts';
import { createEmbeddedLedger } from './embedded.ts';

const ever = { from: epochMs(0), to: epochMs(Number.MAX_SAFE_INTEGER) };

// This file is also the program of the child process below, which runs no tests.
const [childFolder] = process.argv.slice(2);
if (childFolder !== undefined && process.send) {
  const ledger = await createEmbeddedLedger({ dataDir: childFolder, clock: systemClock, logger: silentLogger });
  for (let i = 0; i < 1_500; i++) ledger.append(anAnswer({ requestId: requestId(`req_${i}`) }));
  ledger.append(aCost({ amount: usdMicros(42) }));
  await ledger.flush();
  process.send('written');
  // Killed here, with the database open.
  await new Promise((resolve) => process.once('disconnect', resolve));
  process.exit(0);
}

ledgerConformance('embedded', async (options) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-ledger-'));
  return {
    ledger: await createEmbeddedLedger({ dataDir, clock: new FakeClock(), logger: silentLogger, options }),
    dispose: async () => rmSync(dataDir, { recursive: true }),
  };
});

describe('embedded ledger on disk', () => {
  const inFolder = (name: string, test: (dataDir: string) => Promise<void>): void =>
    void it(name, async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-ledger-'));
      try {
        await test(dataDir);
      } finally {
        rmSync(dataDir, { recursive: true });
      }
    });

  inFolder('is there again after a restart', async (dataDir) => {
    const options = { dataDir, clock: new FakeClock(), logger: silentLogger };
    const first = await createEmbeddedLedger(options);
    first.append(anAnswer());
    first.append(aCost({ id: 'once' }));
    await first.close();
    const second = await createEmbeddedLedger(options);
    second.append(anAnswer());
    second.append(aCost({ id: 'once' }));
    const totals = await second.totals(ever);
    await second.close();
    assert.deepEqual([totals.answers.thinker, totals.total], [2, 8_333]);
  });

  inFolder('survives the death of the process', async (dataDir) => {
    const child = fork(fileURLToPath(import.meta.url), [dataDir], { execArgv: [] });
    const [message] = (await once(child, 'message')) as [string];
    assert.equal(message, 'written');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    const ledger = await createEmbeddedLedger({ dataDir, clock: new FakeClock(), logger: silentLogger });
    const totals = await ledger.totals(ever);
    await ledger.close();
    assert.deepEqual([totals.answers.thinker, totals.total], [1_500, 42]);
  });

  inFolder('lets its thread rest, keeps the folder meanwhile, and forgets nothing', async (dataDir) => {
    const clock = new FakeClock();
    const ledger = await createEmbeddedLedger({ dataDir, clock, logger: silentLogger });
    ledger.append(anAnswer());
    await ledger.flush();
    await clock.advance(60_000);
    await assert.rejects(
      createEmbeddedLedger({ dataDir, clock, logger: silentLogger }),
      (error: AppError) => error.code === 'config_invalid',
    );
    ledger.append(anAnswer());
    await clock.advance(1_000);
    assert.equal((await ledger.totals(ever)).answers.thinker, 2);
    await clock.advance(60_000);
    await ledger.close();
    const again = await createEmbeddedLedger({ dataDir, clock, logger: silentLogger });
    assert.equal((await again.totals(ever)).answers.thinker, 2);
    await again.close();
  });

  inFolder('writes within a second of its clock without being asked', async (dataDir) => {
    const clock = new FakeClock();
    const ledger = await createEmbeddedLedger({ dataDir, clock, logger: silentLogger });
    ledger.append(anAnswer());
    await clock.advance(1_000);
    await ledger.flush();
    await ledger.close();
    const again = await createEmbeddedLedger({ dataDir, clock, logger: silentLogger });
    assert.equal((await again.totals(ever)).answers.thinker, 1);
    await again.close();
  });

  inFolder('sets a damaged file aside, says so, and starts empty', async (dataDir) => {
    writeFileSync(join(dataDir, 'ledger.sqlite'), Buffer.alloc(8192, 7));
    const logged: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
    const ledger = await createEmbeddedLedger({ dataDir, clock: new FakeClock(), logger });
    ledger.append(anAnswer());
    assert.equal((await ledger.totals(ever)).answers.thinker, 1);
    await ledger.close();
    assert.ok(readdirSync(dataDir).some((name) => name.startsWith('ledger.sqlite.damaged-')));
    assert.match(logged.join(''), /the ledger was damaged/);
  });

  inFolder('refuses a folder that another process uses', async (dataDir) => {
    const options = { dataDir, clock: new FakeClock(), logger: silentLogger };
    const first = await createEmbeddedLedger(options);
    await assert.rejects(createEmbeddedLedger(options), (error: AppError) => {
      assert.equal(error.code, 'config_invalid');
      assert.match(error.message, /is in use by/);
      return true;
    });
    await first.close();
  });

  inFolder('lives in memory where it cannot write, and says so', async (dataDir) => {
    const file = join(dataDir, 'not-a-folder');
    writeFileSync(file, '');
    const logged: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
    const ledger = await createEmbeddedLedger({ dataDir: file, clock: new FakeClock(), logger });
    ledger.append(aCost());
    assert.equal((await ledger.totals(ever)).total, 8_333);
    assert.equal(ledger.name, 'memory');
    assert.match(logged.join(''), /cannot be kept on disk/);
    await ledger.close();
  });

  inFolder('bounds what waits for the disk: answers beyond it are lost and counted, costs never', async (dataDir) => {
    const options = { waitingMax: 10 };
    const ledger = await createEmbeddedLedger({ dataDir, clock: new FakeClock(), logger: silentLogger, options });
    for (let i = 0; i < 25; i++) ledger.append(anAnswer());
    for (let i = 0; i < 25; i++) ledger.append(aCost({ amount: usdMicros(1) }));
    assert.equal(ledger.lost, 15);
    const totals = await ledger.totals(ever);
    assert.deepEqual([totals.answers.thinker, totals.total], [10, 25]);
    await ledger.close();
  });

  inFolder('keeps facts over a restart, in their order, and forgets the oldest beyond their bound', async (dataDir) => {
    const options = { dataDir, clock: new FakeClock(), logger: silentLogger, options: { factsMax: 100 } };
    const factsOf = async (ledger: Awaited<ReturnType<typeof createEmbeddedLedger>>) => {
      const found: string[] = [];
      for await (const { json } of ledger.facts.read(ever)) found.push(json);
      return found;
    };
    const first = await createEmbeddedLedger(options);
    for (let i = 0; i < 30; i++) first.facts.append({ at: epochMs(i), kind: 'kept', json: `${i}` });
    await first.close();
    const second = await createEmbeddedLedger(options);
    for (let i = 30; i < 300; i++) {
      second.facts.append({ at: epochMs(i), kind: 'kept', json: `${i}` });
      if (i % 20 === 0) await second.flush();
    }
    const found = await factsOf(second);
    assert.equal(found.at(-1), '299');
    assert.ok(found.length >= 100 && found.length <= 130, `${found.length} facts`);
    assert.deepEqual(
      found,
      found.map((_, i) => `${300 - found.length + i}`),
    );
    const some: string[] = [];
    const range = { from: epochMs(280), to: epochMs(283) };
    for await (const { json } of second.facts.read(range)) some.push(json);
    assert.deepEqual(some, ['280', '281', '282']);
    await second.close();
  });
});
