/** What it cost, what it saved and against what, from the ledger and dated prices. Every figure can be recomputed. */
import { daysPerMonth, type EpochMs } from '../core/units.ts';
import type { HoldoutEntry, LedgerBuckets, LedgerRange, LedgerTotals } from './ledger.ts';
import { breakEven } from './model/calculator.ts';
import { estimateSavings, type SavingsDay, type SavingsEstimate } from './model/interval.ts';
import { ageDays, avoidedUsd, staleAfterDays, tokenPriceOf, tokensUsd, type Baseline, type Prices } from './prices.ts';
import { totalsOf } from './sums.ts';

export interface ReportOptions {
  readonly baseline: Baseline;
  /** There for the cache alone, a month. */
  readonly cachePerMonthUsd?: number | undefined;
  readonly wrongAnswerUsd?: number | undefined;
  readonly operator?: OperatorCost | undefined;
}

export interface OperatorCost {
  readonly usdPerHour: number;
  readonly setupHours: number;
  readonly hoursPerMonth: number;
  readonly investmentUsd: number;
}

export interface ReportFacts {
  readonly range: LedgerRange;
  readonly now: EpochMs;
  /** Of days. */
  readonly buckets: LedgerBuckets;
  readonly holdouts: readonly HoldoutEntry[];
  readonly prices: Prices;
  /** An hour of a thinker while it runs, where the ledger has no GPU time yet. */
  readonly pricePerHourUsd: number | undefined;
  /** Hosts that cost the same whether they answer or not: a hit on them saves time, and no money. */
  readonly ownHosts: ReadonlySet<string>;
  /** Wrong share of audited hits; undefined before the first audit. */
  readonly falseHits: FalseHits | undefined;
  readonly options: ReportOptions;
}

