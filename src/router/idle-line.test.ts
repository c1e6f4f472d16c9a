import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelName, requestId, tenantId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { aChatRequest } from '../testing/builders.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeThinker } from '../testing/fake-thinker.ts';
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
  const ask = (priority: 'normal' | 'idle', model = 'llama3.2') => {
    const sink = new RecordingSink();
    const flow = router.dispatch(aChatRequest({ model: modelName(model) }), sink, {
      requestId: requestId('r'),
      tenant: tenantId('local'),
      priority,
    });
    return { sink, flow, codes: () => sink.failures.map(({ code }) => code) };
  };
  return { clock, router, demand, pool, ask };
}

describe('idle jobs', () => {
  it('run where the model is in memory and there is room, and count towards no demand', async () => {
    const a = new FakeThinker('a', { loaded: ['llama3.2'] });
    const { ask, router, demand, pool } = await aRouter([a]);
    const { sink } = ask('idle');
    assert.equal(a.calls.length, 1);
    assert.deepEqual(router.stats(), { waiting: 0, running: 0 });
    assert.deepEqual(demand.read(), []);
    a.lastCall.answer('Paris');
    assert.deepEqual([sink.text, sink.ended, router.idle().running], ['Paris', true, 0]);
    assert.equal(pool.views()[0]!.inFlight, 0);
  });

  it('never load a model, and begin when it is in memory', async () => {
    const a = new FakeThinker('a', { models: ['x', 'y'], loaded: ['x'], maxConcurrency: 4 });
    const { ask, router, clock } = await aRouter([a]);
    ask('idle', 'y');
    await clock.advance(5_000);
    assert.deepEqual([a.calls.length, router.idle().waiting], [0, 1]);
    ask('normal', 'y');
    a.lastCall.answer();
    await clock.advance(0);
    assert.deepEqual([a.calls.length, router.idle().running], [2, 1]);
  });

  it('leave one of several places free for the next user', async () => {
    const a = new FakeThinker('a', { loaded: ['llama3.2'], maxConcurrency: 3 });
    const { ask, router } = await aRouter([a]);
    for (let i = 0; i < 4; i++) ask('idle');
    assert.deepEqual([router.idle().running, router.idle().waiting], [2, 2]);
    ask('normal');
    assert.deepEqual([a.calls.length, router.idle().preempted, router.stats().waiting], [3, 0, 0]);
  });

  it('make room at once for a user who finds every place taken', async () => {
    const a = new FakeThinker('a', { loaded: ['llama3.2'], maxConcurrency: 1 });
    const { ask, router, clock } = await aRouter([a]);
    const idle = ask('idle');
    const call = a.lastCall;
    const user = ask('normal');
    assert.ok(call.cancelled);
    assert.deepEqual(idle.codes(), ['aborted']);
    assert.deepEqual(router.stats(), { waiting: 0, running: 1 });
    a.lastCall.answer('now');
    await clock.advance(0);
    assert.deepEqual([user.sink.text, router.idle().preempted], ['now', 1]);
  });

  it('wait while anybody waits', async () => {
    const a = new FakeThinker('a', { models: ['x', 'y'], loaded: ['x', 'y'], maxConcurrency: 1 });
    const { ask, router, clock } = await aRouter([a]);
    ask('normal', 'x');
    const first = a.lastCall;
    const second = ask('normal', 'x');
    const idle = ask('idle', 'x');
    assert.deepEqual([router.stats().waiting, router.idle().waiting], [1, 1]);
    first.answer();
    await clock.advance(0);
    assert.deepEqual([router.stats().running, router.idle().waiting], [1, 1]);
    a.lastCall.answer('second');
    await clock.advance(0);
    assert.deepEqual([second.sink.text, router.idle().running], ['second', 1]);
    a.lastCall.answer('idle');
    assert.equal(idle.sink.text, 'idle');
  });

  it('are dropped and counted beyond their bound, and after their longest wait', async () => {
    const a = new FakeThinker('a', { loaded: ['llama3.2'], maxConcurrency: 1 });
    const { ask, router, clock } = await aRouter([a], { idleQueueMax: 2, idleWaitMaxMs: 600_000 });
    ask('normal');
    const asked = [ask('idle'), ask('idle'), ask('idle')];
    await clock.advance(0);
    assert.deepEqual(
      asked.map(({ codes }) => codes()),
      [[], [], ['queue_full']],
    );
    await clock.advance(601_000);
    assert.deepEqual(
      asked.map(({ codes }) => codes()),
      [['timeout_queue'], ['timeout_queue'], ['queue_full']],
    );
    assert.equal(router.idle().dropped, 3);
    assert.equal(a.calls.length, 1);
  });

  it('are tried once, and leave nothing behind when their asker goes', async () => {
    const a = new FakeThinker('a', { loaded: ['llama3.2'], maxConcurrency: 1 });
    const b = new FakeThinker('b', { loaded: ['llama3.2'], maxConcurrency: 1 });
    const { ask, router, pool, clock } = await aRouter([a, b]);
    const failing = ask('idle');
    const taken = [a, b].find(({ calls }) => calls.length === 1)!;
    taken.lastCall.fail('upstream_failed');
    assert.deepEqual(failing.codes(), ['upstream_failed']);
    const leaving = [ask('idle'), ask('idle'), ask('idle')];
    for (const { flow } of leaving) flow.cancel();
    await clock.advance(0);
    assert.deepEqual(router.idle(), { waiting: 0, running: 0, dropped: 0, preempted: 0 });
    assert.deepEqual(
      pool.views().map(({ inFlight }) => inFlight),
      [0, 0],
    );
  });
});
