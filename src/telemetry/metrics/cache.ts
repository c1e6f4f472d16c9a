import { modelValues, stageBucketsS, type MetricDefinition } from './definition.ts';

const verdicts = ['correct', 'wrong', 'unsure'] as const;

/** What the rememberer finds, keeps and learns. */
export const cacheMetrics = {
  cacheLookups: {
    type: 'counter',
    name: 'selfhost_cache_lookups_total',
    labels: { result: ['hit_exact', 'hit_semantic', 'near_miss', 'miss', 'bypass', 'ineligible', 'holdout', 'error'] },
    start: 'zero',
    help: 'Cache lookups by result.',
  },
  cacheStage: {
    type: 'histogram',
    name: 'selfhost_cache_stage_seconds',
    labels: { stage: ['normalize', 'embed', 'search', 'verify', 'fetch'] },
    buckets: stageBucketsS,
    start: 'absent',
    help: 'Time of each stage of a lookup.',
  },
  cacheBestSimilarity: {
    type: 'histogram',
    name: 'selfhost_cache_best_similarity',
    labels: { decision: ['hit', 'miss'] },
    buckets: [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 1],
    start: 'absent',
    help: 'Cosine of the nearest candidate.',
  },
  cacheHitAge: {
    type: 'histogram',
    name: 'selfhost_cache_hit_age_seconds',
    labels: {},
    buckets: [60, 600, 3600, 21600, 86400, 604800, 2592000],
    start: 'zero',
    help: 'Age of served entries.',
  },
  cacheGuardVetoes: {
    type: 'counter',
    name: 'selfhost_cache_guard_vetoes_total',
    labels: { guard: { max: 16 } },
    start: 'absent',
    help: 'Candidates refused by each guard.',
  },
  cacheLabels: {
    type: 'counter',
    name: 'selfhost_cache_labels_total',
    labels: { source: ['grey', 'audit', 'user'], verdict: verdicts },
    start: 'zero',
    help: 'Comparisons of a fresh answer with a stored one, and the words of people, by where they came from.',
  },
  cacheAudits: {
    type: 'counter',
    name: 'selfhost_cache_audits_total',
    labels: { verdict: verdicts, judge: ['rules', 'embedding', 'model', 'human'] },
    start: 'zero',
    help: 'Audited semantic hits, by verdict and by what gave it.',
  },
  cacheAuditDrops: {
    type: 'counter',
    name: 'selfhost_cache_audit_drops_total',
    labels: { reason: ['full', 'expired', 'preempted', 'failed', 'unfinished', 'model_changed', 'not_taken'] },
    start: 'zero',
    help: 'Audits and comparisons that came to no verdict.',
  },
  cacheFalseHitRatio: {
    type: 'gauge',
    name: 'selfhost_cache_false_hit_ratio',
    labels: { model: modelValues, stat: ['estimate', 'low', 'high'] },
    start: 'absent',
    help: 'Wrong share of audited semantic hits: estimate and 95 % interval.',
  },
  cacheThreshold: {
    type: 'gauge',
    name: 'selfhost_cache_threshold_ratio',
    labels: {},
    start: 'zero',
    help: 'Smallest probability that is served; 1 while none is certified.',
  },
  cacheBreakerFirings: {
    type: 'counter',
    name: 'selfhost_cache_breaker_firings_total',
    labels: {},
    start: 'zero',
    help: 'Times audits closed the semantic tier.',
  },
  cacheEntries: { type: 'gauge', name: 'selfhost_cache_entries', labels: {}, start: 'zero', help: 'Stored entries.' },
  cacheBytes: {
    type: 'gauge',
    name: 'selfhost_cache_bytes',
    labels: {},
    start: 'zero',
    help: 'Bytes of stored entries.',
  },
  cacheEvictions: {
    type: 'counter',
    name: 'selfhost_cache_evictions_total',
    labels: { reason: ['ttl', 'lru', 'disputed', 'model_changed', 'manual'] },
    start: 'zero',
    help: 'Entries removed, by reason.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
