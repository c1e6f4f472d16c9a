/** The promises the product made, each with what it means, what was measured, and under which condition it is true. */
import { daysPerMonth } from '../core/units.ts';
import type { LatencyFigures } from './latency.ts';
import { daysMin, hitsMin } from './model/interval.ts';
import type { BaselineFigure, MoneyReport } from './report.ts';

export type Verdict = 'met' | 'not met' | 'conditional' | 'not enough data';

export interface Claim {
  readonly id: string;
  readonly promise: string;
  /** What is counted, and over what. */
  readonly definition: string;
  readonly target: string;
  /** In words; undefined while there is not enough data. */
  readonly measured: string | undefined;
  /** Days that were looked at, and of how many what. */
  readonly window: string;
  readonly n: number;
  readonly verdict: Verdict;
  /** What makes it true, or why it cannot be said. */
  readonly condition: string;
}

export interface ClaimFacts {
  readonly report: MoneyReport;
  readonly latency: LatencyFigures;
  /** From the operator's configuration; undefined: nobody has timed it. */
  readonly setupHours: number | undefined;
}

export interface ClaimsReport {
  readonly from: number;
  readonly to: number;
  readonly days: number;
  readonly claims: readonly Claim[];
}

/** Misses enough for a 95th percentile. */
const missesMin = 60;

export function claimsOf(facts: ClaimFacts): ClaimsReport {
  const { report } = facts;
  return {
    from: report.range.from,
    to: Math.min(report.range.to, report.range.from + 3_660 * 86_400_000),
    days: report.days,
    claims: [
      savedAgainstCloud(facts),
      monthlyBill(facts),
      breakEvenShare(facts),
      hitRatio(facts),
      hitLatency(facts),
      missLatency(facts),
      gpuUse(facts),
      uptime(facts),
      queryCost(facts),
      setupTime(facts),
      returnOnInvestment(facts),
    ],
  };
}

const percent = (share: number, places = 1): string => `${(share * 100).toFixed(places)} %`;
const usd = (amount: number): string => `$${amount < 0.01 ? amount.toPrecision(3) : amount.toFixed(2)}`;
const windowOf = ({ report }: ClaimFacts): string => `${report.days.toFixed(1)} days`;
const cloudOf = ({ report }: ClaimFacts): BaselineFigure =>
  report.baselines.find(({ baseline }) => baseline === 'cloud-gpu')!;

type Judged = Pick<Claim, 'measured' | 'verdict' | 'condition' | 'n'>;

/** Why money cannot be judged yet, if it cannot. */
function noMoney({ report }: ClaimFacts): string | undefined {
  if (report.costUsd === undefined) return 'what you pay is unpriced: give your thinkers a costPerHourUsd';
  if (report.days < daysMin) return `${report.days.toFixed(1)} of ${daysMin} days so far`;
  return undefined;
}

const tooLittle = (condition: string, n: number): Judged => ({
  measured: undefined,
  verdict: 'not enough data',
  condition,
  n,
});

function savedAgainstCloud(facts: ClaimFacts): Claim {
  const head = {
    id: 'saved-81',
    promise: '81 % cheaper than cloud GPUs',
    definition: '1 − what you paid ÷ what the same hours cost on the GPU of money.cloudGpu',
    target: '≥ 81 %',
    window: windowOf(facts),
  };
  const cloud = cloudOf(facts);
  const why = noMoney(facts) ?? (cloud.savedShare === undefined ? cloud.says : undefined);
  const { report } = facts;
  if (why !== undefined) return { ...head, ...tooLittle(why, report.queries) };
  const hours = report.gpu.billedHours;
  const needed = report.costUsd! / (1 - 0.81) / hours;
  return {
    ...head,
    n: report.queries,
    measured: `${percent(cloud.savedShare!)} against ${cloud.says}`,
    verdict: cloud.savedShare! >= 0.81 ? 'met' : 'conditional',
    condition: `true against a baseline of at least ${usd(needed)} per GPU hour at what you pay; the baseline is your choice, so name it${cloud.priceIsOld ? `; its price is ${cloud.priceAgeDays} days old` : ''}`,
  };
}

function monthlyBill(facts: ClaimFacts): Claim {
  const head = {
    id: 'bill-590',
    promise: '$590 a month against $3,240',
    definition: 'what you paid, and what the baseline would have cost, per 30.4 days at the pace of this window',
    target:
      '81.79 % less; the example is one GPU at $4.50 for 720 h against $590 all in (`llm-self-host cost --example`)',
    window: windowOf(facts),
  };
  const cloud = cloudOf(facts);
  const { report } = facts;
  const why = noMoney(facts) ?? (cloud.usd === undefined ? cloud.says : undefined);
  if (why !== undefined) return { ...head, ...tooLittle(why, report.queries) };
  const base = (cloud.usd! / report.days) * daysPerMonth;
  return {
    ...head,
    n: report.queries,
    measured: `${usd(report.costPerMonthUsd!)} against ${usd(base)}`,
    verdict: cloud.savedShare! >= 0.8179 ? 'met' : 'conditional',
    condition:
      'the arithmetic holds: 1 − 590 ÷ 3,240 = 81.79 %; it says nothing until it names the GPU that costs $4.50',
  };
}

