/**
 * What eviction by thinker time saved is worth against LRU and FIFO, on simulated streams of questions
 * whose answers cost differently. `npm run bench:eviction -- [--sizes 200,1k] [--json FILE] [--seed n]`
 * Sizes are entries of the cache. Counts, not times: the same on every machine.
 */
import { benchArgs } from './lib/args.ts';
import { playEviction, type EvictionPolicy, type EvictionWorkload } from './lib/eviction-sim.ts';
import { writeRows, type Row } from './lib/rows.ts';
import { round } from './lib/stats.ts';

const args = benchArgs({ sizes: '200,1k' });
const stream = { requests: 60_000, questions: 10_000, gapMs: 5_000, seed: args.seed };
const workloads: Readonly<Record<string, EvictionWorkload>> = {
  'skewed, costs differ': { ...stream, skew: 0.9, drift: 0, costSpread: 1 },
  'skewed, costs alike': { ...stream, skew: 0.9, drift: 0, costSpread: 0 },
  'skewed and drifting, costs differ': { ...stream, skew: 0.9, drift: 100, costSpread: 1 },
  'all alike, costs differ': { ...stream, skew: 0, drift: 0, costSpread: 1 },
};
const policies: readonly EvictionPolicy[] = ['ours', 'lru', 'fifo'];

const rows: Row[] = [];
for (const [name, workload] of Object.entries(workloads)) {
  const ceiling = await playEviction('unbounded', 0, workload);
  for (const entriesMax of args.sizes) {
    for (const policy of policies) {
      const { hitRate, gpuSecondsSaved } = await playEviction(policy, entriesMax, workload);
      rows.push({
        bench: 'eviction',
        workload: name,
        entriesMax,
        policy,
        hitRate: round(hitRate, 4),
        gpuHoursSaved: round(gpuSecondsSaved / 3600, 2),
        shareOfUnbounded: round(gpuSecondsSaved / ceiling.gpuSecondsSaved, 4),
      });
    }
  }
}
writeRows(rows, args.json);
