/** `POST /v1/messages/count_tokens`, as an estimate that says it is one. */
import type { ChatRequest } from '../../../core/chat.ts';
import type { JsonValue } from '../../../core/json.ts';
import { decodeMessagesRequest } from './decode-request.ts';
import { estimateTokens } from './estimate-tokens.ts';

export interface TokenCount {
  /** As the client wrote it. */
  readonly model: string;
  readonly inputTokens: number;
  readonly body: string;
  readonly notices: readonly string[];
}

/** Vision models spend 256 (Gemma 3) to 1,600 (Llama 3.2) on an image, whatever its bytes. */
const imageTokens = 800;
/** Chat templates wrap each message in a role and two or three markers, and open the answer with as many. */
const messageTokens = 4;

const estimateNotice =
  'input_tokens is an estimate made without the tokenizer of the model: up to 20 percent too high for English and code, ' +
  'off by up to a factor of 3 for other scripts; usage in the answer is exact';

/** @throws AppError bad_request | unsupported, as for messages, but without `max_tokens`. */
export function countAnthropicTokens(body: JsonValue): TokenCount {
  const { request, model, notices } = decodeMessagesRequest(body, 'ignored');
  const inputTokens = estimatePromptTokens(request);
  return {
    model,
    inputTokens,
    body: JSON.stringify({ input_tokens: inputTokens }),
    notices: [estimateNotice, ...notices],
  };
}

function estimatePromptTokens(request: ChatRequest): number {
  let tokens = messageTokens;
  for (const message of request.messages) {
    tokens += messageTokens + estimateTokens(message.content) + (message.images?.length ?? 0) * imageTokens;
    if (message.thinking) tokens += estimateTokens(message.thinking);
    for (const call of message.toolCalls ?? []) {
      tokens += messageTokens + estimateTokens(call.name) + estimateTokens(call.argumentsJson);
    }
  }
  for (const tool of request.tools ?? []) tokens += estimateTokens(JSON.stringify(tool));
  return tokens;
}
