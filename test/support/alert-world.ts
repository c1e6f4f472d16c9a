/** Hours in the life of a gateway as its metrics tell them, minute by minute: for Prometheus and for our own evaluator alike. */

export interface SeriesLine {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** undefined where it has no value. */
  readonly at: (minute: number) => number | undefined;
}

export interface Scenario {
  readonly title: string;
  readonly minutes: number;
  readonly lines: readonly SeriesLine[];
  /** Every alert that fires at the end, `Name severity`; nothing else may. */
  readonly fires: readonly string[];
}

type Pace = number | ((minute: number) => number | undefined);

/** A counter that grows by so much a minute, or a gauge that has the value; a function says it outright. */
const counter = (name: string, labels: Record<string, string>, pace: Pace): SeriesLine => ({
  name,
  labels,
  at: typeof pace === 'number' ? (minute) => pace * minute : pace,
});
const gauge = (name: string, labels: Record<string, string>, value: Pace): SeriesLine => ({
  name,
  labels,
  at: typeof value === 'number' ? () => value : value,
});

/** `name{label=value,…}` → what it does instead. */
export type Changes = Readonly<Record<string, Pace | 'absent'>>;

const keyOf = ({ name, labels }: SeriesLine): string => {
  const inner = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return name.replace('selfhost_', '') + (inner.length === 0 ? '' : `{${inner.join(',')}}`);
};

/** One busy, healthy gateway with a budget, a provider and Redis. */
function healthy(): readonly SeriesLine[] {
  const requests = (outcome: string, pace: number) =>
    counter('selfhost_requests_total', { route: 'chat', model: 'm', outcome }, pace);
  const lookups = (result: string, pace: number) => counter('selfhost_cache_lookups_total', { result }, pace);
  const cost = (component: string, pace: number) => counter('selfhost_cost_usd_total', { component }, pace);
  const hit = { source: 'exact', stream: 'false' };
  const miss = { source: 'thinker', model: 'm' };
  return [
    requests('ok', 10),
    requests('client_error', 1),
    requests('upstream_error', 0),
    requests('timeout', 0),
    requests('overloaded', 0),
    requests('budget_blocked', 0),
    requests('cancelled', 0.5),
    counter('selfhost_request_duration_seconds_bucket', { ...hit, le: '0.1' }, 5),
    counter('selfhost_request_duration_seconds_count', hit, 5),
    counter('selfhost_time_to_first_token_seconds_bucket', { ...miss, le: '5' }, 5),
    counter('selfhost_time_to_first_token_seconds_count', miss, 5),
    gauge('selfhost_inflight_requests', { source: 'thinker' }, 1),
    lookups('hit_exact', 3),
    lookups('hit_semantic', 2),
    lookups('miss', 5),
    lookups('near_miss', 0),
    lookups('holdout', 0),
    lookups('bypass', 1),
    lookups('error', 0),
    ...['renting', 'loading', 'draining', 'stopped', 'failed'].map((state) => gauge('selfhost_thinkers', { state }, 0)),
    gauge('selfhost_thinkers', { state: 'ready' }, 1),
    ...['ok', 'timeout', 'failed', 'outbid'].map((result) => counter('selfhost_thinker_starts_total', { result }, 0)),
    ...['idle', 'budget', 'unhealthy', 'outbid', 'manual', 'max_age'].map((reason) =>
      counter('selfhost_thinker_stops_total', { reason }, 0),
    ),
    counter('selfhost_thinker_seconds_total', { phase: 'busy' }, 40),
    counter('selfhost_thinker_seconds_total', { phase: 'idle' }, 20),
    counter('selfhost_thinker_seconds_total', { phase: 'cold' }, 0),
    cost('gpu_busy', 0.006),
    cost('gpu_idle', 0.003),
    cost('gpu_cold', 0),
    cost('storage', 0.0005),
    cost('bandwidth', 0),
    cost('fixed', 0.0005),
    cost('fallback', 0),
    counter('selfhost_charged_usd_total', {}, 0.0095),
    gauge('selfhost_burn_usd_per_hour', {}, 0.6),
    gauge('selfhost_provider_balance_usd', {}, 60),
    gauge('selfhost_budget_usd', { period: 'day' }, 20),
    gauge('selfhost_budget_usd', { period: 'month' }, 300),
    gauge('selfhost_budget_spent_usd', { period: 'day' }, 3),
    gauge('selfhost_budget_spent_usd', { period: 'month' }, 90),
    gauge('selfhost_budget_forecast_usd', { period: 'day' }, 14),
    gauge('selfhost_budget_forecast_usd', { period: 'month' }, 280),
    gauge('selfhost_orphan_instances', {}, 0),
    // Its clock is that of the samples: minute 0 is the epoch.
    gauge('selfhost_last_reconcile_timestamp_seconds', {}, (minute) => minute * 60),
    counter('selfhost_cache_audits_total', { verdict: 'correct', judge: 'rules' }, 0.5),
    counter('selfhost_cache_audits_total', { verdict: 'wrong', judge: 'rules' }, 0),
    counter('selfhost_cache_audits_total', { verdict: 'unsure', judge: 'rules' }, 0.1),
    counter('selfhost_cache_breaker_firings_total', {}, 0),
    gauge('selfhost_redis_up', {}, 1),
    counter('selfhost_alert_deliveries_total', { channel: 'ntfy', outcome: 'sent' }, 0.01),
    counter('selfhost_alert_deliveries_total', { channel: 'ntfy', outcome: 'failed' }, 0),
    counter('selfhost_alert_deliveries_total', { channel: 'ntfy', outcome: 'dropped' }, 0),
    gauge('selfhost_build_info', { version: '1', commit: 'c' }, 1),
  ];
}

