import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runCommand } from '../../../test/support/cli.ts';
import type { CheckReport } from '../../redis/check.ts';
import { createRedisCloudServer, type RedisCloudServer } from '../../sim/redis-cloud-server/server.ts';
import { createSearchServer, type SearchServer } from '../../sim/resp-server/search-server.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';

const parsed = async (words: readonly string[], environment = {}): Promise<CheckReport> =>
  JSON.parse((await runCommand(words, { environment })).out) as CheckReport;

describe('redis check', () => {
  let redis: RedisServer;
  let engine: SearchServer;
  let engineUrl: string;
  before(async () => {
    redis = await startRedis({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'noeviction'] });
    engine = await createSearchServer({ behind: { host: '127.0.0.1', port: redis.port } });
    engineUrl = `redis://127.0.0.1:${await engine.listen()}`;
  });
  after(async () => {
    assert.deepEqual(engine.faults, []);
    await engine.close();
    await redis.stop();
  });
  const levelOf = (report: CheckReport, what: string) => report.findings.find((each) => each.what === what)?.level;

  it('says what a plain server can do, what it costs, and what to mend', async () => {
    const { out, code } = await runCommand(['redis', 'check', redis.url]);
    assert.equal(code, 0);
    assert.match(out, /redis 7\.\d/);
    assert.match(out, /ft\s+lacks FT\.SEARCH, FT\.CREATE/);
    assert.match(out, /backend\s+ok\s+log: 200,000 entries fit into each gateway/);
    assert.match(out, /eviction: set maxmemory-policy volatile-lru/);
    assert.match(out, /what is free here holds about 3\d,\d{3} entries/);
    assert.deepEqual(await redis.client.keys('*'), [], 'nothing is left behind');
  });

  it('proves the Query Engine by a search, and takes it when a gateway cannot hold the entries', async () => {
    const report = await parsed(['redis', 'check', engineUrl, '--entries', '5000000', '--json']);
    assert.deepEqual([report.choice.backend, levelOf(report, 'Query Engine')], ['ft', 'ok']);
    assert.deepEqual(engine.indexes, [], 'its index is dropped again');
    engine.mode = 'no-create';
    const barred = await parsed(['redis', 'check', engineUrl, '--json']);
    assert.equal(levelOf(barred, 'Query Engine'), 'warning');
    engine.mode = 'works';
  });

  it('finds the rights that a user lacks', async () => {
    await redis.client.call(
      'ACL',
      'SETUSER',
      'reader',
      'on',
      '>secret',
      '~*',
      '+@read',
      '+@connection',
      '+info',
      '+command',
    );
    const report = await parsed(['redis', 'check', redis.url.replace('//', '//reader:secret@'), '--json']);
    const rights = report.findings.find(({ what }) => what === 'rights')!;
    assert.equal(rights.level, 'problem');
    assert.match(rights.found, /write a record \(HSET/);
    assert.match(rights.found, /run scripts/);
    assert.doesNotMatch(JSON.stringify(report), /secret/);
  });

  it('takes the server of the configuration, and says why one cannot be reached', async () => {
    const report = await parsed(['redis', 'check', '--json'], { SELFHOST_REDIS_URL: redis.url });
    assert.equal(report.choice.backend, 'log');
    await assert.rejects(
      runCommand(['redis', 'check', redis.url.replace('//', '//nobody:wrong-password@')]),
      (error: Error) => {
        assert.match(error.message, /WRONGPASS|password/);
        assert.doesNotMatch(error.message, /wrong-password/);
        return true;
      },
    );
    await assert.rejects(runCommand(['redis', 'check']), /no Redis is configured/);
  });
});

describe('redis provision', () => {
  let cloud: RedisCloudServer;
  let folder: string;
  let words: readonly string[];
  const environment = { REDIS_CLOUD_API_KEY: 'key', REDIS_CLOUD_API_SECRET_KEY: 'secret' };
  before(async () => {
    cloud = createRedisCloudServer({ pollsPerTask: 0 });
    const url = await cloud.listen();
    folder = mkdtempSync(join(tmpdir(), 'selfhost-provision-'));
    words = ['redis', 'provision', '--api-url', url, '--region', 'eu-west-1', '--size', '1GB', '--out', folder];
  });
  after(async () => {
    await cloud.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says the cost and makes nothing with --dry-run, without a terminal, and when it is stopped at the question', async () => {
    const { out } = await runCommand([...words, '--dry-run'], { environment });
    assert.match(out, /would make subscription .*Single-Zone_1GB/);
    assert.match(out, /cost: \$23\.00 a month/);
    assert.match(out, /nothing was made/);
    await assert.rejects(runCommand(words, { environment }), /There is no terminal to ask on; add --yes/);
    // A terminal on which nobody types: its end is no yes.
    const stopped = runCommand(words, { environment, terminal: true });
    const ended = stopped.catch((error: Error) => error);
    while (!cloud.requests.includes('GET /fixed/subscriptions')) await new Promise((resolve) => setImmediate(resolve));
    process.emit('SIGINT', 'SIGINT');
    const outcome = await ended;
    assert.match('message' in outcome ? outcome.message : outcome.err, /nothing was made/);
    assert.deepEqual(
      cloud.requests.filter((each) => each.startsWith('POST')),
      [],
    );
  });

  it('makes a database with TLS, and keeps its certificate and password where only their owner reads', async () => {
    const { out, err } = await runCommand([...words, '--yes'], { environment });
    assert.match(err, /making subscription .* for \$23\.00 a month/);
    assert.match(out, /url: rediss:\/\/redis-/);
    assert.match(readFileSync(join(folder, 'redis-ca.pem'), 'utf8'), /BEGIN CERTIFICATE/);
    const passwordFile = join(folder, 'redis-password');
    assert.equal(readFileSync(passwordFile, 'utf8').trim(), cloud.databases[0]!.security.password);
    assert.equal(statSync(passwordFile).mode & 0o077, 0);
    assert.ok(!out.includes(cloud.databases[0]!.security.password), 'the password is not printed');
    const again = JSON.parse((await runCommand([...words, '--yes', '--json'], { environment })).out) as {
      database: number;
    };
    assert.equal(again.database, cloud.databases[0]!.databaseId);
    assert.equal(cloud.databases.length, 1);
  });

  it('asks for keys by their names', async () => {
    await assert.rejects(runCommand(words), /no REDIS_CLOUD_API_KEY/);
  });
});
