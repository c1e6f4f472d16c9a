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
    otlp: z
      .strictObject({
        url: z
          .url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' })
          .describe('Collector that speaks OTLP over HTTP; `/v1/traces` is added.'),
        headersFile: z.string().min(1).optional().describe('File with one `name: value` a line, such as a token.'),
        sampleShare: z
          .number()
          .min(0)
          .max(1)
          .default(1)
          .describe('Share of requests that are traced; a caller that traces itself decides instead.'),
      })
      .optional()
      .describe('Sends a trace of each request, without its text. Nothing is loaded or sent without it.'),
  })
  .prefault({});
