import type { AnswerFlow, AnswerRequest, AnswerSink, ThinkerKind } from '../../core/chat.ts';
import type { CallOptions, EmbedAnswer, EmbedRequest } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { modelName, type ThinkerId } from '../../core/ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { UsdMicros } from '../../core/units.ts';
import { AnswerCall, type CallContext } from '../ollama/answer-call.ts';
import { DeadlineWatch } from '../ollama/deadline-watch.ts';
import { callJson } from '../ollama/json-call.ts';
import { startManageCall } from '../ollama/manage-call.ts';
import { embedPath, encodeEmbedRequest } from '../ollama/native-encode.ts';
import { isOwnGatewayAnswer } from '../ollama/own-gateway.ts';
import { createTransport, type ThinkerTls } from '../ollama/transport.ts';
import type { AnswerTimeouts, LoadedModel, ManagementCall, ManagementSink } from '../thinker.ts';
import type { ModelInfo, Thinker, ThinkerReport } from '../thinker.ts';

export interface OllamaThinkerOptions {
  readonly id: ThinkerId;
  readonly name: string;
  readonly kind: ThinkerKind;
  /** Root of the server, with a path prefix if it has one. */
  readonly url: string;
  readonly maxConcurrency: number;
  readonly costPerHour: UsdMicros;
  readonly bearer?: string;
  readonly tls?: ThinkerTls;
  /** A host that takes longer to accept is down or far beyond use. Default 5000. */
  readonly connectTimeoutMs?: number;
  readonly clock: Clock;
}

/** 2,000 inputs of 1,000 dimensions are 40 MB of JSON. */
const embedBytesMax = 64 * 1024 * 1024;
/** `show` of a large model lists its tensors. */
const showBytesMax = 16 * 1024 * 1024;
/** Thousands of models fit. */
const probeBytesMax = 8 * 1024 * 1024;
/** `show` reads a file on the thinker's disk. */
const showTotalMs = 30_000;
/** Rows of a thinker's lists that are read; no disk holds more models. */
const rowsMax = 10_000;

/**
 * Driver for a server that speaks Ollama's native API.
 * @throws config_invalid when `url` is not an http or https URL
 */
export function createOllamaThinker(options: OllamaThinkerOptions): Thinker {
  const { name, clock } = options;
  const transport = createTransport({
    url: options.url,
    ...(options.bearer !== undefined && { bearer: options.bearer }),
    ...(options.tls !== undefined && { tls: options.tls }),
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    // Each lease has a socket; as many again may still be closing after a cancel.
    answerSocketsMax: 2 * options.maxConcurrency + 4,
  });
  const watch = new DeadlineWatch(clock);
  const context: CallContext = { name, transport, watch, clock };

  const get = async (path: string, call: CallOptions) =>
    callJson(context, {
      request: { method: 'GET', path, lane: 'control' },
      signal: call.signal,
      bodyBytesMax: probeBytesMax,
    });

  return {
    id: options.id,
    name,
    kind: options.kind,
    url: options.url,
    maxConcurrency: options.maxConcurrency,
    costPerHour: options.costPerHour,

    answer(request: AnswerRequest, sink: AnswerSink, timeouts: AnswerTimeouts): AnswerFlow {
      const call = new AnswerCall(context, request, sink, timeouts);
      call.start(request);
      return call;
    },

    async embed(request: EmbedRequest, timeouts: AnswerTimeouts, call: CallOptions): Promise<EmbedAnswer> {
      const { body } = await callJson(context, {
        request: {
          method: 'POST',
          path: embedPath(request),
          body: encodeEmbedRequest(request),
          contentType: 'application/json',
          lane: 'answers',
        },
        signal: call.signal,
        bodyBytesMax: embedBytesMax,
        firstByteMs: timeouts.firstTokenMs,
        totalMs: timeouts.totalMs,
      });
      return decodeEmbeddings(name, request, body);
    },

    async probe(call: CallOptions): Promise<ThinkerReport> {
      const [version, tags, ps] = await Promise.all([
        get('/api/version', call),
        get('/api/tags', call),
        // Servers that only resemble Ollama have no residency to tell; trouble with the host shows in the other two.
        get('/api/ps', call).catch(() => undefined),
      ]);
      if (isOwnGatewayAnswer(version)) {
        throw new AppError(
          'config_invalid',
          `thinker ${name} at ${options.url} is a llm-self-host gateway, not an Ollama server; remove it from the thinkers`,
        );
      }
      return {
        version: typeof version.body['version'] === 'string' ? version.body['version'] : '',
        models: rows(tags.body).map(decodeModel),
        loaded: ps ? rows(ps.body).map(decodeLoaded) : [],
        vramUsedBytes: ps && vramOf(rows(ps.body)),
      };
    },

    async show(body: JsonObject, call: CallOptions): Promise<JsonObject> {
      const response = await callJson(context, {
        request: {
          method: 'POST',
          path: '/api/show',
          body: JSON.stringify(body),
          contentType: 'application/json',
          lane: 'control',
        },
        signal: call.signal,
        bodyBytesMax: showBytesMax,
        totalMs: showTotalMs,
      });
      return response.body;
    },

    manage(call: ManagementCall, sink: ManagementSink, { signal }: CallOptions): void {
      startManageCall(context, call, sink, { signal });
    },

    async close(): Promise<void> {
      await transport.close();
      watch.close();
    },
  };
}

function decodeEmbeddings(name: string, request: EmbedRequest, body: JsonObject): EmbedAnswer {
  const embeddings = request.normalised ? body['embeddings'] : [body['embedding'] ?? null];
  const expected = request.normalised ? request.input.length : 1;
  if (!Array.isArray(embeddings) || embeddings.length !== expected || !embeddings.every(Array.isArray)) {
    throw new AppError('upstream_failed', `thinker ${name} did not return ${expected} embeddings as arrays of numbers`);
  }
  return {
    model: typeof body['model'] === 'string' ? body['model'] : request.model,
    embeddings: embeddings,
    promptTokens: numberOf(body['prompt_eval_count']),
    totalNs: numberOf(body['total_duration']),
    loadNs: numberOf(body['load_duration']),
  };
}

const numberOf = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : 0);

function rows(body: JsonObject): JsonObject[] {
  const models = body['models'];
  if (!Array.isArray(models)) return [];
  return (models as readonly JsonValue[]).slice(0, rowsMax).filter(isNamed);
}

const nameOf = (row: JsonObject): string => {
  const value = row['model'] ?? row['name'];
  return typeof value === 'string' ? value : '';
};
const isNamed = (row: JsonValue): row is JsonObject => isJsonObject(row) && nameOf(row) !== '';

function vramOf(loaded: readonly JsonObject[]): number | undefined {
  const sizes = loaded.map((row) => row['size_vram']).filter((size) => typeof size === 'number' && size >= 0);
  // Of a sum, a part that is not known makes it all unknown.
  return sizes.length === loaded.length ? sizes.reduce<number>((sum, size) => sum + Number(size), 0) : undefined;
}

const decodeModel = (row: JsonObject): ModelInfo => ({
  name: modelName(nameOf(row)),
  digest: typeof row['digest'] === 'string' ? row['digest'] : '',
  raw: row,
});

const decodeLoaded = (row: JsonObject): LoadedModel => ({ name: modelName(nameOf(row)), raw: row });
