import { metricTable } from '../../metrics.ts';
import { above, each, equals, increase, sum } from '../expression.ts';
import { minuteMs, type AlertRule } from '../rule.ts';

const { alertDeliveries, buildInfo, redisUp } = metricTable;

export const systemRules: readonly AlertRule[] = [
  {
    name: 'CacheDown',
    severity: 'page',
    when: equals(each(redisUp.name), 0),
    forMs: minuteMs,
    noData: 'ok',
    summary: 'Redis does not answer: gateways no longer share answers, limits and the ledger.',
    action: 'Check that Redis runs and can be reached; requests go on without it.',
  },
  {
    name: 'AlertsNotDelivered',
    severity: 'ticket',
    when: above(increase(alertDeliveries.name, 30 * minuteMs, { outcome: ['failed', 'dropped'] }), 0),
    forMs: 0,
    noData: 'ok',
    summary: 'Messages about alerts did not reach their channel.',
    action: 'Run `llm-self-host alerts test` and read what the channel says.',
  },
  {
    name: 'GatewayDown',
    severity: 'page',
    when: equals(sum(buildInfo.name), 0),
    forMs: 5 * minuteMs,
    noData: 'fires',
    summary: 'No gateway has been seen for five minutes.',
    action: 'Check the process and its log.',
  },
];
