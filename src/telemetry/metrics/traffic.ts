import { latencyBucketsS, modelValues, sourceValues, stageBucketsS, type MetricDefinition } from './definition.ts';

/** Requests, their times and their tokens. */
export const trafficMetrics = {
  requests: {
    type: 'counter',
    name: 'selfhost_requests_total',
    labels: {
      route: ['chat', 'generate', 'completions', 'responses', 'messages', 'embeddings', 'other'],
      model: modelValues,
      outcome: ['ok', 'client_error', 'upstream_error', 'timeout', 'overloaded', 'budget_blocked', 'cancelled'],
    },
    start: 'absent',
    help: 'Finished requests.',
  },
  requestDuration: {
    type: 'histogram',
    name: 'selfhost_request_duration_seconds',
    labels: { source: sourceValues, stream: ['true', 'false'] },
    buckets: latencyBucketsS,
    start: 'absent',
    help: 'From the first byte of a request to the last byte of its answer.',
  },
  timeToFirstToken: {
    type: 'histogram',
    name: 'selfhost_time_to_first_token_seconds',
    labels: { source: sourceValues, model: modelValues },
    buckets: latencyBucketsS,
    start: 'absent',
    help: 'From the first byte of a request to the first token sent.',
  },
  timePerOutputToken: {
    type: 'histogram',
    name: 'selfhost_time_per_output_token_seconds',
    labels: { model: modelValues },
    buckets: [0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5],
    start: 'absent',
    help: 'Thinker decode time per token.',
  },
  queueWait: {
    type: 'histogram',
    name: 'selfhost_queue_wait_seconds',
    labels: { model: modelValues },
    buckets: [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60],
    start: 'absent',
    help: 'Wait for a thinker with room.',
  },
  gatewayOverhead: {
    type: 'histogram',
    name: 'selfhost_gateway_overhead_seconds',
    labels: {},
    buckets: stageBucketsS,
    start: 'zero',
    help: 'Request time before the cache or a thinker takes over.',
  },
  inflight: {
    type: 'gauge',
    name: 'selfhost_inflight_requests',
    labels: { source: ['thinker'] },
    start: 'zero',
    help: 'Requests being answered; thinker includes queued ones.',
  },
  tokens: {
    type: 'counter',
    name: 'selfhost_tokens_total',
    labels: { model: modelValues, direction: ['input', 'output'], source: sourceValues },
    start: 'absent',
    help: 'Tokens read and written.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
