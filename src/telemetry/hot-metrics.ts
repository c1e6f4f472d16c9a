/**
 * Counters and histograms whose handles cost an addition. prom-client checks the labels, hashes them
 * and turns numbers into property names at every observation, which is a tenth of a cached answer; here
 * a handle keeps plain numbers, and they are carried over when somebody reads the metrics.
 */
import type { CounterConfiguration, Histogram, HistogramConfiguration } from 'prom-client';
import CounterClass from 'prom-client/lib/counter.js';
import HistogramClass from 'prom-client/lib/histogram.js';

/** As `Counter`; what is counted through `labels()` shows when the metric is read. */
export class HotCounter extends CounterClass {
  readonly #handles = new Map<string, CounterHandle>();

  constructor(configuration: Omit<CounterConfiguration<string>, 'collect'>) {
    super({
      ...configuration,
      collect() {
        (this as unknown as HotCounter).#flush();
      },
    });
  }

  override labels(...values: LabelArguments): CounterHandle {
    const labels = labelsOf(this, values);
    const key = JSON.stringify(labels);
    let handle = this.#handles.get(key);
    if (handle === undefined) this.#handles.set(key, (handle = new CounterHandle(labels)));
    return handle;
  }

  #flush(): void {
    for (const handle of this.#handles.values()) {
      const counted = handle.take();
      if (counted > 0) this.inc(handle.labels, counted);
    }
  }
}

class CounterHandle {
  readonly labels: Labels;
  #counted = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  /** @param value at least 0 */
  inc(value = 1): void {
    if (!(value >= 0 && value < Infinity)) throw new TypeError(`a counter cannot grow by ${value}`);
    this.#counted += value;
  }

  take(): number {
    const counted = this.#counted;
    this.#counted = 0;
    return counted;
  }
}

/** As `Histogram`; what is observed through `labels()` shows when the metric is read. */
export class HotHistogram extends HistogramClass {
  readonly #handles = new Map<string, HistogramHandle>();
  readonly #bounds: Float64Array;

  constructor(configuration: Omit<HistogramConfiguration<string>, 'collect'> & { readonly buckets: number[] }) {
    super({
      ...configuration,
      collect() {
        (this as unknown as HotHistogram).#flush();
      },
    });
    this.#bounds = Float64Array.from(configuration.buckets);
  }

  override labels(...values: LabelArguments): Histogram.Internal<string> {
    const labels = labelsOf(this, values);
    const key = JSON.stringify(labels);
    let handle = this.#handles.get(key);
    if (handle === undefined) {
      const plain = super.labels(labels);
      const startTimer = () => plain.startTimer();
      this.#handles.set(key, (handle = new HistogramHandle(labels, this.#bounds, startTimer)));
    }
    return handle;
  }

  #flush(): void {
    for (const handle of this.#handles.values()) {
      if (handle.count === 0) continue;
      handle.addTo(this.#rowOf(handle.labels), this.#bounds);
    }
  }

  /** prom-client has no way in for many observations at once: the row is its own, made by its `zero`. */
  #rowOf(labels: Labels): HistogramRow {
    const { hashMap } = this as unknown as { readonly hashMap: Readonly<Record<string, HistogramRow>> };
    const wanted = Object.entries(labels);
    const find = () =>
      Object.values(hashMap).find(
        (row) =>
          Object.keys(row.labels).length === wanted.length &&
          wanted.every(([name, value]) => row.labels[name] === value),
      );
    const row = find();
    if (row !== undefined) return row;
    this.zero(labels);
    return find()!;
  }
}

interface HistogramRow {
  readonly labels: Labels;
  readonly bucketValues: Record<number, number>;
  sum: number;
  count: number;
}

class HistogramHandle {
  readonly labels: Labels;
  readonly startTimer: Histogram.Internal<string>['startTimer'];
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;
  count = 0;

  constructor(labels: Labels, bounds: Float64Array, startTimer: Histogram.Internal<string>['startTimer']) {
    this.labels = labels;
    this.startTimer = startTimer;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length);
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`${value} cannot be observed; expected a finite number`);
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    // Beyond the last bound only the total counts.
    if (at < bounds.length) this.#counts[at]! += 1;
    this.#sum += value;
    this.count += 1;
  }

  addTo(row: HistogramRow, bounds: Float64Array): void {
    bounds.forEach((bound, at) => (row.bucketValues[bound]! += this.#counts[at]!));
    row.sum += this.#sum;
    row.count += this.count;
    this.#counts.fill(0);
    this.#sum = 0;
    this.count = 0;
  }
}

type Labels = Readonly<Record<string, string | number>>;
type LabelArguments = readonly string[] | readonly [Partial<Record<string, string | number>>];

function labelsOf(metric: object, values: LabelArguments): Labels {
  const [first] = values;
  if (typeof first === 'object') return first as Labels;
  const { labelNames } = metric as { readonly labelNames: readonly string[] };
  if (labelNames.length !== values.length) {
    throw new TypeError(`${values.length} label values for ${labelNames.length} labels (${labelNames.join(', ')})`);
  }
  return Object.fromEntries(labelNames.map((name, at) => [name, values[at] as string]));
}
