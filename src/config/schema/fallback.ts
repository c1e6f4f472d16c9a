/** Section `fallback`: an API of somebody else that answers while no thinker of ours can. */
import { z } from 'zod';

const usd = z.number().positive().max(100_000);

export const fallbackSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' })
      .describe('Base URL of an OpenAI-compatible API, with its `/v1`.'),
    model: z.string().min(1).describe('Model to ask for there.'),
    models: z
      .array(z.string().min(1))
      .min(1)
      .max(256)
      .optional()
      .describe("Models it may stand in for. Default: the fleet's, and those that a thinker was last seen with."),
    keyFile: z.string().min(1).optional().describe('File with the API key; also SELFHOST_FALLBACK_API_KEY.'),
    inputUsdPerMillion: usd.describe('Price of a million prompt tokens, USD.'),
    outputUsdPerMillion: usd.describe('Price of a million tokens of answers, USD.'),
    perDayUsd: z
      .number()
      .min(0.01)
      .max(1_000_000)
      .describe('Most that it may cost in a day of `fleet.utcOffsetMinutes`, USD. Checked before each request.'),
    when: z
      .array(z.enum(['cold-start', 'outage']))
      .min(1)
      .max(2)
      .default(['cold-start', 'outage'])
      .describe('`cold-start`: a machine is being rented; `outage`: no thinker can be reached, or no cap is left.'),
    afterMs: z
      .int()
      .min(0)
      .max(3_600_000)
      .default(3_000)
      .describe('A request waits so long for a machine that starts, before the API is asked.'),
    outputTokensMax: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(4_096)
      .describe('Longest answer where the request sets no limit: what is set aside of the cap for it.'),
    inFlightMax: z.int().min(1).max(1_024).default(16).describe('Requests it is given at a time.'),
  })
  .optional()
  .describe('Answers for money while no thinker can. Absent: off.');
