/** `/v1/chat/completions` bodies → neutral requests. */
import type { ChatRequest } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts';
import {
  bodyObject,
  fieldError,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalObject,
  optionalString,
  optionalStringArray,
  requiredString,
  unsupportedField,
} from '../shared/fields.ts';
import { toolsMax } from '../shared/limits.ts';
import { noticeUnknownFields } from '../shared/notices.ts';
import { checkSchema, readTopLogprobs, thinkFromEffort } from '../shared/options.ts';
import { nativeTool } from '../shared/tools.ts';
import { readChatMessages } from './decode-messages.ts';
import {
  noticeLogitBias,
  readOutputLimit,
  readResponseFormat,
  readSampling,
  readStream,
  refuseDebugRender,
  refuseMoreThanOne,
  requiredModel,
  type StreamChoice,
} from './decode-shared.ts';

export interface DecodedOpenAi<Request> extends StreamChoice {
  readonly request: Request;
  /** As the client wrote it. */
  readonly model: string;
  readonly notices: readonly string[];
}

type Draft<T> = { -readonly [Key in keyof T]: T[Key] };

/** Fields that are read below, or whose absence changes nothing about the answer. */
const known: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'seed',
  'stop',
  'frequency_penalty',
  'presence_penalty',
  'response_format',
  'reasoning_effort',
  'reasoning',
  'tools',
  'tool_choice',
  'logprobs',
  'top_logprobs',
  'n',
  'logit_bias',
  'functions',
  'function_call',
  'modalities',
  'audio',
  'parallel_tool_calls',
  'web_search_options',
  'verbosity',
  '_debug_render_only',
  // Bookkeeping of OpenAI's service.
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prediction',
]);

/** @throws AppError bad_request | unsupported, naming the field. */
export function decodeOpenAiChat(input: JsonValue): DecodedOpenAi<ChatRequest> {
  const body = bodyObject(input);
  const model = requiredModel(body);
  const notices: string[] = [];
  refuseLegacyFunctions(body);
  refuseMoreThanOne(body, 'n');
  refuseDebugRender(body);
  refuseAudio(body);

  const request: Draft<ChatRequest> = {
    kind: 'chat',
    model: model.name,
    messages: readChatMessages(body, notices),
    options: readSampling(body),
    outputLimit: readOutputLimit(body, 'max_completion_tokens', 'max_tokens'),
  };
  const format = readResponseFormat(body);
  if (format !== undefined) request.format = format === 'json' ? format : checkSchema(format, 'response_format');
  const think = readEffort(body);
  if (think !== undefined) request.think = think;
  const tools = readTools(body, notices);
  if (tools) request.tools = tools;
  readLogprobs(body, request);
  noticeMeaningLost(body, notices);
  noticeUnknownFields(body, known, notices);
  return { request, model: model.written, ...readStream(body), notices };
}

/** `reasoning.effort` wins over `reasoning_effort`, as in Ollama; an empty effort says nothing. */
function readEffort(body: JsonObject) {
  const reasoning = optionalObject(body, 'reasoning', '');
  const nested = reasoning && optionalString(reasoning, 'effort', 'reasoning');
  if (nested) return thinkFromEffort(nested, 'reasoning.effort');
  return thinkFromEffort(optionalString(body, 'reasoning_effort', '') || undefined, 'reasoning_effort');
}

function readTools(body: JsonObject, notices: string[]): readonly JsonObject[] | undefined {
  const sent = optionalArray(body, 'tools', '', toolsMax);
  const offered = readToolChoice(body, notices);
  const tools = sent?.map((_, i) => readTool(objectAt(sent, i, 'tools'), `tools[${i}]`));
  return offered && tools?.length ? tools : undefined;
}

function readTool(tool: JsonObject, at: string): JsonObject {
  const type = tool['type'] ?? 'function';
  if (type !== 'function') throw fieldError(`${at}.type`, type, '"function", the only kind of tool that thinkers take');
  const fn = optionalObject(tool, 'function', at);
  if (!fn) throw fieldError(`${at}.function`, undefined, 'an object');
  const path = `${at}.function`;
  // `strict` is a promise of OpenAI's decoder that thinkers do not make; it changes nothing they read.
  return nativeTool({
    name: requiredString(fn, 'name', path),
    description: optionalString(fn, 'description', path),
    parameters: optionalObject(fn, 'parameters', path),
    path,
  });
}

/** @returns whether tools are offered at all. */
function readToolChoice(body: JsonObject, notices: string[]): boolean {
  const choice = body['tool_choice'];
  if (choice === undefined || choice === null || choice === 'auto') return true;
  if (choice === 'none') return false;
  if (choice !== 'required' && !isJsonObject(choice)) {
    throw fieldError('tool_choice', choice, '"none", "auto", "required" or an object');
  }
  notices.push('tool_choice cannot be forced: the model decides whether to call a tool');
  return true;
}

function readLogprobs(body: JsonObject, request: Draft<ChatRequest>): void {
  const logprobs = optionalBoolean(body, 'logprobs', '');
  const topLogprobs = readTopLogprobs(body, 'top_logprobs');
  if (topLogprobs && !logprobs) throw fieldError('logprobs', logprobs, 'true when top_logprobs is given');
  if (!logprobs) return;
  request.logprobs = true;
  if (topLogprobs) request.topLogprobs = topLogprobs;
}

function refuseLegacyFunctions(body: JsonObject): void {
  if (optionalArray(body, 'functions', '', toolsMax)?.length) {
    throw unsupportedField('functions', 'send the same as `tools`: [{"type":"function","function":{…}}]');
  }
  const call = body['function_call'];
  if (call !== undefined && call !== null && call !== 'none' && call !== 'auto') {
    throw unsupportedField('function_call', 'send `tools` and `tool_choice`');
  }
}

function refuseAudio(body: JsonObject): void {
  const modalities = optionalStringArray(body, 'modalities', '', 16);
  if (modalities?.some((modality) => modality !== 'text')) {
    throw new AppError('unsupported', 'modalities may only be ["text"]; thinkers answer in text', {
      param: 'modalities',
    });
  }
}

function noticeMeaningLost(body: JsonObject, notices: string[]): void {
  noticeLogitBias(body, notices);
  if (optionalBoolean(body, 'parallel_tool_calls', '') === false) {
    notices.push('parallel_tool_calls false cannot be enforced: the model may call several tools at once');
  }
  if (optionalObject(body, 'web_search_options', '')) {
    notices.push('web_search_options was ignored: thinkers do not search the web');
  }
  const verbosity = optionalString(body, 'verbosity', '');
  if (verbosity !== undefined && verbosity !== 'medium') {
    notices.push('verbosity was ignored: ask for a short or long answer in the prompt');
  }
}
