import type { MetricDefinition } from './definition.ts';

/** The gateway itself. */
export const systemMetrics = {
  redisUp: {
    type: 'gauge',
    name: 'selfhost_redis_up',
    labels: {},
    start: 'absent',
    help: '1 while Redis answers, 0 while it does not; absent where none is configured.',
  },
  alertDeliveries: {
    type: 'counter',
    name: 'selfhost_alert_deliveries_total',
    labels: {
      channel: ['webhook', 'slack', 'discord', 'ntfy', 'email'],
      outcome: ['sent', 'failed', 'dropped'],
    },
    start: 'zero',
    help: 'Messages about alerts, by channel; failed after all tries, dropped where too many waited.',
  },
  buildInfo: {
    type: 'gauge',
    name: 'selfhost_build_info',
    labels: { version: { max: 1 }, commit: { max: 1 } },
    start: 'absent',
    help: 'Always 1.',
  },
  configInfo: {
    type: 'gauge',
    name: 'selfhost_config_info',
    labels: { hash: { max: 1 } },
    start: 'absent',
    help: 'Always 1; the hash changes with the configuration, and holds none of its secrets.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
