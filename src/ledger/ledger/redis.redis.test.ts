import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { tenantId } from '../../core/ids.ts';
import { epochMs, usdMicros } from '../../core/units.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import type { RedisConnection } from '../../redis/redis-connection.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import type { Ledger, LedgerRange } from '../ledger.ts';
import { aCharge, aCost, anAnswer, ledgerConformance } from './conformance.ts';
import { createMemoryLedger } from './memory.ts';
import { createRedisLedger } from './redis.ts';

const deps = { clock: systemClock, random: testRandom('redis ledger'), logger: silentLogger };
const hour = 3_600_000;
/** Today: what others tell of days to come is not asked for. */
const today = Math.floor(systemClock.now() / (24 * hour)) * 24 * hour;
const range: LedgerRange = { from: epochMs(today), to: epochMs(today + 24 * hour) };
let redis: RedisServer;
const connections: RedisConnection[] = [];

async function connect(): Promise<RedisConnection> {
  const connection = createRedisConnection({ url: redis.url, deadlineMinMs: 5_000, deadlineMaxMs: 5_000 }, deps);
  connections.push(connection);
  await connection.ready(20_000);
  return connection;
}

const ledgerOn = (
  connection: RedisConnection,
  gateway: string,
  prefix: string,
  own: Ledger = createMemoryLedger(),
): Ledger => createRedisLedger({ ...deps, own, connection, prefix, gateway });

before(async () => void (redis = await startRedis()));
after(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await redis.stop();
});

let prefixes = 0;
ledgerConformance('redis', async ({ answersMax }) => ({
  ledger: ledgerOn(
    await connect(),
    'gateway-1',
    `conformance${prefixes++}`,
    createMemoryLedger(answersMax === undefined ? {} : { answersMax }),
  ),
  dispose: async () => {},
}));

describe('the ledgers of two gateways', () => {
  it('give the totals of both, by tenant too, and bill once what both write down', async () => {
    const [a, b] = [ledgerOn(await connect(), 'a', 'two'), ledgerOn(await connect(), 'b', 'two')];
    const at = epochMs(today + 1000);
    const acme = tenantId('acme');
    for (let i = 0; i < 3; i++) a.append(anAnswer({ at, tenant: acme }));
    for (let i = 0; i < 5; i++) b.append(anAnswer({ at, tenant: i === 0 ? acme : tenantId('other') }));
    b.append(aCost({ at, amount: usdMicros(700) }));
    a.append(aCost({ at, amount: usdMicros(300) }));
    for (const ledger of [a, b]) {
      ledger.append(aCost({ at, component: 'fixed', subject: 'vm', amount: usdMicros(1_000), id: 'fixed/vm/now' }));
      ledger.append(aCharge({ at: epochMs(today), amount: usdMicros(5_000) }));
    }
    b.append(aCharge({ at: epochMs(today), amount: usdMicros(6_000) }));
    await Promise.all([a.flush(), b.flush()]);
    for (const ledger of [a, b]) {
      const totals = await ledger.totals(range);
      assert.equal(totals.answers.thinker, 8);
      assert.deepEqual([totals.costs.gpu_busy, totals.costs.fixed, totals.total], [1_000, 1_000, 2_000]);
      assert.equal(totals.charged, 6_000);
      assert.equal((await ledger.totals({ ...range, tenant: acme })).answers.thinker, 4);
    }
    let own = 0;
    for await (const _ of a.entries(range, ['answer'])) own += 1;
    assert.equal(own, 3, 'single entries stay where they were made');
    await Promise.all([a.close(), b.close()]);
  });

  it('tell the same after a restart, and keep everything of their own when Redis forgets it', async () => {
    const own = createMemoryLedger();
    const first = ledgerOn(await connect(), 'a', 'again', own);
    const other = ledgerOn(await connect(), 'b', 'again');
    first.append(anAnswer({ at: epochMs(today) }));
    await first.flush();
    const restarted = ledgerOn(await connect(), 'a', 'again', own);
    restarted.append(anAnswer({ at: epochMs(today) }));
    await restarted.flush();
    assert.equal((await other.totals(range)).answers.thinker, 2);
    await redis.client.flushall();
    assert.equal((await restarted.totals(range)).answers.thinker, 2);
    restarted.append(anAnswer({ at: epochMs(today) }));
    await restarted.flush();
    const third = ledgerOn(await connect(), 'c', 'again');
    assert.equal((await third.totals(range)).answers.thinker, 3, 'all of the hour is told again');
    await Promise.all([restarted.close(), other.close(), third.close()]);
  });

  it('goes on by itself without Redis', async () => {
    const connection = createRedisConnection({ url: 'redis://127.0.0.1:1' }, deps);
    connections.push(connection);
    const ledger = ledgerOn(connection, 'a', 'none');
    ledger.append(anAnswer({ at: epochMs(today) }));
    await ledger.flush();
    assert.equal((await ledger.totals(range)).answers.thinker, 1);
    await ledger.close();
  });
});
