/** Ollama's native bodies → neutral requests. Field meanings follow `api/types.go` of Ollama. */
import type { ChatRequest, EmbedRequest, GenerateRequest, Message, ToolCall } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import type { ModelName } from '../../../core/ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts';
import {
  assertShallow,
  bodyObject,
  fieldError,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalInteger,
  optionalObject,
  optionalString,
  optionalStringArray,
  pathOf,
  requiredString,
  unsupportedField,
} from '../shared/fields.ts';
import { checkBase64, imageFromDataUri } from '../shared/images.ts';
import { contextTokensMax, embedInputsMax, imagesMax, messagesMax, toolCallsMax, toolsMax } from '../shared/limits.ts';
import { readModel } from '../shared/model.ts';
import { readThink, readTopLogprobs, type OptionsDraft } from '../shared/options.ts';
import { argumentsFromObject } from '../shared/tools.ts';

export interface Decoded<Request> {
  readonly request: Request;
  /** As the client wrote it. */
  readonly model: string;
  readonly stream: boolean;
}

type Draft<T> = { -readonly [Key in keyof T]: T[Key] };

const commonFields = [
  'model',
  'format',
  'options',
  'think',
  'keep_alive',
  'stream',
  'truncate',
  'shift',
  'logprobs',
  'top_logprobs',
  '_debug_render_only',
];
const chatFields: ReadonlySet<string> = new Set([...commonFields, 'messages', 'tools']);
const generateFields: ReadonlySet<string> = new Set([
  ...commonFields,
  'prompt',
  'suffix',
  'system',
  'template',
  'context',
  'raw',
  'images',
]);
const embedFields: ReadonlySet<string> = new Set(['model', 'input', 'truncate', 'dimensions', 'options', 'keep_alive']);
const embeddingsFields: ReadonlySet<string> = new Set(['model', 'prompt', 'options', 'keep_alive']);

const roles: ReadonlySet<string> = new Set(['system', 'user', 'assistant', 'tool']);

/** `/api/chat`. @throws AppError bad_request | unsupported, naming the field. */
export function decodeOllamaChat(input: JsonValue): Decoded<ChatRequest> {
  const body = bodyObject(input);
  const model = readModel(body);
  if (!model) throw new AppError('bad_request', 'model is required', { param: 'model' });
  const request: Draft<ChatRequest> = {
    kind: 'chat',
    model: model.name,
    messages: readMessages(body),
    ...readOptions(body),
  };
  const tools = readTools(body);
  if (tools?.length) request.tools = tools;
  readCommon(body, request, chatFields);
  return { request, model: model.written, stream: optionalBoolean(body, 'stream', '') ?? true };
}

/** `/api/generate`. @throws AppError model_not_found for an empty model, as Ollama answers there. */
export function decodeOllamaGenerate(input: JsonValue): Decoded<GenerateRequest> {
  const body = bodyObject(input);
  const model = readModel(body);
  if (!model) throw modelMissing();
  const request: Draft<GenerateRequest> = {
    kind: 'generate',
    model: model.name,
    prompt: optionalString(body, 'prompt', '') ?? '',
    ...readOptions(body),
  };
  // An empty text is "not given" to Ollama, for each of these three.
  const suffix = optionalString(body, 'suffix', '');
  if (suffix) request.suffix = suffix;
  const system = optionalString(body, 'system', '');
  if (system) request.system = system;
  const template = optionalString(body, 'template', '');
  if (template) request.template = template;
  const context = readContext(body);
  if (context) request.context = context;
  if (optionalBoolean(body, 'raw', '')) request.raw = true;
  if (request.raw && (template || system || context?.length)) {
    throw new AppError('bad_request', 'raw mode does not support template, system, or context', { param: 'raw' });
  }
  const images = readImages(body, '');
  if (images) request.images = images;
  readCommon(body, request, generateFields);
  return { request, model: model.written, stream: optionalBoolean(body, 'stream', '') ?? true };
}

