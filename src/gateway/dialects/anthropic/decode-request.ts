/** `POST /v1/messages` → the neutral request. */
import type { ChatRequest, Think } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import {
  bodyObject,
  fieldError,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalObject,
  optionalString,
  pathOf,
  requiredString,
} from '../shared/fields.ts';
import { toolsMax } from '../shared/limits.ts';
import { readModel } from '../shared/model.ts';
import { noticeUnknownFields } from '../shared/notices.ts';
import {
  checkSchema,
  copyInteger,
  copyNumber,
  copyStop,
  positiveLimit,
  thinkFromEffort,
  type OptionsDraft,
} from '../shared/options.ts';
import { nativeTool } from '../shared/tools.ts';
import { decodeMessages } from './decode-messages.ts';

export interface DecodedMessagesRequest {
  readonly request: ChatRequest;
  readonly model: string;
  readonly stream: boolean;
  readonly showThinking: boolean;
  readonly notices: readonly string[];
}

/** Fields that are read, and fields that say nothing about the answer: billing, tracing, prompt caching, routing. */
const knownFields: ReadonlySet<string> = new Set(
  (
    'model max_tokens messages system temperature top_p top_k stop_sequences stream tools tool_choice thinking ' +
    'output_config output_format mcp_servers metadata cache_control service_tier inference_geo diagnostics ' +
    'speed user_profile_id workspace_id betas'
  ).split(' '),
);

/**
 * @param outputLimit whether `max_tokens` must be there: it must for messages, it has no meaning for counting.
 * @throws AppError bad_request | unsupported, naming the field
 */
export function decodeMessagesRequest(body: JsonValue, outputLimit: 'required' | 'ignored'): DecodedMessagesRequest {
  const from = bodyObject(body);
  const model = readModel(from);
  if (!model) throw fieldError('model', from['model'], 'the name of a model');
  const notices: string[] = [];
  const limit = outputLimit === 'required' ? positiveLimit(from, 'max_tokens') : undefined;
  if (limit === undefined && outputLimit === 'required') {
    throw fieldError('max_tokens', undefined, 'an integer above 0');
  }
  const messages = decodeMessages(from, notices);
  const tools = decodeTools(from, notices);
  const format = decodeFormat(from);
  const thinking = decodeThinking(from, notices);
  noticeUnknownFields(from, knownFields, notices);
  return {
    request: {
      kind: 'chat',
      model: model.name,
      messages,
      options: decodeOptions(from),
      outputLimit: limit,
      ...(tools && { tools }),
      ...(format && { format }),
      ...(thinking.think !== undefined && { think: thinking.think }),
    },
    model: model.written,
    stream: optionalBoolean(from, 'stream', '') ?? false,
    showThinking: thinking.show,
    notices,
  };
}

function decodeOptions(from: JsonObject): JsonObject {
  const options: OptionsDraft = {};
  copyNumber(from, 'temperature', options);
  copyNumber(from, 'top_p', options);
  copyInteger(from, 'top_k', options);
  const stop = from['stop_sequences'];
  if (typeof stop === 'string') throw fieldError('stop_sequences', stop, 'an array of strings');
  copyStop(from, 'stop_sequences', options);
  return options;
}

function decodeTools(from: JsonObject, notices: string[]): JsonObject[] | undefined {
  const servers = optionalArray(from, 'mcp_servers', '', toolsMax);
  if (servers?.length) {
    const message = 'mcp_servers cannot be served; connect to the servers in the client and send their tools in tools';
    throw new AppError('unsupported', message, { param: 'mcp_servers' });
  }
  const written = optionalArray(from, 'tools', '', toolsMax) ?? [];
  const tools = written.map((_, i) => decodeTool(objectAt(written, i, 'tools'), `tools[${i}]`));
  const choice = optionalObject(from, 'tool_choice', '');
  if (choice) {
    const type = requiredString(choice, 'type', 'tool_choice');
    switch (type) {
      case 'none':
        return undefined;
      case 'auto':
        break;
      case 'any':
        notices.push('tool_choice any cannot be forced on the model; it decides itself whether to call a tool');
        break;
      case 'tool':
        requiredString(choice, 'name', 'tool_choice');
        notices.push('tool_choice tool cannot be forced on the model; it decides itself which tool to call');
        break;
      default:
        throw fieldError('tool_choice.type', type, '"auto", "any", "tool" or "none"');
    }
    if (optionalBoolean(choice, 'disable_parallel_tool_use', 'tool_choice')) {
      notices.push('tool_choice.disable_parallel_tool_use is not enforced');
    }
  }
  return tools.length === 0 ? undefined : tools;
}

function decodeTool(tool: JsonObject, at: string): JsonObject {
  const type = optionalString(tool, 'type', at);
  if (type !== undefined && type !== 'custom') {
    const path = pathOf(at, 'type');
    const message = `${path} is ${JSON.stringify(type.slice(0, 60))}, a tool that Anthropic runs or defines; send a tool with input_schema`;
    throw new AppError('unsupported', message, { param: path });
  }
  const parameters = optionalObject(tool, 'input_schema', at);
  if (!parameters) throw fieldError(pathOf(at, 'input_schema'), undefined, 'a JSON schema');
  return nativeTool({
    name: requiredString(tool, 'name', at),
    description: optionalString(tool, 'description', at),
    parameters,
    path: at,
  });
}

/** `output_config.format`, and `output_format` where earlier clients put the same. */
function decodeFormat(from: JsonObject): JsonObject | undefined {
  const config = optionalObject(from, 'output_config', '');
  const inConfig = config && optionalObject(config, 'format', 'output_config');
  const format = inConfig ?? optionalObject(from, 'output_format', '');
  if (!format) return undefined;
  const path = inConfig ? 'output_config.format' : 'output_format';
  const type = requiredString(format, 'type', path);
  if (type !== 'json_schema') throw fieldError(`${path}.type`, type, '"json_schema"');
  const schema = optionalObject(format, 'schema', path);
  if (!schema) throw fieldError(`${path}.schema`, undefined, 'a JSON schema');
  return checkSchema(schema, `${path}.schema`);
}

interface DecodedThinking {
  readonly think: Think | undefined;
  readonly show: boolean;
}

/**
 * `adaptive` leaves the choice to the model, which is what thinkers do when nothing is said: it adds no
 * field, so that models without thinking still answer.
 */
function decodeThinking(from: JsonObject, notices: string[]): DecodedThinking {
  const config = optionalObject(from, 'output_config', '');
  const effort = thinkFromEffort(
    (config && optionalString(config, 'effort', 'output_config')) || undefined,
    'output_config.effort',
  );
  const thinking = optionalObject(from, 'thinking', '');
  if (!thinking) return { think: effort, show: true };
  const show = optionalString(thinking, 'display', 'thinking') !== 'omitted';
  const type = requiredString(thinking, 'type', 'thinking');
  switch (type) {
    case 'disabled':
      return { think: false, show };
    case 'adaptive':
      return { think: effort, show };
    case 'enabled':
    case 'between_tools':
      if (thinking['budget_tokens'] !== undefined) {
        notices.push('thinking.budget_tokens is not enforced; max_tokens counts thinking too');
      }
      return { think: effort ?? true, show };
    default:
      throw fieldError('thinking.type', type, '"enabled", "adaptive" or "disabled"');
  }
}