function breakEvenShare(facts: ClaimFacts): Claim {
  const { breakEven, queries, days, hitUsd } = facts.report;
  const head = {
    id: 'break-even-15',
    promise: 'break-even at 15 % hits',
    definition: 'h* = (cache cost ÷ questions) ÷ (worth of a hit − wrong share × cost of a wrong answer), a month',
    target: '≤ 15 %',
    window: windowOf(facts),
  };
  if (breakEven.share === undefined || hitUsd === undefined) return { ...head, ...tooLittle(breakEven.why, queries) };
  const perMonth = (queries / days) * daysPerMonth;
  return {
    ...head,
    n: queries,
    measured: `${percent(breakEven.share)} (${breakEven.why})`,
    verdict: breakEven.share <= 0.15 ? 'met' : 'conditional',
    condition: `true where questions × worth of a hit come to $6.67 a month for each dollar the cache costs; yours come to ${usd(perMonth * hitUsd)}`,
  };
}

function hitRatio(facts: ClaimFacts): Claim {
  const { hitShare, queries, days, falseHits } = facts.report;
  const head = {
    id: 'hit-ratio-70',
    promise: 'hit ratio above 70 %',
    definition: 'exact, semantic and shared answers ÷ everything answered, requests that bypass the cache included',
    target: '> 70 %',
    window: windowOf(facts),
  };
  if (hitShare === undefined || queries < hitsMin || days < daysMin)
    return {
      ...head,
      ...tooLittle(`${queries} of ${hitsMin} answers and ${days.toFixed(1)} of ${daysMin} days so far`, queries),
    };
  const wrong =
    falseHits === undefined
      ? 'no hit in other words has been audited'
      : `wrong hits ${percent(falseHits.estimate)}, at most ${percent(falseHits.high)} with 97.5 % confidence, of ${falseHits.audited} audited`;
  return {
    ...head,
    n: queries,
    measured: `${percent(hitShare)}; ${wrong}`,
    verdict: hitShare > 0.7 ? 'met' : 'not met',
    condition: 'narrow traffic that repeats itself, such as a help desk; mixed traffic does not repeat that much',
  };
}

function hitLatency(facts: ClaimFacts): Claim {
  const { hits } = facts.latency;
  const head = {
    id: 'hit-100ms',
    promise: 'cached answers below 100 ms',
    definition:
      '95th percentile of stored answers, from the first byte of the request to the last of the reply, at the gateway',
    target: '< 100 ms',
    window: windowOf(facts),
  };
  if (hits.n < hitsMin || hits.p95Ms === undefined)
    return { ...head, ...tooLittle(`${hits.n} of ${hitsMin} hits so far`, hits.n) };
  return {
    ...head,
    n: hits.n,
    measured: `p95 ${hits.p95Ms} ms, p99 ${hits.p99Ms} ms`,
    verdict: hits.p95Ms < 100 ? 'met' : 'not met',
    condition: 'a free core for the embedder; an embedder elsewhere adds its own time',
  };
}

function missLatency(facts: ClaimFacts): Claim {
  const { warmFirstToken: warm, coldFirstToken: cold, wholeMisses: whole } = facts.latency;
  const head = {
    id: 'miss-5s',
    promise: 'misses below 5 s',
    definition:
      '95th percentile of the time to the first token from a thinker that had the model loaded, waiting included',
    target: '< 5 s',
    window: windowOf(facts),
  };
  if (warm.n < missesMin || warm.p95Ms === undefined)
    return { ...head, ...tooLittle(`${warm.n} of ${missesMin} warm misses so far`, warm.n) };
  const s = (ms: number | undefined) => (ms === undefined ? '–' : `${(ms / 1000).toFixed(1)} s`);
  return {
    ...head,
    n: warm.n,
    measured: `p95 ${s(warm.p95Ms)} to the first token; whole answers p95 ${s(whole.p95Ms)}; ${cold.n} cold ones p95 ${s(cold.p95Ms)}`,
    verdict: warm.p95Ms < 5000 ? 'met' : 'not met',
    condition: 'warm and to the first token; not for whole long answers, and not while a machine starts',
  };
}

