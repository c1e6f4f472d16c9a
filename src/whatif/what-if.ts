/** The same traffic under other settings: what it would have cost, hit, kept waiting, and how far one can know. */
import { startTimes, type StartTimes } from '../fleet/plan/launches.ts';
import type { FleetPolicy } from '../fleet/plan/policy.ts';
import { wilsonInterval } from '../cache/decision/breaker.ts';
import type { LedgerTotals } from '../ledger/ledger.ts';
import type { Recording } from './recording.ts';
import { replayCache, type CacheReplay, type ReplayedAsk } from './replay-cache.ts';
import { replayFleet, type FleetReplay, type FleetScenario } from './replay-fleet.ts';

/** What may be other than it was; absent: as recorded. */
export interface WhatIfChange {
  /** Smallest score that is served: cosine for a fixed policy, else probability. */
  readonly threshold?: number | undefined;
  /** Largest wrong share of hits; one of those that decisions were judged at. */
  readonly target?: number | undefined;
  readonly ttlMs?: number | undefined;
  /** A rented machine is given back after this long without work; 0: never. */
  readonly idleS?: number | undefined;
  readonly gpuUsdPerHour?: number | undefined;
  /** Tokens a second over those of now: another GPU. */
  readonly gpuSpeed?: number | undefined;
  readonly machinesMax?: number | undefined;
  /** Stopped machines kept at most. */
  readonly sparesMax?: number | undefined;
}

export interface WhatIfSettings {
  readonly ttlMs: number;
  readonly gpuUsdPerHour: number | undefined;
  /** Of rented machines; undefined where none are rented: hosts of one's own run either way. */
  readonly fleet: FleetPolicy | undefined;
  /** Of the last starts; undefined: what the policy takes them for. */
  readonly starts?: StartTimes | undefined;
  /** GPUs of one's own. */
  readonly ownHosts: ReadonlySet<string>;
}

export interface WhatIfSide {
  readonly queries: number;
  readonly hits: number;
  readonly hitShare: number | undefined;
  readonly exact: number;
  readonly semantic: number;
  readonly coalesced: number;
  readonly misses: number;
  readonly costUsd: number | undefined;
  readonly gpuHours: number | undefined;
  /** To the first token of misses: 95th percentile, milliseconds. */
  readonly missP95Ms: number | undefined;
  /** Misses that waited for a machine or a model to start. */
  readonly coldWaits: number;
  readonly falseHits: { readonly estimate: number; readonly high: number; readonly labels: number } | undefined;
}

export interface WhatIfReport {
  readonly from: number;
  readonly to: number;
  /** From the first question in the range to its end. */
  readonly days: number;
  readonly asks: number;
  readonly recorded: WhatIfSide;
  readonly scenario: WhatIfSide;
  /** Share of questions for which a replay at the recorded settings does what was recorded. */
  readonly agreement: number;
  /** The fleet as replayed at its recorded settings, over what its GPUs really cost, minus 1; undefined without one. */
  readonly fleetModelError: number | undefined;
  /** What the figures rest on, and where they end. */
  readonly reach: readonly string[];
}

export interface WhatIfFacts {
  readonly recording: Recording;
  readonly totals: LedgerTotals;
  /** GPU money of the range on rented machines, and on hosts of one's own. */
  readonly rentedGpuUsd: number;
  readonly rentedGpuHours: number;
  readonly ownGpuUsd: number;
  readonly settings: WhatIfSettings;
}

/** Replays at the recorded settings, which every change is compared with. */
export interface WhatIfBase {
  readonly cache: CacheReplay;
  /** undefined: nothing was rented, or at no price that is known. */
  readonly fleet:
    | { readonly replay: FleetReplay; readonly priceNow: number; readonly shared: Omit<FleetScenario, FleetKnob> }
    | undefined;
}

type FleetKnob = 'policy' | 'gpuUsdPerHour' | 'gpuSpeed';

export function whatIfBase({ recording, totals, rentedGpuUsd, rentedGpuHours, settings }: WhatIfFacts): WhatIfBase {
  const cache = replayCache(recording, { ttlFactor: 1, ttlMs: settings.ttlMs });
  // The ledger bills disks apart from GPUs.
  const storageHours = totals.seconds.storage / 3600;
  const storageUsdPerHour = storageHours > 0 ? totals.costs.storage / 1e6 / storageHours : 0;
  // Of a fleet that has slept since the start nobody knows a price but the ledger.
  const priceNow =
    settings.gpuUsdPerHour ?? (rentedGpuHours > 0 ? rentedGpuUsd / rentedGpuHours + storageUsdPerHour : undefined);
  if (settings.fleet === undefined || rentedGpuUsd === 0 || priceNow === undefined) return { cache, fleet: undefined };
  const shared = {
    storageUsdPerHour: Math.min(priceNow, storageUsdPerHour),
    starts: settings.starts,
    until: recording.range.to,
  };
  const scenario = { ...shared, policy: settings.fleet, gpuUsdPerHour: priceNow, gpuSpeed: 1 };
  return { cache, fleet: { replay: replayFleet(cache.asks, scenario), priceNow, shared } };
}

