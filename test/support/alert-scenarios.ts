import { asleep, bare, from, healthyBut, turns, type Changes, type Scenario } from './alert-world.ts';

const upstreamErrors = 'requests_total{route=chat,model=m,outcome=upstream_error}';
const okRequests = 'requests_total{route=chat,model=m,outcome=ok}';

const bad = (title: string, minutes: number, changes: Changes, ...fires: string[]): Scenario => ({
  title,
  minutes,
  lines: healthyBut(changes),
  fires,
});

/** For each alert an hour in which it must fire, and for the tempting ones an hour in which it must not. */
export const scenarios: readonly Scenario[] = [
  { title: 'a good day', minutes: 400, lines: healthyBut({}), fires: [] },
  { title: 'a fleet asleep', minutes: 400, lines: asleep(), fires: [] },
  { title: 'a fresh start with nothing configured', minutes: 120, lines: bare(), fires: [] },
  bad(
    'a fifth of the requests fails',
    300,
    { [upstreamErrors]: from(240, 0, 2.5) },
    'AvailabilityFastBurn page',
    'AvailabilityBurn page',
    'AvailabilitySlowBurn ticket',
  ),
  bad(
    'one request in twenty fails for hours',
    300,
    { [upstreamErrors]: from(120, 0, 0.6) },
    'AvailabilityBurn page',
    'AvailabilitySlowBurn ticket',
  ),
  bad('one request in a hundred fails', 300, { [upstreamErrors]: 0.1 }, 'AvailabilitySlowBurn ticket'),
  bad('the failures are long over', 460, { [upstreamErrors]: (minute) => Math.max(0, Math.min(minute, 90) - 60) * 2 }),
  bad('one of three requests fails in a quiet hour', 120, {
    [okRequests]: (minute) => Math.floor(minute / 30),
    [upstreamErrors]: (minute) => Math.floor(minute / 60),
  }),
  bad(
    'hits are slow',
    120,
    { 'request_duration_seconds_bucket{source=exact,stream=false,le=0.1}': from(40, 5, 1) },
    'HitLatencyBurn ticket',
  ),
  bad(
    'first tokens are late',
    120,
    { 'time_to_first_token_seconds_bucket{source=thinker,model=m,le=5}': from(40, 5, 1) },
    'MissTtftBurn page',
  ),
  bad('first tokens have only now begun to be late', 120, {
    'time_to_first_token_seconds_bucket{source=thinker,model=m,le=5}': from(115, 5, 0),
  }),
  bad(
    'no thinker is ready and people wait',
    60,
    { 'thinkers{state=ready}': turns(30, 1, 0), 'inflight_requests{source=thinker}': turns(30, 1, 4) },
    'NoHealthyThinker page',
  ),
  bad('a thinker is gone for two minutes', 60, { 'thinkers{state=ready}': turns(58, 1, 0) }),
  bad('a start hangs', 90, { 'thinkers{state=loading}': turns(30, 0, 1) }, 'ColdStartStuck page'),
  bad('a slow start comes up', 90, {
    'thinkers{state=loading}': (minute) => (minute >= 30 && minute < 48 ? 1 : 0),
    'thinker_starts_total{result=ok}': turns(48, 0, 1),
  }),
  bad(
    'hosts are lost again and again',
    120,
    { 'thinker_stops_total{reason=outbid}': from(60, 0, 0.1) },
    'InstanceFlapping ticket',
  ),
  bad(
    'starts follow each other',
    120,
    { 'thinker_starts_total{result=failed}': from(60, 0, 0.2) },
    'InstanceFlapping ticket',
  ),
  bad(
    'machines wait most of the time',
    240,
    { 'cost_usd_total{component=gpu_busy}': 0.001, 'cost_usd_total{component=gpu_idle}': 0.008 },
    'GpuIdleBurn ticket',
    'GpuIdleBurn warn',
  ),
  bad(
    'machines wait more than half of the time',
    240,
    { 'cost_usd_total{component=gpu_busy}': 0.003, 'cost_usd_total{component=gpu_idle}': 0.006 },
    'GpuIdleBurn warn',
  ),
  bad('waiting cost a dime', 240, {
    'cost_usd_total{component=gpu_busy}': 0,
    'cost_usd_total{component=gpu_idle}': 0.0003,
    'cost_usd_total{component=storage}': 0,
    'cost_usd_total{component=fixed}': 0,
    charged_usd_total: 0.0003,
  }),
  bad(
    'the forecast is beyond the budget of the month',
    120,
    { 'budget_forecast_usd{period=month}': turns(30, 280, 320) },
    'BudgetForecastExceeded ticket',
  ),
  bad(
    'one hour eats a third of the day',
    120,
    { 'cost_usd_total{component=gpu_busy}': from(60, 0.006, 0.11), charged_usd_total: from(60, 0.0095, 0.1135) },
    'BudgetFastBurn page',
  ),
  bad(
    'the day is nearly spent',
    60,
    { 'budget_spent_usd{period=day}': turns(30, 3, 19.5) },
    'BudgetNearlySpent page',
    'BudgetNearlySpent warn',
  ),
  bad('the month is at 85 %', 60, { 'budget_spent_usd{period=month}': turns(30, 90, 255) }, 'BudgetNearlySpent warn'),
  bad(
    'the credit lasts half a day',
    60,
    { provider_balance_usd: turns(30, 60, 7) },
    'CreditLow page',
    'CreditLow warn',
  ),
  bad('the credit lasts two days', 60, { provider_balance_usd: turns(30, 60, 30) }, 'CreditLow warn'),
  bad('a machine is nobody’s', 60, { orphan_instances: turns(40, 0, 1) }, 'OrphanInstance page'),
  bad('a machine is nobody’s for a moment', 60, { orphan_instances: turns(55, 0, 1) }),
  bad(
    'the market has not answered',
    60,
    { last_reconcile_timestamp_seconds: (minute) => Math.min(minute, 30) * 60 },
    'ReconcileStale ticket',
  ),
  bad(
    'hits fall away',
    300,
    {
      'cache_lookups_total{result=hit_exact}': from(180, 3, 0.2),
      'cache_lookups_total{result=hit_semantic}': from(180, 2, 0.2),
      'cache_lookups_total{result=miss}': from(180, 5, 9),
    },
    'HitRateDrop ticket',
  ),
  bad('nobody asks in the night', 300, {
    'cache_lookups_total{result=hit_exact}': from(120, 3, 0),
    'cache_lookups_total{result=hit_semantic}': from(120, 2, 0),
    'cache_lookups_total{result=miss}': from(120, 5, 0.1),
  }),
  bad(
    'audits find wrong hits',
    120,
    { 'cache_audits_total{verdict=wrong,judge=rules}': from(60, 0, 0.1) },
    'FalseHitRateHigh page',
  ),
  bad('audits find one wrong hit', 120, { 'cache_audits_total{verdict=wrong,judge=rules}': turns(60, 0, 1) }),
  bad(
    'the semantic tier is closed',
    120,
    { cache_breaker_firings_total: turns(100, 0, 1) },
    'SemanticTierClosed ticket',
  ),
  bad('the provider charges a tenth more', 240, { charged_usd_total: 0.0106 }, 'InvoiceDrift ticket'),
  bad('own servers cost and nobody charges', 240, { charged_usd_total: 0 }),
  bad('Redis is away', 60, { redis_up: turns(50, 1, 0) }, 'CacheDown page'),
  bad(
    'messages do not arrive',
    60,
    { 'alert_deliveries_total{channel=ntfy,outcome=failed}': turns(45, 0, 1) },
    'AlertsNotDelivered ticket',
  ),
];

/** Only Prometheus can see this one: who is gone cannot tell. */
export const gone: Scenario = {
  title: 'the gateway is gone',
  minutes: 60,
  lines: healthyBut({}).map((line) => ({ ...line, at: (minute) => (minute < 30 ? line.at(minute) : undefined) })),
  fires: ['GatewayDown page'],
};