/** @throws when a change names no series, so that a test cannot change nothing */
export function healthyBut(changes: Changes): readonly SeriesLine[] {
  const lines = healthy();
  const known = new Set(lines.map(keyOf));
  for (const key of Object.keys(changes)) if (!known.has(key)) throw new Error(`no series ${key}`);
  return lines.flatMap((line) => {
    const change = changes[keyOf(line)];
    if (change === undefined) return [line];
    if (change === 'absent') return [];
    const isCounter = /_(total|bucket|count)$/.test(line.name);
    return [isCounter ? counter(line.name, line.labels, change) : gauge(line.name, line.labels, change)];
  });
}

/** The fleet has gone to sleep after an hour of work, and nobody asks. */
export function asleep(): readonly SeriesLine[] {
  const sleepsFrom = 60;
  const still: Changes = {
    'inflight_requests{source=thinker}': 0,
    'thinkers{state=ready}': 0,
    'thinkers{state=stopped}': 1,
    burn_usd_per_hour: 0,
    'thinker_stops_total{reason=idle}': (minute) => (minute < sleepsFrom ? 0 : 1),
  };
  return healthyBut(still).map((line) => {
    const isCounter = /_(total|bucket|count)$/.test(line.name);
    return isCounter ? { ...line, at: (minute) => line.at(Math.min(minute, sleepsFrom)) } : line;
  });
}

/** Started, with nothing configured and no request yet: what is known is zero, the rest is not there. */
export function bare(): readonly SeriesLine[] {
  const absent =
    /provider_balance|burn_|budget|orphan|last_reconcile|redis_up|_requests_total|_bucket|_count|_seconds_count/;
  return healthy()
    .filter(({ name }) => !absent.test(name))
    .map((line) => {
      if (line.name === 'selfhost_build_info' || line.labels['state'] === 'ready') return line;
      return { ...line, at: () => 0 };
    });
}

/** Before `from` as healthy, then so much a minute. */
export const from =
  (start: number, before: number, after: number) =>
  (minute: number): number =>
    before * Math.min(minute, start) + after * Math.max(0, minute - start);

/** One value, then another. */
export const turns =
  (start: number, before: number, after: number) =>
  (minute: number): number =>
    minute < start ? before : after;
