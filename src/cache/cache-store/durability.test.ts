import assert from 'node:assert/strict';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pino } from 'pino';
import type { CacheStore } from '../cache-store.ts';
import { entryId, exactKey } from '../../core/ids.ts';
import type { AppError } from '../../core/errors.ts';
import { systemClock } from '../../core/clock.ts';
import { seededRandom, systemRandom } from '../../core/random.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { addMs } from '../../core/units.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { anEntry, aVector } from './conformance.ts';
import { createEmbeddedStore, type EmbeddedStoreOptions } from './embedded.ts';

const databaseFile = 'cache.sqlite';
const thisFile = fileURLToPath(import.meta.url);
const longLived = (name: string) => anEntry(name, { expiresAt: addMs(anEntry(name).storedAt, 1e12) });

// This file is also the program of the child processes below, which run no tests.
const [childMode, childFolder] = process.argv.slice(2);
if (childMode !== undefined && childFolder !== undefined) {
  await childMain(childMode, childFolder, process.argv[4] ?? '');
  process.exit(0);
}

/** A folder that outlives the stores opened in it, and what they logged. */
async function withFolder(run: (folder: Folder) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-durable-'));
  const logged: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  const stores: CacheStore[] = [];
  const clock = new FakeClock();
  const open = async (options: Partial<EmbeddedStoreOptions> = {}) => {
    const store = await createEmbeddedStore({
      dataDir,
      clock,
      random: seededRandom(1),
      logger,
      options: { entriesMax: 10_000, bytesMax: 100_000_000, ...options },
    });
    stores.push(store);
    return store;
  };
  try {
    await run({ dataDir, file: join(dataDir, databaseFile), clock, logged, open });
  } finally {
    for (const store of stores) await store.close();
    rmSync(dataDir, { recursive: true });
  }
}

interface Folder {
  readonly dataDir: string;
  readonly file: string;
  readonly clock: FakeClock;
  readonly logged: string[];
  readonly open: (options?: Partial<EmbeddedStoreOptions>) => Promise<CacheStore>;
}

async function putMany(store: CacheStore, count: number, label = 'e'): Promise<void> {
  for (let i = 0; i < count; i++) await store.put(anEntry(`${label}${i}`));
  await store.flush();
}

describe('embedded store across restarts', () => {
  it('finds entries, hits, vectors, facts and removals again', () =>
    withFolder(async ({ open, clock }) => {
      const first = await open();
      await putMany(first, 3000);
      await first.put(anEntry('new', { exactKey: exactKey('key-e7') }));
      await first.remove(entryId('entry-e1'), 'manual');
      await first.setVector(entryId('entry-e2'), 'minilm-1', aVector('moved'));
      await first.putMeta('digest', 'abc');
      await first.put(anEntry('short', { expiresAt: addMs(clock.now(), 5) }));
      for (let i = 0; i < 3; i++) first.touch(entryId('entry-e3'));
      await first.close();
      await clock.advance(10);

      const second = await open();
      // Before the directory is read, entries are found on disk one by one.
      assert.deepEqual(await second.getByKey(exactKey('key-e2999')), anEntry('e2999'));
      assert.deepEqual(await second.get(entryId('entry-e5')), anEntry('e5'));
      assert.equal(await second.getByKey(exactKey('key-short')), undefined);
      await second.put(anEntry('early', { exactKey: exactKey('key-e2998') }));
      assert.equal(await second.get(entryId('entry-e2998')), undefined);
      await second.ready();
      assert.equal(second.stats().entries, 2999);
      assert.equal((await second.getByKey(exactKey('key-e7')))?.id, 'entry-new');
      assert.equal((await second.getByKey(exactKey('key-e2998')))?.id, 'entry-early');
      assert.equal(await second.get(entryId('entry-e1')), undefined);
      assert.deepEqual((await second.get(entryId('entry-e2')))?.semantic?.vector, aVector('moved'));
      assert.equal(await second.getMeta('digest'), 'abc');
      const listed = await second.list({ contains: 'is e3?' }, { limit: 5 });
      assert.deepEqual(
        listed.map(({ id, hits }) => [id, hits]),
        [['entry-e3', 3]],
      );
      assert.equal((await second.list({}, { limit: 1000 })).length, 1000);
      const { bytes } = second.stats();
      await second.close();

      const third = await open();
      await third.ready();
      assert.deepEqual(third.stats(), { entries: 2999, bytes });
    }));

  it('takes over a database of the first schema, and keeps contexts across restarts', () =>
    withFolder(async ({ open, file }) => {
      const first = await open();
      await putMany(first, 3);
      await first.close();
      const old = new DatabaseSync(file);
      old.exec('DROP INDEX entry_digest; ALTER TABLE body DROP COLUMN context; PRAGMA user_version = 1;');
      old.close();

      const second = await open();
      await second.ready();
      assert.deepEqual(await second.get(entryId('entry-e1')), anEntry('e1'));
      const plain = anEntry('turn');
      const turn = { ...plain, semantic: { ...plain.semantic!, context: aVector('earlier') } };
      await second.put(turn);
      await second.close();

      const third = await open();
      await third.ready();
      assert.deepEqual(await third.get(turn.id), turn);
    }));

  it('keeps to lower caps after a restart', () =>
    withFolder(async ({ open }) => {
      const first = await open();
      await putMany(first, 500);
      await first.close();
      const second = await open({ entriesMax: 100 });
      await second.ready();
      assert.equal(second.stats().entries, 100);
      assert.equal((await second.list({}, { limit: 1000 })).length, 100);
    }));

  it('serves what it cannot hold in memory from disk', () =>
    withFolder(async ({ open }) => {
      const store = await open({ hotBytesMax: 20_000 });
      await putMany(store, 200);
      for (let i = 0; i < 200; i++) assert.deepEqual(await store.getByKey(exactKey(`key-e${i}`)), anEntry(`e${i}`));
    }));

  it('writes a put to disk without being asked', () =>
    withFolder(async ({ open, file, clock }) => {
      const store = await open();
      const reader = new DatabaseSync(file, { readOnly: true });
      await store.put(anEntry('water'));
      await clock.advance(250);
      while (reader.prepare('SELECT count(*) AS n FROM entry').get()!['n'] === 0)
        await new Promise((resolve) => setImmediate(resolve));
      reader.close();
    }));
});

