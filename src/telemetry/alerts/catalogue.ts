/** Every alert of the product, once: Prometheus, the built-in evaluator, the runbook and the dashboards read it here. */
import type { AlertRule } from './rule.ts';
import { availabilityRules } from './rules/availability.ts';
import { cacheRules } from './rules/cache.ts';
import { fleetRules } from './rules/fleet.ts';
import { moneyRules } from './rules/money.ts';
import { systemRules } from './rules/system.ts';

export const alertRules: readonly AlertRule[] = [
  ...availabilityRules,
  ...fleetRules,
  ...moneyRules,
  ...cacheRules,
  ...systemRules,
];
