import { stageBucketsS, type MetricDefinition } from './definition.ts';

const directions = ['read', 'write'] as const;

/** The shared store. What needs an alert is absent where no Redis is configured. */
export const redisMetrics = {
  redisCommands: {
    type: 'counter',
    name: 'selfhost_redis_commands_total',
    labels: { direction: directions, outcome: ['ok', 'refused', 'failed'] },
    start: 'absent',
    help: 'Commands for Redis: answered, refused by it or by the breaker, not answered in time.',
  },
  redisCommandDuration: {
    type: 'histogram',
    name: 'selfhost_redis_command_seconds',
    labels: { direction: directions },
    buckets: stageBucketsS,
    start: 'absent',
    help: 'Round trips to Redis.',
  },
  redisBreaker: {
    type: 'gauge',
    name: 'selfhost_redis_breaker_open',
    labels: { direction: directions },
    start: 'absent',
    help: '1 while Redis is left alone after failures, by direction.',
  },
  redisConnects: {
    type: 'counter',
    name: 'selfhost_redis_connects_total',
    labels: {},
    start: 'zero',
    help: 'Times Redis became ready.',
  },
  redisWritesDropped: {
    type: 'counter',
    name: 'selfhost_redis_writes_dropped_total',
    labels: { reason: ['full', 'refused', 'closing'] },
    start: 'absent',
    help: 'Answers not stored in Redis: too many waited, it refused them, or the gateway stopped.',
  },
  redisReplicaStale: {
    type: 'gauge',
    name: 'selfhost_redis_replica_stale',
    labels: {},
    start: 'absent',
    help: '1 while this gateway does not hear what others store; hits are verified all the same.',
  },
  redisResyncs: {
    type: 'counter',
    name: 'selfhost_redis_resyncs_total',
    labels: { reason: ['start', 'trimmed', 'server_changed', 'digest', 'overflow'] },
    start: 'absent',
    help: 'Times the entries in Redis were read anew.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
