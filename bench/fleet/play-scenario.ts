import { budgetDefaults } from '../../src/fleet/budget.ts';
import { startProgress } from '../lib/progress.ts';
import { lowerBoundUsd } from './lower-bound.ts';
import { imageGb, Market, modelGb } from './market.ts';
import { play } from './run.ts';
import type { Scenario } from './scenarios.ts';
import { figuresOf, missS, type RunFigures } from './summary.ts';
import { readTrace, synthesize } from './workload.ts';

export interface ScenarioRuns {
  readonly byContender: ReadonlyMap<string, readonly RunFigures[]>;
  readonly boundsUsd: readonly number[];
  /** Mean number of a run. */
  readonly requests: number;
}

/** Every contender meets the same requests and the same market, seed by seed. */
export function contenderRuns(folder: string, scenario: Scenario, firstSeed = 1): ScenarioRuns {
  const trace = readTrace(folder, scenario.trace);
  const { days } = scenario.synthesis;
  const byContender = new Map<string, RunFigures[]>(scenario.contenders.map(({ name }) => [name, []]));
  const boundsUsd: number[] = [];
  let requestsInAll = 0;
  const progress = startProgress(scenario.name, scenario.seeds * scenario.contenders.length);
  let done = 0;
  for (let seed = firstSeed; seed < firstSeed + scenario.seeds; seed++) {
    const requests = synthesize(trace, { ...scenario.synthesis, seed });
    requestsInAll += requests.count;
    boundsUsd.push(lowerBoundUsd({ requests, days, waitS: missS, ...leastPrices(seed) }));
    for (const { name, make } of scenario.contenders) {
      // Other systems have no budget: a cap would change what they are.
      const budget = name.startsWith('ours') ? scenario.budget : budgetDefaults;
      const result = play({ requests, days, seed, faults: scenario.faults, budget, scaler: make(requests, days) });
      byContender.get(name)!.push(figuresOf(seed, result));
      progress.update(++done);
    }
  }
  progress.end();
  return { byContender, boundsUsd, requests: Math.round(requestsInAll / scenario.seeds) };
}

/** Of the market of this seed: the best machine at a price that it will hardly see, and the traffic of a start on the cheapest line. */
function leastPrices(seed: number): { readonly usdPerHourByTokenPerS: number; readonly startUsdByTokenPerS: number } {
  const { machines } = new Market({ machines: 80, badHosts: 0, lossHours: 24, seed });
  const least = (read: (machine: (typeof machines)[number]) => number) => Math.min(...machines.map(read));
  // Prices wander by a standard deviation of 8 %.
  const cheapest = Math.exp(-2 * 0.08);
  return {
    usdPerHourByTokenPerS: cheapest * least(({ basePricePerHour, tokensPerS }) => basePricePerHour / tokensPerS),
    startUsdByTokenPerS: least(({ usdPerGb, tokensPerS }) => ((imageGb + modelGb) * usdPerGb) / tokensPerS),
  };
}
