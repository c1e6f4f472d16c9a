import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { playEviction, type EvictionWorkload } from './eviction-sim.ts';

const base: EvictionWorkload = {
  requests: 10_000,
  questions: 3_000,
  skew: 0.9,
  drift: 0,
  costSpread: 1,
  gapMs: 5_000,
  seed: 1,
};

describe('eviction by thinker time', () => {
  it('saves at least a tenth more thinker time than LRU where answers cost differently, drift or none', async () => {
    for (const workload of [base, { ...base, seed: 2 }, { ...base, drift: 30 }, { ...base, skew: 0 }]) {
      const [ours, lru] = [await playEviction('ours', 150, workload), await playEviction('lru', 150, workload)];
      const gain = ours.gpuSecondsSaved / lru.gpuSecondsSaved;
      assert.ok(gain > 1.1, `${JSON.stringify(workload)}: ${gain}`);
    }
  });

  it('hits no less often than LRU where every answer costs the same', async () => {
    const alike = { ...base, costSpread: 0 };
    const [ours, lru] = [await playEviction('ours', 150, alike), await playEviction('lru', 150, alike)];
    assert.ok(ours.hitRate >= lru.hitRate, `${ours.hitRate} < ${lru.hitRate}`);
  });

  it('plays the same stream the same way twice, and saves no more than an unbounded cache', async () => {
    const first = await playEviction('ours', 150, base);
    assert.deepEqual(await playEviction('ours', 150, base), first);
    const ceiling = await playEviction('unbounded', 0, base);
    assert.ok(first.gpuSecondsSaved < ceiling.gpuSecondsSaved);
    const roomy = await playEviction('ours', base.questions, base);
    assert.deepEqual(roomy, ceiling);
  });
});
