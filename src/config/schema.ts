/**
 * The one truth about configuration: every option, its default, unit and bound. Types are inferred;
 * config.example.yaml and docs/reference/config.md are checked against it.
 */
import { z } from 'zod';
import type { SettingChange } from './run-time.ts';
import { alertsSection } from './schema/alerts.ts';
import { keysSection } from './schema/keys.ts';
import { fallbackSchema } from './schema/fallback.ts';
import { fleetSchema } from './schema/fleet.ts';
import { redisSchema } from './schema/redis.ts';
import { telemetrySection } from './schema/telemetry.ts';
import { moneySection } from './schema/money.ts';

const MiB = 1024 * 1024;
const port = z.int().min(0).max(65_535);
const ms = (fallback: number, max = 24 * 3_600_000) => z.int().min(1).max(max).default(fallback);
const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' });

const thinker = z.strictObject({
  url: httpUrl.describe('Base URL of an Ollama server of yours.'),
  name: z.string().min(1).max(64).optional().describe('For people and `x-selfhost-thinker`; default: host and port.'),
  bearerFile: z.string().min(1).optional().describe('File with a bearer token to send, for a server behind a proxy.'),
  maxConcurrency: z
    .int()
    .min(1)
    .max(1024)
    .default(4)
    .describe('Requests it is given at a time; as its OLLAMA_NUM_PARALLEL.'),
  costPerHourUsd: z.number().min(0).max(1000).default(0).describe('What an hour of it costs you, USD.'),
});

const modelPolicy = z.strictObject({
  numCtx: z
    .int()
    .min(256)
    .max(2_097_152)
    .optional()
    .describe('Context window, tokens. One value per model: different values make Ollama reload the model.'),
  options: z
    .record(z.string(), z.union([z.number(), z.boolean()]))
    .default({})
    .describe('Runner options pinned for this model (`num_gpu`, `num_batch`, `use_mmap`, …).'),
});

