import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { modelName } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { aModel, aReport, FakeThinker } from '../testing/fake-thinker.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import type { HealthOptions } from './health.ts';
import { createThinkerPool } from './pool.ts';

const failed = { kind: 'failed', error: new AppError('upstream_failed', 'it broke') } as const;
const completed = { kind: 'completed', ttftMs: undefined } as const;
const down = new AppError('upstream_failed', 'connect ECONNREFUSED');

async function aPool(thinkers: readonly FakeThinker[], options: Partial<HealthOptions> = {}) {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const pool = createThinkerPool({ clock, random: seededRandom(1), logger: silentLogger, metrics, options });
  for (const thinker of thinkers) pool.add(thinker);
  pool.start();
  await clock.advance(0);
  const states = () => Object.fromEntries(pool.views().map((view) => [view.name, view.state]));
  const gauge = async (name: string) => {
    const metric = await metrics.registry.getSingleMetric(name)!.get();
    return Object.fromEntries(metric.values.map(({ labels, value }) => [Object.values(labels)[0], value]));
  };
  return { clock, pool, states, gauge };
}

describe('thinker pool: probes', () => {
  it('learns version, models, digests and residency from the first probe, and again at each interval', async () => {
    const a = new FakeThinker('a', { models: ['x', 'y:2b'], loaded: ['x'] });
    const { clock, pool } = await aPool([a]);
    await pool.firstProbe();
    const [view] = pool.views();
    assert.equal(view?.state, 'ready');
    assert.deepEqual([...view.models.keys()], ['x:latest', 'y:2b']);
    assert.deepEqual([...view.loaded], ['x:latest']);
    assert.equal(pool.digestOf(modelName('x')), 'sha-x');
    assert.equal(pool.digestOf(modelName('z')), '');
    a.report = aReport(['x'], []);
    await clock.advance(6_000);
    assert.deepEqual([[...view.models.keys()], view.loaded.size, a.probes], [['x:latest'], 0, 2]);
  });

  it('tells the start-up when every first probe is over, also of thinkers that are down or silent', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    a.report = down;
    b.report = 'silent';
    const { clock, pool, states } = await aPool([a, b]);
    let over = false;
    void pool.firstProbe().then(() => (over = true));
    await clock.advance(2_900);
    assert.equal(over, false);
    await clock.advance(200);
    assert.equal(over, true);
    assert.deepEqual(states(), { a: 'unreachable', b: 'unreachable' });
    assert.match(pool.views()[1]!.lastError!, /did not answer a probe within 3000 ms/);
  });

  it('forgives one missed probe, looks again soon, and keeps the last digests of one that is gone', async () => {
    const a = new FakeThinker('a', { models: ['x'] });
    const { clock, pool, states } = await aPool([a]);
    a.report = down;
    await clock.advance(5_500);
    assert.deepEqual([states(), a.probes], [{ a: 'ready' }, 2]);
    await clock.advance(1_100);
    assert.deepEqual(states(), { a: 'unreachable' });
    assert.equal(pool.digestOf(modelName('x')), 'sha-x');
    assert.deepEqual(
      pool.models().map(({ name }) => name),
      ['x:latest'],
    );
  });

  it('asks one that is down ever more rarely, at least every 30 s, and takes it back at once', async () => {
    const a = new FakeThinker('a');
    a.report = down;
    const { clock, states } = await aPool([a]);
    await clock.advance(120_000);
    const before = a.probes;
    await clock.advance(330_000);
    assert.ok(a.probes - before >= 10 && a.probes - before <= 13, `${a.probes - before} probes in 330 s`);
    a.report = aReport();
    await clock.advance(33_000);
    assert.deepEqual(states(), { a: 'ready' });
  });

  it('keeps a rented machine loading until it answers for the first time', async () => {
    const a = new FakeThinker('a', { kind: 'rented' });
    a.report = down;
    const { clock, states } = await aPool([a]);
    await clock.advance(60_000);
    assert.deepEqual(states(), { a: 'loading' });
    a.report = aReport();
    await clock.advance(33_000);
    assert.deepEqual(states(), { a: 'ready' });
    a.report = down;
    await clock.advance(10_000);
    assert.deepEqual(states(), { a: 'unreachable' });
  });

  it('does not let the digest of a model flip between thinkers that hold different builds', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    a.report = { ...aReport(), models: [aModel('x', 'one')] };
    b.report = { ...aReport(), models: [aModel('x', 'two')] };
    const { clock, pool } = await aPool([a, b]);
    const first = pool.digestOf(modelName('x'));
    for (let i = 0; i < 10; i++) {
      await clock.advance(3_000);
      assert.equal(pool.digestOf(modelName('x')), first);
    }
    a.report = b.report = { ...aReport(), models: [aModel('x', 'three')] };
    await clock.advance(6_000);
    assert.equal(pool.digestOf(modelName('x')), 'three');
  });

  it('leaves no timer behind when it stops', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    b.report = 'silent';
    const { clock, pool } = await aPool([a, b]);
    await pool.stop();
    await clock.advance(0);
    assert.deepEqual([clock.pendingTimers, a.closed, b.closed], [0, true, true]);
  });
});

