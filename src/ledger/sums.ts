/** Totals are derived, here and nowhere else: drivers bring entries or sums of them, and this adds up. */
import type { RequestOutcome } from '../core/errors.ts';
import { epochMs, usdMicros } from '../core/units.ts';
import {
  answerSources,
  costComponents,
  nameCharsMax,
  type AnswerBucket,
  type AnswerSums,
  type ChargeBucket,
  type ChargeEntry,
  type CostBucket,
  type LedgerBuckets,
  type LedgerEntry,
  type LedgerRange,
  type LedgerTotals,
} from './ledger.ts';

/** Buckets of entries, whatever their order. A charge that comes later replaces the one before it. */
export class BucketFolder {
  readonly #bucketMs: number;
  readonly #answers = new Map<string, Mutable<AnswerBucket>>();
  readonly #costs = new Map<string, Mutable<CostBucket>>();
  readonly #charges = new Map<string, ChargeEntry>();

  constructor(bucketMs: number) {
    this.#bucketMs = bucketMs;
  }

  add(entry: LedgerEntry): void {
    switch (entry.kind) {
      case 'answer': {
        const { promptTokens, completionTokens, gpuMs, avoidedGpuMs, model, source } = entry;
        const counts = { ...outcomeCounts(entry.outcome), promptTokens, completionTokens, gpuMs, avoidedGpuMs };
        return this.addAnswers({ at: entry.at, model, source, ...counts });
      }
      case 'cost':
        return this.addCost(entry);
      case 'holdout':
        return;
      default:
        this.#charges.set(`${entry.at}|${entry.component}|${entry.subject}`, entry);
    }
  }

  addAnswers(part: AnswerBucket): void {
    const at = this.#beginOf(part.at);
    const key = `${at}|${part.source}|${part.model}`;
    const sum = this.#answers.get(key);
    if (sum === undefined) this.#answers.set(key, { ...part, at });
    else for (const name of sumNames) sum[name] += part[name];
  }

  addCost({ at, component, subject, seconds, amount }: CostBucket): void {
    // The instant is the end of the time that was billed: midnight's bill is of the day before.
    const begin = this.#beginOf(Math.max(0, at - 1));
    const key = `${begin}|${component}|${subject}`;
    const sum = this.#costs.get(key);
    if (sum === undefined) this.#costs.set(key, { at: begin, component, subject, seconds, amount });
    else {
      sum.seconds += seconds;
      sum.amount = usdMicros(sum.amount + amount);
    }
  }

