/** Fields with the same meaning in several dialects. */
import type { Think } from '../../../core/chat.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { assertShallow, fieldError, optionalInteger, optionalNumber, optionalStringArray } from './fields.ts';
import { stopSequencesMax } from './limits.ts';

/** Gathers native options; a field the client left out stays out, so that every dialect shares one cache key. */
export type OptionsDraft = { [name: string]: JsonValue };

/** What the neutral request calls `text` parts of one message are joined by this, as Ollama joins neighbours of one role. */
export const textPartSeparator = '\n\n';

/** Copies a number under its native name, when present. */
export function copyNumber(from: JsonObject, key: string, to: OptionsDraft, native = key): void {
  const value = optionalNumber(from, key, '');
  if (value !== undefined) to[native] = value;
}

export function copyInteger(from: JsonObject, key: string, to: OptionsDraft, native = key): void {
  const value = optionalInteger(from, key, '');
  if (value !== undefined) to[native] = value;
}

/** A string or an array of strings → native `stop`. An empty array says nothing and stays absent. */
export function copyStop(from: JsonObject, key: string, to: OptionsDraft): void {
  const value = from[key];
  if (typeof value === 'string') {
    to['stop'] = [value];
    return;
  }
  if (value !== undefined && value !== null && !Array.isArray(value)) {
    throw fieldError(key, value, 'a string or an array of strings');
  }
  const stop = optionalStringArray(from, key, '', stopSequencesMax);
  if (stop?.length) to['stop'] = stop;
}

/** A limit on tokens that must be positive. */
export function positiveLimit(from: JsonObject, key: string): number | undefined {
  const value = optionalInteger(from, key, '');
  if (value !== undefined && value <= 0) throw fieldError(key, value, 'an integer above 0');
  return value;
}

/** Native `think`: true, false or a level. */
export function readThink(value: JsonValue | undefined, path: string): Think | undefined {
  switch (value) {
    case undefined:
    case null:
      return undefined;
    case true:
    case false:
    case 'low':
    case 'medium':
    case 'high':
    case 'max':
      return value;
    default:
      throw fieldError(path, value, 'true, false, "low", "medium", "high" or "max"');
  }
}

/** An effort as OpenAI and Anthropic clients write it → native `think`. */
export function thinkFromEffort(value: string | undefined, path: string): Think | undefined {
  switch (value) {
    case undefined:
      return undefined;
    case 'none':
      return false;
    case 'minimal':
      return 'low';
    case 'xhigh':
      return 'max';
    case 'low':
    case 'medium':
    case 'high':
    case 'max':
      return value;
    default:
      throw fieldError(path, value, '"none", "minimal", "low", "medium", "high", "xhigh" or "max"');
  }
}

/** A JSON schema that is passed on as the native `format`. */
export function checkSchema(schema: JsonObject, path: string): JsonObject {
  assertShallow(schema, path);
  return schema;
}

/** Ollama and OpenAI both allow this many alternatives per token. */
const topLogprobsMax = 20;

export function readTopLogprobs(from: JsonObject, key: string): number | undefined {
  const value = optionalInteger(from, key, '');
  if (value !== undefined && (value < 0 || value > topLogprobsMax)) {
    throw fieldError(key, value, `an integer from 0 to ${topLogprobsMax}`);
  }
  return value;
}
