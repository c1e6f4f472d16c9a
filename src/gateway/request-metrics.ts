/** Counts finished requests. Label handles are kept: looking one up costs more than counting. */
import type { RequestOutcome } from '../core/errors.ts';
import { otherModel, type SeriesClaim } from '../telemetry/model-labels.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CacheStatus } from '../telemetry/request-log.ts';

export interface FinishedRequest {
  readonly route: string;
  readonly model: string;
  readonly stream: boolean;
  readonly cache: CacheStatus | undefined;
  /** Where no thinker of ours answered though the cache did not either. */
  readonly source?: 'fallback' | undefined;
  readonly outcome: RequestOutcome;
  readonly totalMs: number;
  readonly ttftMs: number | undefined;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Thinker decode time, ns; 0 when unknown or not its own. */
  readonly evalNs: number;
}

export interface TrafficCounts {
  requests: number;
  exact: number;
  semantic: number;
  coalesced: number;
  misses: number;
  bypasses: number;
  errors: number;
  /** Prompt and completion tokens that no thinker had to process. */
  tokensSaved: number;
}

/** Names remembered as known; beyond these, and for strangers, the label is `other`. */
const knownModelsMax = 64;

/** Beside a success these show as 0, so that the first failure is seen as a step. */
const shownFromStart: readonly RequestOutcome[] = ['ok', 'upstream_error', 'timeout', 'overloaded'];

export function createRequestMetrics(metrics: Metrics, isKnownModel: (model: string) => boolean) {
  const counts: TrafficCounts = {
    requests: 0,
    exact: 0,
    semantic: 0,
    coalesced: 0,
    misses: 0,
    bypasses: 0,
    errors: 0,
    tokensSaved: 0,
  };
  const known = new Set<string>();
  const handles = new Map<string, Handles>();

  /** Of a bounded set whatever clients ask for. */
  function nameOf(model: string): string {
    if (known.has(model)) return model;
    if (known.size >= knownModelsMax || !isKnownModel(model)) return otherModel;
    known.add(model);
    return model;
  }

  function handlesOf(request: FinishedRequest): Handles {
    const name = nameOf(request.model);
    const source =
      request.source ??
      (request.cache === 'miss' || request.cache === 'bypass' || request.cache === undefined
        ? 'thinker'
        : request.cache);
    // One key for all label values; routes, sources and outcomes are few and names are capped.
    const key = `${request.route}|${name}|${request.outcome}|${source}|${request.stream}`;
    let found = handles.get(key);
    if (found === undefined) {
      const model = metrics.modelLabels.claim(name, claimsOf(request, source));
      const { route, outcome } = request;
      if (outcome === 'ok') {
        for (const each of shownFromStart) metrics.requests.inc({ route, model, outcome: each }, 0);
      }
      found = {
        requests: metrics.requests.labels({ route, model, outcome }),
        duration: metrics.requestDuration.labels({ source, stream: String(request.stream) }),
        ttft: metrics.timeToFirstToken.labels({ source, model }),
        perToken: metrics.timePerOutputToken.labels({ model }),
        input: metrics.tokens.labels({ model, direction: 'input', source }),
        output: metrics.tokens.labels({ model, direction: 'output', source }),
      };
      handles.set(key, found);
    }
    return found;
  }

  return {
    counts: counts as Readonly<TrafficCounts>,
    finished(request: FinishedRequest): void {
      const handle = handlesOf(request);
      handle.requests.inc();
      counts.requests++;
      if (request.outcome !== 'ok') {
        if (request.outcome !== 'cancelled') counts.errors++;
        return;
      }
      handle.duration.observe(request.totalMs / 1000);
      if (request.ttftMs !== undefined) handle.ttft.observe(request.ttftMs / 1000);
      if (request.promptTokens > 0) handle.input.inc(request.promptTokens);
      if (request.completionTokens > 0) handle.output.inc(request.completionTokens);
      switch (request.cache) {
        case 'exact':
        case 'semantic':
        case 'coalesced':
          counts[request.cache]++;
          counts.tokensSaved += request.promptTokens + request.completionTokens;
          return;
        case 'miss':
          counts.misses++;
          break;
        default:
          counts.bypasses++;
      }
      if (request.evalNs > 0 && request.completionTokens > 0)
        handle.perToken.observe(request.evalNs / 1e9 / request.completionTokens);
    },
  };
}

export type RequestMetrics = ReturnType<typeof createRequestMetrics>;

/** Every series with a model that a request like this one adds to. */
function claimsOf({ route, outcome }: FinishedRequest, source: string): readonly SeriesClaim[] {
  if (outcome !== 'ok') return [{ metric: 'requests', others: `${route}|${outcome}` }];
  return [
    ...shownFromStart.map((each) => ({ metric: 'requests', others: `${route}|${each}` })),
    { metric: 'timeToFirstToken', others: source },
    { metric: 'tokens', others: `input|${source}` },
    { metric: 'tokens', others: `output|${source}` },
    ...(source === 'thinker' ? [{ metric: 'timePerOutputToken', others: '' }] : []),
  ];
}

interface Handles {
  readonly requests: { inc(): void };
  readonly duration: { observe(value: number): void };
  readonly ttft: { observe(value: number): void };
  readonly perToken: { observe(value: number): void };
  readonly input: { inc(value: number): void };
  readonly output: { inc(value: number): void };
}
