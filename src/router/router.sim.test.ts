import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { localTenant, modelName, requestId, thinkerId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { usdMicros } from '../core/units.ts';
import { createSimulatedThinker, type SimulatedThinkerOptions } from '../sim/thinker-server/server.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { aChatRequest } from '../testing/builders.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { createThinkerPool } from '../thinkers/pool.ts';
import { createOllamaThinker } from '../thinkers/thinker/ollama.ts';
import { createRouter } from './router.ts';

/** Router, pool and driver as in production, in front of simulated thinkers over real HTTP. */
async function withThinkers(
  servers: readonly SimulatedThinkerOptions[],
  act: (world: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const world = await open(servers);
  try {
    await act(world);
    assert.deepEqual(world.router.stats(), { waiting: 0, running: 0 });
    for (const view of world.pool.views()) assert.equal(view.inFlight, 0);
  } finally {
    await world.pool.stop();
    await Promise.all(world.servers.map((server) => server.close()));
  }
}

async function open(options: readonly SimulatedThinkerOptions[]) {
  const shared = { clock: systemClock, random: seededRandom(1), logger: silentLogger, metrics: createMetrics() };
  const pool = createThinkerPool(shared);
  const servers = options.map((option) => createSimulatedThinker(option));
  for (const [i, server] of servers.entries()) {
    const name = `t${i}`;
    pool.add(
      createOllamaThinker({
        id: thinkerId(name),
        name,
        kind: 'simulated',
        url: await server.listen(),
        maxConcurrency: 4,
        costPerHour: usdMicros(0),
        clock: systemClock,
      }),
    );
  }
  pool.start();
  await pool.firstProbe();
  const router = createRouter({
    ...shared,
    pool,
    options: { stallMs: 500, firstTokenWarmMs: 1_500, firstTokenColdMs: 1_500 },
  });
  const ask = (model: string) => {
    const sink = new RecordingSink();
    const request = aChatRequest({ model: modelName(model) });
    const flow = router.dispatch(request, sink, { requestId: requestId('r'), tenant: localTenant });
    return { sink, flow };
  };
  const outcome = async (model: string): Promise<string> => {
    const { sink } = ask(model);
    await sink.settled();
    assert.deepEqual(sink.breaches, []);
    return sink.failures[0]?.code ?? 'answered';
  };
  return { servers, pool, router, ask, outcome };
}

describe('router over HTTP', () => {
  it('answers through what fails once before the first token: status, reset, busy', () =>
    withThinkers([{}, {}], async ({ outcome }) => {
      for (const model of ['fault-500-once', 'fault-reset-once', 'fault-503-busy-once', 'fault-429-once'])
        assert.equal(await outcome(model), 'answered', model);
    }));

  it('answers through one thinker that fails once when there is no other', () =>
    withThinkers([{}], async ({ outcome }) => {
      for (const model of ['fault-500-once', 'fault-reset-once', 'fault-503-busy-once'])
        assert.equal(await outcome(model), 'answered', model);
    }));

  it('passes on what fails always, and what breaks after the first token', () =>
    withThinkers([{}, {}], async ({ outcome }) => {
      const expected: Record<string, string> = {
        'fault-500': 'upstream_failed',
        'fault-context-length': 'upstream_rejected',
        'fault-cut-5': 'upstream_broken_stream',
        'fault-eof-5': 'upstream_broken_stream',
        'fault-stall-5': 'timeout_stall',
        'fault-malformed-5': 'upstream_broken_stream',
        'fault-inband-error-5': 'upstream_broken_stream',
        'fault-not-pulled': 'model_not_found',
      };
      for (const [model, code] of Object.entries(expected)) assert.equal(await outcome(model), code, model);
    }));

  it('closes the connection to the thinker within 100 ms when the client leaves', () =>
    withThinkers([{ cancelNotice: 'at-once' }], async ({ servers, ask }) => {
      const { sink, flow } = ask('fault-stall-5');
      await new Promise<void>((resolve) => (sink.onEvent = () => resolve()));
      const connected = servers[0]!.stats().connectionsOpen;
      const cancelledAt = performance.now();
      flow.cancel();
      while (servers[0]!.stats().connectionsOpen >= connected) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(performance.now() - cancelledAt < 100);
      assert.deepEqual(sink.failures, []);
    }));

  it('serves on when one thinker dies under load, and ends each answer exactly once', () =>
    withThinkers([{}, {}], async ({ servers, pool, ask }) => {
      const model = pool.models().find(({ name }) => !name.startsWith('fault-') && !name.includes('embed'))!.name;
      const asked = Array.from({ length: 40 }, () => ask(model));
      await asked[0]!.sink.settled();
      await servers[0]!.close();
      await Promise.all(asked.map(({ sink }) => sink.settled()));
      for (const { sink } of asked) {
        assert.deepEqual(sink.breaches, []);
        // Only an answer that had begun may fail.
        if (sink.failures.length > 0) assert.ok(sink.events.length > 0, sink.failures[0]!.message);
      }
    }));
});
