/** The settings that are tried, as they stand in the address; and what came of them, row by row. */
import type { WhatIfChange, WhatIfReport, WhatIfSide } from '../../admin/admin-types.ts';
import { formatDuration, formatMs } from '../../core/format.ts';
import { dash, share, usd, whole } from './format.ts';

export interface Knob {
  readonly name: keyof WhatIfChange;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Where a slider begins before it was moved. */
  readonly start: number;
  /** From what is shown to what is asked: hours to milliseconds, minutes to seconds. */
  readonly factor: number;
  readonly words: (value: number) => string;
  /** None between these. */
  readonly choices?: readonly number[];
  /** Both say what is served. */
  readonly insteadOf?: keyof WhatIfChange;
}

export const knobs: readonly Knob[] = [
  {
    name: 'threshold',
    label: 'Smallest score that is served',
    min: 0.5,
    max: 1,
    step: 0.005,
    start: 0.9,
    factor: 1,
    words: (value) => value.toFixed(3),
    insteadOf: 'target',
  },
  {
    name: 'target',
    label: 'Wrong semantic hits, at most',
    min: 0.01,
    max: 0.2,
    step: 0.01,
    start: 0.05,
    factor: 1,
    words: share,
    // Every decision was judged at these.
    choices: [0.01, 0.02, 0.05, 0.1, 0.2],
    insteadOf: 'threshold',
  },
  {
    name: 'ttlMs',
    label: 'Stored answers expire after',
    min: 1,
    max: 720,
    step: 1,
    start: 24,
    factor: 3_600_000,
    words: (value) => formatDuration(value * 3_600),
  },
  {
    name: 'idleS',
    label: 'Machines sleep after',
    min: 0,
    max: 120,
    step: 1,
    start: 30,
    factor: 60,
    words: (value) => (value === 0 ? 'never' : formatDuration(value * 60)),
  },
  { name: 'sparesMax', label: 'Stopped machines at most', min: 0, max: 10, step: 1, start: 2, factor: 1, words: whole },
  { name: 'machinesMax', label: 'Machines at most', min: 1, max: 20, step: 1, start: 4, factor: 1, words: whole },
  {
    name: 'gpuUsdPerHour',
    label: 'Price of a GPU hour',
    min: 0.05,
    max: 5,
    step: 0.01,
    start: 0.45,
    factor: 1,
    words: (value) => usd(value * 1e6),
  },
  {
    name: 'gpuSpeed',
    label: 'Speed against the GPU of now',
    min: 0.25,
    max: 4,
    step: 0.05,
    start: 1,
    factor: 1,
    words: (value) => `${value.toFixed(2)} times`,
  },
];

/** Only what was moved; a value that is no number or out of bounds is left out. */
export function changeOf(query: URLSearchParams): WhatIfChange {
  const change: Record<string, number> = {};
  for (const { name, min, max, factor, choices } of knobs) {
    const value = valueOf(query, name);
    if (value === undefined || value < min || value > max) continue;
    if (choices === undefined || choices.includes(value)) change[name] = Number((value * factor).toPrecision(10));
  }
  return change;
}

export function valueOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  const value = Number(text);
  return text === null || text === '' || !Number.isFinite(value) ? undefined : value;
}

export interface WhatIfRow {
  readonly name: string;
  readonly recorded: string;
  readonly scenario: string;
  /** Of the scenario against the recorded; '' where there is nothing to compare. */
  readonly difference: string;
  /** Whether the difference is one to want; undefined where it is neither. */
  readonly better: boolean | undefined;
}

export function rowsOf({ recorded, scenario }: WhatIfReport): readonly WhatIfRow[] {
  const row = (
    name: string,
    pick: (side: WhatIfSide) => number | undefined,
    words: (value: number) => string,
    want: 'less' | 'more',
  ): WhatIfRow => {
    const [before, after] = [pick(recorded), pick(scenario)];
    const known = before !== undefined && after !== undefined;
    const change = known ? after - before : 0;
    return {
      name,
      recorded: before === undefined ? dash : words(before),
      scenario: after === undefined ? dash : words(after),
      difference: !known || change === 0 ? '' : `${change > 0 ? '+' : '−'}${words(Math.abs(change))}`,
      better: change === 0 ? undefined : change < 0 === (want === 'less'),
    };
  };
  return [
    row(
      'Cost',
      ({ costUsd }) => costUsd,
      (value) => usd(value * 1e6),
      'less',
    ),
    row('Answered from the cache', ({ hitShare }) => hitShare, share, 'more'),
    row('Wrong hits, at most', ({ falseHits }) => falseHits?.high, share, 'less'),
    row('First token of misses, p95', ({ missP95Ms }) => missP95Ms, formatMs, 'less'),
    row('Waits for a start', ({ coldWaits }) => coldWaits, whole, 'less'),
    row(
      'GPU hours',
      ({ gpuHours }) => gpuHours,
      (value) => value.toFixed(1),
      'less',
    ),
    row('Misses', ({ misses }) => misses, whole, 'less'),
  ];
}
