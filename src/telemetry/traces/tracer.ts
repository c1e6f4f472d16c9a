/** Sends spans to a collector over OTLP/HTTP. The libraries are loaded here, when traces are wanted, and only then. */
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../logger.ts';
import type { RequestRecord } from '../request-log.ts';
import { parseTraceparent } from '../traceparent.ts';
import { schemaUrl } from './attributes.ts';
import { spansOf, type LookupStages, type SpanFacts } from './spans.ts';

export interface TracerOptions {
  /** Of the collector, without `/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Share of requests that are traced, in [0, 1]; a caller that traces itself decides instead. */
  readonly sampleShare: number;
  readonly version: string;
}

/** Spans that wait; more are dropped. And how often they are sent. */
const [waitingMax, batchMax, intervalMs, exportTimeoutMs] = [2048, 256, 5000, 10_000];

/** A collector that is gone must not hold up the end; what waits for it is lost then. */
const closeMs = 3000;

export interface Tracer {
  record(record: RequestRecord, lookup: LookupStages | undefined): void;
  /** Sends what waits. */
  close(): Promise<void>;
}

export async function createTracer(
  options: TracerOptions,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<Tracer> {
  const [api, { OTLPTraceExporter }, { resourceFromAttributes }, sdk] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace'),
  ]);
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'llm-self-host', 'service.version': options.version }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(options.sampleShare) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new OTLPTraceExporter({
          url: `${options.url.replace(/\/+$/, '')}/v1/traces`,
          headers: { ...options.headers },
          timeoutMillis: exportTimeoutMs,
        }),
        maxQueueSize: waitingMax,
        maxExportBatchSize: batchMax,
        scheduledDelayMillis: intervalMs,
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
    // Values are names and codes of ours; a longer one is a mistake of somebody else's.
    spanLimits: { attributeValueLengthLimit: 512 },
  });
  const tracer = provider.getTracer('llm-self-host', options.version, { schemaUrl });
  const kinds = { server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT, internal: api.SpanKind.INTERNAL };

  function emit(facts: SpanFacts, parent: OpenTelemetry.Context): void {
    const { name, kind, startMs, endMs, attributes, error, firstTokenMs, children } = facts;
    const span = tracer.startSpan(name, { kind: kinds[kind], startTime: startMs, attributes }, parent);
    if (!span.isRecording()) return;
    if (firstTokenMs !== undefined) span.addEvent('first_token', undefined, firstTokenMs);
    if (error !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: error });
    for (const child of children) emit(child, api.trace.setSpan(parent, span));
    span.end(endMs);
  }

  return {
    record(record, lookup) {
      try {
        emit(spansOf(record, lookup), callerContext(api, record.traceparent));
      } catch (error) {
        logger.error({ err: error }, 'a trace could not be made');
      }
    },
    async close() {
      const ended = new AbortController();
      const limit = clock.sleep(closeMs, ended.signal).catch(() => {});
      const sent = provider.shutdown().catch((error: unknown) => {
        logger.warn({ err: error }, 'the last traces could not be sent');
      });
      await Promise.race([sent, limit]);
      ended.abort();
    },
  };
}

/** The span of the caller, where it said which: ours then hang under it. */
function callerContext(
  api: Pick<typeof OpenTelemetry, 'ROOT_CONTEXT' | 'trace'>,
  traceparent: string | undefined,
): OpenTelemetry.Context {
  const caller = parseTraceparent(traceparent);
  if (caller === undefined) return api.ROOT_CONTEXT;
  return api.trace.setSpanContext(api.ROOT_CONTEXT, { ...caller, isRemote: true });
}
