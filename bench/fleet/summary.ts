/** Many runs of one contender in one scenario, as one row: means with intervals, counts in full. */
import { percentile, round } from '../lib/stats.ts';
import type { Row } from '../lib/rows.ts';
import type { RunResult } from './run.ts';

/** The objective: a request has a slot within this time. */
export const missS = 10;

export interface RunFigures {
  readonly seed: number;
  readonly usd: number;
  readonly missShare: number;
  readonly p50S: number;
  readonly p95S: number;
  readonly p99S: number;
  readonly result: Omit<RunResult, 'waits'>;
}

export function figuresOf(seed: number, { waits, ...result }: RunResult): RunFigures {
  const sorted = Float32Array.from(waits).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  let misses = 0;
  for (const wait of waits) if (wait > missS) misses += 1;
  return {
    seed,
    usd: result.usd,
    missShare: misses / Math.max(1, waits.length),
    p50S: at(0.5),
    p95S: at(0.95),
    p99S: at(0.99),
    result,
  };
}

export interface Summary {
  readonly scenario: string;
  readonly contender: string;
  readonly runs: readonly RunFigures[];
  readonly usd: Mean;
  readonly missPercent: Mean;
  /** Of the same seeds. */
  readonly ofClairvoyant: Mean | undefined;
  readonly boundUsd: number | undefined;
  readonly launches: number;
  readonly leaked: number;
  readonly breaches: number;
}

export interface Mean {
  readonly mean: number;
  /** Half of the 95 % interval; NaN for one run. */
  readonly half: number;
}

export function summarize(
  scenario: string,
  contender: string,
  runs: readonly RunFigures[],
  against: {
    readonly clairvoyant: readonly RunFigures[] | undefined;
    readonly boundsUsd: readonly number[] | undefined;
  },
): Summary {
  const { clairvoyant, boundsUsd } = against;
  const total = (read: (result: RunFigures['result']) => number) =>
    runs.reduce((sum, { result }) => sum + read(result), 0);
  return {
    scenario,
    contender,
    runs,
    usd: meanOf(runs.map(({ usd }) => usd)),
    missPercent: meanOf(runs.map(({ missShare }) => 100 * missShare)),
    ofClairvoyant: clairvoyant === undefined ? undefined : meanOf(runs.map(({ usd }, i) => usd / clairvoyant[i]!.usd)),
    boundUsd: boundsUsd === undefined ? undefined : meanOf(boundsUsd).mean,
    launches: total(({ launches }) => launches) / runs.length,
    leaked: total(({ leaked }) => leaked),
    breaches: total(({ breaches }) => breaches),
  };
}

/** Two-sided 95 % of Student's t by degrees of freedom. */
const t95 = [NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

export function meanOf(values: readonly number[]): Mean {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { mean, half: ((t95[n - 1] ?? 1.96) * Math.sqrt(variance)) / Math.sqrt(n) };
}

export function rowOf(summary: Summary): Row {
  const { runs, usd, missPercent, ofClairvoyant, boundUsd } = summary;
  const mean = (read: (run: RunFigures) => number, digits = 2) => round(meanOf(runs.map(read)).mean, digits);
  const known = (value: number | undefined, digits: number) =>
    value === undefined || Number.isNaN(value) ? null : round(value, digits);
  return {
    bench: 'fleet',
    scenario: summary.scenario,
    policy: summary.contender,
    seeds: runs.length,
    requests: mean(({ result }) => result.requests, 0),
    usd: round(usd.mean, 2),
    usdHalfInterval95: known(usd.half, 2),
    missPercent: round(missPercent.mean, 3),
    missPercentHalfInterval95: known(missPercent.half, 3),
    missPercentMost: round(
      percentile(
        runs.map(({ missShare }) => 100 * missShare),
        1,
      ),
      3,
    ),
    waitP50S: mean(({ p50S }) => p50S),
    waitP95S: mean(({ p95S }) => p95S),
    waitP99S: mean(({ p99S }) => p99S),
    launches: round(summary.launches, 1),
    restarts: mean(({ result }) => result.restarts, 1),
    failedRestarts: mean(({ result }) => result.failedRestarts, 1),
    failedLaunches: mean(({ result }) => result.failedLaunches, 1),
    lost: mean(({ result }) => result.lost, 1),
    machineHours: mean(({ result }) => result.machineHours, 1),
    gpuUsd: mean(({ result }) => result.bill.gpuUsd),
    storageUsd: mean(({ result }) => result.bill.storageUsd),
    trafficUsd: mean(({ result }) => result.bill.trafficUsd),
    wasteUsd: mean(({ result }) => result.bill.wasteUsd),
    costByClairvoyant: known(ofClairvoyant?.mean, 3),
    costByClairvoyantHalfInterval95: known(ofClairvoyant?.half, 3),
    lowerBoundUsd: known(boundUsd, 2),
    leakedInstances: summary.leaked,
    budgetBreaches: summary.breaches,
  };
}

/** One line for people. */
export function lineOf(summary: Summary): Record<string, string> {
  const row = rowOf(summary);
  const pm = (value: unknown, half: unknown, digits: number) =>
    `${Number(value).toFixed(digits)}${half === null ? '' : ` ±${Number(half).toFixed(digits)}`}`;
  return {
    policy: summary.contender,
    $: pm(row['usd'], row['usdHalfInterval95'], 2),
    'x clairvoyant':
      row['costByClairvoyant'] === null ? '' : pm(row['costByClairvoyant'], row['costByClairvoyantHalfInterval95'], 2),
    'misses %': pm(row['missPercent'], row['missPercentHalfInterval95'], 3),
    'wait p50/p95/p99 s': `${row['waitP50S']} / ${row['waitP95S']} / ${row['waitP99S']}`,
    launches: String(row['launches']),
    failed: String(row['failedLaunches']),
    restarts: `${row['restarts']} (${row['failedRestarts']})`,
    lost: String(row['lost']),
    'GPU/disk/net/waste $': [row['gpuUsd'], row['storageUsd'], row['trafficUsd'], row['wasteUsd']]
      .map((each) => Number(each).toFixed(2))
      .join(' / '),
    leaked: String(row['leakedInstances']),
    breaches: String(row['budgetBreaches']),
  };
}