export interface FalseHits {
  readonly audited: number;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

export interface BaselineFigure {
  readonly baseline: Baseline;
  /** What the same answers would have cost; undefined while unpriced. */
  readonly usd: number | undefined;
  readonly savedUsd: number | undefined;
  readonly savedShare: number | undefined;
  /** What was assumed, or what is missing. */
  readonly says: string;
  /** Days since its price was looked up; undefined where nothing was looked up, or nobody said when. */
  readonly priceAgeDays: number | undefined;
  readonly priceIsOld: boolean;
}

export interface MoneyReport {
  readonly range: LedgerRange;
  /** From the first entry in the range to its end. */
  readonly days: number;
  readonly totals: LedgerTotals;
  readonly costUsd: number | undefined;
  /** Of 30.4 days, at the pace of this range. */
  readonly costPerMonthUsd: number | undefined;
  readonly queries: number;
  readonly hits: number;
  /** Of everything that was answered. */
  readonly hitShare: number | undefined;
  readonly falseHits: FalseHits | undefined;
  readonly gpu: {
    readonly billedHours: number;
    readonly busyHours: number;
    readonly idleHours: number;
    readonly coldHours: number;
    /** Busy over billed: not what a driver calls utilisation. */
    readonly utilisation: number | undefined;
    readonly usdPerHour: number | undefined;
  };
  readonly perQueryUsd: number | undefined;
  /** GPU time of one miss, with its share of idle and starting time. */
  readonly perMissUsd: number | undefined;
  readonly baselines: readonly BaselineFigure[];
  /** By the cache alone, on the chosen basis. */
  readonly cacheSaved: {
    readonly basis: Baseline;
    readonly estimate: SavingsEstimate | { readonly kind: 'unpriced'; readonly why: string };
  };
  readonly hitUsd: number | undefined;
  readonly breakEven: {
    readonly share: number | undefined;
    readonly why: string;
    /** What it was worked out from, a month of 30.4 days; undefined where that is not known. */
    readonly from:
      | { readonly queriesPerMonth: number; readonly cachePerMonthUsd: number; readonly worthOfHitUsd: number }
      | undefined;
  };
  /** Minus what wrong hits cost; undefined until `money.wrongAnswerUsd` is set and hits were audited. */
  readonly qualityAdjustedUsd: { readonly estimate: number; readonly low: number } | undefined;
  readonly roi:
    | { readonly withOperator: number; readonly withoutOperator: number | undefined; readonly months: number }
    | undefined;
  readonly drift: readonly DriftDay[];
}

export interface DriftDay {
  readonly at: EpochMs;
  readonly meteredUsd: number;
  readonly chargedUsd: number;
  /** Metered over charged, minus 1. */
  readonly drift: number | undefined;
}

const dayMs = 86_400_000;
const roiMonths = 6;

export function moneyReport(facts: ReportFacts): MoneyReport {
  const { range, buckets, prices, options, falseHits } = facts;
  const totals = totalsOf(buckets);
  const firstAt = Math.min(...[...buckets.answers, ...buckets.costs].map(({ at }) => at), range.to);
  const days = Math.max(0, Math.min(range.to, facts.now) - Math.max(firstAt, range.from)) / dayMs;
  const sum = (...components: (keyof LedgerTotals['seconds'])[]) =>
    components.reduce((seconds, each) => seconds + totals.seconds[each], 0) / 3600;
  const gpuUsd = (totals.costs.gpu_busy + totals.costs.gpu_idle + totals.costs.gpu_cold) / 1e6;
  const billedHours = sum('gpu_busy', 'gpu_idle', 'gpu_cold');
  const usdPerHour = billedHours > 0 ? gpuUsd / billedHours : facts.pricePerHourUsd;
  const utilisation = billedHours > 0 ? sum('gpu_busy') / billedHours : undefined;
  const { exact, semantic, coalesced } = totals.answers;
  const hits = exact + semantic + coalesced;
  const queries = hits + totals.answers.thinker + totals.answers.fallback;
  const costUsd = totals.total > 0 ? totals.total / 1e6 : undefined;
  const perMonth = (usd: number | undefined) =>
    usd === undefined || days === 0 ? undefined : (usd / days) * daysPerMonth;

  const elastic = elasticShare(facts);
  const sameFleetHour =
    usdPerHour === undefined || utilisation === undefined || utilisation === 0
      ? undefined
      : (usdPerHour / utilisation) * elastic;
  const baselines: readonly BaselineFigure[] = [
    cloudGpu(facts, { billedHours, days, costUsd }),
    tokenApi(facts, costUsd),
    sameFleet(costUsd, sameFleetHour, totals, elastic),
  ];
  const valueHour = {
    'cloud-gpu': prices.cloudGpu.usdPerHour / prices.cloudGpu.speed,
    'token-api': undefined,
    'same-fleet': sameFleetHour,
  };
  const cacheSaved = savedByCache(facts, hits, valueHour[options.baseline]);
  const savedUsd = cacheSaved.kind === 'estimate' ? cacheSaved.usd : undefined;
  const hitUsd = savedUsd === undefined || hits === 0 ? undefined : savedUsd / hits;
  const chosen = baselines.find(({ baseline }) => baseline === options.baseline)!;
  return {
    range,
    days,
    totals,
    costUsd,
    costPerMonthUsd: perMonth(costUsd),
    queries,
    hits,
    hitShare: queries === 0 ? undefined : hits / queries,
    falseHits,
    gpu: {
      billedHours,
      busyHours: sum('gpu_busy'),
      idleHours: sum('gpu_idle'),
      coldHours: sum('gpu_cold'),
      utilisation,
      usdPerHour,
    },
    perQueryUsd: costUsd === undefined || queries === 0 ? undefined : costUsd / queries,
    perMissUsd:
      costUsd === undefined || totals.answers.thinker === 0 || gpuUsd === 0
        ? undefined
        : gpuUsd / totals.answers.thinker,
    baselines,
    cacheSaved: { basis: options.baseline, estimate: cacheSaved },
    hitUsd,
    breakEven: breakEvenOf(facts, hitUsd, days === 0 ? 0 : (queries / days) * daysPerMonth),
    qualityAdjustedUsd: qualityAdjusted(facts, savedUsd, semantic, days),
    roi: returnOf(options.operator, perMonth(chosen.savedUsd)),
    drift: driftOf(buckets),
  };
}

function cloudGpu(
  { prices, now }: ReportFacts,
  {
    billedHours,
    days,
    costUsd,
  }: { readonly billedHours: number; readonly days: number; readonly costUsd: number | undefined },
): BaselineFigure {
  const { cloudGpu: price } = prices;
  const hours =
    price.hours === 'always-on' ? days * 24 : price.hours === 'same-work' ? billedHours / price.speed : billedHours;
  const priceAgeDays = ageDays(price.pricedOn, now);
  return figure('cloud-gpu', hours === 0 ? undefined : hours * price.usdPerHour, costUsd, {
    says:
      hours === 0
        ? 'unpriced: no GPU time is billed here; give your thinkers a costPerHourUsd'
        : `${price.name} at $${price.usdPerHour}/h for ${hours.toFixed(1)} h (${price.hours}); ${price.source}, ${price.pricedOn}`,
    priceAgeDays,
  });
}

function tokenApi({ prices, buckets, now }: ReportFacts, costUsd: number | undefined): BaselineFigure {
  let usd = 0;
  let ageMax: number | undefined;
  const unpriced = new Set<string>();
  for (const row of buckets.answers) {
    const price = tokenPriceOf(prices, row.model);
    if (price === undefined) {
      if (row.answers > 0) unpriced.add(row.model);
      continue;
    }
    usd += tokensUsd(price, row.promptTokens, row.completionTokens);
    const age = ageDays(price.pricedOn, now);
    if (age !== undefined) ageMax = Math.max(ageMax ?? 0, age);
  }
  if (unpriced.size > 0 || buckets.answers.length === 0) {
    const names = [...unpriced].slice(0, 3).join(', ');
    return figure('token-api', undefined, costUsd, {
      says: names === '' ? 'nothing was answered yet' : `unpriced: no price for ${names}; set money.tokenApi`,
      priceAgeDays: ageMax,
    });
  }
  return figure('token-api', usd, costUsd, {
    says: 'all tokens that were read and written, at the prices of money.tokenApi',
    priceAgeDays: ageMax,
  });
}

function sameFleet(
  costUsd: number | undefined,
  hourUsd: number | undefined,
  totals: LedgerTotals,
  elastic: number,
): BaselineFigure {
  if (costUsd === undefined || hourUsd === undefined)
    return figure('same-fleet', undefined, costUsd, {
      says: 'unpriced: no busy GPU time is billed yet',
      priceAgeDays: undefined,
    });
  const avoided = (totals.avoidedGpuMs / 3.6e6) * hourUsd;
  return figure('same-fleet', costUsd + avoided, costUsd, {
    says:
      elastic === 0
        ? 'your own hosts run either way: hits save time there, and no money'
        : `hits would have taken ${(totals.avoidedGpuMs / 3.6e6).toFixed(2)} h more of GPU, at this fleet's price and utilisation`,
    priceAgeDays: undefined,
  });
}

function figure(
  baseline: Baseline,
  usd: number | undefined,
  costUsd: number | undefined,
  { says, priceAgeDays }: Pick<BaselineFigure, 'says' | 'priceAgeDays'>,
): BaselineFigure {
  const known = usd !== undefined && costUsd !== undefined;
  return {
    baseline,
    usd,
    savedUsd: known ? usd - costUsd : undefined,
    savedShare: known && usd > 0 ? 1 - costUsd / usd : undefined,
    says: usd !== undefined && costUsd === undefined ? `${says}; what you pay is unpriced` : says,
    priceAgeDays,
    priceIsOld: priceAgeDays !== undefined && priceAgeDays > staleAfterDays,
  };
}

/** The part of GPU money that follows the load: rented machines do, own hosts do not. */
function elasticShare({ buckets, ownHosts }: ReportFacts): number {
  let rented = 0;
  let all = 0;
  for (const { component, subject, amount } of buckets.costs) {
    if (!component.startsWith('gpu_')) continue;
    all += amount;
    if (!ownHosts.has(subject)) rented += amount;
  }
  return all === 0 ? 1 : rented / all;
}

/** @param hourUsd worth of an hour of our GPU; undefined: by tokens, or unpriced */
function savedByCache(
  facts: ReportFacts,
  hits: number,
  hourUsd: number | undefined,
): MoneyReport['cacheSaved']['estimate'] {
  const { buckets, holdouts, prices, options } = facts;
  const byTokens = options.baseline === 'token-api';
  if (!byTokens && hourUsd === undefined)
    return { kind: 'unpriced', why: 'no thinker has a price: set costPerHourUsd' };
  const days = new Map<number, { sameUsd: number; otherUsd: number; holdouts: SavingsDay['holdouts'][number][] }>();
  const dayOf = (at: number) => {
    const begin = Math.floor(at / dayMs) * dayMs;
    let day = days.get(begin);
    if (day === undefined) days.set(begin, (day = { sameUsd: 0, otherUsd: 0, holdouts: [] }));
    return day;
  };
  for (const row of buckets.answers) {
    if (row.source === 'thinker' || row.source === 'fallback' || row.answers === 0) continue;
    const worth = byTokens
      ? avoidedUsd(prices, undefined, { ...row, gpuMs: row.avoidedGpuMs }).tokenApi
      : (row.avoidedGpuMs / 3.6e6) * hourUsd!;
    if (worth === undefined)
      return { kind: 'unpriced', why: `no price for tokens of ${row.model}: set money.tokenApi` };
    if (row.source === 'semantic') dayOf(row.at).otherUsd += worth;
    else dayOf(row.at).sameUsd += worth;
  }
  for (const { at, gpuMs, storedGpuMs } of holdouts) {
    // Of tokens as of time: what a fresh answer takes over what the stored one took.
    const scale = hourUsd ?? 1;
    dayOf(at).holdouts.push({ countedUsd: (storedGpuMs / 3.6e6) * scale, freshUsd: (gpuMs / 3.6e6) * scale });
  }
  return estimateSavings([...days.values()], hits);
}

function breakEvenOf(
  { options, falseHits }: ReportFacts,
  hitUsd: number | undefined,
  queriesPerMonth: number,
): MoneyReport['breakEven'] {
  if (options.cachePerMonthUsd === undefined)
    return { share: undefined, why: 'say what the cache costs a month: money.cachePerMonthUsd', from: undefined };
  if (hitUsd === undefined) return { share: undefined, why: 'the worth of a hit is not known yet', from: undefined };
  const wrong = { wrongShare: falseHits?.estimate ?? 0, wrongUsd: options.wrongAnswerUsd ?? 0 };
  return {
    ...breakEven({ queries: queriesPerMonth, cacheUsd: options.cachePerMonthUsd, ...wrong }, hitUsd),
    from: {
      queriesPerMonth,
      cachePerMonthUsd: options.cachePerMonthUsd,
      worthOfHitUsd: hitUsd - wrong.wrongShare * wrong.wrongUsd,
    },
  };
}

function qualityAdjusted(
  { options, falseHits }: ReportFacts,
  savedUsd: number | undefined,
  semanticHits: number,
  days: number,
): MoneyReport['qualityAdjustedUsd'] {
  if (savedUsd === undefined || options.wrongAnswerUsd === undefined || falseHits === undefined) return undefined;
  const fixed = ((options.cachePerMonthUsd ?? 0) * days) / daysPerMonth;
  const at = (wrongShare: number) => savedUsd - semanticHits * wrongShare * options.wrongAnswerUsd! - fixed;
  return { estimate: at(falseHits.estimate), low: at(falseHits.high) };
}

function returnOf(operator: OperatorCost | undefined, savedPerMonth: number | undefined): MoneyReport['roi'] {
  if (operator === undefined || savedPerMonth === undefined) return undefined;
  const once = operator.investmentUsd;
  const work = (operator.setupHours + roiMonths * operator.hoursPerMonth) * operator.usdPerHour;
  const gain = roiMonths * savedPerMonth;
  if (once + work === 0) return undefined;
  return {
    months: roiMonths,
    withOperator: (gain - once - work) / (once + work),
    withoutOperator: once === 0 ? undefined : (gain - once) / once,
  };
}

/** Days for which the provider has said what it charged: that, beside what we metered of the same machines. */
function driftOf({ costs, charges }: LedgerBuckets): readonly DriftDay[] {
  const days = new Map<EpochMs, { metered: number; charged: number; subjects: Set<string> }>();
  for (const { at, subject, amount } of charges) {
    let day = days.get(at);
    if (day === undefined) days.set(at, (day = { metered: 0, charged: 0, subjects: new Set() }));
    day.charged += amount;
    day.subjects.add(subject);
  }
  for (const { at, subject, component, amount } of costs) {
    const day = days.get(at);
    if (day !== undefined && component !== 'fixed' && component !== 'fallback' && day.subjects.has(subject))
      day.metered += amount;
  }
  return [...days].map(([at, { metered, charged }]) => ({
    at,
    meteredUsd: metered / 1e6,
    chargedUsd: charged / 1e6,
    drift: charged === 0 ? undefined : metered / charged - 1,
  }));
}
