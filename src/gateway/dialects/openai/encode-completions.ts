/** Neutral answers → `text_completion`, streamed or not, and the embeddings list. */
import type { Answer } from '../../../core/answer.ts';
import type { ChatEvent, EmbedAnswer, EndEvent } from '../../../core/chat.ts';
import type { AppError } from '../../../core/errors.ts';
import type { JsonValue } from '../../../core/json.ts';
import type { Reply, StreamEncoder } from '../dialect.ts';
import { sseData, sseDone } from '../shared/sse.ts';
import { finishReasonOf, replyHead, tokenLogprobs, usageText } from './encode-shared.ts';
import { openAiErrorBody } from './errors.ts';
import { tokenText } from '../shared/token-text.ts';

const idPrefix = 'cmpl-';
const object = 'text_completion';

/** Non-streamed. This API has no field for thinking: it is left out, as Ollama does. */
export function encodeOpenAiCompletion(answer: Answer, reply: Reply): string {
  return (
    `${replyHead(reply, idPrefix, object)}"choices":[{"text":${JSON.stringify(answer.text)},"index":0` +
    `,"logprobs":${answer.logprobs ? legacyLogprobsText(answer.logprobs, 0) : 'null'}` +
    `,"finish_reason":"${finishReasonOf(answer.end.finishReason, 0)}"}]` +
    `,"usage":${usageText(answer.end.usage)}}`
  );
}

export function openOpenAiCompletionStream(reply: Reply, options: { readonly includeUsage: boolean }): StreamEncoder {
  return new CompletionChunkEncoder(reply, options.includeUsage);
}

/** @param model as the client wrote it. */
export function encodeOpenAiEmbeddings(answer: EmbedAnswer, model: string, encoding: 'float' | 'base64'): string {
  const data = answer.embeddings.map((values, index) => ({
    object: 'embedding',
    index,
    embedding: encoding === 'base64' ? toBase64(values) : values,
  }));
  const tokens = answer.promptTokens;
  return JSON.stringify({ object: 'list', data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

class CompletionChunkEncoder implements StreamEncoder {
  readonly #includeUsage: boolean;
  readonly #head: string;
  readonly #text: string;
  /** Characters sent: `text_offset` counts from the start of the answer. */
  #offset = 0;
  #ended = false;

  constructor(reply: Reply, includeUsage: boolean) {
    this.#includeUsage = includeUsage;
    this.#head = `data: ${replyHead(reply, idPrefix, object)}`;
    this.#text = `${this.#head}${includeUsage ? '"usage":null,' : ''}"choices":[{"index":0,"text":`;
  }

  event(event: ChatEvent): string {
    if (this.#ended) return '';
    switch (event.type) {
      case 'text-delta': {
        const logprobs = event.logprobs ? legacyLogprobsText(event.logprobs, this.#offset) : 'null';
        this.#offset += event.text.length;
        return `${this.#text}${tokenText(event.text)},"logprobs":${logprobs},"finish_reason":null}]}\n\n`;
      }
      case 'end':
        return this.#end(event);
      default:
        // The start has no chunk, and thinking and tool calls have no field here.
        return '';
    }
  }

  fail(error: AppError): string {
    if (this.#ended) return '';
    this.#ended = true;
    return sseData(openAiErrorBody(error));
  }

  #end(event: EndEvent): string {
    this.#ended = true;
    const reason = finishReasonOf(event.finishReason, 0);
    const finish = `${this.#text}"","logprobs":null,"finish_reason":"${reason}"}]}\n\n`;
    const usage = this.#includeUsage ? `${this.#head}"choices":[],"usage":${usageText(event.usage)}}\n\n` : '';
    return finish + usage + sseDone;
  }
}

/** The older shape: columns instead of one object per token. */
function legacyLogprobsText(logprobs: readonly JsonValue[], offset: number): string {
  const tokens = tokenLogprobs(logprobs);
  let at = offset;
  return JSON.stringify({
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map((token) =>
      Object.fromEntries(token.top_logprobs.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: tokens.map(({ token }) => {
      const start = at;
      at += token.length;
      return start;
    }),
  });
}

/** Little-endian float32, whatever the byte order of this machine. */
function toBase64(values: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (let i = 0; i < values.length; i++) bytes.writeFloatLE(values[i]!, i * 4);
  return bytes.toString('base64');
}
