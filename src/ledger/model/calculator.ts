/** A month as arithmetic: what it costs, per question and per component, and when it pays. docs/cost-analysis.md. */
import { usdMicros } from '../../core/units.ts';

export interface CostInputs {
  /** Questions a month, all of them. */
  readonly queries: number;
  /** Fraction of all questions answered from the cache. */
  readonly hitShare: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Aggregate, at the concurrency it really has. */
  readonly tokensPerSecond: number;
  readonly prefillPerSecond: number;
  /** Of a GPU while it runs, all in. */
  readonly gpuUsdPerHour: number;
  /** `always-on`: `hours` whatever comes; `elastic`: busy time over `utilisation`. */
  readonly schedule: 'always-on' | 'elastic';
  readonly hours: number;
  /** Busy over billed time, of an elastic fleet. */
  readonly utilisation: number;
  /** Loading and starting, hours a month. */
  readonly coldHours: number;
  readonly diskGb: number;
  readonly diskUsdPerGbMonth: number;
  readonly trafficGb: number;
  readonly trafficUsdPerGb: number;
  readonly fixedUsd: number;
  /** The part of the fixed costs that is there for the cache. */
  readonly cacheUsd: number;
  readonly operatorHours: number;
  readonly operatorUsdPerHour: number;
  readonly fallbackUsd: number;
  readonly cloudUsdPerHour: number;
  readonly cloudHours: number;
  /** Of the cloud's month, such as its disk and the machine of a gateway. */
  readonly cloudFixedUsd: number;
  /** undefined: the API is unpriced. */
  readonly apiInputUsdPerMillion: number | undefined;
  readonly apiOutputUsdPerMillion: number | undefined;
  readonly wrongShare: number;
  /** Of one wrong answer. */
  readonly wrongUsd: number;
  readonly investmentUsd: number;
  readonly months: number;
}

export const calculatorDefaults: CostInputs = {
  queries: 100_000,
  hitShare: 0.3,
  promptTokens: 500,
  completionTokens: 200,
  tokensPerSecond: 100,
  prefillPerSecond: 5_000,
  gpuUsdPerHour: 0.5,
  schedule: 'always-on',
  hours: 730,
  utilisation: 0.6,
  coldHours: 0,
  diskGb: 60,
  diskUsdPerGbMonth: 0.15,
  trafficGb: 0,
  trafficUsdPerGb: 0.01,
  fixedUsd: 30,
  cacheUsd: 0,
  operatorHours: 0,
  operatorUsdPerHour: 0,
  fallbackUsd: 0,
  cloudUsdPerHour: 1.006,
  cloudHours: 730,
  cloudFixedUsd: 30,
  apiInputUsdPerMillion: undefined,
  apiOutputUsdPerMillion: undefined,
  wrongShare: 0,
  wrongUsd: 0,
  investmentUsd: 0,
  months: 6,
};

/** The month that the product promised at its start, spelled out so that it can be argued with. */
export const promisedMonth: CostInputs = {
  ...calculatorDefaults,
  gpuUsdPerHour: 0.75,
  hours: 720,
  diskGb: 60,
  diskUsdPerGbMonth: 0.15,
  fixedUsd: 41,
  cloudUsdPerHour: 4.5,
  cloudHours: 720,
  cloudFixedUsd: 0,
};

export interface CostResult {
  /** GPU seconds that one miss takes. */
  readonly missSeconds: number;
  readonly busyHours: number;
  readonly billedHours: number;
  readonly utilisation: number;
  /** GPUs that the busy hours need, at 60 % of their time; more than the one that is billed is a warning. */
  readonly gpusNeeded: number;
  readonly components: Readonly<Record<string, number>>;
  /** The components, exactly. */
  readonly monthUsd: number;
  readonly perQueryUsd: number;
  readonly perMissUsd: number;
  /** Of its own; what the cache costs as a whole is in the fixed costs. */
  readonly perHitUsd: number;
  readonly baselines: readonly {
    readonly name: 'cloud-gpu' | 'token-api' | 'same-fleet';
    readonly monthUsd: number | undefined;
    readonly savedUsd: number | undefined;
    readonly savedShare: number | undefined;
    readonly what: string;
  }[];
  /** Worth of one hit; 0 on a machine that is paid for whether or not it works. */
  readonly hitUsd: number;
  readonly breakEvenHitShare: number | undefined;
  readonly breakEvenWhy: string;
  /** Wrong share of hits at which they stop paying. */
  readonly wrongShareMax: number | undefined;
  readonly roi: { readonly withOperator: number; readonly withoutOperator: number } | undefined;
}

/** Above it queues grow long; see docs/cost-analysis.md. */
const loadMax = 0.6;

