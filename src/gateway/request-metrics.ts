/** Counts finished requests. Label handles are kept: looking one up costs more than counting. */
import type { RequestOutcome } from '../core/errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { CacheStatus } from '../telemetry/request-log.ts';

export interface FinishedRequest {
  readonly route: string;
  readonly model: string;
  readonly stream: boolean;
  readonly cache: CacheStatus | undefined;
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

/** Most model names with a label of their own; the rest are `other`, so hostile names cannot grow the series. */
const modelLabelsMax = 20;
const unknownModel = 'other';

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
  const modelLabels = new Set<string>();
  const handles = new Map<string, Handles>();

  function modelLabel(model: string): string {
    if (modelLabels.has(model)) return model;
    if (modelLabels.size >= modelLabelsMax || !isKnownModel(model)) return unknownModel;
    modelLabels.add(model);
    return model;
  }

  function handlesOf(request: FinishedRequest): Handles {
    const model = modelLabel(request.model);
    const source =
      request.cache === 'miss' || request.cache === 'bypass' || request.cache === undefined ? 'thinker' : request.cache;
    // One key for all label values; routes, sources and outcomes are few and models are capped.
    const key = `${request.route}|${model}|${request.outcome}|${source}|${request.stream}`;
    let found = handles.get(key);
    if (found === undefined) {
      found = {
        requests: metrics.requests.labels({ route: request.route, model, outcome: request.outcome }),
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
    modelLabel,
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

interface Handles {
  readonly requests: { inc(): void };
  readonly duration: { observe(value: number): void };
  readonly ttft: { observe(value: number): void };
  readonly perToken: { observe(value: number): void };
  readonly input: { inc(value: number): void };
  readonly output: { inc(value: number): void };
}
