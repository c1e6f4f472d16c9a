/** Neutral requests as bodies of Ollama's native API. Each body is one JSON.stringify. */
import type { AnswerRequest, ChatRequest, EmbedRequest, GenerateRequest, Message, ToolCall } from '../../core/chat.ts';
import { AppError } from '../../core/errors.ts';
import { isJsonObject } from '../../core/json.ts';

export const answerPath = (request: AnswerRequest): string => (request.kind === 'chat' ? '/api/chat' : '/api/generate');

/**
 * Always streamed, also for clients that want one object: only a stream shows errors, the end and silence.
 * Fields that are undefined vanish in JSON, so absent stays absent and the model's own defaults hold.
 * @throws bad_request when the arguments of a tool call are not a JSON object
 */
export function encodeAnswerRequest(request: AnswerRequest): string {
  const body = request.kind === 'chat' ? chatBody(request) : generateBody(request);
  return JSON.stringify(request.extra ? { ...request.extra, ...body } : body);
}

/** Each body is one literal: taking the fields over from another costs more than all else here. */
function chatBody(request: ChatRequest): object {
  return {
    model: request.model,
    stream: true,
    format: request.format,
    options: encodeOptions(request),
    think: request.think,
    keep_alive: request.keepAlive,
    truncate: request.truncate,
    shift: request.shift,
    logprobs: request.logprobs,
    top_logprobs: request.topLogprobs,
    messages: request.messages.map(encodeMessage),
    tools: request.tools,
  };
}

function generateBody(request: GenerateRequest): object {
  return {
    model: request.model,
    stream: true,
    format: request.format,
    options: encodeOptions(request),
    think: request.think,
    keep_alive: request.keepAlive,
    truncate: request.truncate,
    shift: request.shift,
    logprobs: request.logprobs,
    top_logprobs: request.topLogprobs,
    prompt: request.prompt,
    suffix: request.suffix,
    system: request.system,
    template: request.template,
    context: request.context,
    raw: request.raw,
    images: request.images,
  };
}

export const embedPath = (request: EmbedRequest): string => (request.normalised ? '/api/embed' : '/api/embeddings');

export function encodeEmbedRequest(request: EmbedRequest): string {
  const common = {
    ...request.extra,
    model: request.model,
    keep_alive: request.keepAlive,
    options: Object.keys(request.options).length > 0 ? request.options : undefined,
  };
  return JSON.stringify(
    request.normalised
      ? { ...common, input: request.input, truncate: request.truncate, dimensions: request.dimensions }
      : { ...common, prompt: request.input[0] ?? '' },
  );
}

function encodeOptions(request: AnswerRequest): object | undefined {
  if (request.outputLimit !== undefined) return { ...request.options, num_predict: request.outputLimit };
  for (const _ in request.options) return request.options;
  return undefined;
}

function encodeMessage(message: Message): object {
  return {
    role: message.role,
    content: message.content,
    thinking: message.thinking,
    images: message.images,
    tool_calls: message.toolCalls?.map(encodeToolCall),
    tool_name: message.toolName,
    tool_call_id: message.toolCallId,
  };
}

function encodeToolCall(call: ToolCall): object {
  return { id: call.id, function: { name: call.name, arguments: parseArguments(call) } };
}

/** Ollama wants the arguments as an object, not as text. */
function parseArguments(call: ToolCall): object {
  let value: unknown;
  try {
    value = JSON.parse(call.argumentsJson);
  } catch (cause) {
    throw new AppError('bad_request', `the arguments of tool call \`${call.name}\` are not valid JSON`, { cause });
  }
  if (isJsonObject(value)) return value;
  throw new AppError('bad_request', `the arguments of tool call \`${call.name}\` are not a JSON object`);
}
