/** `POST /v1/responses` → the neutral request, and what of the request every response repeats. */
import type { ChatRequest, Think } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts';
import {
  assertShallow,
  bodyObject,
  describeValue,
  fieldError,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalInteger,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalStringArray,
  pathOf,
  requiredString,
} from '../shared/fields.ts';
import { toolsMax } from '../shared/limits.ts';
import { readModel } from '../shared/model.ts';
import { headerWord, noticeUnknownFields } from '../shared/notices.ts';
import {
  checkSchema,
  copyNumber,
  positiveLimit,
  readTopLogprobs,
  thinkFromEffort,
  type OptionsDraft,
} from '../shared/options.ts';
import { nativeTool } from '../shared/tools.ts';
import { decodeInput, isGiven } from './decode-input.ts';

export interface DecodedResponsesRequest {
  readonly request: ChatRequest;
  readonly model: string;
  readonly stream: boolean;
  readonly notices: readonly string[];
  /** The request's own fields as the response object repeats them. */
  readonly echo: JsonObject;
  /** The client sends reasoning items back only with an `encrypted_content`, and asked for one. */
  readonly sealReasoning: boolean;
}

/** Fields that are read, and fields that say nothing about the answer. */
const knownFields: ReadonlySet<string> = new Set(
  (
    'model input instructions tools tool_choice text reasoning temperature top_p max_output_tokens stream include ' +
    'top_logprobs truncation store metadata previous_response_id conversation background prompt max_tool_calls ' +
    'parallel_tool_calls user safety_identifier prompt_cache_key prompt_cache_retention prompt_cache_options ' +
    'service_tier stream_options'
  ).split(' '),
);

/** `include` has under ten values. */
const includeMax = 100;

/** @throws AppError bad_request | unsupported, naming the field */
export function decodeResponsesRequest(body: JsonValue): DecodedResponsesRequest {
  const from = bodyObject(body);
  const model = readModel(from);
  if (!model) throw fieldError('model', from['model'], 'the name of a model');
  refuseState(from);
  const notices: string[] = [];
  const messages = decodeInput(from, notices);
  const tools = decodeTools(from, notices);
  const format = decodeFormat(from, notices);
  const think = decodeThink(from);
  const truncate = decodeTruncation(from, notices);
  const outputLimit = positiveLimit(from, 'max_output_tokens');
  const options: OptionsDraft = {};
  copyNumber(from, 'temperature', options);
  copyNumber(from, 'top_p', options);
  const include = optionalStringArray(from, 'include', '', includeMax) ?? [];
  const topLogprobs = readTopLogprobs(from, 'top_logprobs');
  const logprobs = include.includes('message.output_text.logprobs') || (topLogprobs ?? 0) > 0;
  noticeIgnored(from, notices);
  return {
    request: {
      kind: 'chat',
      model: model.name,
      messages,
      options,
      outputLimit,
      ...(tools && { tools }),
      ...(format && { format }),
      ...(think !== undefined && { think }),
      ...(truncate !== undefined && { truncate }),
      ...(logprobs && { logprobs }),
      ...(logprobs && topLogprobs && { topLogprobs }),
    },
    model: model.written,
    stream: optionalBoolean(from, 'stream', '') ?? false,
    notices,
    echo: echoOf(from),
    sealReasoning: include.includes('reasoning.encrypted_content'),
  };
}

/** Nothing is kept between calls, and leaving out what the client believes is kept would give a wrong answer. */
function refuseState(from: JsonObject): void {
  for (const field of ['previous_response_id', 'conversation']) {
    if (!isGiven(from[field])) continue;
    const message = `${field} is ${describeValue(from[field])}, but responses are not kept here; resend the history in input`;
    throw new AppError('unsupported', message, { param: field });
  }
  if (isGiven(from['prompt'])) {
    const message = 'prompt names a stored template, and none are kept here; send its text in instructions and input';
    throw new AppError('unsupported', message, { param: 'prompt' });
  }
  if (optionalBoolean(from, 'background', '')) {
    const message = 'background is true, but responses are not kept for later; leave it out and use stream: true';
    throw new AppError('unsupported', message, { param: 'background' });
  }
}

function decodeTools(from: JsonObject, notices: string[]): JsonObject[] | undefined {
  const written = optionalArray(from, 'tools', '', toolsMax) ?? [];
  const tools = written.map((_, i) => decodeTool(objectAt(written, i, 'tools'), `tools[${i}]`));
  const choice = from['tool_choice'];
  if (choice === 'none') return undefined;
  if (typeof choice === 'string' && choice !== 'auto' && choice !== 'required') {
    throw fieldError('tool_choice', choice, '"auto", "none", "required" or an object');
  }
  if (choice === 'required' || isJsonObject(choice)) {
    const kind = isJsonObject(choice) ? requiredString(choice, 'type', 'tool_choice') : choice;
    notices.push(`tool_choice ${headerWord(kind)} cannot be forced on the model; it decides itself which tool to call`);
  } else if (typeof choice !== 'string' && choice !== undefined && choice !== null) {
    throw fieldError('tool_choice', choice, '"auto", "none", "required" or an object');
  }
  return tools.length === 0 ? undefined : tools;
}