/** @param base of the same facts; made once for many changes */
export function whatIf(facts: WhatIfFacts, change: WhatIfChange, base = whatIfBase(facts)): WhatIfReport {
  const { recording, settings } = facts;
  const cacheChanges = change.threshold !== undefined || change.target !== undefined || change.ttlMs !== undefined;
  const replay = cacheChanges
    ? replayCache(recording, {
        threshold: change.threshold,
        target: change.target,
        ttlFactor: (change.ttlMs ?? settings.ttlMs) / settings.ttlMs,
        ttlMs: change.ttlMs ?? settings.ttlMs,
      })
    : base.cache;
  const agreeing = base.cache.asks.filter(({ ask, source }) => source === recordedSource(ask.source)).length;
  const money = moneyOf(facts, change, base, replay);
  const scenario: WhatIfSide = {
    ...counts(replay.asks),
    ...money.scenario,
    falseHits: falseHitsOf(recording, replay, change),
  };
  return {
    from: recording.range.from,
    to: recording.range.to,
    days: (recording.range.to - (recording.asks[0]?.at ?? recording.range.from)) / dayMs,
    asks: recording.asks.length,
    recorded: {
      ...counts(recording.asks.map((ask) => ({ ask, source: recordedSource(ask.source), score: undefined }))),
      ...money.recorded,
      falseHits: falseHitsOf(recording, base.cache, {}),
    },
    scenario,
    agreement: recording.asks.length === 0 ? 1 : agreeing / recording.asks.length,
    fleetModelError: money.modelError,
    reach: reachOf(facts, change, replay, money.says),
  };
}

const dayMs = 86_400_000;

const recordedSource = (source: string): ReplayedAsk['source'] =>
  source === 'fallback' ? 'thinker' : (source as ReplayedAsk['source']);

function counts(asks: readonly ReplayedAsk[]) {
  const of = (source: ReplayedAsk['source']) => asks.filter((each) => each.source === source).length;
  const [exact, semantic, coalesced, misses] = [of('exact'), of('semantic'), of('coalesced'), of('thinker')];
  const hits = exact + semantic + coalesced;
  return {
    queries: asks.length,
    hits,
    hitShare: asks.length === 0 ? undefined : hits / asks.length,
    exact,
    semantic,
    coalesced,
    misses,
  };
}

type Money = Pick<WhatIfSide, 'costUsd' | 'gpuHours' | 'missP95Ms' | 'coldWaits'>;

function moneyOf(
  { recording, totals, rentedGpuUsd, ownGpuUsd, settings }: WhatIfFacts,
  change: WhatIfChange,
  base: WhatIfBase,
  replay: CacheReplay,
): {
  readonly recorded: Money;
  readonly scenario: Money;
  readonly modelError: number | undefined;
  readonly says: string;
} {
  const paid = totals.total > 0 ? totals.total / 1e6 : undefined;
  const gpuHours = (totals.seconds.gpu_busy + totals.seconds.gpu_idle + totals.seconds.gpu_cold) / 3600;
  const misses = recording.asks.filter(({ source, outcome }) => source === 'thinker' && outcome === 'ok');
  const recorded: Money = {
    costUsd: paid,
    gpuHours: gpuHours > 0 ? gpuHours : undefined,
    missP95Ms: p95(misses.flatMap(({ ttftMs }) => ttftMs ?? [])),
    coldWaits: misses.filter(({ loadMs }) => loadMs > 0).length,
  };
  const priceNow = base.fleet?.priceNow ?? settings.gpuUsdPerHour;
  const priceFactor = change.gpuUsdPerHour === undefined || !priceNow ? 1 : change.gpuUsdPerHour / priceNow;
  if (base.fleet === undefined) {
    const speed = change.gpuSpeed ?? 1;
    return {
      recorded,
      scenario: {
        ...recorded,
        costUsd: paid === undefined ? undefined : paid + (ownGpuUsd + rentedGpuUsd) * (priceFactor - 1),
        missP95Ms: p95(
          replay.asks.flatMap(({ ask, source }) =>
            source === 'thinker' && ask.outcome === 'ok' ? [ask.queuedMs + firstTokenMs(ask) / speed] : [],
          ),
        ),
        coldWaits: replay.asks.filter(({ ask, source }) => source === 'thinker' && ask.loadMs > 0).length,
      },
      modelError: undefined,
      says: 'no machine was rented: hosts of your own cost the same whatever is asked, so only their price changes the bill',
    };
  }
  const { replay: before, shared } = base.fleet;
  const isAsRecorded = Object.values(change).every((value) => value === undefined);
  const after = isAsRecorded
    ? before
    : replayFleet(replay.asks, {
        ...shared,
        policy: policyOf(settings.fleet!, change),
        gpuUsdPerHour: change.gpuUsdPerHour ?? base.fleet.priceNow,
        gpuSpeed: change.gpuSpeed ?? 1,
      });
  // The law is the same on both sides, and so is what the model of machines gets wrong: their ratio is what counts.
  const as = (paidUsd: number, was: number, is: number) => (was === 0 ? paidUsd + is : paidUsd * (is / was));
  const gpu = as(rentedGpuUsd, before.gpuUsd, after.gpuUsd);
  const storageUsd = totals.costs.storage / 1e6;
  const storage = as(storageUsd, before.storageUsd, after.storageUsd);
  const { coldS, warmS } = settings.starts ?? startTimes([], [], settings.fleet!);
  return {
    // Who waited for a machine is not recorded apart from who waited for a place: the model tells it of both sides.
    recorded: { ...recorded, coldWaits: before.coldWaits },
    scenario: {
      costUsd:
        paid === undefined
          ? undefined
          : paid - rentedGpuUsd - storageUsd + gpu + storage + ownGpuUsd * (priceFactor - 1),
      gpuHours:
        recorded.gpuHours === undefined || before.gpuHours === 0 ? undefined : scaled(recorded.gpuHours, before, after),
      missP95Ms: p95(after.waitsMs),
      coldWaits: after.coldWaits,
    },
    modelError: (before.gpuUsd + before.storageUsd) / (rentedGpuUsd + storageUsd) - 1,
    says: `machines are modelled: they start after ${Math.round(coldS)} s, from their disks after ${Math.round(warmS)} s and always with their GPU, and answer as fast as they did, which also says who waits for a start; costs are the real ones times the ratio of two replays`,
  };
}

