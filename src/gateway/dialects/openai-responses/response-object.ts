/** The response object and its output items, as JSON text: streamed and whole replies are made of the same pieces. */
import type { EndEvent, ToolCall, Usage } from '../../../core/chat.ts';
import type { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import type { Reply } from '../dialect.ts';

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';
export type ResponseStatus = ItemStatus | 'failed';

/** What a reply needs from its request. */
export interface ResponseEncoding {
  readonly echo: JsonObject;
  readonly sealReasoning: boolean;
}

export interface ResponseOutcome {
  readonly status: ResponseStatus;
  /** JSON texts of the items. */
  readonly output: readonly string[];
  readonly usage?: Usage;
  readonly error?: AppError;
}

/** Clients that keep no state drop reasoning without one; the summary holds all there is. */
const plainReasoning = 'not encrypted: the summary holds the reasoning';

/** Writes the response object at any moment of one reply; the fields that never change are serialised once. */
export class ResponseObject {
  readonly #prefix: string;

  constructor(reply: Reply, echo: JsonObject) {
    const fixed = {
      id: `resp_${reply.idSeed}`,
      object: 'response',
      created_at: Math.floor(reply.createdAt / 1000),
      model: reply.model,
      ...echo,
      completed_at: null,
    };
    this.#prefix = JSON.stringify(fixed).slice(0, -1);
  }

  json({ status, output, usage, error }: ResponseOutcome): string {
    const incomplete = status === 'incomplete' ? '{"reason":"max_output_tokens"}' : 'null';
    const failure = error ? JSON.stringify({ code: responseErrorCode(error), message: error.message }) : 'null';
    const counts = usage ? JSON.stringify(responseUsage(usage)) : 'null';
    return (
      `${this.#prefix},"status":"${status}","error":${failure},"incomplete_details":${incomplete},` +
      `"output":[${output.join(',')}],"usage":${counts}}`
    );
  }
}

/** The codes of the API's closed list that fit what can go wrong here. */
function responseErrorCode(error: AppError): 'rate_limit_exceeded' | 'invalid_prompt' | 'server_error' {
  if (error.status === 429) return 'rate_limit_exceeded';
  return error.status < 499 ? 'invalid_prompt' : 'server_error';
}

function responseUsage(usage: Usage): Record<string, JsonValue> {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: usage.completionTokens,
    // Thinkers count thinking and answer together.
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.promptTokens + usage.completionTokens,
  };
}

export const endStatus = (end: EndEvent): 'completed' | 'incomplete' =>
  end.finishReason === 'length' ? 'incomplete' : 'completed';

/** @param text JSON text of the string. @param logprobs JSON text of the array. */
export function textPart(text: string, logprobs: string): string {
  return `{"type":"output_text","annotations":[],"logprobs":${logprobs},"text":${text}}`;
}

export function messageItem(id: string, status: ItemStatus, part?: string): string {
  return `{"id":"${id}","type":"message","role":"assistant","status":"${status}","content":[${part ?? ''}]}`;
}

/** @param text JSON text of the string. */
export const summaryPart = (text: string): string => `{"type":"summary_text","text":${text}}`;

export interface ReasoningItem {
  readonly id: string;
  readonly status: ItemStatus;
  readonly part?: string;
  readonly seal: boolean;
}

export function reasoningItem({ id, status, part, seal }: ReasoningItem): string {
  const sealed = seal ? `,"encrypted_content":${JSON.stringify(plainReasoning)}` : '';
  return `{"id":"${id}","type":"reasoning","status":"${status}","summary":[${part ?? ''}]${sealed}}`;
}

export interface CallItem {
  readonly id: string;
  readonly callId: string;
  readonly status: ItemStatus;
  readonly call: ToolCall;
  readonly argumentsJson: string;
}

export function callItem({ id, callId, status, call, argumentsJson }: CallItem): string {
  return JSON.stringify({
    id,
    type: 'function_call',
    status,
    call_id: callId,
    name: call.name,
    arguments: argumentsJson,
  });
}

/** Ids of one reply's parts: seed and position in the output. */
export const itemId = (prefix: 'msg_' | 'rs_' | 'fc_', reply: Reply, position: number): string =>
  `${prefix}${reply.idSeed}${position}`;
