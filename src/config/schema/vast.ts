/** Section `fleet.vast`: the account at vast.ai, and which of its machines are good enough. */
import { z } from 'zod';

export const vastSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' })
      .default('https://console.vast.ai')
      .describe('Where the API is; the simulated market prints its own.'),
    keyFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File with the account’s API key; also SELFHOST_VAST_API_KEY. A key with instance and billing rights is enough.',
      ),
    hosts: z
      .enum(['verified', 'any'])
      .default('verified')
      .describe('`verified`: hosts that vast.ai has checked. `any` is cheaper and fails more often.'),
    datacenterOnly: z
      .boolean()
      .default(false)
      .describe(
        'Only machines of companies in data centres. Whoever owns a machine can read what is asked there: use this for private data.',
      ),
    countries: z
      .array(z.string().regex(/^[A-Z]{2}$/, 'expected two capital letters, such as DE'))
      .max(64)
      .default([])
      .describe('Two letters each; empty: anywhere.'),
    image: z
      .string()
      .min(1)
      .max(1024)
      .default('ollama/ollama:latest')
      .describe('Container image: an Ollama on Debian or Ubuntu.'),
    diskGb: z
      .int()
      .min(16)
      .max(2_000)
      .default(32)
      .describe('Disk of a machine, GB: image, model, and room for its pull.'),
    contextTokens: z
      .int()
      .min(512)
      .max(1_048_576)
      .default(8_192)
      .describe(
        'Context of each answer on a rented machine where `models` pins no numCtx, tokens; memory is taken for it once per slot.',
      ),
    slots: z.int().min(1).max(64).default(8).describe('Answers at a time on a rented machine.'),
    tokensPerSMin: z
      .number()
      .min(0)
      .max(10_000)
      .default(20)
      .describe('Least pace of one answer alone; a machine that is slower is given back before it serves.'),
    idleStopS: z
      .int()
      .min(300)
      .max(7 * 86_400)
      .default(7_200)
      .describe(
        'A machine that hears nothing from a gateway for so long stops itself, so that a dead gateway costs little.',
      ),
    timeoutMs: z.int().min(1_000).max(600_000).default(30_000).describe('Longest wait for one answer of the API.'),
  })
  .prefault({});
