import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { modelName, requestId, tenantId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { aChatRequest } from '../testing/builders.ts';
import { aReport, FakeThinker } from '../testing/fake-thinker.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { createDemandTracker } from '../thinkers/demand.ts';
import { createThinkerPool } from '../thinkers/pool.ts';
import type { RouterOptions } from './placement.ts';
import { createRouter } from './router.ts';

async function aRouter(thinkers: readonly FakeThinker[], options: Partial<RouterOptions> = {}) {
  const clock = new FakeClock();
  const shared = { clock, random: seededRandom(7), logger: silentLogger, metrics: createMetrics() };
  const pool = createThinkerPool(shared);
  for (const thinker of thinkers) pool.add(thinker);
  pool.start();
  await clock.advance(0);
  const demand = createDemandTracker({ clock });
  const router = createRouter({ ...shared, pool, demand, options });
  const ask = ({ model = 'llama3.2', tenant = 'local' } = {}) => {
    const sink = new RecordingSink();
    const flow = router.dispatch(aChatRequest({ model: modelName(model) }), sink, {
      requestId: requestId('r'),
      tenant: tenantId(tenant),
    });
    return { sink, flow, codes: () => sink.failures.map(({ code }) => code) };
  };
  /** Nothing is held any more: the state every test must end in. */
  const assertIdle = () => {
    assert.deepEqual(router.stats(), { waiting: 0, running: 0 });
    for (const view of pool.views()) assert.equal(view.inFlight, 0);
    for (const row of demand.read()) assert.deepEqual([row.waiting, row.inFlight], [0, 0]);
  };
  return { clock, pool, router, demand, ask, assertIdle, metrics: shared.metrics };
}

describe('router: choice', () => {
  it('places at once and tells the origin right before the first event', async () => {
    const a = new FakeThinker('a', { loaded: ['llama3.2'] });
    const { ask, router, clock, assertIdle } = await aRouter([a]);
    const { sink } = ask();
    assert.equal(a.calls.length, 1);
    assert.deepEqual([sink.origins, router.stats()], [[], { waiting: 0, running: 1 }]);
    await clock.advance(40);
    a.lastCall.answer('Paris');
    assert.deepEqual(sink.origins, [
      {
        source: 'thinker',
        thinker: { id: a.id, name: 'a', kind: 'static', digest: 'sha-llama3.2', queuedMs: 0, cold: false },
      },
    ]);
    assert.deepEqual([sink.text, sink.ended, sink.breaches], ['Paris', true, []]);
    assertIdle();
  });

  it('prefers the thinker that has the model in memory until it is full', async () => {
    const cold = new FakeThinker('cold', { maxConcurrency: 9 });
    const warm = new FakeThinker('warm', { maxConcurrency: 3, loaded: ['llama3.2'] });
    const { ask } = await aRouter([cold, warm]);
    for (let i = 0; i < 4; i++) ask();
    assert.deepEqual([warm.calls.length, cold.calls.length], [3, 1]);
  });

  it('gives a cold model minutes for its first token and a warm one seconds', async () => {
    const a = new FakeThinker('a', { models: ['x', 'y'], loaded: ['x'], maxConcurrency: 2 });
    const { ask } = await aRouter([a], { firstTokenWarmMs: 11, firstTokenColdMs: 22, stallMs: 33, totalMs: 44 });
    ask({ model: 'x' });
    ask({ model: 'y' });
    assert.deepEqual(
      a.calls.map(({ timeouts }) => timeouts),
      [
        { firstTokenMs: 11, stallMs: 33, totalMs: 44 },
        { firstTokenMs: 22, stallMs: 33, totalMs: 44 },
      ],
    );
  });

  it('measures the first token of warm models only', async () => {
    const a = new FakeThinker('a');
    const { ask, clock, pool } = await aRouter([a]);
    for (const ms of [5_000, 70]) {
      ask();
      await clock.advance(ms);
      a.lastCall.answer();
    }
    assert.equal(pool.views()[0]?.ttftMsEwma, 70);
  });
});

describe('router: when nobody can answer', () => {
  it("says in Ollama's words that the model is on no thinker, and how to get it", async () => {
    const { ask, clock, assertIdle } = await aRouter([new FakeThinker('a')]);
    const { sink } = ask({ model: 'nope' });
    assert.equal(sink.failures.length, 0, 'nothing is told before dispatch returns');
    await clock.advance(0);
    assert.equal(sink.failures[0]?.code, 'model_not_found');
    assert.match(sink.failures[0].message, /^model 'nope:latest' not found; pull it/);
    assertIdle();
  });

  it('says how many thinkers are in which state when none is up', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    a.report = b.report = new AppError('upstream_failed', 'down');
    const { ask, clock } = await aRouter([a, b]);
    const { sink } = ask();
    await clock.advance(0);
    assert.equal(sink.failures[0]?.code, 'no_thinker_ready');
    assert.match(sink.failures[0].message, /\(2 unreachable\)/);
    assert.equal(sink.failures[0].retryAfterMs, 5_000);
    const none = await aRouter([]);
    const asked = none.ask();
    await none.clock.advance(0);
    assert.match(asked.sink.failures[0]!.message, /none configured/);
  });

  it('does not call a model missing that a thinker which is down was last seen with', async () => {
    const [a, b] = [new FakeThinker('a', { models: ['x'] }), new FakeThinker('b', { models: ['y'] })];
    const { ask, clock } = await aRouter([a, b]);
    a.report = new AppError('upstream_failed', 'down');
    await clock.advance(8_000);
    const { codes } = ask({ model: 'x' });
    await clock.advance(0);
    assert.deepEqual(codes(), ['no_thinker_ready']);
  });

  it('holds requests while a thinker is loading and places them when it is ready', async () => {
    const a = new FakeThinker('a', { kind: 'rented' });
    a.report = new AppError('upstream_failed', 'booting');
    const { ask, clock, router } = await aRouter([a]);
    const { sink } = ask();
    await clock.advance(20_000);
    assert.deepEqual([router.stats().waiting, sink.failures], [1, []]);
    a.report = aReport();
    await clock.advance(33_000);
    a.lastCall.answer();
    assert.ok(sink.ended && sink.origins[0]!.thinker!.queuedMs > 20_000);
  });

  it('lets the held fail when the thinker turns out to be down', async () => {
    const a = new FakeThinker('a');
    a.report = 'silent';
    const { ask, clock, assertIdle } = await aRouter([a]);
    const { codes } = ask();
    await clock.advance(2_000);
    assert.deepEqual(codes(), []);
    await clock.advance(1_500);
    assert.deepEqual(codes(), ['no_thinker_ready']);
    assertIdle();
  });
});