const policyOf = (policy: FleetPolicy, { machinesMax, sparesMax, idleS }: WhatIfChange): FleetPolicy => ({
  ...policy,
  ...(machinesMax !== undefined && { workersMax: machinesMax }),
  ...(sparesMax !== undefined && { sparesMax }),
  ...(idleS !== undefined && { idle: idleS === 0 ? { kind: 'never' } : { kind: 'after', idleS } }),
});

const scaled = (recorded: number, before: FleetReplay, after: FleetReplay): number =>
  (recorded * after.gpuHours) / before.gpuHours;

const firstTokenMs = (ask: ReplayedAsk['ask']): number =>
  ask.source === 'thinker' ? Math.max(0, (ask.ttftMs ?? ask.gpuMs) - ask.queuedMs) : ask.avoidedGpuMs;

function p95(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.toSorted((a, b) => a - b)[Math.ceil(0.95 * values.length) - 1];
}

/** Wrong share at or above the scenario's threshold, from labels drawn at known rates: Hájek's mean, Wilson's interval. */
function falseHitsOf(
  { labels, comparisons }: Recording,
  replay: CacheReplay,
  change: WhatIfChange,
): WhatIfSide['falseHits'] {
  const served = replay.asks.flatMap(({ source, score }) =>
    source === 'semantic' && score !== undefined ? [score] : [],
  );
  if (served.length === 0) return undefined;
  const cuts = [...comparisons.values()].at(-1)?.cuts;
  const from =
    change.threshold ??
    (change.target === undefined ? undefined : cuts?.find(({ target }) => target === change.target)?.cut) ??
    served.reduce((least, score) => Math.min(least, score), Infinity);
  const inReach = labels.filter(({ score }) => score >= from);
  if (inReach.length === 0) return undefined;
  let weight = 0;
  let wrong = 0;
  let squares = 0;
  for (const { right, drawnWith } of inReach) {
    const each = 1 / Math.max(drawnWith, 0.001);
    weight += each;
    squares += each * each;
    if (!right) wrong += each;
  }
  const effective = (weight * weight) / squares;
  const estimate = wrong / weight;
  return { estimate, high: wilsonInterval(estimate * effective, effective).high, labels: inReach.length };
}

function reachOf(
  { recording }: WhatIfFacts,
  change: WhatIfChange,
  replay: CacheReplay,
  moneySays: string,
): readonly string[] {
  const { labels, comparisons, leftOut, asks } = recording;
  const says = [
    `${asks.length} questions, ${comparisons.size} of them compared with others${leftOut > 0 ? `; ${leftOut} older ones are left out` : ''}`,
    moneySays,
  ];
  if (replay.unknown > 0)
    says.push(
      `${replay.unknown} questions were never compared with other wordings and count as misses: hits may be ${replay.unknown} more`,
    );
  if (change.ttlMs !== undefined)
    says.push(
      'answers that are kept longer may also have been evicted, which is not replayed; older answers may be out of date, which nobody has judged',
    );
  const scores = labels.map(({ score }) => score).sort((a, b) => a - b);
  says.push(
    scores.length === 0
      ? 'no comparison has been judged: nothing can be said about wrong hits'
      : `wrong hits are judged by ${scores.length} comparisons of scores from ${scores[0]!.toFixed(3)} to ${scores.at(-1)!.toFixed(3)}`,
  );
  if (change.threshold !== undefined && scores.length > 0 && change.threshold < scores[0]!)
    says.push(`below ${scores[0]!.toFixed(3)} nothing has been judged: the bound does not hold there`);
  return says;
}
