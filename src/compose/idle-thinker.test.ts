import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestId, tenantId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { createRouter } from '../router/router.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { aChatRequest } from '../testing/builders.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeThinker } from '../testing/fake-thinker.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { createThinkerPool } from '../thinkers/pool.ts';
import { createIdleThinker } from './idle-thinker.ts';

async function anIdleThinker(maxConcurrency = 1) {
  const clock = new FakeClock();
  const random = seededRandom(3);
  const shared = { clock, random, logger: silentLogger, metrics: createMetrics() };
  const pool = createThinkerPool(shared);
  const thinker = new FakeThinker('a', { loaded: ['llama3.2'], maxConcurrency });
  pool.add(thinker);
  pool.start();
  await clock.advance(0);
  const router = createRouter({ ...shared, pool });
  const stop = new AbortController();
  const idle = createIdleThinker({ router, pool, random });
  const ask = () => idle.ask(aChatRequest(), { tenant, signal: stop.signal });
  const user = () => router.dispatch(aChatRequest(), new RecordingSink(), { requestId: requestId('u'), tenant });
  return { clock, thinker, router, idle, ask, user, stop };
}

const tenant = tenantId('local');

describe('idle thinker', () => {
  it('gives a whole answer with the digest it came from', async () => {
    const { ask, thinker, idle } = await anIdleThinker();
    const asked = ask();
    thinker.lastCall.answer('Paris');
    const reply = await asked;
    assert.ok(reply.kind === 'answer');
    assert.deepEqual([reply.answer.text, reply.digest, reply.simulated], ['Paris', 'sha-llama3.2', false]);
    assert.equal(idle.simulated, false);
  });

  it('asks once more after it made room for a user, then gives up', async () => {
    const { ask, thinker, user, clock, router } = await anIdleThinker();
    const asked = ask();
    thinker.lastCall.start().text('half an ans');
    user();
    thinker.lastCall.answer('to the user');
    await clock.advance(0);
    assert.deepEqual([thinker.calls.length, router.idle().running], [3, 1]);
    user();
    assert.deepEqual(await asked, { kind: 'dropped', reason: 'preempted' });
  });

  it('begins the second try with nothing of the first', async () => {
    const { ask, thinker, user, clock } = await anIdleThinker();
    const asked = ask();
    thinker.lastCall.start().text('half an ans');
    user();
    thinker.lastCall.answer('to the user');
    await clock.advance(0);
    thinker.lastCall.answer('whole');
    const reply = await asked;
    assert.ok(reply.kind === 'answer' && reply.answer.text === 'whole');
  });

  it('tells a failure from a wait in vain', async () => {
    const { ask, thinker, user, clock } = await anIdleThinker();
    const failing = ask();
    thinker.lastCall.fail('upstream_failed');
    assert.deepEqual(await failing, { kind: 'dropped', reason: 'failed' });
    user();
    const waiting = ask();
    await clock.advance(601_000);
    assert.deepEqual(await waiting, { kind: 'dropped', reason: 'expired' });
  });

  it('leaves the thinker when it is told to stop', async () => {
    const { ask, thinker, stop } = await anIdleThinker();
    const asked = ask();
    stop.abort(new Error('closing'));
    await assert.rejects(asked, /closing/);
    assert.ok(thinker.lastCall.cancelled);
  });
});
