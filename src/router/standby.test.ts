import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { modelName, requestId, tenantId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { aChatRequest } from '../testing/builders.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeThinker } from '../testing/fake-thinker.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { createThinkerPool } from '../thinkers/pool.ts';
import { createRouter } from './router.ts';
import type { Outlook, Patience } from './standby.ts';
import type { WorkMeter } from './work-meter.ts';

const fleetModel = modelName('qwen2:7b');
const coming: Outlook = { kind: 'coming', readyInMs: 200_000, holdMs: { plain: 30_000, streamed: 600_000 } };

async function aSleepingFleet(first: Outlook = coming) {
  const clock = new FakeClock();
  const shared = { clock, random: seededRandom(3), logger: silentLogger, metrics: createMetrics() };
  const pool = createThinkerPool(shared);
  pool.start();
  let outlook = first;
  const standby = { outlook: (model: string) => (model === fleetModel ? outlook : undefined) };
  const router = createRouter({ ...shared, pool, standby });
  const ask = (patience: Patience, options: { model?: string; priority?: 'idle' } = {}) => {
    const sink = new RecordingSink();
    router.dispatch(aChatRequest({ model: modelName(options.model ?? fleetModel) }), sink, {
      requestId: requestId('r'),
      tenant: tenantId('local'),
      patience,
      ...(options.priority && { priority: options.priority }),
    });
    return { sink, codes: () => sink.failures.map(({ code }) => code) };
  };
  return { clock, pool, router, ask, say: (next: Outlook) => (outlook = next) };
}

describe('router: requests while a thinker starts', () => {
  it('holds a plain request for its time, then says when to come back', async () => {
    const { clock, ask, router } = await aSleepingFleet();
    const { sink } = ask('plain');
    await clock.advance(29_000);
    assert.deepEqual([router.stats().waiting, sink.failures.length], [1, 0]);
    await clock.advance(2_000);
    const [failure] = sink.failures;
    assert.deepEqual([failure?.code, failure?.status, failure?.retryAfterMs], ['no_thinker_ready', 503, 200_000]);
    assert.deepEqual(router.stats(), { waiting: 0, running: 0 });
  });

  it('holds a streamed request until the thinker is there, however long the queue may be waited in', async () => {
    const { clock, ask, pool } = await aSleepingFleet();
    const { sink } = ask('streamed');
    await clock.advance(400_000);
    const thinker = new FakeThinker('rented', { models: ['qwen2:7b'], loaded: ['qwen2:7b'] });
    pool.add(thinker);
    await clock.advance(200);
    assert.equal(thinker.calls.length, 1);
    thinker.lastCall.answer('Here');
    assert.deepEqual([sink.text, sink.ended], ['Here', true]);
  });

  it('gives up a streamed request at the deadline of the start', async () => {
    const { clock, ask } = await aSleepingFleet();
    const { codes } = ask('streamed');
    await clock.advance(599_000);
    assert.deepEqual(codes(), []);
    await clock.advance(2_000);
    assert.deepEqual(codes(), ['no_thinker_ready']);
  });

  it('counts the time in the line apart from the time of the start', async () => {
    const { clock, ask, pool } = await aSleepingFleet();
    const first = ask('streamed');
    const second = ask('streamed');
    await clock.advance(400_000);
    const thinker = new FakeThinker('rented', { models: ['qwen2:7b'], loaded: ['qwen2:7b'], maxConcurrency: 1 });
    pool.add(thinker);
    await clock.advance(100_000);
    assert.deepEqual([first.codes(), second.codes()], [[], []]);
    await clock.advance(25_000);
    assert.deepEqual(second.codes(), ['timeout_queue']);
  });

  it('refuses with the reason of the fleet, also what waits already', async () => {
    const { clock, ask, say } = await aSleepingFleet();
    const before = ask('streamed');
    await clock.advance(1_000);
    say({ kind: 'refused', error: new AppError('budget_exhausted', 'the cap of the day is reached') });
    await clock.advance(200);
    const after = ask('plain');
    await clock.advance(0);
    assert.deepEqual([before.codes(), after.codes()], [['budget_exhausted'], ['budget_exhausted']]);
  });

  it('waits for the replacement of a host that died before the first token, beyond the tries of a failure', async () => {
    const { clock, ask, pool } = await aSleepingFleet();
    const dead = new FakeThinker('dead', { models: ['qwen2:7b'], loaded: ['qwen2:7b'], maxConcurrency: 4 });
    pool.add(dead);
    await clock.advance(100);
    const { sink } = ask('plain');
    for (let i = 0; i < 6; i++) {
      dead.lastCall.fail('upstream_failed');
      await clock.advance(2_500);
    }
    assert.deepEqual([sink.failures, dead.calls.length > 4], [[], true]);
    await pool.remove(dead.id);
    dead.lastCall.fail('upstream_failed');
    await clock.advance(1_000);
    const fresh = new FakeThinker('fresh', { models: ['qwen2:7b'], loaded: ['qwen2:7b'] });
    pool.add(fresh);
    await clock.advance(3_000);
    fresh.lastCall.answer('Here');
    assert.equal(sink.text, 'Here');
  });

  it('does not know models that nobody serves', async () => {
    const { clock, ask } = await aSleepingFleet();
    const { codes } = ask('plain', { model: 'llama3.2' });
    await clock.advance(0);
    assert.deepEqual(codes(), ['model_not_found']);
  });

  it('lets an idle job wait for nobody', async () => {
    const { clock, ask, router } = await aSleepingFleet();
    const { codes } = ask('plain', { priority: 'idle' });
    await clock.advance(601_000);
    assert.deepEqual([codes(), router.stats().waiting], [['timeout_queue'], 0]);
  });
});

describe('router: what the work meter is told', () => {
  it('hears of each request once, from its arrival to its end, whatever becomes of it', async () => {
    const clock = new FakeClock();
    const shared = { clock, random: seededRandom(3), logger: silentLogger, metrics: createMetrics() };
    const pool = createThinkerPool(shared);
    const a = new FakeThinker('a', { loaded: ['llama3.2'], maxConcurrency: 2 });
    pool.add(a);
    pool.start();
    await clock.advance(0);
    const told: string[] = [];
    const work: WorkMeter = {
      arrived: ({ id, promptTokens }) => told.push(`${id} arrived ${promptTokens}`),
      started: (id) => told.push(`${id} started`),
      requeued: (id) => told.push(`${id} requeued`),
      ended: (id, usage) => told.push(`${id} ended ${usage?.completionTokens}`),
    };
    const router = createRouter({ ...shared, pool, work });
    const ask = (priority?: 'idle') =>
      router.dispatch(aChatRequest({ text: '12345678' }), new RecordingSink(), {
        requestId: requestId('r'),
        tenant: tenantId('local'),
        ...(priority && { priority }),
      });
    ask();
    const second = ask();
    ask('idle');
    a.calls[0]!.fail('upstream_failed');
    await clock.advance(500);
    a.calls[2]!.answer('ok');
    await clock.advance(500);
    second.cancel();
    second.cancel();
    assert.deepEqual(
      [told.filter((line) => line.startsWith('w1')), told.filter((line) => line.startsWith('w2'))],
      [
        ['w1 arrived 2', 'w1 started', 'w1 requeued', 'w1 started', 'w1 ended 1'],
        ['w2 arrived 2', 'w2 started', 'w2 ended undefined'],
      ],
    );
    assert.equal(told.length, 8);
  });
});
