/** Pieces of JSON text that chat and text completions share. */
import type { FinishReason, Usage } from '../../../core/chat.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts';
import type { Reply } from '../dialect.ts';

/** Names the kind of backend, as Ollama does: the field exists to tell when that changes. */
const systemFingerprint = 'fp_ollama';

/** `{"id":…,"object":…,"created":…,"model":…,"system_fingerprint":…,`: the same in every chunk of a reply. */
export function replyHead(reply: Reply, idPrefix: string, object: string): string {
  const created = Math.floor(reply.createdAt / 1000);
  return (
    `{"id":"${idPrefix}${reply.idSeed}","object":"${object}","created":${created}` +
    `,"model":${JSON.stringify(reply.model)},"system_fingerprint":"${systemFingerprint}",`
  );
}

export function usageText({ promptTokens, completionTokens }: Usage): string {
  return (
    `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens}` +
    `,"total_tokens":${promptTokens + completionTokens}}`
  );
}

/** A message with tool calls ends by `tool_calls`, unless the limit cut it: Ollama itself says `stop` there. */
export function finishReasonOf(reason: FinishReason, calls: number): 'stop' | 'length' | 'tool_calls' {
  if (reason === 'length') return 'length';
  return calls > 0 || reason === 'tool-calls' ? 'tool_calls' : 'stop';
}

export interface Alternative {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: JsonValue;
}

/** One token as thinkers report it, with the ones that were likely in its place. */
export interface TokenLogprob extends Alternative {
  readonly top_logprobs: readonly Alternative[];
}

/** Native logprobs with every field that OpenAI's types require. */
export function tokenLogprobs(logprobs: readonly JsonValue[]): TokenLogprob[] {
  return logprobs.map((entry) => {
    const object: JsonObject = isJsonObject(entry) ? entry : {};
    const top = object['top_logprobs'];
    return { ...alternative(object), top_logprobs: Array.isArray(top) ? (top as JsonValue[]).map(alternative) : [] };
  });
}

function alternative(entry: JsonValue): Alternative {
  const object: JsonObject = isJsonObject(entry) ? entry : {};
  const { token, logprob, bytes } = object;
  return {
    token: typeof token === 'string' ? token : '',
    logprob: typeof logprob === 'number' ? logprob : 0,
    bytes: bytes ?? null,
  };
}
