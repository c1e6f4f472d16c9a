/** Embeddings from a server: Ollama's `/api/embed` or OpenAI's `/v1/embeddings`. */
import { Pool } from 'undici';
import type { CallOptions } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { EmbeddingModel } from '../embedding-model.ts';
import { AppError } from '../../core/errors.ts';
import { toUnitVector, type UnitVector } from '../../core/vector.ts';
import { createBreaker } from './endpoint/breaker.ts';
import { knownModel } from './endpoint/known-models.ts';
import { fitsWindow } from './minilm/window.ts';

export interface EndpointOptions {
  /** Base URL; `/v1` at its end is understood. */
  readonly url: string;
  readonly model: string;
  readonly kind: 'ollama' | 'openai';
  readonly clock: Clock;
  readonly logger: Logger;
  readonly bearer?: string;
  /** Longest wait for one text; a call of n texts may take n times this. */
  readonly deadlineMs?: number;
  /** Default: by the model's name, else learnt from the first answer. */
  readonly dimensions?: number;
  readonly similarityMin?: number;
  readonly windowPieces?: number;
  readonly inFlightMax?: number;
  readonly breaker?: { readonly failuresMax: number; readonly restMs: number; readonly restMaxMs: number };
  /** Longest wait of a probe, which may have to load the model first. */
  readonly probeDeadlineMs?: number;
}

const defaults = {
  // A lookup that takes longer costs more than it saves.
  deadlineMs: 100,
  // Beyond this the server's own queue outlasts the deadline.
  inFlightMax: 32,
  breaker: { failuresMax: 3, restMs: 2_000, restMaxMs: 60_000 },
  // A small embedding model loads in one to three seconds from a cold disk.
  probeDeadlineMs: 10_000,
} as const;

/** Texts in one request: the answer of 3,072 dimensions stays under two megabytes. */
const maxBatch = 32;
/** Largest answer read, bytes: 32 vectors of 4,096 numbers written out in full. */
const answerBytesMax = 4 * 1024 * 1024;
const connectionsMax = 8;
/** The gateway is to serve within a second of its start. */
const startWaitMs = 500;
/** Ollama unloads after five idle minutes otherwise, and the next lookup would find it cold. */
const keepAlive = '1h';

/**
 * Learns or verifies the dimensions with one call. When the server does not answer soon and the dimensions
 * are known or configured, it starts all the same: lookups miss until the server is there.
 * @throws AppError `embedding_failed` when the dimensions cannot be told, or are not those configured
 */