describe('router: the queue', () => {
  it('lets tenants take turns, and the first come be the first served within a tenant', async () => {
    const a = new FakeThinker('a');
    const { ask, clock, assertIdle } = await aRouter([a]);
    const order: string[] = [];
    const asked = ['ann', 'ann', 'ann', 'ann', 'bob', 'bob', 'cy'].map((tenant, i) => {
      const one = ask({ tenant });
      one.sink.onEvent = (event) => event.type === 'end' && order.push(`${tenant}${i}`);
      return one;
    });
    for (const _ of asked) {
      a.lastCall.answer();
      await clock.advance(0);
    }
    assert.deepEqual(order, ['ann0', 'ann1', 'bob4', 'cy6', 'ann2', 'bob5', 'ann3']);
    assertIdle();
  });

  it('holds up nobody behind a request whose model has no room', async () => {
    const [a, b] = [new FakeThinker('a', { models: ['x'] }), new FakeThinker('b', { models: ['y'] })];
    const { ask, clock, router } = await aRouter([a, b]);
    for (const model of ['x', 'y', 'x', 'y']) ask({ model });
    assert.equal(router.stats().waiting, 2);
    b.lastCall.answer();
    await clock.advance(0);
    assert.deepEqual([a.calls.length, b.calls.length, router.stats().waiting], [1, 2, 1]);
  });

  it('refuses beyond its bound, gives up after its longest wait, and says when to come back', async () => {
    const a = new FakeThinker('a');
    const { ask, clock, router } = await aRouter([a], { queueMax: 2, queueWaitMaxMs: 10_000 });
    const asked = Array.from({ length: 4 }, () => ask());
    await clock.advance(0);
    assert.deepEqual(
      asked.map(({ codes }) => codes()),
      [[], [], [], ['queue_full']],
    );
    await clock.advance(10_200);
    assert.deepEqual(
      asked.map(({ codes }) => codes()[0]),
      [undefined, 'timeout_queue', 'timeout_queue', 'queue_full'],
    );
    assert.ok(asked.slice(1).every(({ sink }) => sink.failures[0]!.retryAfterMs! > 0));
    assert.deepEqual(router.stats(), { waiting: 0, running: 1 });
  });

  it('gives back everything before cancel returns: queued, connecting or streaming', async () => {
    const a = new FakeThinker('a');
    const { ask, clock, router, assertIdle } = await aRouter([a]);
    const [running, queued] = [ask(), ask()];
    queued.flow.cancel();
    assert.deepEqual(router.stats(), { waiting: 0, running: 1 });
    running.flow.cancel();
    running.flow.cancel();
    assertIdle();
    assert.equal(a.calls[0]?.cancelled, true);
    const streaming = ask();
    streaming.sink.onEvent = (event) => event.type === 'text-delta' && streaming.flow.cancel();
    a.lastCall.start().text('a').text('b').end();
    assert.equal(streaming.sink.text, 'a');
    await clock.advance(1_000);
    assertIdle();
    const leaving = ask();
    leaving.sink.origin = () => leaving.flow.cancel();
    a.lastCall.answer();
    assert.deepEqual(leaving.sink.events, []);
    assertIdle();
    const failing = ask({ model: 'nope' });
    failing.flow.cancel();
    await clock.advance(0);
    assert.deepEqual([failing.codes(), a.calls.length], [[], 3]);
  });
});

