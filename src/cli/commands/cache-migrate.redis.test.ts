import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { binary, runCommand } from '../../../test/support/cli.ts';
import type { CacheEntry, CacheStore } from '../../cache/cache-store.ts';
import { anEntry } from '../../cache/cache-store/conformance.ts';
import { createEmbeddedStore } from '../../cache/cache-store/embedded.ts';
import { createRedisLogStore } from '../../cache/cache-store/redis-log.ts';
import type { MigrationReport } from '../../cache/migration/migrate.ts';
import { systemClock } from '../../core/clock.ts';
import { entryId } from '../../core/ids.ts';
import { addMs } from '../../core/units.ts';
import { dot } from '../../core/vector.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { testRandom } from '../../testing/seeded-random.ts';

const base = { clock: systemClock, random: testRandom('migrate'), logger: silentLogger };
const limits = { entriesMax: 100_000, bytesMax: 1e9 };
const now = systemClock.now();

/** Alive for a day. */
function entry(name: string, changes: Partial<CacheEntry> = {}): CacheEntry {
  return anEntry(name, { storedAt: now, expiresAt: addMs(now, 86_400_000), ...changes });
}

describe('cache migrate', () => {
  let redis: RedisServer;
  let folders: string[] = [];
  before(async () => void (redis = await startRedis()));
  after(() => redis.stop());
  afterEach(async () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    folders = [];
    await redis.client.flushall();
  });

  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'selfhost-migrate-'));
    folders.push(made);
    return made;
  };
  const openFolder = (dataDir: string): Promise<CacheStore> =>
    createEmbeddedStore({ ...base, dataDir, options: limits });

  async function fill(dataDir: string, count: number, more: readonly CacheEntry[] = []): Promise<void> {
    const store = await openFolder(dataDir);
    await store.ready();
    await store.putMeta('cache.scope-secret', 'secret-of-the-folder');
    await store.putMeta('cache.epoch', '3');
    for (let i = 0; i < count; i++) await store.put(entry(`e${i}`));
    for (const one of more) await store.put(one);
    await store.close();
  }

  async function withRedisStore<T>(use: (store: CacheStore) => Promise<T>, prefix = 'sc'): Promise<T> {
    const connection = createRedisConnection({ url: redis.url, deadlineMinMs: 5_000, deadlineMaxMs: 5_000 }, base);
    await connection.ready(20_000);
    const store = createRedisLogStore({
      ...base,
      redis: connection,
      prefix,
      journalPath: undefined,
      why: 'test',
      options: limits,
    });
    try {
      await store.ready();
      return await use(store);
    } finally {
      await store.close();
      await connection.close();
    }
  }

  const run = async (dataDir: string, ...words: readonly string[]): Promise<MigrationReport> =>
    JSON.parse(
      (await runCommand(['cache', 'migrate', ...words, '--data-dir', dataDir, '--json'])).out,
    ) as MigrationReport;

  it('moves everything to Redis and back, and is found there under the same keys', async () => {
    const [from, to] = [folder(), folder()];
    const { semantic: _, ...exactOnly } = entry('exact-only');
    await fill(from, 300, [exactOnly, entry('gone', { expiresAt: addMs(now, 1) })]);
    const there = await run(from, '--from', 'embedded', '--to', redis.url);
    assert.deepEqual([there.read, there.moved, there.expired], [302, 301, 1]);
    await withRedisStore(async (store) => {
      assert.equal(store.stats().entries, 301);
      assert.equal(await store.getMeta('cache.scope-secret'), 'secret-of-the-folder');
      assert.equal(await store.getMeta('cache.epoch'), '3');
    });
    const back = await run(to, '--from', redis.url, '--to', to);
    assert.equal(back.moved, 301);
    const store = await openFolder(to);
    await store.ready();
    try {
      for (const name of ['e0', 'e299']) {
        const { semantic, ...rest } = (await store.get(entryId(`entry-${name}`)))!;
        const { semantic: wanted, ...wantedRest } = entry(name);
        assert.deepEqual(rest, wantedRest);
        assert.deepEqual(
          [semantic!.scope, semantic!.text, semantic!.embeddingModel],
          [wanted!.scope, wanted!.text, wanted!.embeddingModel],
        );
        assert.ok(dot(semantic!.vector, wanted!.vector) > 0.999, 'a vector is kept in eight bits on the way');
      }
      assert.deepEqual(await store.get(entryId('entry-exact-only')), exactOnly);
    } finally {
      await store.close();
    }
  });

  it('goes on where a killed run ended, and twice changes nothing', async () => {
    const from = folder();
    const count = 6_000;
    await fill(from, count);
    const words = ['cache', 'migrate', '--from', 'embedded', '--to', redis.url, '--data-dir', from];
    const child = spawn(process.execPath, [binary, ...words], {
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // In the middle of it, without a word.
      if (/^[2-9]\d % /m.test(said)) child.kill('SIGKILL');
    });
    await ended;
    assert.equal(child.signalCode, 'SIGKILL', `it was done before it could be killed: ${said}`);
    const between = await redis.client.dbsize();
    assert.ok(between > 100 && between < count, `${between} keys when it was killed`);
    const report = await run(from, '--from', 'embedded', '--to', redis.url);
    assert.equal(report.read, count);
    await withRedisStore(async (store) => assert.equal(store.stats().entries, count));
    assert.deepEqual(existsSync(join(from, 'migrations')) ? readdirSync(join(from, 'migrations')) : [], []);
    const again = await run(from, '--from', 'embedded', '--to', redis.url);
    assert.deepEqual([again.moved, again.newer], [0, count]);
  });

  it('counts and moves nothing with --dry-run', async () => {
    const from = folder();
    await fill(from, 40);
    const report = await run(from, '--from', 'embedded', '--to', redis.url, '--dry-run');
    assert.deepEqual([report.dryRun, report.moved], [true, 40]);
    await withRedisStore(async (store) => assert.equal(store.stats().entries, 0));
  });

  it('runs while a gateway writes to the folder, takes what it adds and leaves out what it removes', async () => {
    const from = folder();
    await fill(from, 3_000);
    const store = await openFolder(from);
    await store.ready();
    const moving = run(from, '--from', 'embedded', '--to', redis.url);
    for (let i = 0; i < 50; i++) await store.put(entry(`added${i}`));
    for (let i = 0; i < 20; i++) await store.remove(entryId(`entry-e${i}`), 'manual');
    await store.flush();
    const report = await moving;
    await store.close();
    const second = await run(from, '--from', 'embedded', '--to', redis.url);
    assert.equal(report.moved + second.moved - report.withdrawn, 3_030);
    await withRedisStore(async (there) => {
      assert.equal(there.stats().entries, 3_030);
      assert.equal(await there.get(entryId('entry-e3')), undefined);
      assert.ok(await there.get(entryId('entry-added49')));
    });
  });

  it('moves between prefixes and to another embedder', async () => {
    const from = folder();
    await fill(from, 50);
    await run(from, '--from', 'embedded', '--to', redis.url);
    const report = await run(from, '--from', redis.url, '--to', redis.url, '--to-prefix', 'new', '--reembed');
    assert.deepEqual([report.moved, report.reembedded], [50, 50]);
    await withRedisStore(async (store) => {
      const { semantic } = (await store.get(entryId('entry-e7')))!;
      assert.match(semantic!.embeddingModel, /^lexical/);
      assert.notEqual(semantic!.embeddingModel, 'lexical-1');
      assert.equal(semantic!.text, 'What is e7?');
    }, 'new');
  });

  it('never replaces a newer answer, nor moves what would never be found', async () => {
    const from = folder();
    await fill(from, 3);
    await withRedisStore(async (store) => {
      await store.shared!.putMetaOnce('cache.epoch', '3');
      await store.put(entry('newer', { exactKey: entry('e1').exactKey, storedAt: addMs(now, 10) }));
      await store.flush();
    });
    const report = await run(from, '--from', 'embedded', '--to', redis.url);
    assert.deepEqual([report.moved, report.newer], [2, 1]);
    await withRedisStore(async (store) =>
      assert.equal((await store.getByKey(entry('e1').exactKey))?.id, 'entry-newer'),
    );
    await redis.client.flushall();
    await withRedisStore(async (store) => void (await store.shared!.putMetaOnce('cache.epoch', '9')));
    await assert.rejects(
      run(from, '--from', 'embedded', '--to', redis.url),
      /counts its flushes to 9 and the source to 3/,
    );
    await assert.rejects(run(from, '--from', join(from, 'nothing'), '--to', redis.url), /no stored answers/);
    await assert.rejects(run(from, '--from', redis.url, '--to', redis.url), /the same store/);
  });
});
