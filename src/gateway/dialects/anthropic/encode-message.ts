/** A whole answer as one Anthropic message. */
import type { Answer } from '../../../core/answer.ts';
import type { EndEvent, ToolCall, Usage } from '../../../core/chat.ts';
import type { JsonValue } from '../../../core/json.ts';
import type { Reply } from '../dialect.ts';
import { argumentsObjectText, callId } from '../shared/tools.ts';

/**
 * Clients hand a thinking block back only if it carries a signature. Ours proves nothing and says so:
 * decoding takes any signature.
 */
export const thinkingSignature = 'unsigned';

export interface MessageEncoding {
  /** False where the client asked for `thinking.display: 'omitted'`. */
  readonly showThinking: boolean;
}

export function encodeMessage(answer: Answer, reply: Reply, { showThinking }: MessageEncoding): string {
  const content: unknown[] = [];
  if (showThinking && answer.thinking !== '') {
    content.push({ type: 'thinking', thinking: answer.thinking, signature: thinkingSignature });
  }
  if (answer.text !== '') content.push({ type: 'text', text: answer.text, citations: null });
  for (const [position, call] of answer.toolCalls.entries()) {
    content.push({ ...toolUse(call, reply, position), input: JSON.parse(argumentsObjectText(call)) as JsonValue });
  }
  return JSON.stringify({
    ...messageHead(reply),
    content,
    stop_reason: stopReason(answer.end, answer.toolCalls.length > 0),
    stop_sequence: null,
    stop_details: null,
    usage: messageUsage(answer.end.usage),
  });
}

export function messageHead(reply: Reply): Record<string, JsonValue> {
  return {
    id: `msg_${reply.idSeed}`,
    type: 'message',
    role: 'assistant',
    model: reply.model,
    container: null,
    diagnostics: null,
  };
}

/** Everything of a `tool_use` block but its input. */
export function toolUse(call: ToolCall, reply: Reply, position: number): Record<string, JsonValue> {
  const id = callId(call, 'toolu_', reply.idSeed, position);
  return { type: 'tool_use', id, name: call.name, caller: { type: 'direct' } };
}

/** Thinkers report `stop` after a tool call as well, hence `hasToolCalls`. Which stop sequence was met is not told by them. */
export function stopReason(end: EndEvent, hasToolCalls: boolean): 'end_turn' | 'max_tokens' | 'tool_use' {
  switch (end.finishReason) {
    case 'length':
      return 'max_tokens';
    case 'tool-calls':
      return 'tool_use';
    default:
      return hasToolCalls ? 'tool_use' : 'end_turn';
  }
}

export function messageUsage(usage: Usage): Record<string, JsonValue> {
  return {
    input_tokens: usage.promptTokens,
    output_tokens: usage.completionTokens,
    output_tokens_details: null,
    cache_creation: null,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    inference_geo: null,
    server_tool_use: null,
    service_tier: 'standard',
    speed: null,
  };
}
