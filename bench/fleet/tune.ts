/**
 * Sweeps the options of the baselines, for each trace on its own, on seeds that the benchmark does not report:
 * `node bench/fleet/tune.ts TRACES [--seeds 3]`. What it marks best is what `contenders.ts` has as tuned.
 */
import { parseArgs } from 'node:util';
import { budgetDefaults } from '../../src/fleet/budget.ts';
import { ourLaw, reference, type Contender, type TraceName } from './contenders.ts';
import { fixed, hpa, kpa, skyServe, vastServerless } from './policies/baselines.ts';
import { play } from './run.ts';
import { figuresOf, meanOf } from './summary.ts';
import { plainDay, readTrace, synthesize } from './workload.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '3' } },
});
const folder = positionals[0];
if (folder === undefined) throw new Error('which folder holds the traces? node bench/fleet/tune.ts TRACES');
const firstSeed = 101;
/** Of requests, as the objective has it. */
const missShareMax = 0.001;

for (const trace of ['conv', 'code'] as const) {
  const recorded = readTrace(folder, trace);
  const days = Array.from({ length: Number(values.seeds) }, (_, i) => {
    const seed = firstSeed + i;
    return { seed, requests: synthesize(recorded, { ...plainDay, seed }) };
  });
  for (const [family, options] of Object.entries(familiesFor(trace))) {
    const tried = options.map(({ name, make }) => {
      const runs = days.map(({ seed, requests }) =>
        figuresOf(seed, play({ requests, days: 1, seed, budget: budgetDefaults, scaler: make(requests, 1) })),
      );
      return {
        name,
        usd: meanOf(runs.map((run) => run.usd)).mean,
        miss: meanOf(runs.map((run) => run.missShare)).mean,
      };
    });
    // The cheapest that meets the objective; where none does, the one that misses least.
    const good = tried.filter(({ miss }) => miss <= missShareMax).sort((a, b) => a.usd - b.usd)[0];
    const best = good ?? tried.toSorted((a, b) => a.miss - b.miss)[0];
    for (const each of tried)
      console.log(
        `${trace} ${family} ${each.name.padEnd(24)} $${each.usd.toFixed(2).padStart(7)} misses ${(100 * each.miss).toFixed(3).padStart(7)} %${each === best ? '  best' : ''}`,
      );
  }
}

function familiesFor(trace: TraceName): Readonly<Record<string, readonly Contender[]>> {
  const isChat = trace === 'conv';
  const cross = <A, B>(as: readonly A[], bs: readonly B[]) => as.flatMap((a) => bs.map((b) => [a, b] as const));
  return {
    fixed: (isChat ? [5, 6, 7] : [8, 10, 12]).map((count) => ({ name: String(count), make: () => fixed(count) })),
    SkyServe: cross(isChat ? [0.4, 0.5, 0.65] : [0.1, 0.15, 0.25], [
      [300, 1200],
      [60, 1200],
      [20, 2400],
    ] as const).map(([qps, [upS, downS]]) => ({
      name: `${qps}/s ${upS} ${downS} s`,
      make: () => skyServe({ qpsPerReplica: qps, upS, downS, replicasMin: 1 }),
    })),
    KPA: cross([300, 900], [0.5, 0.7]).flatMap(([stableS, utilisation]) =>
      [true, false].map((cancelsBooting) => ({
        name: `${stableS} s ${utilisation} ${cancelsBooting ? 'cancels' : 'keeps'}`,
        make: () => kpa({ stableS, panicS: 30, utilisation, cancelsBooting }),
      })),
    ),
    HPA: cross(isChat ? [0.7, 0.8, 0.9] : [0.5, 0.6, 0.7], [600, 1200, 2400]).map(([utilisation, downS]) => ({
      name: `${utilisation} ${downS} s`,
      make: () => hpa({ utilisation, tolerance: 0.1, downS }),
    })),
    vast: cross(isChat ? [0.6, 0.7, 0.8, 0.9] : [0.1, 0.2, 0.4], [1.5, 2, 3]).map(([targetUtil, coldMult]) => ({
      name: `${targetUtil} x${coldMult}`,
      make: () => vastServerless({ targetUtil, coldMult, minWorkers: 2, maxWorkers: 40, loadS: 300 }),
    })),
    reference: [reference],
    ours: [ourLaw()],
  };
}
