import type { MetricDefinition } from './definition.ts';

const periods = ['day', 'month'] as const;

/** What it costs, what it saves, what may still be spent. */
export const moneyMetrics = {
  costUsd: {
    type: 'counter',
    name: 'selfhost_cost_usd_total',
    labels: { component: ['gpu_busy', 'gpu_idle', 'gpu_cold', 'storage', 'bandwidth', 'fixed', 'fallback'] },
    start: 'zero',
    help: 'Metered cost; the components add up to the bill.',
  },
  chargedUsd: {
    type: 'counter',
    name: 'selfhost_charged_usd_total',
    labels: {},
    start: 'zero',
    help: 'What the provider says it charged.',
  },
  avoidedUsd: {
    type: 'counter',
    name: 'selfhost_avoided_usd_total',
    labels: { basis: ['marginal', 'cloud_gpu', 'token_api'] },
    start: 'zero',
    help: 'What answers from the cache would have cost, on each basis.',
  },
  burnUsdPerHour: {
    type: 'gauge',
    name: 'selfhost_burn_usd_per_hour',
    labels: {},
    start: 'absent',
    help: 'What an hour like this moment costs.',
  },
  providerBalanceUsd: {
    type: 'gauge',
    name: 'selfhost_provider_balance_usd',
    labels: {},
    start: 'absent',
    help: 'Credit at the provider.',
  },
  budgetUsd: {
    type: 'gauge',
    name: 'selfhost_budget_usd',
    labels: { period: periods },
    start: 'absent',
    help: 'Cap on spending.',
  },
  budgetSpentUsd: {
    type: 'gauge',
    name: 'selfhost_budget_spent_usd',
    labels: { period: periods },
    start: 'absent',
    help: 'Spent in the running period.',
  },
  budgetForecastUsd: {
    type: 'gauge',
    name: 'selfhost_budget_forecast_usd',
    labels: { period: periods },
    start: 'absent',
    help: 'Spent by the end of the period if it goes on like this.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
