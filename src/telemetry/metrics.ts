/** Every metric of the product in one table. Base units; labels bounded; names in docs/reference/metrics.md. */
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
// The metrics alone: the whole package also loads cluster support and default metrics, 8 MB that are never used.
import GaugeClass from 'prom-client/lib/gauge.js';
import RegistryClass from 'prom-client/lib/registry.js';
import { HotCounter, HotHistogram } from './hot-metrics.ts';
import { cacheMetrics } from './metrics/cache.ts';
import type { LabelValues, MetricDefinition } from './metrics/definition.ts';
import { fleetMetrics } from './metrics/fleet.ts';
import { moneyMetrics } from './metrics/money.ts';
import { redisMetrics } from './metrics/redis.ts';
import { systemMetrics } from './metrics/system.ts';
import { trafficMetrics } from './metrics/traffic.ts';
import { createModelLabels, type ModelLabels } from './model-labels.ts';

export const metricTable = {
  ...trafficMetrics,
  ...cacheMetrics,
  ...fleetMetrics,
  ...moneyMetrics,
  ...redisMetrics,
  ...systemMetrics,
} as const;

type Table = typeof metricTable;
export type MetricKey = keyof Table;
type MetricOf<D> = D extends { type: 'counter' } ? Counter : D extends { type: 'histogram' } ? Histogram : Gauge;
export type Metrics = { readonly [K in MetricKey]: MetricOf<Table[K]> } & {
  readonly registry: Registry;
  /** Which label a model gets: its own, or `other`. */
  readonly modelLabels: ModelLabels;
};

/** The most series a gateway exports, whatever it is asked. */
export const seriesMax = 2000;

export function createMetrics(): Metrics {
  const registry = new RegistryClass();
  const built: Record<string, unknown> = { registry, modelLabels: createModelLabels(metricTable, seriesMax) };
  for (const [key, definition] of Object.entries(metricTable as Readonly<Record<string, MetricDefinition>>)) {
    built[key] = buildMetric(definition, registry);
  }
  return built as unknown as Metrics;
}

function buildMetric(definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram {
  const { type, name, help, labels, start } = definition;
  const common = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  const zeroes = start === 'zero' ? labelSets(labels) : [];
  switch (type) {
    case 'counter': {
      const counter = new HotCounter(common);
      for (const each of zeroes) counter.inc(each, 0);
      return counter;
    }
    case 'gauge': {
      const gauge = new GaugeClass(common);
      // Without labels it is born with the value 0, which says more than is known.
      if (start === 'absent' && common.labelNames.length === 0) gauge.remove();
      for (const each of zeroes) gauge.set(each, 0);
      return gauge;
    }
    default:
      return new HotHistogram({ ...common, buckets: [...definition.buckets!] });
  }
}

/** Every combination of the label values. */
function labelSets(labels: Readonly<Record<string, LabelValues>>): readonly Readonly<Record<string, string>>[] {
  let sets: readonly Readonly<Record<string, string>>[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    if (!Array.isArray(values)) throw new TypeError(`the values of ${label} are not known beforehand`);
    sets = sets.flatMap((set) => (values as readonly string[]).map((value) => ({ ...set, [label]: value })));
  }
  return sets;
}