/** `/api/embed`. An absent or empty input loads the model and answers no embeddings. */
export function decodeOllamaEmbed(input: JsonValue): { readonly request: EmbedRequest; readonly model: string } {
  const body = bodyObject(input);
  const model = readModel(body);
  if (!model) throw modelMissing();
  const request: Draft<EmbedRequest> = {
    ...embedBase(body, model.name),
    input: readEmbedInput(body),
    normalised: true,
  };
  const truncate = optionalBoolean(body, 'truncate', '');
  if (truncate !== undefined) request.truncate = truncate;
  const dimensions = optionalInteger(body, 'dimensions', '');
  if (dimensions) request.dimensions = dimensions;
  readExtra(body, request, embedFields);
  return { request, model: model.written };
}

/** `/api/embeddings`, the older route: one text, not normalised. */
export function decodeOllamaEmbeddings(input: JsonValue): { readonly request: EmbedRequest; readonly model: string } {
  const body = bodyObject(input);
  const model = readModel(body);
  if (!model) throw modelMissing();
  const request: Draft<EmbedRequest> = {
    ...embedBase(body, model.name),
    input: [optionalString(body, 'prompt', '') ?? ''],
    normalised: false,
  };
  readExtra(body, request, embeddingsFields);
  return { request, model: model.written };
}

function modelMissing(): AppError {
  return new AppError('model_not_found', "model '' not found: model is required", { param: 'model' });
}

function embedBase(body: JsonObject, model: ModelName): Pick<EmbedRequest, 'model' | 'options' | 'keepAlive'> {
  const options = optionalObject(body, 'options', '');
  if (options) assertShallow(options, 'options');
  const keepAlive = readKeepAlive(body);
  return { model, options: options ?? {}, ...(keepAlive !== undefined && { keepAlive }) };
}

/** Ollama takes an empty text for none, but keeps empty texts of an array. */
function readEmbedInput(body: JsonObject): readonly string[] {
  const input = body['input'];
  if (input === undefined || input === null || input === '') return [];
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) throw fieldError('input', input, 'a string or an array of strings');
  return optionalStringArray(body, 'input', '', embedInputsMax) ?? [];
}

/** What chat and generate share, apart from the options. */
function readCommon(
  body: JsonObject,
  request: Draft<ChatRequest> | Draft<GenerateRequest>,
  known: ReadonlySet<string>,
): void {
  const format = readFormat(body['format']);
  if (format !== undefined) request.format = format;
  const think = readThink(body['think'], 'think');
  if (think !== undefined) request.think = think;
  const keepAlive = readKeepAlive(body);
  if (keepAlive !== undefined) request.keepAlive = keepAlive;
  const truncate = optionalBoolean(body, 'truncate', '');
  if (truncate !== undefined) request.truncate = truncate;
  const shift = optionalBoolean(body, 'shift', '');
  if (shift !== undefined) request.shift = shift;
  // Without `logprobs` Ollama ignores `top_logprobs`; leaving both out keeps one cache key for one meaning.
  const topLogprobs = readTopLogprobs(body, 'top_logprobs');
  if (optionalBoolean(body, 'logprobs', '')) {
    request.logprobs = true;
    if (topLogprobs) request.topLogprobs = topLogprobs;
  }
  if (optionalBoolean(body, '_debug_render_only', '')) {
    throw unsupportedField(
      '_debug_render_only',
      'leave it out, or ask an Ollama server directly for the rendered prompt',
    );
  }
  readExtra(body, request, known);
}

function readExtra(body: JsonObject, request: { extra?: JsonObject }, known: ReadonlySet<string>): void {
  let extra: OptionsDraft | undefined;
  for (const key of Object.keys(body)) {
    // Assigning `__proto__` would change the object instead of adding a field.
    if (known.has(key) || body[key] === null || key === '__proto__') continue;
    assertShallow(body[key]!, key);
    (extra ??= {})[key] = body[key]!;
  }
  if (extra) request.extra = extra;
}

/**
 * Options as sent, without those that are `null`, and the output limit by itself. `num_predict` -1 is
 * "no limit", as is leaving it out; -2 (fill the context) and what else is not positive goes upstream.
 */
function readOptions(body: JsonObject): { options: JsonObject; outputLimit: number | undefined } {
  const sent = optionalObject(body, 'options', '');
  if (!sent) return { options: {}, outputLimit: undefined };
  assertShallow(sent, 'options');
  const options: OptionsDraft = {};
  let outputLimit: number | undefined;
  for (const key of Object.keys(sent)) {
    const value = sent[key]!;
    if (value === null || key === '__proto__') continue;
    if (key !== 'num_predict') {
      options[key] = value;
      continue;
    }
    if (typeof value !== 'number') throw fieldError('options.num_predict', value, 'an integer');
    const limit = Math.trunc(value);
    if (limit > 0) outputLimit = limit;
    else if (limit !== -1) options[key] = limit;
  }
  return { options, outputLimit };
}

