/** Every metric of the product in one table. Base units; labels bounded; names in docs/reference/metrics.md. */
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
// The metrics alone: the whole package also loads cluster support and default metrics, 8 MB that are never used.
import GaugeClass from 'prom-client/lib/gauge.js';
import RegistryClass from 'prom-client/lib/registry.js';
import { HotCounter, HotHistogram } from './hot-metrics.ts';

const latencyS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const stageS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

export const metricTable = {
  requests: {
    type: 'counter',
    name: 'selfhost_requests_total',
    labels: ['route', 'model', 'outcome'],
    help: 'Finished requests.',
  },
  requestDuration: {
    type: 'histogram',
    name: 'selfhost_request_duration_seconds',
    labels: ['source', 'stream'],
    buckets: latencyS,
    help: 'From the first byte of a request to the last byte of its answer.',
  },
  timeToFirstToken: {
    type: 'histogram',
    name: 'selfhost_time_to_first_token_seconds',
    labels: ['source', 'model'],
    buckets: latencyS,
    help: 'From the first byte of a request to the first token sent.',
  },
  timePerOutputToken: {
    type: 'histogram',
    name: 'selfhost_time_per_output_token_seconds',
    labels: ['model'],
    buckets: [0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5],
    help: 'Thinker decode time per token.',
  },
  queueWait: {
    type: 'histogram',
    name: 'selfhost_queue_wait_seconds',
    labels: ['model'],
    buckets: [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60],
    help: 'Wait for a thinker with room.',
  },
  gatewayOverhead: {
    type: 'histogram',
    name: 'selfhost_gateway_overhead_seconds',
    labels: [],
    buckets: stageS,
    help: 'Request time before the cache or a thinker takes over.',
  },
  inflight: {
    type: 'gauge',
    name: 'selfhost_inflight_requests',
    labels: ['source'],
    help: 'Requests being answered; thinker includes queued ones.',
  },
  tokens: {
    type: 'counter',
    name: 'selfhost_tokens_total',
    labels: ['model', 'direction', 'source'],
    help: 'Tokens read and written.',
  },
  cacheLookups: {
    type: 'counter',
    name: 'selfhost_cache_lookups_total',
    labels: ['result'],
    help: 'Cache lookups by result.',
  },
  cacheStage: {
    type: 'histogram',
    name: 'selfhost_cache_stage_seconds',
    labels: ['stage'],
    buckets: stageS,
    help: 'Time of each stage of a lookup.',
  },
  cacheBestSimilarity: {
    type: 'histogram',
    name: 'selfhost_cache_best_similarity',
    labels: ['decision'],
    buckets: [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 1],
    help: 'Cosine of the nearest candidate.',
  },
  cacheHitAge: {
    type: 'histogram',
    name: 'selfhost_cache_hit_age_seconds',
    labels: [],
    buckets: [60, 600, 3600, 21600, 86400, 604800, 2592000],
    help: 'Age of served entries.',
  },
  cacheGuardVetoes: {
    type: 'counter',
    name: 'selfhost_cache_guard_vetoes_total',
    labels: ['guard'],
    help: 'Candidates refused by each guard.',
  },
  cacheLabels: {
    type: 'counter',
    name: 'selfhost_cache_labels_total',
    labels: ['source', 'verdict'],
    help: 'Comparisons of a fresh answer with a stored one, and the words of people, by where they came from.',
  },
  cacheAudits: {
    type: 'counter',
    name: 'selfhost_cache_audits_total',
    labels: ['verdict', 'judge'],
    help: 'Audited semantic hits, by verdict and by what gave it.',
  },
  cacheAuditDrops: {
    type: 'counter',
    name: 'selfhost_cache_audit_drops_total',
    labels: ['reason'],
    help: 'Audits and comparisons that came to no verdict.',
  },
  cacheFalseHitRatio: {
    type: 'gauge',
    name: 'selfhost_cache_false_hit_ratio',
    labels: ['model', 'stat'],
    help: 'Wrong share of audited semantic hits: estimate and 95 % interval.',
  },
  cacheThreshold: {
    type: 'gauge',
    name: 'selfhost_cache_threshold_ratio',
    labels: [],
    help: 'Smallest probability that is served; 1 while none is certified.',
  },
  cacheBreakerFirings: {
    type: 'counter',
    name: 'selfhost_cache_breaker_firings_total',
    labels: [],
    help: 'Times audits closed the semantic tier.',
  },
  cacheEntries: { type: 'gauge', name: 'selfhost_cache_entries', labels: [], help: 'Stored entries.' },
  cacheBytes: { type: 'gauge', name: 'selfhost_cache_bytes', labels: [], help: 'Bytes of stored entries.' },
  cacheEvictions: {
    type: 'counter',
    name: 'selfhost_cache_evictions_total',
    labels: ['reason'],
    help: 'Entries removed, by reason.',
  },
  thinkers: { type: 'gauge', name: 'selfhost_thinkers', labels: ['state'], help: 'Thinkers by state.' },
  thinkerInflight: {
    type: 'gauge',
    name: 'selfhost_thinker_inflight',
    labels: ['slot'],
    help: 'Requests running on a thinker.',
  },
  thinkerSlots: {
    type: 'gauge',
    name: 'selfhost_thinker_slots',
    labels: ['slot'],
    help: 'Requests a thinker takes at a time.',
  },
  upstreamRequests: {
    type: 'counter',
    name: 'selfhost_upstream_requests_total',
    labels: ['outcome'],
    help: 'Calls made to thinkers, by outcome.',
  },
  buildInfo: { type: 'gauge', name: 'selfhost_build_info', labels: ['version', 'commit'], help: 'Always 1.' },
} as const;

