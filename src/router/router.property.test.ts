import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { modelName, requestId, tenantId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { aChatRequest } from '../testing/builders.ts';
import { FakeThinker, aReport } from '../testing/fake-thinker.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { testRandom } from '../testing/seeded-random.ts';
import { createDemandTracker } from '../thinkers/demand.ts';
import { createThinkerPool } from '../thinkers/pool.ts';
import { createRouter } from './router.ts';

const models = ['x', 'y', 'z'];
const failures = [
  'upstream_failed',
  'upstream_broken_stream',
  'upstream_busy',
  'upstream_rejected',
  'model_not_found',
  'timeout_first_token',
  'timeout_total',
] as const;

const oneOf = <T>(random: Random, items: readonly T[]): T => items[random.int(items.length)]!;

/** Clients come and leave, thinkers answer, fail, come and go, all by chance. */
async function runSchedule(random: Random): Promise<void> {
  const clock = new FakeClock();
  const shared = { clock, random, logger: silentLogger, metrics: createMetrics() };
  const pool = createThinkerPool(shared);
  const demand = createDemandTracker({ clock });
  const router = createRouter({ ...shared, pool, demand, options: { queueMax: 8, queueWaitMaxMs: 5_000 } });
  const thinkers: FakeThinker[] = [];
  const asked: { sink: RecordingSink; cancel: () => void; cancelled: boolean }[] = [];
  const join = () => {
    const has = models.filter(() => random.float() < 0.7);
    const thinker = new FakeThinker(`t${thinkers.length}`, { models: has, maxConcurrency: 1 + random.int(3) });
    thinkers.push(thinker);
    pool.add(thinker);
  };
  join();
  join();
  pool.start();
  await clock.advance(0);

  const steps: Record<string, () => unknown> = {
    ask() {
      const sink = new RecordingSink();
      const request = aChatRequest({ model: modelName(oneOf(random, models)) });
      const options = { requestId: requestId('r'), tenant: tenantId(oneOf(random, ['ann', 'bob'])) };
      const flow = router.dispatch(request, sink, options);
      const one = { sink, cancelled: false, cancel: () => flow.cancel() };
      // Some readers leave in the middle of being told.
      if (random.float() < 0.2)
        sink.onEvent = () => {
          one.cancelled = true;
          flow.cancel();
        };
      asked.push(one);
    },
    leave() {
      if (asked.length === 0) return;
      const one = oneOf(random, asked);
      one.cancelled = true;
      one.cancel();
    },
    speak() {
      const live = thinkers.flatMap((thinker) => thinker.live);
      if (live.length === 0) return;
      const call = oneOf(random, live);
      const kind = random.int(4);
      if (kind === 0) call.fail(oneOf(random, failures));
      else if (kind === 1) call.start().fail(oneOf(random, failures));
      else call.answer();
    },
    health() {
      const thinker = oneOf(random, thinkers);
      thinker.report = random.float() < 0.4 ? new AppError('upstream_failed', 'down') : aReport(models);
    },
    fleet() {
      if (random.float() < 0.5 && thinkers.length < 6) return join();
      const thinker = oneOf(random, thinkers);
      if (!pool.get(thinker.id)) return;
      for (const call of thinker.live) call.fail('upstream_failed');
      return pool.remove(thinker.id);
    },
    wait: () => clock.advance(random.int(2_000)),
  };
  const names = ['ask', 'ask', 'ask', 'speak', 'speak', 'speak', 'leave', 'wait', 'health', 'fleet'];
  for (let i = 0; i < 150; i++) {
    await steps[oneOf(random, names)]!();
    if (random.float() < 0.5) await clock.advance(0);
    for (const view of pool.views()) assert.ok(view.inFlight >= 0 && view.inFlight <= view.maxConcurrency);
    assert.ok(router.stats().waiting <= 8 + asked.length);
  }

  // Everybody still answers or has waited too long.
  for (let i = 0; i < 200 && router.stats().waiting + router.stats().running > 0; i++) {
    for (const thinker of thinkers) for (const call of thinker.live) call.answer();
    await clock.advance(250);
  }
  assert.deepEqual(router.stats(), { waiting: 0, running: 0 });
  for (const view of pool.views()) assert.equal(view.inFlight, 0, `leases of ${view.name}`);
  for (const row of demand.read()) assert.deepEqual([row.waiting, row.inFlight], [0, 0]);
  for (const { sink, cancelled } of asked) {
    assert.deepEqual(sink.breaches, []);
    const ends = Number(sink.ended) + sink.failures.length;
    assert.ok(cancelled ? ends <= 1 : ends === 1, `an asker heard ${ends} ends`);
    if (sink.events.length > 0) assert.equal(sink.origins.length, 1);
  }
  await pool.stop();
  await clock.advance(0);
  assert.equal(clock.pendingTimers, 0);
}

describe('router under random schedules', () => {
  it('leaks no lease and no place in the queue, and ends every request exactly once', async () => {
    const random = testRandom('router schedules');
    for (let i = 0; i < 60; i++) await runSchedule(random);
  });
});
