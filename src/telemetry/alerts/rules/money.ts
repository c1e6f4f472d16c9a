import { metricTable } from '../../metrics.ts';
import {
  above,
  abs,
  and,
  below,
  clampMin,
  divide,
  each,
  increase,
  max,
  minus,
  share,
  times,
  type Expression,
} from '../expression.ts';
import { dayMs, hourMs, minuteMs, type AlertRule } from '../rule.ts';

const { budgetForecastUsd, budgetSpentUsd, budgetUsd, burnUsdPerHour, chargedUsd, costUsd, providerBalanceUsd } =
  metricTable;

const wasted = { component: ['gpu_idle', 'gpu_cold'] };
/** What a provider charges; fixed costs and fallbacks are on other bills. */
const provided = { component: ['gpu_busy', 'gpu_idle', 'gpu_cold', 'storage', 'bandwidth'] };

const idleShareAbove = (limit: number): Expression =>
  and(
    above(increase(costUsd.name, 6 * hourMs, wasted), times(limit, increase(costUsd.name, 6 * hourMs))),
    above(increase(costUsd.name, 6 * hourMs), 1),
  );

const creditBelow = (hours: number): Expression =>
  below(each(providerBalanceUsd.name), times(hours, clampMin(each(burnUsdPerHour.name), 0.01)));

const spentAbove = (part: number): Expression => above(divide(each(budgetSpentUsd.name), each(budgetUsd.name)), part);

const driftAbove = (part: number): Expression =>
  and(
    above(
      abs(minus(share(increase(costUsd.name, 2 * dayMs, provided), increase(chargedUsd.name, 2 * dayMs)), 1)),
      part,
    ),
    // Cents that one side books a minute later are no drift.
    above(increase(chargedUsd.name, 2 * dayMs), 1),
  );

export const moneyRules: readonly AlertRule[] = [
  {
    name: 'GpuIdleBurn',
    severity: 'ticket',
    when: idleShareAbove(0.7),
    warnWhen: idleShareAbove(0.5),
    forMs: 30 * minuteMs,
    noData: 'ok',
    summary: 'More than 70 % of the money of the last hours paid for machines that waited or loaded.',
    action: 'Lower the idle timeout of the fleet, or keep fewer machines warm.',
  },
  {
    name: 'BudgetForecastExceeded',
    severity: 'ticket',
    when: above(each(budgetForecastUsd.name), each(budgetUsd.name)),
    forMs: hourMs,
    noData: 'ok',
    summary: 'At this pace the budget is spent before its period ends.',
    action: 'Raise the budget, shorten the idle timeout, or accept that new questions stop when it is spent.',
  },
  {
    name: 'BudgetFastBurn',
    severity: 'page',
    when: above(increase(costUsd.name, hourMs), times(0.25, max(budgetUsd.name, { period: 'day' }))),
    forMs: 0,
    noData: 'ok',
    summary: 'One hour has cost more than a quarter of a day’s budget.',
    action: 'Run `llm-self-host fleet status`; if nobody asked for what runs, `llm-self-host fleet stop`.',
  },
  {
    name: 'BudgetNearlySpent',
    severity: 'page',
    when: spentAbove(0.95),
    warnWhen: spentAbove(0.8),
    forMs: 0,
    noData: 'ok',
    summary: 'The budget is nearly spent. When it is, cached answers go on and new questions are refused.',
    action: 'Raise the budget, or wait for the next period.',
  },
  {
    name: 'CreditLow',
    severity: 'page',
    when: creditBelow(24),
    warnWhen: creditBelow(72),
    forMs: 15 * minuteMs,
    noData: 'ok',
    summary: 'The credit at the provider lasts less than a day; machines stop without warning when it is gone.',
    action: 'Add credit at the provider.',
  },
  {
    name: 'InvoiceDrift',
    severity: 'ticket',
    when: driftAbove(0.05),
    forMs: 0,
    noData: 'ok',
    summary: 'What we metered and what the provider charged differ by more than 5 %.',
    action: 'Compare the daily charges with the ledger; look for instances that are not ours or prices that changed.',
  },
];
