import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveConfig } from '../config/load.ts';
import { entryId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { FakeCacheStore } from '../testing/fake-cache-store.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakeEmbeddingModel } from '../testing/fake-embedding-model.ts';
import { choosePolicy } from './hit-policy.ts';

describe('the policy that learns', () => {
  it('tells the store of entries that were wrong more often than right, so that they leave earlier', async () => {
    const clock = new FakeClock();
    const store = new FakeCacheStore(clock);
    const { learner } = await choosePolicy(resolveConfig({}, {}), {
      embedding: new FakeEmbeddingModel(),
      store,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      metrics: createMetrics(),
    });
    assert.ok(learner);
    learner.quarantine(entryId('entry-wrong'));
    learner.quarantine(entryId('entry-wrong'));
    assert.deepEqual(store.doubted, ['entry-wrong']);
    await learner.close();
  });
});
