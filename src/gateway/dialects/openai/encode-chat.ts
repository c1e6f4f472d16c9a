/**
 * Neutral answers → `chat.completion` and its stream of `chat.completion.chunk`. The constant start of a
 * chunk is made once per reply, so that a token costs a look at its letters.
 */
import type { Answer } from '../../../core/answer.ts';
import type { ChatEvent, EndEvent, ToolCall } from '../../../core/chat.ts';
import type { AppError } from '../../../core/errors.ts';
import type { JsonValue } from '../../../core/json.ts';
import type { Reply, StreamEncoder } from '../dialect.ts';
import { sseData, sseDone } from '../shared/sse.ts';
import { argumentsObjectText, callId } from '../shared/tools.ts';
import { finishReasonOf, replyHead, tokenLogprobs, usageText } from './encode-shared.ts';
import { openAiErrorBody } from './errors.ts';
import { tokenText } from '../shared/token-text.ts';

const idPrefix = 'chatcmpl-';
const callIdPrefix = 'call_';

/** Non-streamed. Thinking is told in `message.reasoning`, the name that Ollama uses. */
export function encodeOpenAiChat(answer: Answer, reply: Reply): string {
  const calls = answer.toolCalls;
  // SDKs tell a message of calls from an empty answer by `null`.
  const content = answer.text === '' && calls.length > 0 ? 'null' : JSON.stringify(answer.text);
  let message = `{"role":"assistant","content":${content},"refusal":null`;
  if (answer.thinking !== '') message += `,"reasoning":${JSON.stringify(answer.thinking)}`;
  if (calls.length > 0) {
    message += `,"tool_calls":[${calls.map((call, i) => `{${toolCallFields(call, i, reply)}}`).join(',')}]`;
  }
  return (
    `${replyHead(reply, idPrefix, 'chat.completion')}"choices":[{"index":0,"message":${message}}` +
    `,"logprobs":${answer.logprobs ? logprobsText(answer.logprobs) : 'null'}` +
    `,"finish_reason":"${finishReasonOf(answer.end.finishReason, calls.length)}"}]` +
    `,"usage":${usageText(answer.end.usage)}}`
  );
}

/**
 * Streamed: the role, deltas, a chunk with the reason to finish, the usage where asked for, `[DONE]`.
 * A failure sends `data: {"error":…}` and no `[DONE]`: SDKs throw on the first and take the second for success.
 */
export function openOpenAiChatStream(reply: Reply, options: { readonly includeUsage: boolean }): StreamEncoder {
  return new ChatChunkEncoder(reply, options.includeUsage);
}

class ChatChunkEncoder implements StreamEncoder {
  readonly #reply: Reply;
  readonly #includeUsage: boolean;
  readonly #head: string;
  /** Up to and including the brace of `delta`. */
  readonly #delta: string;
  readonly #text: string;
  #calls = 0;
  #state: 'new' | 'started' | 'ended' = 'new';

  constructor(reply: Reply, includeUsage: boolean) {
    this.#reply = reply;
    this.#includeUsage = includeUsage;
    this.#head = `data: ${replyHead(reply, idPrefix, 'chat.completion.chunk')}`;
    // With include_usage every chunk but the last says null, as OpenAI documents it.
    this.#delta = `${this.#head}${includeUsage ? '"usage":null,' : ''}"choices":[{"index":0,"delta":{`;
    this.#text = `${this.#delta}"content":`;
  }

  event(event: ChatEvent): string {
    if (this.#state === 'started') return this.#chunk(event);
    // Nothing is sent for the start itself: what fails before the first token can still be another reply.
    if (this.#state === 'ended' || event.type === 'start') return '';
    this.#state = 'started';
    return `${this.#delta}"role":"assistant","content":""${deltaTail}${this.#chunk(event)}`;
  }

  fail(error: AppError): string {
    if (this.#state === 'ended') return '';
    this.#state = 'ended';
    return sseData(openAiErrorBody(error));
  }

  #chunk(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
        return event.logprobs
          ? `${this.#text}${JSON.stringify(event.text)}},"logprobs":${logprobsText(event.logprobs)}${choiceTail}`
          : this.#text + tokenText(event.text) + deltaTail;
      case 'thinking-delta':
        return `${this.#delta}"reasoning":${tokenText(event.text)}${deltaTail}`;
      case 'tool-call': {
        const index = this.#calls++;
        const fields = toolCallFields(event.call, index, this.#reply);
        return `${this.#delta}"tool_calls":[{"index":${index},${fields}}]${deltaTail}`;
      }
      case 'end':
        return this.#end(event);
      default:
        return '';
    }
  }

  #end(event: EndEvent): string {
    this.#state = 'ended';
    const finish = `${this.#delta}},"finish_reason":"${finishReasonOf(event.finishReason, this.#calls)}"}]}\n\n`;
    const usage = this.#includeUsage ? `${this.#head}"choices":[],"usage":${usageText(event.usage)}}\n\n` : '';
    return finish + usage + sseDone;
  }
}

/** After the fields of a choice. */
const choiceTail = ',"finish_reason":null}]}\n\n';
/** After the last field of a delta. */
const deltaTail = `}${choiceTail}`;

function toolCallFields(call: ToolCall, index: number, reply: Reply): string {
  const id = callId(call, callIdPrefix, reply.idSeed, index);
  return (
    `"id":${JSON.stringify(id)},"type":"function"` +
    `,"function":{"name":${JSON.stringify(call.name)},"arguments":${JSON.stringify(argumentsObjectText(call))}}`
  );
}

function logprobsText(logprobs: readonly JsonValue[]): string {
  return `{"content":${JSON.stringify(tokenLogprobs(logprobs))},"refusal":null}`;
}
