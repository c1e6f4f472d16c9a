/**
 * The neutral language between client dialects, the cache and thinkers. It follows Ollama's native
 * API, because that is what thinkers speak: only there are errors in a stream, token counts and
 * load / prefill / decode times visible.
 */
import type { AppError } from './errors.ts';
import type { EntryId, ModelName, RequestId, TenantId, ThinkerId } from './ids.ts';
import type { JsonObject, JsonValue } from './json.ts';
import type { EpochMs } from './units.ts';

export interface ToolCall {
  /** Absent where the server gave none; dialects that need one make it up from the position. */
  readonly id?: string;
  readonly name: string;
  /** JSON text of the arguments object. */
  readonly argumentsJson: string;
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly thinking?: string;
  /** Base64, without a data-URI prefix. */
  readonly images?: readonly string[];
  readonly toolCalls?: readonly ToolCall[];
  readonly toolName?: string;
  readonly toolCallId?: string;
}

export type Think = boolean | 'low' | 'medium' | 'high' | 'max';

interface AnswerRequestBase {
  readonly model: ModelName;
  /** Native option names (`temperature`, `top_p`, `seed`, `stop`, `num_ctx`, …) as the client sent them, without `num_predict`. */
  readonly options: JsonObject;
  /** Most tokens to generate, > 0; undefined = until the model stops. */
  readonly outputLimit: number | undefined;
  readonly format?: 'json' | JsonObject;
  readonly think?: Think;
  readonly keepAlive?: string | number;
  readonly truncate?: boolean;
  readonly shift?: boolean;
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
  /** Native fields we do not know: sent upstream as they are, and part of the cache key. */
  readonly extra?: JsonObject;
}

export interface ChatRequest extends AnswerRequestBase {
  readonly kind: 'chat';
  /** Empty = load or unload the model (`keepAlive: 0`). */
  readonly messages: readonly Message[];
  /** Native shape: `{type:'function', function:{name, description, parameters}}`. */
  readonly tools?: readonly JsonObject[];
}

export interface GenerateRequest extends AnswerRequestBase {
  readonly kind: 'generate';
  /** Empty = load or unload the model. */
  readonly prompt: string;
  readonly suffix?: string;
  readonly system?: string;
  readonly template?: string;
  readonly context?: readonly number[];
  readonly raw?: boolean;
  readonly images?: readonly string[];
}

/** What is asked of a model, whatever dialect it came in. */
export type AnswerRequest = ChatRequest | GenerateRequest;

/** `load` and `unload` calls produce no answer and are never cached. */
export function isLoadRequest(request: AnswerRequest): boolean {
  return request.kind === 'chat' ? request.messages.length === 0 : request.prompt === '' && !request.images?.length;
}

/** Client's wishes about the cache, from `Cache-Control`. */
export interface CacheDirectives {
  /** `no-cache`: do not read, do write. `no-store`: neither. */
  readonly mode: 'default' | 'no-cache' | 'no-store';
  /** Oldest acceptable entry, seconds. */
  readonly maxAgeS?: number;
}

/** Who asks and how, apart from what is asked. */
export interface Asker {
  readonly requestId: RequestId;
  readonly tenant: TenantId;
  /** Whose stored answers are given and added to; the tenant's own where nothing else is said. */
  readonly cacheOwner?: TenantId;
  /** Why no thinker may be asked for it; stored and running answers are given all the same. */
  readonly spent?: AppError | undefined;
  readonly cache: CacheDirectives;
  readonly receivedAt: EpochMs;
  /** Whether the reader can be kept by signs of life while a thinker starts. Default `plain`: it cannot. */
  readonly patience?: 'plain' | 'streamed';
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Nanoseconds, as Ollama reports them. */
export interface Timings {
  readonly totalNs: number;
  readonly loadNs: number;
  readonly promptEvalNs: number;
  readonly evalNs: number;
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'load' | 'unload';

export interface EndEvent {
  readonly type: 'end';
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly timings: Timings;
  /** `/api/generate` only: token ids to continue from. */
  readonly context?: readonly number[];
  /** The server did not say why it stopped: the answer may have been cut, so it is not worth keeping. */
  readonly reasonMissing?: true;
}

/**
 * One `start`, any deltas, one `end`. A failure replaces `end`: the sink's `fail` is called.
 * `tool-call` events are whole calls (Ollama never splits one).
 */
export type ChatEvent =
  | { readonly type: 'start'; readonly model: string; readonly createdAt: EpochMs }
  | {
      readonly type: 'text-delta';
      readonly text: string;
      readonly logprobs?: readonly JsonValue[];
      /** What the thinker sent one by one and we read at once; joined it is `text`. Absent = one piece. */
      readonly pieces?: readonly string[];
    }
  | { readonly type: 'thinking-delta'; readonly text: string; readonly pieces?: readonly string[] }
  | { readonly type: 'tool-call'; readonly call: ToolCall }
  | EndEvent;

/**
 * Where an answer goes. Pushed rather than iterated: a promise per token would cost more CPU than
 * translating the token (docs/decisions).
 */
export interface AnswerSink {
  event(event: ChatEvent): void;
  /** Terminal, in place of the `end` event. */
  fail(error: AppError): void;
}

/** The reader's hand on a running answer. All calls are idempotent; after `cancel` the sink hears nothing. */
export interface AnswerFlow {
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** Where an answer came from; told once, before the first event. */
export interface AnswerOrigin {
  readonly source: AnswerSource;
  /** Sources `thinker` and `fallback`: who answers, under which digest, and how long the request waited in our queue. */
  readonly thinker?: {
    readonly id: ThinkerId;
    readonly name: string;
    readonly kind: ThinkerKind;
    readonly digest: string | undefined;
    readonly queuedMs: number;
    readonly cold: boolean;
  };
  /** Sources `exact` and `semantic`. `similarity` is 1 for exact. */
  readonly hit?: {
    readonly entryId: EntryId;
    readonly similarity: number;
    readonly ageS: number;
    /** The request whose answer was stored. */
    readonly askedBy: RequestId;
  };
  /** Source `coalesced`, where the answer was asked for in other words: cosine of the two questions. */
  readonly similarity?: number;
  /** The request that leads a flight: whose answer it is for those that join. */
  readonly ledBy?: RequestId;
}

export type ThinkerKind = 'static' | 'simulated' | 'rented';

/** A sink that is also told the origin. `origin` comes once, before the first event; not at all when it fails before. */
export interface DispatchSink extends AnswerSink {
  origin(origin: AnswerOrigin): void;
}

export type AnswerSource = 'thinker' | 'fallback' | 'coalesced' | 'exact' | 'semantic';

/** `/api/embed`, `/api/embeddings` and their OpenAI twin, neutral. */
export interface EmbedRequest {
  readonly model: ModelName;
  readonly input: readonly string[];
  /** true: `/api/embed`, L2-normalised; false: the older `/api/embeddings`, one text, not normalised. */
  readonly normalised: boolean;
  readonly truncate?: boolean;
  readonly dimensions?: number;
  readonly keepAlive?: string | number;
  readonly options: JsonObject;
  readonly extra?: JsonObject;
}

export interface EmbedAnswer {
  readonly model: string;
  /** One per input, same order. */
  readonly embeddings: readonly (readonly number[])[];
  readonly promptTokens: number;
  readonly totalNs: number;
  readonly loadNs: number;
}

export interface CallOptions {
  readonly signal: AbortSignal;
}
