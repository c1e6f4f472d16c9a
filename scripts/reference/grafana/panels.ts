/** Panels of Grafana in the few forms that our dashboards use. */
import type { MetricDefinition } from '../../../src/telemetry/metrics/definition.ts';

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly [setting: string]: unknown;
}

export interface Panel {
  readonly id: number;
  readonly type: 'row' | 'stat' | 'timeseries';
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly [setting: string]: unknown;
}

interface PanelForm {
  readonly type: Panel['type'];
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly [setting: string]: unknown;
}
/** An expression, and what its lines are called. */
type Query = readonly [expr: string, legend: string];

const datasource = { type: 'prometheus', uid: '${datasource}' };
const columns = 24;

/** Lays panels out from left to right, as many as fit beside each other. */
export function dashboard(uid: string, title: string, forms: readonly PanelForm[]): Dashboard {
  let [x, y, tallest] = [0, 0, 0];
  const panels = forms.map(({ width, height, ...form }, index) => {
    if (x + width > columns || form.type === 'row') {
      y += tallest;
      x = 0;
      tallest = 0;
    }
    const gridPos = { x, y, w: width, h: height };
    x += width;
    tallest = Math.max(tallest, height);
    return { ...form, id: index + 1, gridPos };
  });
  return {
    uid,
    title,
    tags: ['llm-self-host'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {}, hide: 0 },
      ],
    },
    annotations: {
      list: [
        {
          name: 'Alerts',
          datasource,
          enable: true,
          iconColor: 'red',
          expr: 'ALERTS{alertstate="firing",severity=~"page|ticket"}',
          titleFormat: '{{alertname}}',
          textFormat: '{{severity}}',
        },
      ],
    },
    panels,
  };
}

export const row = (title: string): PanelForm => ({
  type: 'row',
  title,
  width: columns,
  height: 1,
  collapsed: false,
  panels: [],
});

/** Where a figure turns from good to bad; `bad` above `good` where less is better. */
interface Limits {
  readonly good: number;
  readonly bad: number;
}

export function stat(title: string, unit: string, queries: readonly Query[], limits?: Limits): PanelForm {
  return {
    type: 'stat',
    title,
    width: 3,
    height: 4,
    datasource,
    targets: targets(queries),
    fieldConfig: {
      // A figure that is not known is a dash, never 0.
      defaults: {
        unit,
        noValue: '–',
        color: { mode: 'thresholds' },
        thresholds: { mode: 'absolute', steps: steps(limits) },
      },
      overrides: [],
    },
    options: {
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      colorMode: 'value',
      graphMode: 'area',
    },
  };
}

export function series(
  title: string,
  unit: string,
  queries: readonly Query[],
  form: 'lines' | 'stacked' = 'lines',
): PanelForm {
  return {
    type: 'timeseries',
    title,
    width: 8,
    height: 7,
    datasource,
    targets: targets(queries),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        custom: {
          lineWidth: 1,
          fillOpacity: form === 'stacked' ? 40 : 0,
          showPoints: 'never',
          spanNulls: false,
          stacking: { mode: form === 'stacked' ? 'normal' : 'none', group: 'A' },
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  };
}

/** `sum by (…) (rate(…))` of a counter. */
export const rateBy = ({ name }: MetricDefinition, by: readonly string[]): string =>
  `sum by (${by.join(', ')}) (rate(${name}[$__rate_interval]))`;

/** A quantile of a histogram, for each combination of these labels. */
export function quantile(
  share: number,
  { name }: MetricDefinition,
  by: readonly string[],
  where = '',
  window = '$__rate_interval',
): string {
  const selector = where === '' ? `${name}_bucket` : `${name}_bucket{${where}}`;
  return `histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (rate(${selector}[${window}])))`;
}

function steps(limits: Limits | undefined): readonly { readonly color: string; readonly value: number | null }[] {
  if (limits === undefined) return [{ color: 'text', value: null }];
  const { good, bad } = limits;
  return good > bad
    ? [
        { color: 'red', value: null },
        { color: 'orange', value: bad },
        { color: 'green', value: good },
      ]
    : [
        { color: 'green', value: null },
        { color: 'orange', value: good },
        { color: 'red', value: bad },
      ];
}

const targets = (queries: readonly Query[]) =>
  queries.map(([expr, legendFormat], index) => ({
    refId: String.fromCharCode(65 + index),
    datasource,
    expr,
    legendFormat,
  }));