export const configSchema = z.strictObject({
  dataDir: z
    .string()
    .min(1)
    .optional()
    .describe('Where answers are kept. Default: $XDG_DATA_HOME/llm-self-host or ~/.local/share/llm-self-host.'),
  gateway: z
    .strictObject({
      host: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .describe('Address to listen on. Anything but loopback needs API keys.'),
      port: port.default(11_435).describe('0 picks a free port.'),
      apiKeysFile: z
        .string()
        .min(1)
        .optional()
        .describe('File with one `tenant key` a line; also SELFHOST_API_KEYS=`tenant:key,…`.'),
      corsOrigins: z
        .array(z.string().min(1))
        .max(64)
        .default([])
        .describe('Browser origins allowed beside localhost ones.'),
      bodyBytesMax: z
        .int()
        .min(1024)
        .max(512 * MiB)
        .default(64 * MiB)
        .describe('Largest request body, bytes: a few images in base64.'),
      bodyTimeoutMs: ms(60_000).describe('Longest time to receive a request.'),
      keepAliveTimeoutMs: ms(75_000).describe(
        'Idle connections are kept this long: longer than the 60 s of common load balancers, so that they close first.',
      ),
      connectionsMax: z.int().min(1).max(100_000).default(10_000).describe('Open client connections.'),
      heartbeatMs: ms(15_000).describe('A silent stream sends a sign of life this often, where its format has one.'),
      shutdownGraceMs: ms(30_000).describe('Running answers may finish for this long after a stop signal.'),
    })
    .prefault({}),
  admin: z
    .strictObject({
      host: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .describe('Operator port address. Anything but loopback needs a key.'),
      port: port.default(11_436).describe('0 picks a free port.'),
      keyFile: z.string().min(1).optional().describe('File with the operator key; also SELFHOST_ADMIN_KEY.'),
      viewerKeyFile: z
        .string()
        .min(1)
        .optional()
        .describe('File with a key that sees everything and changes nothing; also SELFHOST_VIEWER_KEY.'),
    })
    .prefault({}),
  keys: keysSection,
  thinkers: z
    .array(thinker)
    .max(64)
    .default([])
    .describe('Your own Ollama servers. Empty: the Ollama at OLLAMA_HOST or 127.0.0.1:11434, else a simulated one.'),
  discovery: z
    .enum(['auto', 'off'])
    .default('auto')
    .describe(
      'With no thinkers listed: `auto` looks for an Ollama on this machine, then simulates; `off` does neither.',
    ),
  simulation: z
    .strictObject({
      profile: z
        .string()
        .min(1)
        .default('demo')
        .describe('Pace of the simulated thinker: `demo`, `instant`, or another of `src/sim/profiles.ts`.'),
      seed: z.int().min(0).default(1).describe('Seed of its words and of its pace.'),
    })
    .prefault({}),
  models: z
    .strictObject({
      default: modelPolicy.prefault({ numCtx: 8192 }).describe('For models not named below.'),
      byName: z.record(z.string(), modelPolicy).default({}).describe('Instead, for the models named here.'),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      connectMs: ms(5_000).describe('TCP and TLS to a thinker.'),
      firstTokenWarmMs: ms(60_000).describe('First token from a loaded model.'),
      firstTokenColdMs: ms(600_000).describe('First token when the model must be loaded first.'),
      stallMs: ms(30_000).describe('Between two tokens.'),
      totalMs: ms(1_800_000).describe('A whole answer.'),
    })
    .prefault({}),
  admission: z
    .strictObject({
      queueMax: z
        .int()
        .min(0)
        .max(10_000)
        .default(256)
        .describe("Requests waiting for a thinker; a longer queue outlives the clients' own timeouts."),
      queueWaitMaxMs: ms(120_000).describe('Longest wait for a thinker with room.'),
      inFlightMax: z.int().min(1).max(100_000).default(4_096).describe('Requests being answered, all tenants.'),
      inFlightPerTenantMax: z
        .int()
        .min(1)
        .max(100_000)
        .default(1_024)
        .describe('Requests being answered for one tenant.'),
    })
    .prefault({}),
  router: z
    .strictObject({
      triesMax: z.int().min(1).max(10).default(3).describe('Thinkers tried before the first token.'),
      probeIntervalMs: ms(5_000).describe('Health probe of each thinker.'),
      probeTimeoutMs: ms(3_000).describe('A probe that takes longer has failed.'),
      ejectAfterFailures: z.int().min(1).max(100).default(3).describe('Failures in a row after which a thinker rests.'),
    })
    .prefault({}),
  cache: z
    .strictObject({
      mode: z
        .enum(['on', 'exact-only', 'off'])
        .default('on')
        .describe('`exact-only` answers the same request again, not the same question in other words.'),
      persist: z.boolean().default(true).describe('false keeps answers in memory only.'),
      ttlMs: ms(86_400_000, 365 * 86_400_000).describe(
        'Age at which an answer expires; fixed at write with ±10 % jitter.',
      ),
      history: z
        .enum(['verbatim', 'contextual'])
        .default('verbatim')
        .describe(
          'Earlier turns of a conversation: `verbatim` must be the same; `contextual` compares what up to 4 turns were about, where the last one stands by itself.',
        ),
      volatile: z
        .enum(['short', 'bypass', 'off'])
        .default('short')
        .describe(
          'Questions about now (today, latest, price, weather): `short` keeps their answers for `volatileTtlMs`, `bypass` also reuses none for other wordings, `off` treats them as any other.',
        ),
      volatileTtlMs: ms(300_000).describe('Age at which an answer about now expires.'),
      temperatureMax: z
        .number()
        .min(0)
        .max(2)
        .default(0.7)
        .describe('Requests that ask for more, with no seed, want variety and bypass the cache.'),
      policy: z
        .enum(['certified', 'fixed'])
        .default('certified')
        .describe(
          'How the same question in other words is recognised: `certified` learns from audits and keeps `falseHitShareMax`; `fixed` asks for `similarityMin` and the same words.',
        ),
      falseHitShareMax: z
        .number()
        .min(0.001)
        .max(0.5)
        .default(0.05)
        .describe(
          'Largest wrong share of semantic hits. Half of it needs twice the audits; 0.01 needs at least 300 without a single wrong one.',
        ),
      confidence: z
        .number()
        .min(0.5)
        .max(0.999)
        .default(0.95)
        .describe('With which audits must show `falseHitShareMax` before more than near duplicates are served.'),
      strict: z
        .boolean()
        .default(false)
        .describe(
          'true: a certificate that holds however often it is looked at, at about half the hits, and no semantic hit before it opens.',
        ),
      audits: z
        .enum(['auto', 'always', 'off'])
        .default('auto')
        .describe(
          'Compares fresh answers with stored ones, on idle thinkers only. `auto`: not with simulated thinkers, whose answers depend on the wording; `always`: also with those; `off`: nothing is learned.',
        ),
      judge: z
        .strictObject({
          model: z
            .string()
            .min(1)
            .describe('Model that a thinker keeps in memory: none is loaded for this. The one you serve will do.'),
        })
        .optional()
        .describe(
          'Asks a model about answers that words and vectors cannot tell apart. Without it those teach nothing.',
        ),
      coalesceSimilar: z
        .boolean()
        .default(true)
        .describe(
          'A question in other words waits for an answer that is being made, where a stored one would be reused.',
        ),
      similarityMin: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Cosine for a semantic hit of `policy: fixed`; default: what the embedder recommends.'),
      lookupDeadlineMs: ms(150, 10_000).describe('A semantic lookup that takes longer counts as a miss.'),
      entriesMax: z
        .int()
        .min(1)
        .max(10_000_000)
        .default(200_000)
        .describe('Stored answers; the least used leave first.'),
      bytesMax: z
        .int()
        .min(MiB)
        .default(1024 * MiB)
        .describe('Stored answers, bytes.'),
      hotBytesMax: z
        .int()
        .min(MiB)
        .default(64 * MiB)
        .describe('Decoded answers kept in memory, bytes.'),
      entryBytesMax: z.int().min(1024).default(MiB).describe('Largest answer kept, bytes.'),
    })
    .prefault({}),
  embedding: z
    .strictObject({
      kind: z
        .enum(['auto', 'lexical', 'minilm', 'endpoint'])
        .default('auto')
        .describe('`auto`: MiniLM when its files are in `folder`, else lexical.'),
      folder: z.string().min(1).optional().describe('MiniLM files. Default: <dataDir>/models/all-MiniLM-L6-v2.'),
      download: z
        .boolean()
        .default(false)
        .describe('Fetch the MiniLM files once, at start, when they are missing (23 MB).'),
      downloadUrl: httpUrl.optional().describe('Mirror to fetch from.'),
      endpoint: z
        .strictObject({
          url: httpUrl.describe('Base URL of the server that embeds.'),
          api: z.enum(['ollama', 'openai']).default('ollama').describe('`/api/embed` or `/v1/embeddings`.'),
          model: z.string().min(1).default('all-minilm').describe('Embedding model to ask for.'),
          bearerFile: z.string().min(1).optional().describe('File with a bearer token to send.'),
          deadlineMs: ms(100, 60_000).describe('A slower answer counts as a miss.'),
          similarityMin: z.number().min(0).max(1).optional().describe('Cosine for a semantic hit in its space.'),
        })
        .optional()
        .describe('Needed by `kind: endpoint`.'),
    })
    .prefault({}),
  fleet: fleetSchema,
  fallback: fallbackSchema,
  redis: redisSchema,
  telemetry: telemetrySection,
  money: moneySection.describe('What it costs and what it saves.'),
  alerts: alertsSection,
});

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** As written in the file, every default filled in. */
export type FileConfig = DeepReadonly<z.output<typeof configSchema>>;

export interface ApiKey {
  /** SHA-256 of the key, hex: the key itself is not kept in memory. */
  readonly sha256: string;
  readonly tenant: string;
}

/** What the composition root gets: file, environment and secrets together, frozen. */
export interface Config extends FileConfig {
  readonly dataDir: string;
  readonly apiKeys: readonly ApiKey[];
  readonly adminKeySha256: string | undefined;
  readonly metricsTokenSha256: string | undefined;
  readonly viewerKeySha256: string | undefined;
  readonly bearers: Readonly<Record<string, string>>;
  /** Of the account at vast.ai; undefined where nothing is rented. */
  readonly vastKey: string | undefined;
  /** Of the API that stands in; undefined where none does, or where it wants none. */
  readonly fallbackKey: string | undefined;
  /** Sent to the collector of traces. */
  readonly otlpHeaders: Readonly<Record<string, string>>;
  /** Of each channel of `alerts`, in their order. */
  readonly alertSecrets: readonly (string | undefined)[];
  readonly ollamaHost: string | undefined;
  /** File it came from; undefined when there was none. */
  readonly source: string | undefined;
  /** What was changed at run time, with what the file says instead. */
  readonly changes: readonly (SettingChange & { readonly written: number | undefined })[];
}
