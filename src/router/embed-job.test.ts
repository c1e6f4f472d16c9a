import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { localTenant, modelName, requestId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { FakeThinker } from '../testing/fake-thinker.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { createThinkerPool } from '../thinkers/pool.ts';
import { createRouter } from './router.ts';

async function aRouter(thinkers: readonly FakeThinker[]) {
  const clock = new FakeClock();
  const shared = { clock, random: seededRandom(7), logger: silentLogger, metrics: createMetrics() };
  const pool = createThinkerPool(shared);
  for (const thinker of thinkers) pool.add(thinker);
  pool.start();
  await clock.advance(0);
  const router = createRouter({ ...shared, pool });
  const assertIdle = () => {
    assert.deepEqual(router.stats(), { waiting: 0, running: 0 });
    for (const view of pool.views()) assert.equal(view.inFlight, 0);
  };
  return { router, assertIdle };
}

describe('router: embed and show', () => {
  const request = { model: modelName('llama3.2'), input: ['x'], normalised: true, options: {} };
  const answer = { model: 'm', embeddings: [[1]], promptTokens: 1, totalNs: 1, loadNs: 0 };
  const options = { requestId: requestId('r'), tenant: localTenant };

  it('retries an embedding elsewhere and says who made it', async () => {
    const [a, b] = [new FakeThinker('a', { loaded: ['llama3.2'] }), new FakeThinker('b')];
    a.onEmbed = () => Promise.reject(new AppError('upstream_failed', 'down'));
    b.onEmbed = () => Promise.resolve(answer);
    const { router, assertIdle } = await aRouter([a, b]);
    const { signal } = new AbortController();
    assert.deepEqual(await router.embed(request, { ...options, signal }), {
      ...answer,
      thinkerName: 'b',
      thinkerKind: 'static',
    });
    await assert.rejects(router.embed({ ...request, model: modelName('no') }, { ...options, signal }), {
      code: 'model_not_found',
    });
    assertIdle();
  });

  it('gives everything back when the caller of an embedding leaves, running or waiting', async () => {
    const a = new FakeThinker('a');
    a.onEmbed = () => new Promise(() => {});
    const { router, assertIdle } = await aRouter([a]);
    const leaving = new AbortController();
    const { signal } = leaving;
    const both = [router.embed(request, { ...options, signal }), router.embed(request, { ...options, signal })];
    assert.deepEqual(router.stats(), { waiting: 1, running: 1 });
    leaving.abort();
    assertIdle();
    for (const embedding of both) await assert.rejects(embedding, { code: 'aborted' });
    await assert.rejects(router.embed(request, { ...options, signal }), { code: 'aborted' });
  });

  it('shows a model from whoever has it, past one that fails', async () => {
    const [a, b] = [new FakeThinker('a'), new FakeThinker('b')];
    a.onShow = () => Promise.reject(new AppError('upstream_failed', 'down'));
    b.onShow = (body) => Promise.resolve({ shown: body['model'] ?? null });
    const { router } = await aRouter([a, b]);
    const { signal } = new AbortController();
    assert.deepEqual(await router.show(modelName('llama3.2'), { model: 'llama3.2' }, { signal }), {
      shown: 'llama3.2',
    });
    await assert.rejects(router.show(modelName('no'), {}, { signal }), { code: 'model_not_found' });
  });
});
