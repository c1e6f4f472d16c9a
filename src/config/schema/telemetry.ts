import { z } from 'zod';

/** What is told about the work, and to whom. */
export const telemetrySection = z
  .strictObject({
    logLevel: z
      .enum(['error', 'warn', 'info', 'debug', 'silent'])
      .default('info')
      .describe('JSON lines on standard error.'),
    metricsTokenFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File with a token that opens `/metrics` and nothing else, for Prometheus; also SELFHOST_METRICS_TOKEN.',
      ),
  })
  .prefault({});