function readFormat(value: JsonValue | undefined): 'json' | JsonObject | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (value === 'json') return value;
  if (!isJsonObject(value)) throw fieldError('format', value, '"json" or a JSON schema object');
  assertShallow(value, 'format');
  return value;
}

function readKeepAlive(body: JsonObject): string | number | undefined {
  const value = body['keep_alive'];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw fieldError('keep_alive', value, 'seconds or a duration such as "5m"');
}

function readContext(body: JsonObject): readonly number[] | undefined {
  const context = optionalArray(body, 'context', '', contextTokensMax);
  if (!context) return undefined;
  for (let i = 0; i < context.length; i++) {
    if (!Number.isSafeInteger(context[i])) throw fieldError(`context[${i}]`, context[i], 'a token id');
  }
  return context as readonly number[];
}

function readTools(body: JsonObject): readonly JsonObject[] | undefined {
  const tools = optionalArray(body, 'tools', '', toolsMax);
  if (!tools) return undefined;
  for (let i = 0; i < tools.length; i++) assertShallow(objectAt(tools, i, 'tools'), `tools[${i}]`);
  return tools as readonly JsonObject[];
}

function readMessages(body: JsonObject): readonly Message[] {
  const sent = optionalArray(body, 'messages', '', messagesMax);
  if (!sent) return [];
  const toolNames = new Map<string, string>();
  const messages: Message[] = [];
  for (let i = 0; i < sent.length; i++) {
    messages.push(readMessage(objectAt(sent, i, 'messages'), `messages[${i}]`, toolNames));
  }
  return messages;
}

/** @param toolNames call id → tool of the calls seen so far, for results that name only the call. */
function readMessage(sent: JsonObject, at: string, toolNames: Map<string, string>): Message {
  const role = requiredString(sent, 'role', at).toLowerCase();
  if (!roles.has(role)) throw fieldError(`${at}.role`, role, '"system", "user", "assistant" or "tool"');
  const message: Draft<Message> = {
    role: role as Message['role'],
    content: optionalString(sent, 'content', at) ?? '',
  };
  const thinking = optionalString(sent, 'thinking', at);
  if (thinking) message.thinking = thinking;
  const images = readImages(sent, at);
  if (images) message.images = images;
  const toolCalls = readToolCalls(sent, at, toolNames);
  if (toolCalls) message.toolCalls = toolCalls;
  const toolCallId = optionalString(sent, 'tool_call_id', at);
  if (toolCallId) message.toolCallId = toolCallId;
  const toolName = optionalString(sent, 'tool_name', at) || (toolCallId && toolNames.get(toolCallId));
  if (toolName) message.toolName = toolName;
  return message;
}

function readImages(from: JsonObject, at: string): readonly string[] | undefined {
  const images = optionalStringArray(from, 'images', at, imagesMax);
  if (!images?.length) return undefined;
  const path = pathOf(at, 'images');
  return images.map((image, i) =>
    image.startsWith('data:') ? imageFromDataUri(image, `${path}[${i}]`) : checkBase64(image, `${path}[${i}]`),
  );
}

function readToolCalls(sent: JsonObject, at: string, toolNames: Map<string, string>): readonly ToolCall[] | undefined {
  const calls = optionalArray(sent, 'tool_calls', at, toolCallsMax);
  if (!calls?.length) return undefined;
  const path = `${at}.tool_calls`;
  return calls.map((_, i) => {
    const call = objectAt(calls, i, path);
    const callAt = `${path}[${i}].function`;
    const fn = optionalObject(call, 'function', `${path}[${i}]`);
    if (!fn) throw fieldError(callAt, undefined, 'an object');
    const id = optionalString(call, 'id', `${path}[${i}]`);
    const name = requiredString(fn, 'name', callAt);
    if (id) toolNames.set(id, name);
    return {
      ...(id && { id }),
      name,
      argumentsJson: argumentsFromObject(fn['arguments'], `${callAt}.arguments`),
    };
  });
}