function decodeTool(tool: JsonObject, at: string): JsonObject {
  const type = requiredString(tool, 'type', at);
  if (type !== 'function') {
    const path = pathOf(at, 'type');
    const message = `${path} is ${JSON.stringify(type.slice(0, 60))}, a tool that OpenAI runs or defines; send a tool of type "function"`;
    throw new AppError('unsupported', message, { param: path });
  }
  return nativeTool({
    name: requiredString(tool, 'name', at),
    description: optionalString(tool, 'description', at),
    parameters: optionalObject(tool, 'parameters', at),
    path: at,
  });
}

function decodeFormat(from: JsonObject, notices: string[]): 'json' | JsonObject | undefined {
  const text = optionalObject(from, 'text', '');
  if (!text) return undefined;
  if (isGiven(text['verbosity']) && text['verbosity'] !== 'medium') notices.push('text.verbosity is not used');
  const format = optionalObject(text, 'format', 'text');
  if (!format) return undefined;
  const type = requiredString(format, 'type', 'text.format');
  switch (type) {
    case 'text':
      return undefined;
    case 'json_object':
      return 'json';
    case 'json_schema': {
      const schema = optionalObject(format, 'schema', 'text.format');
      if (!schema) throw fieldError('text.format.schema', undefined, 'a JSON schema');
      return checkSchema(schema, 'text.format.schema');
    }
    default:
      throw fieldError('text.format.type', type, '"text", "json_object" or "json_schema"');
  }
}

function decodeThink(from: JsonObject): Think | undefined {
  const reasoning = optionalObject(from, 'reasoning', '');
  return thinkFromEffort(
    (reasoning && optionalString(reasoning, 'effort', 'reasoning')) || undefined,
    'reasoning.effort',
  );
}

/** `disabled`, when asked for by name, means an error rather than a shortened prompt; thinkers can do that. */
function decodeTruncation(from: JsonObject, notices: string[]): false | undefined {
  const truncation = optionalString(from, 'truncation', '');
  switch (truncation) {
    case undefined:
      return undefined;
    case 'disabled':
      return false;
    case 'auto':
      notices.push('truncation auto is left to the thinker, which drops the oldest messages by its own rule');
      return undefined;
    default:
      throw fieldError('truncation', truncation, '"auto" or "disabled"');
  }
}

function noticeIgnored(from: JsonObject, notices: string[]): void {
  if (optionalBoolean(from, 'store', '')) notices.push('store: responses are not kept and cannot be retrieved');
  if (optionalBoolean(from, 'parallel_tool_calls', '') === false)
    notices.push('parallel_tool_calls false is not enforced');
  if (isGiven(from['max_tool_calls'])) notices.push('max_tool_calls is not enforced');
  noticeUnknownFields(from, knownFields, notices);
}

/** Typed clients read these without asking whether they are there, so each has a value. */
function echoOf(from: JsonObject): JsonObject {
  const reasoning = optionalObject(from, 'reasoning', '');
  const text = optionalObject(from, 'text', '');
  for (const key of ['metadata', 'reasoning', 'text', 'tool_choice', 'tools']) assertShallow(from[key] ?? null, key);
  return {
    background: false,
    instructions: optionalString(from, 'instructions', '') ?? null,
    max_output_tokens: optionalInteger(from, 'max_output_tokens', '') ?? null,
    max_tool_calls: optionalInteger(from, 'max_tool_calls', '') ?? null,
    metadata: optionalObject(from, 'metadata', '') ?? {},
    parallel_tool_calls: optionalBoolean(from, 'parallel_tool_calls', '') ?? true,
    previous_response_id: null,
    reasoning: { effort: reasoning?.['effort'] ?? null, summary: reasoning?.['summary'] ?? null },
    safety_identifier: optionalString(from, 'safety_identifier', '') ?? null,
    service_tier: 'default',
    store: false,
    temperature: optionalNumber(from, 'temperature', '') ?? null,
    text: { ...text, format: text?.['format'] ?? { type: 'text' } },
    tool_choice: from['tool_choice'] ?? 'auto',
    tools: optionalArray(from, 'tools', '', toolsMax) ?? [],
    top_logprobs: optionalInteger(from, 'top_logprobs', '') ?? 0,
    top_p: optionalNumber(from, 'top_p', '') ?? null,
    truncation: optionalString(from, 'truncation', '') ?? 'disabled',
    ...(typeof from['user'] === 'string' && { user: from['user'] }),
  };
}