describe('embedded store in trouble', () => {
  for (const [what, damage] of [
    ['is not a database', (file: string) => writeFileSync(file, 'not a database\n'.repeat(1000))],
    ['was cut in the middle', (file: string) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ['was cut within its first page', (file: string) => truncateSync(file, 50)],
    ['was overwritten after its first page', (file: string) => overwrite(file, 4096)],
    ['was overwritten from its start', (file: string) => overwrite(file, 0)],
  ] as const) {
    it(`sets aside a file that ${what}, says so, and starts empty`, () =>
      withFolder(async ({ open, dataDir, file, logged }) => {
        const first = await open();
        await putMany(first, 300);
        await first.close();
        damage(file);
        const second = await open();
        await second.ready();
        assert.deepEqual(second.stats(), { entries: 0, bytes: 0 });
        assert.ok(logged.some((line) => line.includes('set aside') && line.includes('cache.sqlite.damaged-')));
        assert.ok(readdirSync(dataDir).some((name) => name.startsWith('cache.sqlite.damaged-')));
        await putMany(second, 10, 'after');
        await second.close();
        const third = await open();
        await third.ready();
        assert.equal(third.stats().entries, 10);
      }));
  }

  it('survives damage that comes while it runs, and keeps what was not yet written', () =>
    withFolder(async ({ open, file, logged }) => {
      const first = await open();
      await putMany(first, 300);
      await first.putMeta('digest', 'abc');
      await first.close();
      const second = await open({ hotBytesMax: 0 });
      await second.ready();
      const removed: string[] = [];
      second.onRemoved((id) => void removed.push(id));
      await second.put(anEntry('waiting'));
      overwrite(file, 4096);
      await assert.rejects(second.getByKey(exactKey('key-e250')), { code: 'cache_unavailable' });
      while (second.stats().entries > 1) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(removed.length, 300);
      assert.ok(logged.some((line) => line.includes('set aside')));
      assert.deepEqual(await second.getByKey(exactKey('key-waiting')), anEntry('waiting'));
      await second.close();
      const third = await open();
      assert.deepEqual(await third.getByKey(exactKey('key-waiting')), anEntry('waiting'));
      assert.equal(await third.getMeta('digest'), 'abc');
    }));

  it('serves from memory while the disk is full, and writes again when there is room', () =>
    withFolder(async ({ open, clock, logged }) => {
      const store = await open({ fileBytesMax: 300_000, hotBytesMax: 0 });
      const large = 'x'.repeat(5000);
      const entry = (i: number) => {
        const plain = anEntry(`e${i}`);
        return { ...plain, answer: { ...plain.answer, text: large } };
      };
      for (let i = 0; i < 100; i++) await store.put(entry(i));
      await assert.rejects(store.flush(), { code: 'cache_unavailable' });
      for (let i = 0; i < 100; i++) assert.deepEqual(await store.get(entryId(`entry-e${i}`)), entry(i));
      assert.equal((await store.list({}, { limit: 1000 })).length, 100);
      assert.equal(logged.filter((line) => line.includes('cannot be written to disk')).length, 1);
      for (let i = 0; i < 80; i++) await store.remove(entryId(`entry-e${i}`), 'manual');
      await clock.advance(5000);
      await store.flush();
      assert.ok(logged.some((line) => line.includes('written to disk again')));
      for (let i = 80; i < 100; i++) assert.deepEqual(await store.get(entryId(`entry-e${i}`)), entry(i));
    }));

  it('drops the oldest unwritten entries when a refusing disk would fill memory', () =>
    withFolder(async ({ open }) => {
      const store = await open({ fileBytesMax: 70_000, waitingBytesMax: 20_000, hotBytesMax: 0 });
      for (let i = 0; i < 300; i++) {
        await store.put(anEntry(`e${i}`));
        if (i % 20 === 0) await store.flush().catch(() => undefined);
      }
      assert.ok(store.stats().entries < 150, `${store.stats().entries} entries are held`);
      assert.ok(await store.get(entryId('entry-e299')));
    }));

  it('lives in memory where no folder can be made', () =>
    withFolder(async ({ dataDir, clock, logged }) => {
      const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
      writeFileSync(join(dataDir, 'file'), '');
      const store = await createEmbeddedStore({
        dataDir: join(dataDir, 'file', 'below'),
        clock,
        random: seededRandom(1),
        logger,
        options: { entriesMax: 10, bytesMax: 1e6 },
      });
      await store.put(anEntry('water'));
      assert.deepEqual(await store.getByKey(exactKey('key-water')), anEntry('water'));
      assert.equal(store.name, 'memory');
      assert.ok(logged.some((line) => line.includes('cannot be kept on disk')));
      await store.close();
    }));

  it('leaves a database of a newer version alone', () =>
    withFolder(async ({ open, file }) => {
      await (await open()).close();
      const database = new DatabaseSync(file);
      database.exec('PRAGMA user_version = 999');
      database.close();
      await assert.rejects(open(), (error: Error & { code?: string }) => {
        assert.match(error.message, /newer version of llm-self-host.*--data-dir/);
        return error.code === 'config_invalid';
      });
    }));

  it('refuses a folder that another process uses, and names that process', () =>
    withFolder(async ({ open, dataDir }) => {
      const store = await open();
      const { stdout } = await promisify(execFile)(process.execPath, [thisFile, 'open', dataDir]);
      assert.match(stdout, new RegExp(`config_invalid: .* is in use by process ${process.pid};`));
      await store.close();
      const again = await promisify(execFile)(process.execPath, [thisFile, 'open', dataDir]);
      assert.equal(again.stdout, 'opened\n');
    }));
});

describe('embedded store killed with SIGKILL', () => {
  it('has every entry that was put more than a second before, whole', { timeout: 60_000 }, async () => {
    const random = testRandom('kill -9');
    const rounds = 3;
    await withFolder(async ({ dataDir, open }) => {
      const kept = new Set<string>();
      for (let round = 0; round < rounds; round++) {
        const child = fork(thisFile, ['put', dataDir, String(round)], {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        });
        const killAfter = 1 + random.int(400);
        let acknowledged = 0;
        child.on('message', (name: string) => {
          kept.add(name);
          if (++acknowledged === killAfter) child.kill('SIGKILL');
        });
        const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
        assert.equal(signal, 'SIGKILL', 'the child ended by itself');
        const store = await open();
        await store.ready();
        for (const name of kept) assert.deepEqual(await store.get(entryId(`entry-${name}`)), longLived(name));
        await store.close();
      }
      assert.ok(kept.size >= rounds);
    });
  });
});

/** Run as a child: opens the folder, and puts entries until killed, telling of each a second later. */
async function childMain(mode: string, dataDir: string, round: string): Promise<void> {
  const options = { entriesMax: 1_000_000, bytesMax: 1e9 };
  const deps = { dataDir, clock: systemClock, random: systemRandom, logger: silentLogger, options };
  let store: CacheStore;
  try {
    store = await createEmbeddedStore(deps);
  } catch (error) {
    console.log(`${(error as AppError).code}: ${(error as Error).message}`);
    return;
  }
  if (mode === 'open') {
    await store.close();
    console.log('opened');
    return;
  }
  for (let i = 0; ; i++) {
    const name = `${round}-${i}`;
    await store.put(longLived(name));
    systemClock.after(1000, () => process.send!(name));
    await systemClock.sleep(i % 50 === 0 ? 20 : 0);
  }
}

function overwrite(file: string, from: number): void {
  const { size } = statSync(file);
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(size - from, 0xa5), 0, size - from, from);
  closeSync(handle);
}