export function calculate(inputs: CostInputs): CostResult {
  const missSeconds = inputs.promptTokens / inputs.prefillPerSecond + inputs.completionTokens / inputs.tokensPerSecond;
  const misses = inputs.queries * (1 - inputs.hitShare);
  const busyHours = (misses * missSeconds) / 3600;
  const runHours = inputs.schedule === 'always-on' ? inputs.hours : busyHours / inputs.utilisation;
  const billedHours = runHours + inputs.coldHours;
  const utilisation = billedHours === 0 ? 0 : busyHours / billedHours;
  const cents = {
    'GPU, answering': inputs.gpuUsdPerHour * Math.min(busyHours, runHours),
    'GPU, idle': inputs.gpuUsdPerHour * Math.max(0, runHours - busyHours),
    'GPU, starting': inputs.gpuUsdPerHour * inputs.coldHours,
    storage: inputs.diskGb * inputs.diskUsdPerGbMonth,
    bandwidth: inputs.trafficGb * inputs.trafficUsdPerGb,
    fixed: inputs.fixedUsd,
    operator: inputs.operatorHours * inputs.operatorUsdPerHour,
    'paid API': inputs.fallbackUsd,
  };
  const components = Object.fromEntries(Object.entries(cents).map(([name, usd]) => [name, usdMicros(usd * 1e6) / 1e6]));
  const monthUsd = usdMicros(Object.values(cents).reduce((sum, usd) => sum + usdMicros(usd * 1e6), 0)) / 1e6;

  const perMissUsd = utilisation === 0 ? 0 : (inputs.gpuUsdPerHour * missSeconds) / 3600 / utilisation;
  // A machine that runs anyway costs the same with and without the hit.
  const hitUsd = inputs.schedule === 'elastic' ? (inputs.gpuUsdPerHour * missSeconds) / 3600 / inputs.utilisation : 0;
  const cloud = inputs.cloudUsdPerHour * inputs.cloudHours + inputs.cloudFixedUsd;
  const perCallUsd =
    inputs.apiInputUsdPerMillion === undefined || inputs.apiOutputUsdPerMillion === undefined
      ? undefined
      : (inputs.promptTokens * inputs.apiInputUsdPerMillion + inputs.completionTokens * inputs.apiOutputUsdPerMillion) /
        1e6;
  const api = perCallUsd === undefined ? undefined : perCallUsd * inputs.queries;
  const withoutCache = monthUsd + inputs.queries * inputs.hitShare * hitUsd - inputs.cacheUsd;
  const against = (name: 'cloud-gpu' | 'token-api' | 'same-fleet', base: number | undefined, what: string) => ({
    name,
    monthUsd: base,
    savedUsd: base === undefined ? undefined : base - monthUsd,
    savedShare: base === undefined || base === 0 ? undefined : 1 - monthUsd / base,
    what,
  });
  const { share, why } = breakEven(inputs, hitUsd);
  const monthlySavings = cloud - (monthUsd - cents.operator);
  const gain = inputs.months * monthlySavings;
  const work = inputs.months * cents.operator;
  return {
    missSeconds,
    busyHours,
    billedHours,
    utilisation,
    gpusNeeded: Math.max(1, Math.ceil(busyHours / (loadMax * (inputs.schedule === 'always-on' ? inputs.hours : 730)))),
    components,
    monthUsd,
    perQueryUsd: inputs.queries === 0 ? 0 : monthUsd / inputs.queries,
    perMissUsd,
    perHitUsd: 0,
    baselines: [
      against(
        'cloud-gpu',
        cloud,
        `$${inputs.cloudUsdPerHour}/h × ${inputs.cloudHours} h${inputs.cloudFixedUsd > 0 ? ` + $${inputs.cloudFixedUsd}` : ''}`,
      ),
      against(
        'token-api',
        api,
        perCallUsd === undefined ? 'unpriced' : `${inputs.queries} calls × $${perCallUsd.toPrecision(3)}`,
      ),
      against(
        'same-fleet',
        withoutCache,
        inputs.schedule === 'elastic' ? 'this fleet, answering everything' : 'this machine, which runs either way',
      ),
    ],
    hitUsd,
    breakEvenHitShare: share,
    breakEvenWhy: why,
    wrongShareMax: inputs.wrongUsd > 0 ? hitUsd / inputs.wrongUsd : undefined,
    roi:
      inputs.investmentUsd + work > 0
        ? {
            withOperator: (gain - inputs.investmentUsd - work) / (inputs.investmentUsd + work),
            withoutOperator: inputs.investmentUsd > 0 ? (gain - inputs.investmentUsd) / inputs.investmentUsd : Infinity,
          }
        : undefined,
  };
}

/** h* = (F/N) / (v − f·L): the share of hits at which the cache has paid for itself. */
export function breakEven(
  { queries, cacheUsd, wrongShare, wrongUsd }: Pick<CostInputs, 'queries' | 'cacheUsd' | 'wrongShare' | 'wrongUsd'>,
  hitUsd: number,
): { readonly share: number | undefined; readonly why: string } {
  const worth = hitUsd - wrongShare * wrongUsd;
  if (hitUsd === 0)
    return { share: undefined, why: 'a hit saves nothing but time on a machine that is paid for either way' };
  if (worth <= 0) return { share: undefined, why: 'wrong answers cost more than hits save: no share of hits pays' };
  if (cacheUsd === 0) return { share: 0, why: 'the cache has no fixed cost of its own: the first hit pays' };
  if (queries === 0) return { share: undefined, why: 'nothing is asked' };
  const share = cacheUsd / queries / worth;
  return {
    share,
    why:
      share > 1
        ? 'out of reach: above 100 %, it does not pay at this volume'
        : 'fixed cost per question over worth of a hit',
  };
}
