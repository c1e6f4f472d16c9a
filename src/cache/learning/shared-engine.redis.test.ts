import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { seededRandom } from '../../core/random.ts';
import { createRedisConnection } from '../../redis/connect.ts';
import type { Lease } from '../../redis/lease.ts';
import { createSingleLease } from '../../redis/lease/single.ts';
import type { RedisConnection } from '../../redis/redis-connection.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-kit.ts';
import { eventually } from '../../testing/redis-shapes.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { createDecisionEngine } from '../decision/engine.ts';
import type { DecisionCandidate, DecisionEngine, DecisionLabel } from '../decision/engine-types.ts';
import { createSharedEngine, type SharedEngine } from './shared-engine.ts';

const deps = { clock: systemClock, random: testRandom('shared engine'), logger: silentLogger };
let redis: RedisServer;
const connections: RedisConnection[] = [];

async function connect(url = redis.url): Promise<RedisConnection> {
  const connection = createRedisConnection({ url, deadlineMinMs: 5_000, deadlineMaxMs: 5_000 }, deps);
  connections.push(connection);
  if (url === redis.url) await connection.ready(20_000);
  return connection;
}

const plainEngine = (): DecisionEngine =>
  createDecisionEngine({
    embeddingModelId: 'test',
    clock: systemClock,
    random: seededRandom(1),
    options: { target: 0.1 },
  });

const follower: Lease = { ...createSingleLease(), held: undefined };

async function join(
  prefix: string,
  lease: Lease = follower,
  engine = plainEngine(),
  connection?: RedisConnection,
): Promise<SharedEngine> {
  const shared = createSharedEngine({
    engine,
    connection: connection ?? (await connect()),
    lease,
    clock: systemClock,
    logger: silentLogger,
    prefix,
    options: { pollEveryMs: 20, snapshotEveryMs: 50 },
  });
  await shared.start();
  return shared;
}

const words = ['red', 'blue', 'green', 'large', 'small', 'old', 'new', 'fast', 'slow', 'warm'];
const question = (i: number) =>
  `how do I paint a ${words[i % 10]} ${words[(i * 7) % 10]} wall in house number ${i % 50}`;

function candidate(i: number): DecisionCandidate {
  return {
    entryId: `entry-${i}`,
    text: `${question(i)} please`,
    similarity: 0.9 + (i % 10) / 100,
    storedAt: systemClock.now(),
  };
}

/** As an audit would give it: wrong now and then. */
function labelOf(engine: DecisionEngine, i: number): DecisionLabel {
  const { sample } = engine.preview({ text: question(i), group: 'acme' }, [candidate(i)]);
  return { sample: sample!, right: i % 29 !== 0, source: 'audit' };
}

const settle = (engine: DecisionEngine): void => {
  while (engine.tick(1_000));
};

before(async () => void (redis = await startRedis()));
after(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await redis.stop();
});

describe('a decision engine in several gateways', () => {
  it('learns the same in all of them, whoever is told, and decides alike', async () => {
    const [a, b] = await Promise.all([join('alike'), join('alike')]);
    const random = testRandom('who is told');
    for (let i = 0; i < 300; i++) assert.ok((random.float() < 0.5 ? a : b).label(labelOf(a, i)));
    await eventually('both have all labels', async () => {
      await Promise.all([a.catchUp(), b.catchUp()]);
      for (const engine of [a, b]) settle(engine);
      return a.status().labels === 300 && b.status().labels === 300;
    });
    const [ofA, ofB] = [a.status(), b.status()];
    assert.deepEqual(ofA.certificates, ofB.certificates);
    assert.equal(ofA.cut, ofB.cut);
    for (let i = 0; i < 50; i++) {
      const [one, other] = [a, b].map((engine) => engine.preview({ text: question(i), group: 'acme' }, [candidate(i)]));
      assert.deepEqual([one!.kind, one!.chosen?.probability], [other!.kind, other!.chosen?.probability]);
    }
    await Promise.all([a.close(), b.close()]);
  });

  it('quarantines everywhere what a person calls wrong anywhere', async () => {
    const [a, b] = await Promise.all([join('person'), join('person')]);
    a.label({ ...labelOf(a, 1), right: false, source: 'thumbs-down' });
    assert.equal(a.status().quarantined, 1);
    b.quarantine('entry-2');
    await eventually('both know', async () => {
      await Promise.all([a.catchUp(), b.catchUp()]);
      return a.status().quarantined === 2 && b.status().quarantined === 2;
    });
    await Promise.all([a.close(), b.close()]);
  });

  it('gives a gateway that comes later what the others know, although the log is gone', async () => {
    const leader = await join('later', createSingleLease());
    for (let i = 0; i < 120; i++) leader.label(labelOf(leader, i));
    await eventually('the leader has them', async () => {
      await leader.catchUp();
      return leader.status().labels === 120;
    });
    settle(leader);
    await leader.close();
    await redis.client.del('later:{learned}:s');
    const late = await join('later');
    settle(late);
    assert.equal(late.status().labels, 120);
    assert.deepEqual(late.status().certificates, leader.status().certificates);
    await late.close();
  });

  it('keeps a leader of the past from overwriting its successor', async () => {
    const old: Lease = { ...createSingleLease(), held: { token: 5 } };
    const successor: Lease = { ...createSingleLease(), held: { token: 9 } };
    const [first, second] = [await join('fence', old), await join('fence', successor)];
    first.label(labelOf(first, 1));
    await eventually('both have it', async () => {
      await Promise.all([first.catchUp(), second.catchUp()]);
      return first.status().labels === 1 && second.status().labels === 1;
    });
    await second.close();
    const written = await redis.client.getBuffer('fence:{learned}:state');
    await first.close();
    assert.deepEqual(await redis.client.getBuffer('fence:{learned}:state'), written);
    assert.equal(await redis.client.get('fence:{learned}:token'), '9');
  });

  it('goes on alone without Redis', async () => {
    const alone = await join('alone', follower, plainEngine(), await connect('redis://127.0.0.1:1'));
    alone.label(labelOf(alone, 3));
    await eventually('it has learned', () => alone.status().labels === 1);
    await alone.close();
  });
});
