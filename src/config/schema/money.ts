import { z } from 'zod';

const usd = (max: number) => z.number().min(0).max(max);
const day = z.iso.date({ error: 'expected a day such as 2026-06-01' });

const tokenPrice = z.strictObject({
  inputUsdPerMillion: usd(10_000).describe('A million prompt tokens, USD.'),
  outputUsdPerMillion: usd(10_000).describe('A million completion tokens, USD.'),
  source: z.string().min(1).max(200).default('your own figure').describe('Where the price is from.'),
  pricedOn: day.optional().describe('The day it was looked up; after 30 days reports say that it is old.'),
});

/** Prices, and how money is reported. What is left out is reported as unpriced, never as $0. */
export const moneySection = z
  .strictObject({
    ledger: z
      .strictObject({
        persist: z.boolean().default(true).describe('false keeps the ledger in memory only.'),
        answersMax: z
          .int()
          .min(10_000)
          .max(100_000_000)
          .default(2_000_000)
          .describe('Answers kept one by one, some 250 bytes each; older ones are kept as sums of an hour.'),
      })
      .prefault({}),
    baseline: z
      .enum(['cloud-gpu', 'token-api', 'same-fleet'])
      .default('cloud-gpu')
      .describe(
        'What savings are shown against first: a GPU of a large cloud, a per-token API, or these thinkers without a cache.',
      ),
    fixedPerMonth: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(64).describe('What it is for.'),
          usd: usd(100_000).describe('A month of 730 hours, USD.'),
        }),
      )
      .max(32)
      .default([])
      .describe('What is paid whether or not anything is asked: the machine of the gateway, Redis, a domain.'),
    cloudGpu: z
      .strictObject({
        name: z.string().min(1).max(100).default('A10G 24 GB (AWS g5.xlarge)').describe('For people.'),
        usdPerHour: usd(1_000).default(1.006).describe('An hour of it, on demand, USD.'),
        source: z
          .string()
          .min(1)
          .max(200)
          .default('public price list, us-east-1, on demand')
          .describe('Where the price is from.'),
        pricedOn: day
          .default('2026-06-15')
          .describe('The day it was looked up; after 30 days reports say that it is old.'),
        speed: z
          .number()
          .min(0.01)
          .max(100)
          .default(1)
          .describe('Its tokens a second over those of your GPU, measured; 1: as fast.'),
        hours: z
          .enum(['same-schedule', 'always-on', 'same-work'])
          .default('same-schedule')
          .describe(
            'Hours it would be paid for: `same-schedule` those of your GPUs; `same-work` those divided by `speed`; `always-on` one GPU all the time.',
          ),
      })
      .prefault({}),
    tokenApi: z
      .record(z.string(), tokenPrice)
      .default({})
      .describe(
        'By model, or `default` for all others: what an API would ask for the same tokens. Empty: that baseline is unpriced.',
      ),
    wrongAnswerUsd: usd(100_000)
      .optional()
      .describe('What one wrong answer costs you, USD; quality-adjusted savings need it.'),
    cachePerMonthUsd: usd(100_000)
      .optional()
      .describe('The part of the fixed costs that is there for the cache, USD a month; break-even needs it.'),
    operator: z
      .strictObject({
        usdPerHour: usd(10_000).default(0).describe('An hour of your work, USD; 0 counts it as free.'),
        setupHours: z.number().min(0).max(10_000).default(0).describe('Hours until it ran.'),
        hoursPerMonth: z.number().min(0).max(744).default(0).describe('Hours a month since.'),
        investmentUsd: usd(1_000_000).default(0).describe('Other money spent once, USD.'),
      })
      .optional()
      .describe('What it cost you to set up and look after; return on investment needs it.'),
    whatIf: z
      .strictObject({
        record: z
          .boolean()
          .default(true)
          .describe('Keeps hashes, times and comparisons of requests for `whatif`; no text of theirs.'),
        factsMax: z
          .int()
          .min(1_000)
          .max(10_000_000)
          .default(500_000)
          .describe('Facts kept, some 200 bytes each; the oldest leave first.'),
      })
      .prefault({}),
  })
  .prefault({});