function gpuUse(facts: ClaimFacts): Claim {
  const { gpu, days, queries } = facts.report;
  const head = {
    id: 'gpu-80',
    promise: 'GPUs above 80 % used when active',
    definition: 'seconds in which a GPU had a request ÷ seconds it was billed, starting and idle included',
    target: '> 80 %',
    window: windowOf(facts),
  };
  if (gpu.utilisation === undefined || days < daysMin)
    return { ...head, ...tooLittle(noMoney(facts) ?? 'no GPU time is billed here', queries) };
  return {
    ...head,
    n: queries,
    measured: `${percent(gpu.utilisation)} of ${gpu.billedHours.toFixed(1)} billed hours`,
    verdict: gpu.utilisation > 0.8 ? 'met' : 'not met',
    condition:
      'steady load on machines that sleep otherwise; at 80 % people wait in queues, so 60 to 70 % is the better aim',
  };
}

function uptime(facts: ClaimFacts): Claim {
  const { answered, failed } = facts.latency;
  const asked = answered + failed;
  const head = {
    id: 'uptime-99.5',
    promise: 'available above 99.5 %',
    definition: 'requests answered ÷ requests answered or failed by thinkers, time-outs or overload; hits count',
    target: '> 99.5 %',
    window: windowOf(facts),
  };
  if (asked < hitsMin || facts.report.days < daysMin)
    return {
      ...head,
      ...tooLittle(
        `${asked} of ${hitsMin} requests and ${facts.report.days.toFixed(1)} of ${daysMin} days so far`,
        asked,
      ),
    };
  const share = answered / asked;
  return {
    ...head,
    n: asked,
    measured: `${percent(share, 2)}: ${failed} of ${asked} failed`,
    verdict: share > 0.995 ? 'met' : 'not met',
    condition: 'two hosts, or a paid API behind them: one host that is gone for two days of thirty is 93.3 %',
  };
}

function queryCost(facts: ClaimFacts): Claim {
  const { report } = facts;
  const head = {
    id: 'query-0.001',
    promise: 'below $0.001 a question',
    definition: 'everything you paid ÷ everything that was answered',
    target: '< $0.001',
    window: windowOf(facts),
  };
  const why =
    noMoney(facts) ?? (report.queries < hitsMin ? `${report.queries} of ${hitsMin} answers so far` : undefined);
  if (why !== undefined || report.perQueryUsd === undefined)
    return { ...head, ...tooLittle(why ?? 'nothing was answered', report.queries) };
  return {
    ...head,
    n: report.queries,
    measured: usd(report.perQueryUsd),
    verdict: report.perQueryUsd < 0.001 ? 'met' : 'not met',
    condition: `volume: at this bill from ${Math.ceil(report.costPerMonthUsd! / 0.001).toLocaleString('en-US')} questions a month; you are at ${Math.round((report.queries / report.days) * daysPerMonth).toLocaleString('en-US')}`,
  };
}

function setupTime({ setupHours, ...facts }: ClaimFacts): Claim {
  const head = {
    id: 'setup-30min',
    promise: 'set up in 30 minutes',
    definition: 'from nothing to the first answer of a thinker of yours, as you timed it (money.operator.setupHours)',
    target: '≤ 30 min',
    window: windowOf({ setupHours, ...facts }),
    n: setupHours === undefined ? 0 : 1,
  };
  if (setupHours === undefined || setupHours === 0)
    return {
      ...head,
      measured: undefined,
      verdict: 'not enough data',
      condition: 'a running gateway cannot know it: time it, and write it down in money.operator.setupHours',
    };
  const minutes = setupHours * 60;
  return {
    ...head,
    measured: `${minutes.toFixed(0)} min`,
    verdict: minutes <= 30 ? 'met' : 'not met',
    condition: 'an account at the market with credit on it, or an Ollama that runs already',
  };
}

function returnOnInvestment(facts: ClaimFacts): Claim {
  const { roi, queries } = facts.report;
  const head = {
    id: 'roi-400',
    promise: '400 % return in six months',
    definition: '(6 × monthly savings against money.baseline − money and work) ÷ money and work',
    target: '≥ 400 %',
    window: windowOf(facts),
  };
  const why = noMoney(facts);
  if (why !== undefined) return { ...head, ...tooLittle(why, queries) };
  if (roi === undefined)
    return { ...head, ...tooLittle('say what it cost you: money.operator, and a baseline that is priced', queries) };
  const without = roi.withoutOperator === undefined ? 'no money was spent once' : percent(roi.withoutOperator, 0);
  return {
    ...head,
    n: queries,
    measured: `${percent(roi.withOperator, 0)} with your time, ${without} without`,
    verdict: roi.withOperator >= 4 ? 'met' : 'conditional',
    condition:
      'the example saves $15,900 in six months, so 400 % means $3,180 spent: thirty minutes of setup cannot be that investment too',
  };
}
