/**
 * Fills a data folder with answers through the cache's own `plan` and `keep`, in one scope, and ends. The
 * gateway started on that folder afterwards finds them as after any restart.
 */
import { createEmbeddedStore } from '../../src/cache/cache-store/embedded.ts';
import { createLexicalEmbedding } from '../../src/cache/embedding-model/lexical.ts';
import { createSemanticCache } from '../../src/cache/semantic-cache.ts';
import { createMemoryVectorIndex } from '../../src/cache/vector-index/memory.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { Answer } from '../../src/core/answer.ts';
import type { Asker } from '../../src/core/chat.ts';
import { systemClock } from '../../src/core/clock.ts';
import { localTenant, requestId } from '../../src/core/ids.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import { ollamaChatCodec } from '../../src/gateway/dialects/ollama/codecs.ts';
import { createPinner } from '../../src/gateway/effective-request.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { childOptions, send } from './child.ts';
import { benchModel, chatBody, storedQuestion } from './questions.ts';

const { thinkerUrl, dataDir, entries } = childOptions() as { thinkerUrl: string; dataDir: string; entries: number };

const tags = (await (await fetch(`${thinkerUrl}/api/tags`)).json()) as { models: { name: string; digest: string }[] };
const digest = tags.models.find((model) => model.name === benchModel)?.digest;
if (digest === undefined) throw new Error(`the thinker has no ${benchModel}`);

const config = configSchema.parse({});
const deps = { clock: systemClock, random: systemRandom, logger: silentLogger, metrics: createMetrics() };
const embedding = createLexicalEmbedding();
const limits = { entriesMax: config.cache.entriesMax, bytesMax: config.cache.bytesMax };
const store = await createEmbeddedStore({ dataDir, ...deps, metrics: undefined, options: limits });
const index = createMemoryVectorIndex({
  dimensions: embedding.dimensions,
  vectorsMax: config.cache.entriesMax,
  logger: silentLogger,
});
const cache = createSemanticCache({
  store,
  index,
  embedding,
  policy: { name: 'none', decide: () => ({ kind: 'ask', reason: 'no-neighbour' }) },
  ...deps,
});
const pinner = createPinner(config.models);
await (
  await cache.start()
).warmed;

/** Half of the texts that the cache embeds at a time: beyond them an answer is kept for its exact wording only. */
const batch = 32;
/** What waits for the disk is bounded: faster than it writes, the oldest answers would leave. */
const flushEvery = 1024;
for (let n = 0; n < entries; n++) {
  const question = storedQuestion(n);
  const decoded = ollamaChatCodec.decode(JSON.parse(chatBody(question, false)) as JsonValue);
  const id = requestId(`req_preload${n}`);
  const asker: Asker = {
    requestId: id,
    tenant: localTenant,
    cache: { mode: 'default' },
    receivedAt: systemClock.now(),
  };
  const { request } = pinner.pin(decoded.request);
  const plan = cache.plan(request, asker, digest);
  if (plan.kind !== 'cacheable') throw new Error(`question ${n} is not cacheable: ${plan.reason}`);
  cache.keep(plan, answerTo(question), { digest, requestId: id, tenant: localTenant });
  if (n % batch === batch - 1) await written(n + 1);
  if (n % flushEvery === flushEvery - 1) await store.flush();
}
await written(entries);
await cache.close();
await store.close();
await index.close();
send({ type: 'done' });

async function written(count: number): Promise<void> {
  while (cache.stats().kept < count) {
    const { dropped, writesFailed, notKept } = cache.stats();
    if (dropped + writesFailed + notKept > 0) {
      throw new Error(`${dropped} answers dropped, ${writesFailed} failed, ${notKept} not kept of ${count}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** As long as what the simulated thinker says. */
function answerTo(question: string): Answer {
  const text =
    `[simulated] You asked “${question}”. It turns on these words: ${question.slice(7, -1)}. ` +
    'No model was run: a simulator wrote these sentences, so take no fact from them. Fingerprint 00000000.';
  return {
    model: benchModel,
    createdAt: systemClock.now(),
    thinking: '',
    text,
    toolCalls: [],
    end: {
      type: 'end',
      finishReason: 'stop',
      usage: { promptTokens: 16, completionTokens: 56 },
      timings: { totalNs: 9e8, loadNs: 1e6, promptEvalNs: 5e7, evalNs: 8e8 },
    },
  };
}
