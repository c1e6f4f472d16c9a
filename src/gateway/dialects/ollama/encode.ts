/**
 * Neutral answers → Ollama's JSON and its newline-delimited stream. Lines are put together from a
 * prefix made once per reply, so that a token costs a look at its letters.
 */
import type { Answer } from '../../../core/answer.ts';
import type { ChatEvent, EmbedAnswer, EndEvent, FinishReason, ToolCall } from '../../../core/chat.ts';
import type { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import type { Reply, StreamEncoder } from '../dialect.ts';
import { tokenText } from '../shared/token-text.ts';
import { argumentsObjectText } from '../shared/tools.ts';
import { ollamaErrorBody } from './errors.ts';

/** Chat puts the text into a message, generate beside the other fields. */
export type OllamaShape = 'chat' | 'generate';

/** Non-streamed: one object with everything. */
export function encodeOllamaAnswer(shape: OllamaShape, answer: Answer, reply: Reply): string {
  let out = head(shape, reply) + JSON.stringify(answer.text);
  if (answer.thinking !== '') out += `,"thinking":${JSON.stringify(answer.thinking)}`;
  if (answer.toolCalls.length > 0) out += `,"tool_calls":[${answer.toolCalls.map(toolCallText).join(',')}]`;
  if (shape === 'chat') out += '}';
  if (answer.logprobs) out += `,"logprobs":${JSON.stringify(answer.logprobs)}`;
  return out + endText(answer.end);
}

/** Streamed: one line per event; the last one says `done:true`, or is `{"error":…}` and no done. */
export function encodeOllamaLines(shape: OllamaShape, reply: Reply): StreamEncoder {
  return new LineEncoder(shape, reply);
}

export function encodeOllamaEmbed(answer: EmbedAnswer, model: string): string {
  return JSON.stringify({
    model,
    embeddings: answer.embeddings,
    total_duration: answer.totalNs,
    load_duration: answer.loadNs,
    prompt_eval_count: answer.promptTokens,
  });
}

export function encodeOllamaEmbeddings(answer: EmbedAnswer): string {
  return JSON.stringify({ embedding: answer.embeddings[0] ?? [] });
}

/** `/api/tags` and `/api/ps`: rows are the thinkers' own. */
export function encodeOllamaModels(rows: readonly JsonObject[]): string {
  return JSON.stringify({ models: rows });
}

class LineEncoder implements StreamEncoder {
  readonly #head: string;
  readonly #close: string;
  readonly #tail: string;
  #calls = 0;
  #ended = false;

  constructor(shape: OllamaShape, reply: Reply) {
    this.#head = head(shape, reply);
    this.#close = shape === 'chat' ? '}' : '';
    this.#tail = `${this.#close},"done":false}\n`;
  }

  event(event: ChatEvent): string {
    if (this.#ended) return '';
    switch (event.type) {
      case 'text-delta':
        return event.logprobs
          ? `${this.#head}${JSON.stringify(event.text)}${this.#close}${logprobsText(event.logprobs)},"done":false}\n`
          : this.#head + tokenText(event.text) + this.#tail;
      case 'thinking-delta':
        return `${this.#head}"","thinking":${tokenText(event.text)}${this.#tail}`;
      case 'tool-call':
        return `${this.#head}"","tool_calls":[${toolCallText(event.call, this.#calls++)}]${this.#tail}`;
      case 'end':
        this.#ended = true;
        return `${this.#head}""${this.#close}${endText(event)}\n`;
      default:
        // Ollama has no line for the start: its first line carries the first token.
        return '';
    }
  }

  fail(error: AppError): string {
    if (this.#ended) return '';
    this.#ended = true;
    return `${ollamaErrorBody(error)}\n`;
  }
}

/** Up to and including the key of the text. */
function head(shape: OllamaShape, reply: Reply): string {
  const start = `{"model":${JSON.stringify(reply.model)},"created_at":"${instantText(reply.createdAt)}",`;
  return start + (shape === 'chat' ? '"message":{"role":"assistant","content":' : '"response":');
}

/** A busy gateway begins many replies in one millisecond. */
let lastInstant: { readonly at: number; readonly text: string } = { at: 0, text: new Date(0).toISOString() };
function instantText(at: number): string {
  if (lastInstant.at !== at) lastInstant = { at, text: new Date(at).toISOString() };
  return lastInstant.text;
}

function logprobsText(logprobs: readonly JsonValue[]): string {
  return `,"logprobs":${JSON.stringify(logprobs)}`;
}

function toolCallText(call: ToolCall, index: number): string {
  const id = call.id === undefined ? '' : `"id":${JSON.stringify(call.id)},`;
  return `{${id}"function":{"index":${index},"name":${JSON.stringify(call.name)},"arguments":${argumentsObjectText(call)}}}`;
}

function endText(end: EndEvent): string {
  const done = `,"done":true,"done_reason":"${doneReasons[end.finishReason]}"`;
  // A load or unload call generates nothing, and Ollama reports nothing about it.
  if (end.finishReason === 'load' || end.finishReason === 'unload') return `${done}}`;
  const { timings, usage } = end;
  return (
    done +
    (end.context ? `,"context":${JSON.stringify(end.context)}` : '') +
    `,"total_duration":${timings.totalNs},"load_duration":${timings.loadNs}` +
    `,"prompt_eval_count":${usage.promptTokens},"prompt_eval_duration":${timings.promptEvalNs}` +
    `,"eval_count":${usage.completionTokens},"eval_duration":${timings.evalNs}}`
  );
}

/** Ollama ends a message of tool calls by `stop`. */
const doneReasons = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'stop',
  load: 'load',
  unload: 'unload',
} as const satisfies Record<FinishReason, string>;
