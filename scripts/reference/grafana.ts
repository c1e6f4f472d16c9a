/** deploy/grafana/: two dashboards and what provisions them, from the table of metrics. */
import { stringify } from 'yaml';
import { metricTable } from '../../src/telemetry/metrics.ts';
import { cacheHitRatio, errorRatio, utilizationRatio } from '../../src/telemetry/alerts/rules/recordings.ts';
import { dashboard, quantile, rateBy, row, series, stat, type Dashboard } from './grafana/panels.ts';

const m = metricTable;
const hits = 'source=~"exact|semantic"';

export const overview: Dashboard = dashboard('selfhost-overview', 'llm-self-host: Overview', [
  row('Is it up, is it fast, is it saving?'),
  stat('Answered', 'percentunit', [[`1 - ${errorRatio('1h')}`, 'last hour']], { good: 0.995, bad: 0.99 }),
  stat('95 % of hits within', 's', [[quantile(0.95, m.requestDuration, [], hits, '1h'), 'last hour']], {
    good: 0.1,
    bad: 0.25,
  }),
  stat(
    '95 % of first tokens within',
    's',
    [[quantile(0.95, m.timeToFirstToken, [], 'source="thinker"', '1h'), 'last hour']],
    { good: 5, bad: 10 },
  ),
  stat('From the cache', 'percentunit', [[cacheHitRatio, 'last hour']]),
  stat('Wrong hits, at most', 'percentunit', [[`max(${m.cacheFalseHitRatio.name}{stat="high"})`, '95 % bound']], {
    good: 0.02,
    bad: 0.05,
  }),
  stat('Thinkers ready', 'short', [[`sum(${m.thinkers.name}{state="ready"})`, '']]),
  stat('Alerts', 'short', [['count(ALERTS{alertstate="firing"}) or vector(0)', 'firing']], {
    good: 0,
    bad: 1,
  }),
  row('Requests'),
  series('Requests by outcome', 'reqps', [[rateBy(m.requests, ['outcome']), '{{outcome}}']], 'stacked'),
  series('Requests by route', 'reqps', [[rateBy(m.requests, ['route']), '{{route}}']], 'stacked'),
  series('Time of an answer, 95 %', 's', [[quantile(0.95, m.requestDuration, ['source']), '{{source}}']]),
  series('First token, 95 %', 's', [[quantile(0.95, m.timeToFirstToken, ['source']), '{{source}}']]),
  series('Wait for a thinker, 95 %', 's', [[quantile(0.95, m.queueWait, ['model']), '{{model}}']]),
  series('Being answered', 'short', [[`sum by (source) (${m.inflight.name})`, '{{source}}']]),
  series('Tokens', 'short', [[rateBy(m.tokens, ['direction', 'source']), '{{direction}} {{source}}']], 'stacked'),
  series('Time per token, median', 's', [[quantile(0.5, m.timePerOutputToken, ['model']), '{{model}}']]),
  row('Cache'),
  series('Lookups', 'ops', [[rateBy(m.cacheLookups, ['result']), '{{result}}']], 'stacked'),
  series('Hits, and the bound of wrong ones', 'percentunit', [
    [cacheHitRatio, 'hits'],
    [`max(${m.cacheFalseHitRatio.name}{stat="high"})`, 'wrong, at most'],
  ]),
  series('Stages of a lookup, 95 %', 's', [[quantile(0.95, m.cacheStage, ['stage']), '{{stage}}']]),
  series('Nearest candidate, median cosine', 'short', [
    [quantile(0.5, m.cacheBestSimilarity, ['decision']), '{{decision}}'],
  ]),
  series('Audits', 'short', [[`sum by (verdict) (increase(${m.cacheAudits.name}[1h]))`, '{{verdict}}']], 'stacked'),
  series('Served from this probability on', 'percentunit', [[`max(${m.cacheThreshold.name})`, 'threshold']]),
  series('Refused by guards', 'ops', [[rateBy(m.cacheGuardVetoes, ['guard']), '{{guard}}']], 'stacked'),
  series('Stored answers', 'short', [[`sum(${m.cacheEntries.name})`, 'entries']]),
  series('Stored bytes', 'bytes', [[`sum(${m.cacheBytes.name})`, 'bytes']]),
  series('Evictions', 'ops', [[rateBy(m.cacheEvictions, ['reason']), '{{reason}}']], 'stacked'),
  row('The gateway'),
  series('Before cache or thinker, 99 %', 's', [[quantile(0.99, m.gatewayOverhead, []), 'overhead']]),
  series('Redis', 'short', [[`min(${m.redisUp.name})`, 'up']]),
  series('Messages about alerts', 'short', [
    [`sum by (channel, outcome) (increase(${m.alertDeliveries.name}[1h]))`, '{{channel}} {{outcome}}'],
  ]),
]);

