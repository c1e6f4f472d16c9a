/** Neutral requests as bodies of `/chat/completions`. */
import { isLoadRequest, type AnswerRequest, type Message } from '../../core/chat.ts';

/** What a chat API has no words for is not sent there: it would answer something else. */
export function fitsChatApi(request: AnswerRequest): boolean {
  if (isLoadRequest(request) || request.logprobs === true) return false;
  if (request.kind === 'chat') return true;
  const { suffix, template, context, raw } = request;
  return !suffix && !template && !context?.length && raw !== true;
}

/** Options of the runner that such an API knows by the same name. */
const sharedOptions = ['temperature', 'top_p', 'seed', 'stop', 'presence_penalty', 'frequency_penalty'] as const;

export function encodeChatRequest(request: AnswerRequest, model: string, outputTokensMax: number): string {
  const options: Record<string, unknown> = {};
  for (const name of sharedOptions) if (request.options[name] !== undefined) options[name] = request.options[name];
  return JSON.stringify({
    ...options,
    model,
    messages: encodeMessages(messagesOf(request)),
    tools: request.kind === 'chat' && request.tools?.length ? request.tools : undefined,
    response_format: formatOf(request.format),
    max_tokens: request.outputLimit ?? outputTokensMax,
    stream: true,
    stream_options: { include_usage: true },
  });
}

export function messagesOf(request: AnswerRequest): readonly Message[] {
  if (request.kind === 'chat') return request.messages;
  const user: Message = {
    role: 'user',
    content: request.prompt,
    ...(request.images !== undefined && { images: request.images }),
  };
  return request.system ? [{ role: 'system', content: request.system }, user] : [user];
}

function formatOf(format: AnswerRequest['format']): object | undefined {
  if (format === undefined) return undefined;
  if (format === 'json') return { type: 'json_object' };
  return { type: 'json_schema', json_schema: { name: 'answer', schema: format } };
}

/** Ollama's clients need no ids of calls, this API does: results belong to the calls before them, in their order. */
function encodeMessages(messages: readonly Message[]): object[] {
  let made = 0;
  let open: string[] = [];
  return messages.map((message) => {
    const { role, content, images, toolCalls } = message;
    if (role === 'tool') {
      const id = message.toolCallId ?? open[0] ?? `call_${made}`;
      open = open.filter((other) => other !== id);
      return { role, content, tool_call_id: id };
    }
    if (toolCalls?.length) {
      const calls = toolCalls.map(({ id, name, argumentsJson }) => ({
        id: id ?? `call_${made++}`,
        type: 'function',
        function: { name, arguments: argumentsJson },
      }));
      open = calls.map(({ id }) => id);
      return { role, content: content === '' ? null : content, tool_calls: calls };
    }
    if (!images?.length) return { role, content };
    return {
      role,
      content: [
        ...(content === '' ? [] : [{ type: 'text', text: content }]),
        ...images.map((data) => ({ type: 'image_url', image_url: { url: `data:${mediaType(data)};base64,${data}` } })),
      ],
    };
  });
}

/** By the first bytes, as they look in base64. */
function mediaType(base64: string): string {
  if (base64.startsWith('iVBOR')) return 'image/png';
  if (base64.startsWith('R0lG')) return 'image/gif';
  return base64.startsWith('UklG') ? 'image/webp' : 'image/jpeg';
}
