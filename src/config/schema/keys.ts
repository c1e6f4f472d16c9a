import { z } from 'zod';

const limits = z
  .strictObject({
    requestsPerMinute: z.number().positive().max(1_000_000).optional().describe('Requests a minute.'),
    tokensPerMinute: z.number().positive().max(1_000_000_000).optional().describe('Tokens of thinkers a minute.'),
    usdPerDay: z.number().positive().max(1_000_000).optional().describe('What thinkers may cost in a day (UTC), USD.'),
  })
  .prefault({});

/** Keys made at run time, and clients that cannot send one. */
export const keysSection = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Keys made by `llm-self-host keys create`, hashed. Default: <dataDir>/keys.json. Read again when it changes, so replicas may share it.',
      ),
    keysMax: z.int().min(1).max(100_000).default(10_000).describe('Keys kept, revoked ones included.'),
    byAddress: z
      .array(
        z.strictObject({
          from: z.string().min(1).describe('Address or network, such as 10.1.0.0/16, of clients that send no key.'),
          tenant: z
            .string()
            .regex(/^[\w.-]{1,64}$/, 'expected letters, digits, . _ -')
            .describe('Whose requests those are.'),
          models: z.array(z.string().min(1)).max(64).default([]).describe('Models they may ask; empty: all.'),
          cache: z
            .enum(['tenant', 'shared', 'private', 'off'])
            .default('tenant')
            .describe('Whose stored answers they see: their tenant’s, those of all that share, their own, none.'),
          limits,
        }),
      )
      .max(256)
      .default([])
      .describe(
        'Ollama clients send no key: those of these addresses are let in without one. Behind a proxy all have its address.',
      ),
  })
  .prefault({});