type Table = typeof metricTable;
type MetricOf<D> = D extends { type: 'counter' } ? Counter : D extends { type: 'histogram' } ? Histogram : Gauge;
export type Metrics = { readonly [K in keyof Table]: MetricOf<Table[K]> } & { readonly registry: Registry };

/** Label values that exist from the start: an absent series would silence an alert on it. */
const zeroed: Partial<Record<keyof Table, readonly Record<string, string>[]>> = {
  inflight: [{ source: 'thinker' }],
  cacheLookups: ['hit_exact', 'hit_semantic', 'near_miss', 'miss', 'bypass', 'ineligible', 'error'].map((result) => ({
    result,
  })),
  cacheEvictions: ['ttl', 'lru', 'disputed', 'model_changed', 'manual'].map((reason) => ({ reason })),
  cacheLabels: ['grey', 'audit', 'user'].flatMap((source) =>
    ['correct', 'wrong', 'unsure'].map((verdict) => ({ source, verdict })),
  ),
  cacheAudits: ['correct', 'wrong', 'unsure'].flatMap((verdict) =>
    ['rules', 'embedding', 'model'].map((judge) => ({ verdict, judge })),
  ),
  cacheAuditDrops: ['full', 'expired', 'preempted', 'failed', 'unfinished', 'model_changed', 'not_taken'].map(
    (reason) => ({ reason }),
  ),
  thinkers: ['loading', 'ready', 'draining', 'failed'].map((state) => ({ state })),
  upstreamRequests: ['completed', 'failed', 'busy', 'rejected', 'aborted'].map((outcome) => ({ outcome })),
};

export function createMetrics(): Metrics {
  const registry = new RegistryClass();
  const built: Record<string, unknown> = { registry };
  for (const [key, definition] of Object.entries(metricTable)) {
    const common = {
      name: definition.name,
      help: definition.help,
      labelNames: [...definition.labels],
      registers: [registry],
    };
    built[key] =
      definition.type === 'counter'
        ? new HotCounter(common)
        : definition.type === 'gauge'
          ? new GaugeClass(common)
          : new HotHistogram({ ...common, buckets: [...definition.buckets] });
  }
  const metrics = built as unknown as Metrics;
  for (const [key, labelSets] of Object.entries(zeroed)) {
    for (const labels of labelSets) {
      const metric = metrics[key as keyof Table];
      if (metric instanceof HotCounter) metric.inc(labels, 0);
      else if (metric instanceof GaugeClass) metric.set(labels, 0);
    }
  }
  return metrics;
}