export const fleetAndCost: Dashboard = dashboard('selfhost-fleet-cost', 'llm-self-host: Fleet & cost', [
  row('What does it cost?'),
  stat('Burning now', 'currencyUSD', [[`sum(${m.burnUsdPerHour.name})`, 'an hour']]),
  stat('Metered', 'currencyUSD', [[`sum(increase(${m.costUsd.name}[$__range]))`, 'in this range']]),
  stat('Avoided, marginal', 'currencyUSD', [
    [`sum(increase(${m.avoidedUsd.name}{basis="marginal"}[$__range]))`, 'in this range'],
  ]),
  stat(
    'Day, of its budget',
    'percentunit',
    [[`max(${m.budgetSpentUsd.name}{period="day"} / ${m.budgetUsd.name}{period="day"})`, 'spent']],
    { good: 0.8, bad: 0.95 },
  ),
  stat(
    'Month, of its budget',
    'percentunit',
    [[`max(${m.budgetForecastUsd.name}{period="month"} / ${m.budgetUsd.name}{period="month"})`, 'forecast']],
    { good: 0.9, bad: 1 },
  ),
  stat('Credit', 'currencyUSD', [[`min(${m.providerBalanceUsd.name})`, 'at the provider']]),
  stat('Paid time that worked', 'percentunit', [[utilizationRatio, 'last hour']]),
  row('Money'),
  series(
    'Cost an hour by component',
    'currencyUSD',
    [[`3600 * ${rateBy(m.costUsd, ['component'])}`, '{{component}}']],
    'stacked',
  ),
  series('Avoided an hour, by basis', 'currencyUSD', [[`3600 * ${rateBy(m.avoidedUsd, ['basis'])}`, '{{basis}}']]),
  series('Budgets', 'currencyUSD', [
    [`max by (period) (${m.budgetSpentUsd.name})`, 'spent, {{period}}'],
    [`max by (period) (${m.budgetForecastUsd.name})`, 'forecast, {{period}}'],
    [`max by (period) (${m.budgetUsd.name})`, 'cap, {{period}}'],
  ]),
  series('Metered and charged, two days', 'currencyUSD', [
    [`sum(increase(${m.costUsd.name}{component=~"gpu_busy|gpu_idle|gpu_cold|storage|bandwidth"}[2d]))`, 'metered'],
    [`sum(increase(${m.chargedUsd.name}[2d]))`, 'charged'],
  ]),
  row('Fleet'),
  series('Thinkers', 'short', [[`sum by (state) (${m.thinkers.name})`, '{{state}}']], 'stacked'),
  series('Billed time', 'percentunit', [[rateBy(m.thinkerSeconds, ['phase']), '{{phase}}']], 'stacked'),
  series('Running, of places', 'short', [
    [`sum(${m.thinkerInflight.name})`, 'running'],
    [`sum(${m.thinkerSlots.name})`, 'places'],
  ]),
  series('GPU, as it says', 'percentunit', [[`max by (slot) (${m.thinkerGpuUtilization.name})`, '{{slot}}']]),
  series('GPU memory', 'bytes', [[`max by (slot) (${m.thinkerVramUsed.name})`, '{{slot}}']]),
  series('Cold start, median', 's', [[quantile(0.5, m.thinkerColdStart, ['stage'], '', '6h'), '{{stage}}']]),
  series('Starts', 'short', [[`sum by (result) (increase(${m.thinkerStarts.name}[1h]))`, '{{result}}']], 'stacked'),
  series(
    'Starts from disk',
    'short',
    [[`sum by (result) (increase(${m.thinkerRestarts.name}[1h]))`, '{{result}}']],
    'stacked',
  ),
  series('Stops', 'short', [[`sum by (reason) (increase(${m.thinkerStops.name}[1h]))`, '{{reason}}']], 'stacked'),
  series('Calls to thinkers', 'ops', [[rateBy(m.upstreamRequests, ['outcome']), '{{outcome}}']], 'stacked'),
  row('The market'),
  series('Offers', 'currencyUSD', [[`min by (gpu, stat) (${m.offerPrice.name})`, '{{gpu}} {{stat}}']]),
  series('Calls to the market', 'ops', [[rateBy(m.providerRequests, ['op', 'outcome']), '{{op}} {{outcome}}']]),
  series('Machines that belong to nothing', 'short', [[`max(${m.orphanInstances.name})`, 'orphans']]),
  series('Since the last comparison with the market', 's', [[`time() - max(${m.lastReconcile.name})`, 'age']]),
]);

/** By path from the root of the repository. */
export function grafanaFiles(): Readonly<Record<string, string>> {
  const header = '# Generated by `npm run docs:reference`; changes here are lost.\n';
  const yaml = (value: unknown) => header + stringify(value, { lineWidth: 0 });
  return {
    'deploy/grafana/dashboards/overview.json': `${JSON.stringify(overview, null, 2)}\n`,
    'deploy/grafana/dashboards/fleet-and-cost.json': `${JSON.stringify(fleetAndCost, null, 2)}\n`,
    'deploy/grafana/provisioning/datasources/prometheus.yaml': yaml({
      apiVersion: 1,
      datasources: [
        {
          name: 'Prometheus',
          uid: 'prometheus',
          type: 'prometheus',
          access: 'proxy',
          url: 'http://prometheus:9090',
          isDefault: true,
        },
      ],
    }),
    'deploy/grafana/provisioning/dashboards/llm-self-host.yaml': yaml({
      apiVersion: 1,
      providers: [
        {
          name: 'llm-self-host',
          type: 'file',
          allowUiUpdates: false,
          options: { path: '/var/lib/grafana/dashboards' },
        },
      ],
    }),
  };
}