  buckets(): LedgerBuckets {
    const inOrder = <T extends { readonly at: number }>(rows: Iterable<T>) => [...rows].sort((a, b) => a.at - b.at);
    const charges = new BucketSums();
    for (const entry of this.#charges.values()) charges.add({ ...entry, at: this.#beginOf(entry.at) });
    return {
      answers: inOrder(this.#answers.values()),
      costs: inOrder(this.#costs.values()),
      charges: inOrder(charges.rows()),
    };
  }

  #beginOf(at: number) {
    return epochMs(Math.floor(at / this.#bucketMs) * this.#bucketMs);
  }
}

class BucketSums {
  readonly #rows = new Map<string, Mutable<ChargeBucket>>();

  add({ at, component, subject, amount }: ChargeBucket): void {
    const key = `${at}|${component}|${subject}`;
    const row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, { at, component, subject, amount });
    else row.amount = usdMicros(row.amount + amount);
  }

  rows(): Iterable<ChargeBucket> {
    return this.#rows.values();
  }
}

export function totalsOf({ answers, costs, charges }: LedgerBuckets): LedgerTotals {
  const bySource = byKeys(answerSources, (): Mutable<AnswerSums> => ({ ...noAnswers }));
  for (const row of answers) for (const name of sumNames) bySource[row.source][name] += row[name];
  const amounts = byKeys(costComponents, () => 0);
  const seconds = byKeys(costComponents, () => 0);
  for (const row of costs) {
    amounts[row.component] += row.amount;
    seconds[row.component] += row.seconds;
  }
  const all = (name: keyof AnswerSums) => answerSources.reduce((sum, source) => sum + bySource[source][name], 0);
  return {
    costs: byKeys(costComponents, (component) => usdMicros(amounts[component])),
    seconds,
    total: usdMicros(costComponents.reduce((sum, component) => sum + amounts[component], 0)),
    charged: usdMicros(charges.reduce((sum, { amount }) => sum + amount, 0)),
    answers: byKeys(answerSources, (source) => bySource[source].answers),
    bySource,
    failed: all('failed'),
    promptTokens: all('promptTokens'),
    completionTokens: all('completionTokens'),
    gpuMs: all('gpuMs'),
    avoidedGpuMs: all('avoidedGpuMs'),
  };
}

export function outcomeCounts(outcome: RequestOutcome): Pick<AnswerSums, 'answers' | 'failed' | 'stopped'> {
  const failed = outcome === 'upstream_error' || outcome === 'timeout' || outcome === 'overloaded';
  return { answers: outcome === 'ok' ? 1 : 0, failed: failed ? 1 : 0, stopped: outcome !== 'ok' && !failed ? 1 : 0 };
}

/** Whether an entry is in a range; a cost is where its time ended, so the end of a range belongs to it. */
export function isInRange(entry: LedgerEntry, { from, to, tenant }: LedgerRange): boolean {
  if (entry.kind === 'cost') return entry.at > from && entry.at <= to;
  return (
    entry.at >= from && entry.at < to && (entry.kind === 'charge' || tenant === undefined || entry.tenant === tenant)
  );
}

/**
 * As a driver keeps it: whole tokens and milliseconds of machines, thousandths of what clients waited, names of
 * bounded length. A thinker can say anything, and one entry that cannot be written would hold up all behind it.
 */
export function tidyEntry(entry: LedgerEntry): LedgerEntry {
  if (entry.kind === 'holdout')
    return {
      ...entry,
      at: epochMs(whole(entry.at)),
      model: cut(entry.model),
      promptTokens: whole(entry.promptTokens),
      completionTokens: whole(entry.completionTokens),
      gpuMs: whole(entry.gpuMs),
      storedGpuMs: whole(entry.storedGpuMs),
    };
  if (entry.kind !== 'answer')
    return {
      ...entry,
      subject: cut(entry.subject),
      at: epochMs(whole(entry.at)),
      amount: usdMicros(whole(entry.amount)),
    };
  return {
    ...entry,
    at: epochMs(whole(entry.at)),
    model: cut(entry.model),
    thinker: cut(entry.thinker),
    promptTokens: whole(entry.promptTokens),
    completionTokens: whole(entry.completionTokens),
    ttftMs: entry.ttftMs === undefined ? undefined : thousandths(entry.ttftMs),
    totalMs: thousandths(entry.totalMs),
    queuedMs: whole(entry.queuedMs),
    loadMs: whole(entry.loadMs),
    gpuMs: whole(entry.gpuMs),
    avoidedGpuMs: whole(entry.avoidedGpuMs),
  };
}

export const whole = (value: number): number => (Number.isFinite(value) ? Math.round(value) : 0);
export const thousandths = (ms: number): number => whole(ms * 1000) / 1000;
export const cut = (name: string): string => (name.length > nameCharsMax ? name.slice(0, nameCharsMax) : name);

export const sumNames = [
  'answers',
  'failed',
  'stopped',
  'promptTokens',
  'completionTokens',
  'gpuMs',
  'avoidedGpuMs',
] as const satisfies readonly (keyof AnswerSums)[];

export const noAnswers: AnswerSums = {
  answers: 0,
  failed: 0,
  stopped: 0,
  promptTokens: 0,
  completionTokens: 0,
  gpuMs: 0,
  avoidedGpuMs: 0,
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function byKeys<K extends string, V>(keys: readonly K[], make: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;
}
