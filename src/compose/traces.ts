import type { WhyRecord } from '../cache/why-log.ts';
import type { Config } from '../config/schema.ts';
import { requestId, type RequestId } from '../core/ids.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import { version } from '../version.ts';

export interface Tracing {
  /** The same log, whose additions are traced, too. */
  traced(log: RequestLog, why: (id: RequestId) => WhyRecord | undefined): RequestLog;
  close(): Promise<void>;
}

/** Nothing of it is loaded unless `telemetry.otlp` says where traces go. */
export async function createTracing(
  config: Config,
  deps: { readonly clock: Clock; readonly logger: Logger },
): Promise<Tracing | undefined> {
  const { otlp } = config.telemetry;
  if (otlp === undefined) return undefined;
  const { createTracer } = await import('../telemetry/traces/tracer.ts');
  const tracer = await createTracer({ ...otlp, headers: config.otlpHeaders, version }, deps);
  return {
    traced: (log, why) => ({
      ...log,
      get added() {
        return log.added;
      },
      add(record) {
        log.add(record);
        tracer.record(record, why(requestId(record.id))?.trace);
      },
    }),
    close: () => tracer.close(),
  };
}
