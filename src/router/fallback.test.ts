import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { modelName, requestId, tenantId } from '../core/ids.ts';
import type { Usage } from '../core/chat.ts';
import { seededRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { aChatRequest } from '../testing/builders.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeThinker } from '../testing/fake-thinker.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { createThinkerPool } from '../thinkers/pool.ts';
import { withFallback, type FallbackCause } from './fallback.ts';
import { createRouter } from './router.ts';
import type { Outlook } from './standby.ts';
import type { WorkMeter } from './work-meter.ts';

const model = modelName('qwen2:7b');
const coming: Outlook = { kind: 'coming', readyInMs: 200_000, holdMs: { plain: 30_000, streamed: 600_000 } };
const spent: Outlook = { kind: 'refused', error: new AppError('budget_exhausted', 'the cap of the day is reached') };

function aRig(options: { outlook?: Outlook; when?: FallbackCause[]; capped?: boolean; stopped?: boolean } = {}) {
  const clock = new FakeClock();
  const shared = { clock, random: seededRandom(3), logger: silentLogger, metrics: createMetrics() };
  const pool = createThinkerPool(shared);
  pool.start();
  const outlook = options.outlook ?? coming;
  const standby = { outlook: () => outlook };
  const paid = new FakeThinker('fallback', { models: [] });
  const settled: (Usage | undefined)[] = [];
  let asked = 0;
  const waiting = new Set<string>();
  const work: WorkMeter = {
    arrived: ({ id }) => void waiting.add(id),
    started: () => {},
    requeued: () => {},
    ended: (id) => void waiting.delete(id),
  };
  const { router } = withFallback(createRouter({ ...shared, pool, standby, work }), {
    thinker: paid,
    pool,
    standby,
    work,
    clock,
    logger: silentLogger,
    timeouts: { firstTokenMs: 1_000, stallMs: 1_000, totalMs: 10_000 },
    when: options.when ?? ['cold-start', 'outage'],
    afterMs: 3_000,
    inFlightMax: 2,
    fits: () => true,
    stopped: () => options.stopped === true,
    setAside() {
      asked += 1;
      return Promise.resolve(options.capped ? undefined : { settle: (usage) => void settled.push(usage) });
    },
  });
  const ask = (more: { priority?: 'idle'; patience?: 'streamed' } = {}) => {
    const sink = new RecordingSink();
    const flow = router.dispatch(aChatRequest({ model }), sink, {
      requestId: requestId('r'),
      tenant: tenantId('local'),
      ...more,
    });
    return { sink, flow, codes: () => sink.failures.map(({ code }) => code) };
  };
  const own = (name = 'rented') => {
    const thinker = new FakeThinker(name, { models: [model], loaded: [model] });
    pool.add(thinker);
    return thinker;
  };
  return { clock, waiting, router, pool, paid, settled, ask, own, asked: () => asked };
}

describe('withFallback', () => {
  it('answers a cold start after afterMs, says so, and pays what was counted', async () => {
    const { clock, ask, paid, settled, router } = aRig();
    const { sink } = ask();
    await clock.advance(2_900);
    assert.equal(paid.calls.length, 0);
    await clock.advance(200);
    paid.lastCall.answer('Bought');
    assert.deepEqual(
      [sink.text, sink.origins[0]?.source, sink.origins[0]?.thinker?.name],
      ['Bought', 'fallback', 'fallback'],
    );
    assert.deepEqual([settled, router.stats().waiting], [[{ promptTokens: 1, completionTokens: 1 }], 0]);
  });

  it('leaves to our own thinker what it can take, busy or not', async () => {
    const { clock, ask, paid, own } = aRig();
    const thinker = own();
    await clock.advance(100);
    const asked = Array.from({ length: thinker.maxConcurrency + 1 }, () => ask());
    await clock.advance(20_000);
    assert.deepEqual([paid.calls.length, thinker.calls.length], [0, thinker.maxConcurrency]);
    thinker.lastCall.answer('Ours');
    assert.equal(asked.at(-2)!.sink.origins[0]?.source, 'thinker');
  });

  it('lets one request wait on, so that the start is not given up, until the machine is there', async () => {
    const { clock, ask, paid, own, waiting } = aRig();
    for (let i = 0; i < 2; i++) ask();
    await clock.advance(3_100);
    for (const call of paid.calls) call.answer();
    await clock.advance(60_000);
    assert.deepEqual([...waiting], [`fallback:${model}`]);
    own();
    await clock.advance(2_000);
    assert.deepEqual([...waiting], []);
  });

  it('goes back to our own thinker once it is there', async () => {
    const { clock, ask, paid, own } = aRig();
    ask();
    await clock.advance(3_100);
    paid.lastCall.answer();
    const thinker = own();
    await clock.advance(100);
    ask();
    await clock.advance(10_000);
    assert.deepEqual([paid.calls.length, thinker.calls.length], [1, 1]);
  });

  it('answers at once when the budget of the fleet is spent', async () => {
    const { clock, ask, paid } = aRig({ outlook: spent });
    const { sink } = ask();
    await clock.advance(0);
    paid.lastCall.answer('Bought');
    assert.equal(sink.text, 'Bought');
  });

  it('is not asked for idle jobs, for a cause it is not for, or when the operator has stopped the fleet', async () => {
    for (const [options, more] of [
      [{ outlook: spent }, { priority: 'idle' }],
      [{ outlook: spent, when: ['cold-start'] }, {}],
      [{ when: ['outage'] }, {}],
      [{ outlook: spent, stopped: true }, {}],
    ] as [Parameters<typeof aRig>[0], Parameters<ReturnType<typeof aRig>['ask']>[0]][]) {
      const { clock, ask, asked } = aRig(options);
      ask(more);
      await clock.advance(20_000);
      assert.equal(asked(), 0, JSON.stringify([options, more]));
    }
  });

  it('behaves as without it when the cap is reached: held, then told when to come back; refused at once', async () => {
    const held = aRig({ capped: true });
    const { codes } = held.ask();
    await held.clock.advance(29_000);
    assert.deepEqual([codes(), held.router.stats().waiting], [[], 1]);
    await held.clock.advance(2_000);
    assert.deepEqual(codes(), ['no_thinker_ready']);
    const refused = aRig({ capped: true, outlook: spent });
    const asked = refused.ask();
    await refused.clock.advance(0);
    assert.deepEqual([asked.codes(), refused.paid.calls.length], [['budget_exhausted'], 0]);
  });

  it('is given no more at a time than it may have', async () => {
    const { clock, ask, paid } = aRig({ outlook: spent });
    const all = [ask(), ask(), ask()];
    await clock.advance(0);
    assert.deepEqual([paid.calls.length, all[2]!.codes()], [2, ['budget_exhausted']]);
    paid.lastCall.answer();
    ask();
    await clock.advance(0);
    assert.equal(paid.calls.length, 3);
  });

  it('waits for the machine again, free of charge, when the fallback is out of order', async () => {
    const { clock, ask, paid, own, settled } = aRig();
    const { sink } = ask({ patience: 'streamed' });
    await clock.advance(3_100);
    paid.lastCall.fail('upstream_failed');
    const thinker = own();
    await clock.advance(500);
    thinker.lastCall.answer('Ours');
    assert.deepEqual([sink.text, settled], ['Ours', [undefined]]);
  });

  it('tells the reason of our own when both fail, and a cut answer as what it is, paid', async () => {
    const { clock, ask, paid, settled } = aRig({ outlook: spent });
    const refused = ask();
    await clock.advance(0);
    paid.lastCall.fail('upstream_failed');
    const cut = ask();
    await clock.advance(0);
    paid.lastCall.start().text('Bou').fail('upstream_broken_stream');
    assert.deepEqual([refused.codes(), cut.codes()], [['budget_exhausted'], ['upstream_broken_stream']]);
    assert.equal(settled[0], undefined);
    assert.equal(settled[1]?.completionTokens, 1);
  });

  it('stops our own thinker when the reader leaves in the middle of its answer', async () => {
    const { clock, ask, own, router } = aRig();
    const thinker = own();
    await clock.advance(100);
    const { flow } = ask();
    thinker.lastCall.start().text('Ou');
    flow.cancel();
    assert.deepEqual([thinker.lastCall.cancelled, router.stats().running], [true, 0]);
  });

  it('stops and pays for what was made when the reader leaves, at any time', async () => {
    const { clock, ask, paid, settled, router, asked } = aRig();
    const early = ask();
    early.flow.cancel();
    await clock.advance(10_000);
    assert.deepEqual([asked(), router.stats().waiting], [0, 0]);
    const late = ask();
    await clock.advance(3_100);
    paid.lastCall.start().text('Bou');
    late.flow.cancel();
    late.flow.cancel();
    assert.equal(paid.lastCall.cancelled, true);
    assert.deepEqual([settled.length, settled[0]?.completionTokens, late.sink.failures], [1, 1, []]);
  });
});
