import type { Percentiles, StatusReport } from '../admin/admin-types.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Admission } from '../gateway/admission.ts';
import type { RequestMetrics } from '../gateway/request-metrics.ts';
import type { Router } from '../router/router-types.ts';
import { readAtScrape } from '../telemetry/read-at-scrape.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { RequestLog, RequestRecord } from '../telemetry/request-log.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';
import { version } from '../version.ts';
import type { RunTimeSettings } from './run-time-settings.ts';
import type { Rememberer } from './rememberer.ts';

export interface StatusDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly pool: ThinkerPool;
  readonly router: Router;
  readonly rememberer: Rememberer;
  readonly requestMetrics: RequestMetrics;
  readonly requestLog: RequestLog;
  readonly admission: Admission;
  readonly settings: Pick<RunTimeSettings, 'view'>;
  readonly urls: () => { readonly gatewayUrl: string; readonly adminUrl: string };
}

/** Requests whose latencies make the percentiles shown. */
const latencyWindow = 1000;

/** The one read model behind the banner, `status` and the status page; also fills the gauges when metrics are scraped. */
export function createStatus(deps: StatusDeps): () => StatusReport {
  const { config, clock, metrics, pool, router, rememberer, requestMetrics, requestLog } = deps;
  const startedAt = clock.now();

  metrics.registry.setDefaultLabels({});
  // Gauges mirror what the rooms already know; they are read when scraped and cost nothing before.
  readAtScrape(metrics.inflight, () => {
    const { waiting, running } = router.stats();
    metrics.inflight.set({ source: 'thinker' }, waiting + running);
    const cache = rememberer.stats();
    metrics.cacheEntries.set(cache.entries);
    metrics.cacheBytes.set(cache.bytes);
  });

  return () => {
    const counts = requestMetrics.counts;
    const hits = counts.exact + counts.semantic + counts.coalesced;
    const asked = hits + counts.misses;
    const records = requestLog.list(latencyWindow).filter((record) => record.outcome === 'ok');
    const { waiting, running } = router.stats();
    const memory = process.memoryUsage();
    return {
      name: 'llm-self-host',
      version,
      startedAt,
      uptimeS: Math.round((clock.now() - startedAt) / 1000),
      ...deps.urls(),
      dataDir: config.cache.persist ? config.dataDir : 'memory only (cache.persist is false)',
      embedding: rememberer.embedding(),
      cache: { mode: config.cache.mode, ...rememberer.stats() },
      thinkers: pool.views().map((view) => ({
        name: view.name,
        kind: view.kind,
        url: view.url,
        state: view.state,
        version: view.version,
        models: [...view.models.keys()],
        loaded: [...view.loaded],
        vramUsedBytes: view.vramUsedBytes,
        inFlight: view.inFlight,
        maxConcurrency: view.maxConcurrency,
        lastError: view.lastError,
      })),
      traffic: {
        requests: counts.requests,
        hits: { exact: counts.exact, semantic: counts.semantic, coalesced: counts.coalesced },
        misses: counts.misses,
        bypasses: counts.bypasses,
        errors: counts.errors,
        hitShare: asked === 0 ? undefined : hits / asked,
        tokensSaved: counts.tokensSaved,
        open: deps.admission.inFlight,
        inFlight: running,
        waiting,
        latency: {
          hit: percentiles(records.filter((record) => record.cache === 'exact' || record.cache === 'semantic')),
          thinker: percentiles(records.filter((record) => record.cache === 'miss' || record.cache === 'bypass')),
        },
      },
      overriding: deps.settings.view().filter(({ changedAt }) => changedAt !== undefined),
      memory: { rssBytes: memory.rss, heapUsedBytes: memory.heapUsed },
    };
  };
}

function percentiles(records: readonly RequestRecord[]): Percentiles | undefined {
  if (records.length === 0) return undefined;
  const sorted = records.map((record) => record.totalMs).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
  return { n: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}
