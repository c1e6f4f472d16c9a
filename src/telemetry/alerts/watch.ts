/** The built-in evaluator: looks at our own metrics at every tick, and says which alerts stand how. */
import type { EpochMs } from '../../core/units.ts';
import { evaluate, rowPrefix, type Vector } from './evaluate.ts';
import { seriesOf, type Series } from './expression.ts';
import { History, type HistoryOptions } from './history.ts';
import type { AlertRule, Recording } from './rule.ts';

/** One exported series; `name` with the suffix of a histogram. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export type AlertLevel = 'ok' | 'warn' | 'alert';

export interface AlertState {
  readonly rule: AlertRule;
  readonly level: AlertLevel;
  /** Its condition holds and its time is not up yet. */
  readonly pending: boolean;
  /** Since when `level` is what it is. */
  readonly since: EpochMs;
  /** Label sets that `when` and `warnWhen` have held for, and for long enough. */
  readonly alertFor: readonly string[];
  readonly warnFor: readonly string[];
  /** What the condition has just been worked out as, by labels. */
  readonly values: ReadonlyMap<string, number>;
}

export interface WatchDeps {
  readonly rules: readonly AlertRule[];
  readonly recordings: readonly Recording[];
  readonly options?: HistoryOptions;
}

export class Watch {
  readonly #rules: readonly AlertRule[];
  readonly #recordings: readonly Recording[];
  readonly #series: readonly Series[];
  readonly #history: History;
  readonly #states = new Map<string, AlertState>();
  /** When each condition began to hold. */
  readonly #holdsSince = new Map<string, ReadonlyMap<string, EpochMs>>();

  constructor({ rules, recordings, options }: WatchDeps) {
    this.#rules = rules.filter(({ noData }) => noData === 'ok');
    this.#recordings = recordings;
    this.#history = new History(options);
    const read = [
      ...this.#rules.flatMap(({ when, warnWhen }) => [when, ...(warnWhen ? [warnWhen] : [])]),
      ...recordings.map(({ of }) => of),
    ];
    const recorded = new Set(recordings.map(({ name }) => name));
    const series = read
      .flatMap(seriesOf)
      .map((each) => each.series)
      .filter(({ name }) => !recorded.has(name));
    this.#series = [...new Map(series.map((each) => [rowPrefix(each), each])).values()];
  }

  /** Names of the metrics it needs, without suffixes of histograms. */
  get metricNames(): readonly string[] {
    return [...new Set(this.#series.map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')))];
  }

  get states(): readonly AlertState[] {
    return this.#rules.flatMap(({ name }) => this.#states.get(name) ?? []);
  }

  tick(at: EpochMs, samples: readonly Sample[]): readonly AlertState[] {
    const byName = Map.groupBy(samples, ({ name }) => name);
    const values = new Map<string, number>();
    for (const series of this.#series) foldInto(values, series, byName.get(series.name) ?? []);
    this.#history.add(at, values);
    for (const { name, of } of this.#recordings) {
      const prefix = rowPrefix({ name, where: [], fold: 'each' });
      const worked = evaluate(of, { history: this.#history, atMs: at });
      this.#history.amend(new Map([...worked].map(([labels, value]) => [prefix + labels, value])));
    }
    for (const rule of this.#rules) this.#judge(rule, at);
    return this.states;
  }

  #judge(rule: AlertRule, at: EpochMs): void {
    const moment = { history: this.#history, atMs: at };
    const alert = evaluate(rule.when, moment);
    const warn = rule.warnWhen === undefined ? new Map<string, number>() : evaluate(rule.warnWhen, moment);
    const alertFor = this.#heldLongEnough(`${rule.name} alert`, alert, rule.forMs, at);
    const warnFor = this.#heldLongEnough(`${rule.name} warn`, warn, rule.forMs, at);
    const level: AlertLevel = alertFor.length > 0 ? 'alert' : warnFor.length > 0 ? 'warn' : 'ok';
    const before = this.#states.get(rule.name);
    this.#states.set(rule.name, {
      rule,
      level,
      pending: alert.size > alertFor.length || warn.size > warnFor.length,
      since: before?.level === level ? before.since : at,
      alertFor,
      warnFor,
      values: alert.size > 0 ? alert : warn,
    });
  }

  /** Each label set has its own time: one budget that recovers must not start the other's anew. */
  #heldLongEnough(key: string, holding: Vector, forMs: number, at: EpochMs): readonly string[] {
    const before = this.#holdsSince.get(key);
    const since = new Map([...holding.keys()].map((labels) => [labels, before?.get(labels) ?? at]));
    this.#holdsSince.set(key, since);
    return [...since].filter(([, each]) => at - each >= forMs).map(([labels]) => labels);
  }
}

/** Adds the rows of one series to `values`: one row for a sum, one for each label set otherwise. */
function foldInto(values: Map<string, number>, series: Series, samples: readonly Sample[]): void {
  const prefix = rowPrefix(series);
  for (const { labels, value } of samples) {
    const isWanted = series.where.every(
      ({ label, is, values: wanted }) => wanted.includes(String(labels[label] ?? '')) === (is === 'one-of'),
    );
    if (!isWanted) continue;
    const row = series.fold === 'each' ? prefix + labelText(labels) : prefix;
    const before = values.get(row);
    if (before === undefined) values.set(row, value);
    else values.set(row, series.fold === 'max' ? Math.max(before, value) : before + value);
  }
}

const labelText = (labels: Sample['labels']): string =>
  Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .sort()
    .join(',');
