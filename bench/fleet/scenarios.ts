/** What is played: which requests, which misfortunes, who takes part. */
import { budgetDefaults, type BudgetPolicy } from '../../src/fleet/budget.ts';
import { usdMicros } from '../../src/core/units.ts';
import { baselinesFor, ourLaw, reference, type Contender, type TraceName } from './contenders.ts';
import { faults, noFaults, type Faults } from './faults.ts';
import { plainDay, type Spike, type Synthesis } from './workload.ts';

export interface Scenario {
  readonly name: string;
  /** Said above its table. */
  readonly about: string;
  readonly trace: TraceName;
  readonly synthesis: Omit<Synthesis, 'seed'>;
  readonly faults: Faults;
  readonly budget: BudgetPolicy;
  readonly contenders: readonly Contender[];
  readonly seeds: number;
}

const dayCap = (usd: number, more: Partial<BudgetPolicy> = {}): BudgetPolicy => ({
  ...budgetDefaults,
  ...more,
  caps: { ...budgetDefaults.caps, perDay: usdMicros(usd * 1e6) },
});

const { seed: _, ...day } = plainDay;
const week = { ...day, days: 7 };
/** Three times five minutes of 7.8 requests a second on top: twice the busiest hour of chat. */
const spikes: readonly Spike[] = [8.25, 13.1, 19.6].map((hour) => ({ fromS: hour * 3600, lengthS: 300, perS: 7.8 }));
/** A fiftieth of the rate, nobody at night. */
const smallTeam = { ...day, scale: 0.02, nightShare: 0, weekendShare: 0 };

/** What it was before it kept any, and is with `fleet.spares.max: 0`. */
const noSpares = ourLaw({ sparesMax: 0 }, 'ours, none stopped');
/** `fleet.spares.max` as it comes, for a fleet of any size. */
const twoSpares = ourLaw({ sparesMax: 2 }, 'ours, two stopped');
const hedges = [ourLaw({ hedging: 'off' }, 'ours, no hedge'), ourLaw({ hedging: 'always' }, 'ours, always hedged')];

/** @param seeds of the days without faults; the others take fewer where that is enough. */
export function scenariosFor(size: {
  readonly seeds: number;
  readonly faultSeeds: number;
  readonly weekSeeds: number;
  /** Of the chat day alone, for laws that are close. */
  readonly manySeeds: number;
}): readonly Scenario[] {
  const race = (trace: TraceName): readonly Contender[] => [
    ourLaw(),
    twoSpares,
    noSpares,
    ...baselinesFor(trace),
    reference,
  ];
  // Caps that do not bind: whether they hold is counted all the same.
  const base = { faults: noFaults, budget: dayCap(60), seeds: size.seeds };
  const main: Scenario[] = [
    {
      ...base,
      name: 'chat day',
      about: 'one weekday of the conversation trace, thinned by a day curve',
      trace: 'conv',
      synthesis: day,
      contenders: race('conv'),
    },
    {
      ...base,
      name: 'chat day, spikes',
      about: 'three spikes of five minutes on top, shorter than a cold start',
      trace: 'conv',
      synthesis: { ...day, spikes },
      contenders: race('conv'),
    },
    {
      ...base,
      name: 'code day',
      about: 'one weekday of the code trace: silence and bursts of hundreds of requests',
      trace: 'code',
      synthesis: day,
      budget: dayCap(100),
      contenders: race('code'),
    },
    {
      ...base,
      name: 'code day, spikes',
      about: 'the same with the three spikes',
      trace: 'code',
      synthesis: { ...day, spikes },
      budget: dayCap(100),
      contenders: race('code'),
    },
  ];
  // Misses come from rare events, such as a loss at the busiest hour: ten days are too few to tell laws apart that are near.
  const moreSeeds: Scenario = {
    ...base,
    name: 'chat day, more seeds',
    about: 'the same day five times as often, for those that are close',
    trace: 'conv',
    synthesis: day,
    contenders: [
      ourLaw(),
      noSpares,
      ...baselinesFor('conv').filter(({ name }) => /^(HPA|vast).*tuned/.test(name)),
      reference,
    ],
    seeds: size.manySeeds,
  };
  const withFaults = faults.map((each): Scenario => ({
    ...base,
    name: `chat day, ${each.name}`,
    about: `${each.about}; cap $40 a day for ours`,
    trace: 'conv',
    synthesis: day,
    faults: each,
    budget: dayCap(40),
    contenders: [
      ourLaw(),
      noSpares,
      ...(each.name === 'bad hosts 10 %' ? hedges : []),
      ...baselinesFor('conv').filter(({ name }) => /^(HPA|vast).*tuned/.test(name)),
      reference,
    ],
    seeds: size.faultSeeds,
  }));
  const tight = (['as-needed', 'even'] as const).map((pacing): Scenario => ({
    ...base,
    name: `chat day, $12 a day, ${pacing}`,
    about:
      'half of what the day needs, API down for ten minutes twice; the cap must hold. Here requests queue for ever; the product turns them away',
    trace: 'conv',
    synthesis: day,
    faults: faults.find(({ name }) => name === 'API down 10 min')!,
    budget: dayCap(12, { pacing }),
    contenders: [ourLaw()],
    seeds: size.faultSeeds,
  }));
  const idle: Scenario = {
    ...base,
    name: 'small team day',
    about: 'a fiftieth of chat, nobody at night: what a rule for the last machine costs and makes wait',
    trace: 'conv',
    synthesis: smallTeam,
    contenders: [
      ourLaw({}, 'ours, break-even'),
      noSpares,
      ourLaw({ idle: { kind: 'after', idleS: 60 } }, 'ours, after 1 min'),
      ourLaw({ idle: { kind: 'after', idleS: 3600 } }, 'ours, after 1 h'),
      ourLaw({ idle: { kind: 'never' } }, 'ours, never to zero'),
    ],
  };
  const weeks = (['conv', 'code'] as const).map((trace): Scenario => ({
    ...base,
    budget: dayCap(100),
    name: trace === 'conv' ? 'chat week' : 'code week',
    about: 'seven days, weekends at 40 %',
    trace,
    synthesis: week,
    contenders: [ourLaw(), noSpares, ...baselinesFor(trace).filter(({ name }) => /tuned/.test(name)), reference],
    seeds: size.weekSeeds,
  }));
  const hits = [0, 0.3, 0.7].map((hitRate): Scenario => ({
    ...base,
    name: `chat day, hit rate ${hitRate}`,
    about: 'what the cache answers never reaches the fleet',
    trace: 'conv',
    synthesis: { ...day, hitRate },
    contenders: [ourLaw()],
  }));
  return [
    ...main,
    ...(size.manySeeds > 0 ? [moreSeeds] : []),
    ...hits,
    idle,
    ...tight,
    ...withFaults,
    ...(size.weekSeeds > 0 ? weeks : []),
  ];
}
