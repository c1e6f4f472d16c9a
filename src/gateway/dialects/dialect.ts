/** What a dialect's codec offers to the gateway. Pure: no I/O, no clock; what varies comes in. */
import type { Answer } from '../../core/answer.ts';
import type { AnswerRequest, ChatEvent, EmbedAnswer, EmbedRequest } from '../../core/chat.ts';
import type { AppError } from '../../core/errors.ts';
import type { RequestId } from '../../core/ids.ts';
import type { JsonValue } from '../../core/json.ts';
import type { EpochMs } from '../../core/units.ts';

export type DialectName = 'ollama' | 'openai' | 'anthropic';

export interface Reply {
  readonly requestId: RequestId;
  /** Model name as the client wrote it. */
  readonly model: string;
  /** When this reply began, not when a cached answer was made. */
  readonly createdAt: EpochMs;
  /** Letters and digits for this reply's own ids (`chatcmpl-…`, `msg_…`, `call_…`): every reply has fresh ones. */
  readonly idSeed: string;
}

/** One streamed reply. Each method returns the bytes to send ('' for nothing). `end` is an event like the others. */
export interface StreamEncoder {
  event(event: ChatEvent): string;
  /** An error in the stream, in the dialect; ends the reply. */
  fail(error: AppError): string;
}

export interface DecodedAnswerRequest {
  readonly request: AnswerRequest;
  /** Model name as the client wrote it. */
  readonly model: string;
  readonly stream: boolean;
  /** Fields that were understood but cannot be honoured: told in `x-selfhost-notice`. */
  readonly notices: readonly string[];
  encodeAnswer(answer: Answer, reply: Reply): string;
  openStream(reply: Reply): StreamEncoder;
}

/** A route that asks a model for an answer. */
export interface AnswerCodec {
  readonly dialect: DialectName;
  readonly streamContentType: 'application/x-ndjson' | 'text/event-stream';
  /** Sent to keep an idle stream alive; undefined where the format has no comment form. */
  readonly heartbeat: string | undefined;
  /** @throws AppError bad_request | unsupported, naming the field */
  decode(body: JsonValue): DecodedAnswerRequest;
}

/** A route that asks for embeddings. */
export interface EmbedCodec {
  readonly dialect: DialectName;
  decode(body: JsonValue): {
    readonly request: EmbedRequest;
    readonly model: string;
    encode(answer: EmbedAnswer): string;
  };
}

export interface EncodedError {
  readonly status: number;
  readonly body: string;
}

/** Non-streamed error in the dialect. */
export type ErrorEncoder = (error: AppError, requestId: RequestId) => EncodedError;