describe('thinker pool: leases', () => {
  it('counts what runs where, and refuses a second release and a lease beyond the places', async () => {
    const a = new FakeThinker('a', { maxConcurrency: 2 });
    const { pool, gauge } = await aPool([a]);
    let capacity = 0;
    pool.onCapacity(() => capacity++);
    const [first, second] = [pool.lease(a.id), pool.lease(a.id)];
    assert.equal(pool.views()[0]?.inFlight, 2);
    assert.deepEqual(await gauge('selfhost_thinker_inflight'), { t1: 2 });
    assert.throws(() => pool.lease(a.id), /beyond its 2 places/);
    first.release(completed);
    assert.equal(capacity, 1);
    assert.throws(() => first.release(completed), /released twice/);
    second.release({ kind: 'aborted' });
    assert.equal(pool.views()[0]?.inFlight, 0);
    assert.deepEqual(await gauge('selfhost_upstream_requests_total'), {
      completed: 1,
      aborted: 1,
      failed: 0,
      busy: 0,
      rejected: 0,
    });
  });

  it('knows a model as loaded once an answer of it is complete, and as missing until the next probe', async () => {
    const a = new FakeThinker('a', { models: ['x'] });
    const { clock, pool } = await aPool([a]);
    const [view] = pool.views();
    pool.lease(a.id, modelName('x')).release(completed);
    assert.deepEqual([...view!.loaded], ['x:latest']);
    pool.lease(a.id, modelName('x')).release({ kind: 'rejected', modelMissing: modelName('x') });
    assert.deepEqual([view!.models.size, view!.loaded.size], [0, 0]);
    await clock.advance(6_000);
    assert.equal(view!.models.size, 1);
  });

  it('averages times to first token', async () => {
    const a = new FakeThinker('a');
    const { pool } = await aPool([a]);
    for (const ttftMs of [100, 200]) pool.lease(a.id).release({ kind: 'completed', ttftMs });
    assert.equal(pool.views()[0]?.ttftMsEwma, 120);
  });

  it('drains: gives nothing new, and tells idle or deadline', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    const { clock, pool, states } = await aPool([a, b]);
    const [lease, stuck] = [pool.lease(a.id), pool.lease(b.id)];
    const idle = pool.drain(a.id, 1_000);
    const late = pool.drain(b.id, 1_000);
    assert.deepEqual(states(), { a: 'draining', b: 'draining' });
    lease.release(completed);
    assert.equal(await idle, 'idle');
    await clock.advance(1_000);
    assert.equal(await late, 'deadline');
    assert.equal(await pool.drain(a.id, 1_000), 'idle');
    await pool.remove(b.id);
    stuck.release({ kind: 'aborted' });
    assert.equal(pool.get(b.id), undefined);
    assert.equal(b.closed, true);
  });

  it('uses the labels of thinkers that left again', async () => {
    const [a, b, c] = [new FakeThinker('a'), new FakeThinker('b'), new FakeThinker('c', { maxConcurrency: 7 })];
    const { pool, gauge } = await aPool([a, b]);
    await pool.remove(a.id);
    assert.deepEqual(await gauge('selfhost_thinker_slots'), { t2: 1 });
    pool.add(c);
    assert.deepEqual(await gauge('selfhost_thinker_slots'), { t2: 1, t1: 7 });
  });
});

describe('thinker pool: ejection', () => {
  const fail = (pool: Awaited<ReturnType<typeof aPool>>['pool'], thinker: FakeThinker, times: number) => {
    for (let i = 0; i < times; i++) pool.lease(thinker.id).release(failed);
  };

  it('ejects after three failures in a row, twice as long each time, and takes back slowly', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    const { clock, pool, states, gauge } = await aPool([a, b]);
    fail(pool, a, 2);
    pool.lease(a.id).release(completed);
    fail(pool, a, 2);
    assert.deepEqual(states(), { a: 'ready', b: 'ready' });
    fail(pool, a, 1);
    assert.deepEqual(states(), { a: 'ejected', b: 'ready' });
    assert.deepEqual(await gauge('selfhost_thinkers'), {
      renting: 0,
      loading: 0,
      ready: 1,
      draining: 0,
      stopped: 0,
      failed: 1,
    });
    await clock.advance(4_900);
    assert.deepEqual(states(), { a: 'ejected', b: 'ready' });
    await clock.advance(100);
    const view = pool.views()[0]!;
    assert.deepEqual([view.state, view.failuresInRow, view.weight], ['ready', 0, 0.1]);
    await clock.advance(15_000);
    assert.equal(view.weight.toFixed(2), '0.55');
    fail(pool, a, 1);
    assert.equal(view.weight, 0.1);
    fail(pool, a, 2);
    await clock.advance(9_900);
    assert.equal(view.state, 'ejected');
    await clock.advance(100);
    assert.equal(view.state, 'ready');
    await clock.advance(30_000);
    assert.equal(view.weight, 1);
  });

  it('never ejects for being busy, for a rejected request or for a client that left', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    const { pool, states } = await aPool([a, b]);
    for (const kind of ['busy', 'rejected', 'aborted'] as const)
      for (let i = 0; i < 5; i++) pool.lease(a.id).release({ kind });
    assert.deepEqual([states(), pool.views()[0]?.failuresInRow], [{ a: 'ready', b: 'ready' }, 0]);
  });

  it('keeps the last ready thinker, and recalls an ejected one when the others are gone', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    const { clock, pool, states } = await aPool([a, b], { ejectionMs: 60_000 });
    fail(pool, a, 3);
    fail(pool, b, 9);
    assert.deepEqual(states(), { a: 'ejected', b: 'ready' });
    b.report = down;
    await clock.advance(8_000);
    assert.deepEqual(states(), { a: 'ready', b: 'unreachable' });
  });

  it('looks at a thinker at once when a request failed there', async () => {
    const a = new FakeThinker('a');
    const { clock, pool, states } = await aPool([a]);
    a.report = down;
    fail(pool, a, 1);
    await clock.advance(1_500);
    assert.deepEqual(states(), { a: 'unreachable' });
  });
});