export async function createEndpointEmbedding(options: EndpointOptions): Promise<EmbeddingModel> {
  const { clock, logger, model } = options;
  const url = new URL(options.url);
  const base = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  const path = `${base}${options.kind === 'ollama' ? '/api/embed' : '/v1/embeddings'}`;
  const known = knownModel(model);
  const deadlineMs = options.deadlineMs ?? defaults.deadlineMs;
  const probeDeadlineMs = options.probeDeadlineMs ?? defaults.probeDeadlineMs;
  const inFlightMax = options.inFlightMax ?? defaults.inFlightMax;
  const windowPieces = options.windowPieces ?? known.windowPieces;
  const pool = new Pool(url.origin, {
    connections: connectionsMax,
    pipelining: 1,
    connect: { timeout: probeDeadlineMs },
    maxResponseSize: answerBytesMax,
  });
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(options.bearer !== undefined && { authorization: `Bearer ${options.bearer}` }),
  };
  const named = `embedding endpoint ${url.origin}${path}`;
  let inFlight = 0;
  let closed = false;

  const request = async (
    texts: readonly string[],
    waitMs: number,
    signal: AbortSignal,
  ): Promise<readonly (readonly number[])[]> => {
    const late = new AbortController();
    const timer = clock.after(waitMs, () => late.abort());
    inFlight++;
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path,
        headers,
        body: JSON.stringify({ model, input: texts, ...(options.kind === 'ollama' && ollamaOnly) }),
        signal: AbortSignal.any([signal, late.signal]),
      });
      const text = await body.text();
      if (statusCode !== 200) throw new Error(rejection(statusCode, text, options));
      return vectorsOf(JSON.parse(text), options.kind, texts.length);
    } catch (error) {
      const why = late.signal.aborted ? `took longer than ${waitMs} ms` : `failed: ${(error as Error).message}`;
      throw new AppError('embedding_failed', `${named} ${why}`, { cause: error });
    } finally {
      inFlight--;
      timer.clear();
    }
  };

  const probe = async (): Promise<number> =>
    (await request(['hello'], probeDeadlineMs, new AbortController().signal))[0]!.length;

  let dimensions: number;
  try {
    dimensions = await learnDimensions();
  } catch (error) {
    await pool.destroy();
    throw error;
  }

  async function learnDimensions(): Promise<number> {
    const expected = options.dimensions ?? known.dimensions;
    const asked = probe();
    const soon = Promise.withResolvers<undefined>();
    const wait = clock.after(startWaitMs, () => soon.resolve(undefined));
    let found: number | undefined;
    try {
      found = expected === undefined ? await asked : await Promise.race([asked, soon.promise]);
    } catch (error) {
      if (expected === undefined) {
        const remedy = 'start the server, or configure the dimensions of the model';
        throw new AppError('embedding_failed', `${(error as Error).message}; ${remedy}`, { cause: error });
      }
      logger.warn({ err: error, model }, 'embedding endpoint does not answer yet; lookups by meaning miss');
    } finally {
      wait.clear();
    }
    // Goes on behind the start and warms the model up.
    asked.catch((error: unknown) =>
      logger.debug({ err: error, model }, 'embedding endpoint did not answer the first call'),
    );
    const dimensions = found ?? expected!;
    if (options.dimensions !== undefined && dimensions !== options.dimensions) {
      throw new AppError(
        'embedding_failed',
        `${named} gives ${dimensions} dimensions for ${model}, configured are ${options.dimensions}`,
      );
    }
    return dimensions;
  }

  const breaker = createBreaker({
    clock,
    ...(options.breaker ?? defaults.breaker),
    async probe() {
      const found = await probe();
      if (found !== dimensions) throw new Error(`${named} now gives ${found} dimensions, expected ${dimensions}`);
      logger.info({ model }, 'embedding endpoint is back');
    },
  });

  return {
    id: `endpoint-${options.kind}-${model}-${dimensions}`,
    kind: 'endpoint',
    dimensions,
    maxBatch,
    similarityMin: options.similarityMin ?? known.similarityMin,
    fits: (text) => fitsWindow(text, windowPieces),
    async embed(texts: readonly string[], { signal }: CallOptions): Promise<readonly UnitVector[]> {
      if (texts.length === 0) return [];
      const refusal = refusalOf(texts.length, signal);
      if (refusal !== undefined) throw new AppError('embedding_failed', `${named}: ${refusal}`);
      try {
        const vectors = await request(texts, deadlineMs * texts.length, signal);
        const units = vectors.map(toUnit);
        breaker.succeeded();
        return units;
      } catch (error) {
        // A caller that leaves says nothing about the server.
        if (!signal.aborted && !closed) breaker.failed();
        throw error;
      }
    },
    async close() {
      closed = true;
      await pool.destroy();
    },
  };

  function refusalOf(count: number, signal: AbortSignal): string | undefined {
    if (closed) return 'closed';
    if (signal.aborted) return 'aborted before it was called';
    if (count > maxBatch) return `${count} texts in one call; the most is ${maxBatch}: split them`;
    if (inFlight >= inFlightMax) return `${inFlight} calls are running, which is the most`;
    return breaker.refusal();
  }

  function toUnit(values: readonly number[]): UnitVector {
    if (values.length !== dimensions) {
      throw new AppError('embedding_failed', `${named} gives ${values.length} dimensions, expected ${dimensions}`);
    }
    const vector = Float32Array.from(values);
    if (!vector.every(Number.isFinite) || vector.every((value) => value === 0)) {
      throw new AppError('embedding_failed', `${named} gave a vector without direction`);
    }
    return toUnitVector(vector);
  }
}

/** A text over the window is an error, not a silent cut: cut texts look alike. */
const ollamaOnly = { truncate: false, keep_alive: keepAlive };

function rejection(status: number, body: string, { kind, model }: EndpointOptions): string {
  const said = body.slice(0, 200).trim();
  const remedy = status === 404 && kind === 'ollama' ? `; run \`ollama pull ${model}\` on the server` : '';
  return `status ${status}${said === '' ? '' : ` ${said}`}${remedy}`;
}

/** Only the fields we use. @throws Error when the answer is not `count` vectors */
function vectorsOf(answer: unknown, kind: 'ollama' | 'openai', count: number): readonly (readonly number[])[] {
  const { embeddings, data } = (answer ?? {}) as { embeddings?: unknown; data?: unknown };
  const vectors: unknown[] = [];
  if (kind === 'ollama' && Array.isArray(embeddings)) vectors.push(...(embeddings as unknown[]));
  if (kind === 'openai' && Array.isArray(data)) {
    for (const [position, item] of (data as ({ index?: unknown; embedding?: unknown } | null)[]).entries()) {
      vectors[typeof item?.index === 'number' ? item.index : position] = item?.embedding;
    }
  }
  if (vectors.length !== count || !Array.from(vectors).every(isVector)) {
    throw new Error(`the answer has no ${count} vectors of numbers`);
  }
  return vectors as number[][];
}

const isVector = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number');
