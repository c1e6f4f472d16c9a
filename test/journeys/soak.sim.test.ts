/** The short form of `npm run soak`: a few seconds of mixed traffic leave nothing broken, wrong or behind. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { soak } from '../../bench/soak/soak.ts';
import { testRandom } from '../../src/testing/seeded-random.ts';
import { startRig } from './harness.ts';

it('keeps its word under mixed traffic: all dialects, clients that leave, thinkers that fail', async () => {
  const rig = await startRig();
  try {
    const report = await soak({
      url: rig.url,
      adminUrl: rig.adminUrl,
      random: testRandom('soak'),
      clients: 12,
      forMs: 3_000,
      leavingShare: 0.2,
      faultShare: 0.1,
    });
    assert.deepEqual(report.problems, []);
    assert.deepEqual(report.leftBehind, { open: 0, inFlight: 0, waiting: 0 });
    // It has looked at all of it.
    for (const kind of ['answered', 'hits', 'refused', 'left'] as const) assert.ok(report[kind] > 0, `none ${kind}`);
  } finally {
    await rig.close();
  }
});
