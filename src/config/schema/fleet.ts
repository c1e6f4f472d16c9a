/** Section `fleet`: GPUs rented when they are needed and given back when they are not. */
import { z } from 'zod';
import { vastSchema } from './vast.ts';

const usd = z.number().min(0.01).max(1_000_000);
const ms = (fallback: number) => z.int().min(1).max(86_400_000).default(fallback);
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day such as 08:30');
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const caps = z
  .strictObject({
    perHourUsd: usd.describe('Prices of all machines that run at a time, together.'),
    perDayUsd: usd.describe('Spent in a day of `utcOffsetMinutes`.'),
    perMonthUsd: usd.describe('Spent in a calendar month.'),
    perRentalUsd: usd.describe('One machine, from its rental to its end; then it is replaced.'),
  })
  .optional()
  .describe('Most money, USD. Required with a provider: nothing is rented that could pass one of them.');

export const fleetSchema = z
  .strictObject({
    provider: z
      .enum(['off', 'vast'])
      .default('off')
      .describe('Market to rent from: `vast` is vast.ai, or a simulation of it.'),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'expected up to 32 of a-z, 0-9 and -')
      .default('main')
      .describe('Part of the label of every machine. Gateways that share a vast.ai account need different names.'),
    model: z.string().min(1).optional().describe('Model that the machines serve, as Ollama names it.'),
    modelGb: z.number().min(0.1).max(2_000).default(6.25).describe('Its size: what each machine downloads, GB.'),
    caps,
    thinkersMin: z.int().min(0).max(100).default(0).describe('Always kept. 0: to nothing and back.'),
    thinkersMax: z.int().min(1).max(100).default(4).describe('At most at a time, starting ones included.'),
    schedule: z
      .array(
        z.strictObject({
          days: z.array(z.enum(days)).min(1).describe('Days of the week.'),
          from: clockTime.describe('Local time at which it begins.'),
          to: clockTime.describe('Local time at which it ends; before `from`: on the next day.'),
          thinkersMin: z.int().min(1).max(100).describe('Kept in that time.'),
        }),
      )
      .max(32)
      .default([])
      .describe('Times for which machines are started before anybody asks.'),
    utcOffsetMinutes: z
      .int()
      .min(-720)
      .max(840)
      .default(0)
      .describe('Of the days of the budget and of the schedule, east of UTC.'),
    idleTimeoutMs: z
      .int()
      .min(1_000)
      .max(30 * 86_400_000)
      .optional()
      .describe(
        'The last machine is given back after so long without a request. Default: when idling has cost a start.',
      ),
    spares: z
      .strictObject({
        max: z
          .int()
          .min(0)
          .max(100)
          .default(2)
          .describe(
            'Machines that are not needed are stopped rather than destroyed, so many at most: they cost their disk alone and serve again within a minute, unless somebody else has taken their GPU. 0: none.',
          ),
        keepMs: z
          .int()
          .min(60_000)
          .max(7 * 86_400_000)
          .default(43_200_000)
          .describe(
            'A stopped machine is destroyed after so long, and sooner when its disk has cost what a new start costs.',
          ),
      })
      .prefault({}),
    onStop: z
      .enum(['destroy', 'keep'])
      .default('destroy')
      .describe(
        'When the gateway is stopped: `destroy` gives all machines back, `keep` leaves them for the next start, which takes them over. After a crash they are always taken over.',
      ),
    hold: z
      .strictObject({
        plainMs: ms(30_000).describe('A request that is not streamed waits so long for a machine that starts.'),
        streamedMs: ms(1_200_000).describe('A streamed one waits so long; signs of life keep its connection.'),
      })
      .prefault({}),
    machines: z
      .strictObject({
        gpuNames: z
          .array(z.string().min(1))
          .max(64)
          .default([
            'RTX 4090',
            'RTX 3090',
            'RTX 3090 Ti',
            'RTX 4080',
            'RTX 4070 Ti',
            'RTX 5090',
            'RTX A5000',
            'RTX A4000',
          ])
          .describe('Kinds of GPU, as vast.ai names them. Empty: any.'),
        pricePerHourMaxUsd: z.number().min(0.01).max(100).default(0.6).describe('Of one machine, all in.'),
        vramGbMin: z.number().min(1).max(1_024).default(12).describe('Weights and the contexts of all slots.'),
        downloadMbpsMin: z.number().min(1).max(100_000).default(200).describe('A slow line makes a slow start.'),
        reliabilityMin: z.number().min(0).max(1).default(0.97).describe("By the market's own statistics."),
        cudaMin: z.number().min(10).max(20).default(12).describe('Newest CUDA that its driver runs, at least.'),
        leaseHoursMin: z.number().min(1).max(8_760).default(24).describe('How long the host lets it out.'),
      })
      .prefault({}),
    vast: vastSchema,
  })
  .prefault({});

export const weekdays: readonly string[] = days;