describe('router: failures', () => {
  it('goes to another thinker after a failure, and tells only the answer', async () => {
    const [a, b] = [new FakeThinker('a', { loaded: ['llama3.2'] }), new FakeThinker('b')];
    const { ask, clock, pool, assertIdle } = await aRouter([a, b]);
    const { sink, flow } = ask();
    flow.pause();
    a.lastCall.fail('upstream_failed');
    await clock.advance(0);
    assert.deepEqual([b.calls.length, b.lastCall.paused], [1, true]);
    flow.resume();
    b.lastCall.answer('from b');
    assert.deepEqual([sink.text, sink.origins[0]?.thinker?.name, sink.breaches], ['from b', 'b', []]);
    assert.equal(pool.views()[0]?.failuresInRow, 1);
    assertIdle();
  });

  it('asks the only thinker again after a pause, and passes the third failure on', async () => {
    const a = new FakeThinker('a');
    const { ask, clock, codes } = await (async () => {
      const made = await aRouter([a]);
      return { ...made, ...made.ask(), clock: made.clock, ask: made.ask };
    })();
    for (const calls of [1, 2, 3]) {
      assert.equal(a.calls.length, calls);
      a.lastCall.fail('upstream_broken_stream');
      await clock.advance(0);
      assert.equal(a.calls.length, calls, 'no second try without a pause');
      await clock.advance(500);
    }
    assert.deepEqual([codes(), a.calls.length], [['upstream_broken_stream'], 3]);
    // Waiting out a first token once is enough.
    const silent = ask();
    a.lastCall.fail('timeout_first_token');
    await clock.advance(0);
    assert.deepEqual(silent.codes(), ['timeout_first_token']);
  });

  it('never retries after the first event, nor what the request itself is to blame for', async () => {
    const [a, b] = [new FakeThinker('a', { loaded: ['llama3.2'] }), new FakeThinker('b')];
    const { ask, clock, pool, assertIdle } = await aRouter([a, b]);
    const begun = ask();
    a.lastCall.start().fail('upstream_broken_stream');
    const rejected = ask();
    a.lastCall.fail('upstream_rejected');
    const late = ask();
    a.lastCall.fail('timeout_total');
    await clock.advance(1_000);
    assert.deepEqual([begun.codes(), begun.sink.breaches], [['upstream_broken_stream'], []]);
    assert.deepEqual([rejected.codes(), late.codes()], [['upstream_rejected'], ['timeout_total']]);
    assert.deepEqual([b.calls.length, pool.views()[0]?.failuresInRow], [0, 1]);
    assertIdle();
  });

  it('leaves a busy thinker alone for a while, goes elsewhere, and does not punish it', async () => {
    const [a, b] = [new FakeThinker('a', { loaded: ['llama3.2'] }), new FakeThinker('b')];
    const { ask, clock, pool } = await aRouter([a, b]);
    const first = ask();
    a.lastCall.fail('upstream_busy', { retryAfterMs: 2_000 });
    await clock.advance(0);
    assert.equal(b.calls.length, 1);
    b.lastCall.answer();
    assert.ok(first.sink.ended);
    ask();
    assert.deepEqual([a.calls.length, b.calls.length], [1, 2], 'a rests');
    assert.deepEqual([pool.views()[0]?.state, pool.views()[0]?.failuresInRow], ['ready', 0]);
    b.lastCall.answer();
    await clock.advance(3_000);
    ask();
    ask();
    assert.deepEqual([a.calls.length, b.calls.length], [2, 3], 'a has rested');
  });

  it('waits for the only thinker while it is busy, with growing pauses and a bound', async () => {
    const a = new FakeThinker('a');
    const { ask, clock, assertIdle } = await aRouter([a], { busyTriesMax: 5 });
    const { codes } = ask();
    const at: number[] = [];
    while (codes().length === 0) {
      if (a.live.length > 0) {
        at.push(clock.monotonicMs());
        a.lastCall.fail('upstream_busy');
      }
      await clock.advance(50);
    }
    assert.deepEqual([codes(), at.length], [['upstream_busy'], 5]);
    const pauses = at.slice(1).map((ms, i) => ms - at[i]!);
    assert.ok(
      pauses.every((ms, i) => i === 0 || ms > pauses[i - 1]!),
      `pauses ${pauses.join(' ')}`,
    );
    assertIdle();
  });

  it('asks another thinker when one says that it lacks the model, and does not ask that one again', async () => {
    const [a, b] = [
      new FakeThinker('a', { loaded: ['llama3.2'], maxConcurrency: 2 }),
      new FakeThinker('b', { maxConcurrency: 9 }),
    ];
    const { ask, clock, pool } = await aRouter([a, b]);
    const { sink } = ask();
    a.lastCall.fail('model_not_found');
    await clock.advance(0);
    b.lastCall.answer();
    assert.ok(sink.ended);
    ask();
    assert.deepEqual([a.calls.length, b.calls.length, pool.views()[0]?.failuresInRow], [1, 2, 0]);
    b.lastCall.fail('model_not_found');
  });

  it("passes the thinker's words on when the last one that listed the model lacks it", async () => {
    const a = new FakeThinker('a');
    const { ask, clock } = await aRouter([a]);
    const { sink } = ask();
    a.lastCall.fail('model_not_found');
    await clock.advance(0);
    assert.deepEqual(
      sink.failures.map(({ message }) => message),
      ['fake model_not_found'],
    );
  });

  it('survives a thinker that is removed under a request', async () => {
    const [a, b] = [new FakeThinker('a', { loaded: ['llama3.2'] }), new FakeThinker('b')];
    const { ask, clock, pool, assertIdle } = await aRouter([a, b]);
    const { sink } = ask();
    await pool.remove(a.id);
    a.lastCall.fail('upstream_failed');
    await clock.advance(0);
    b.lastCall.answer();
    assert.ok(sink.ended);
    assertIdle();
  });
});
