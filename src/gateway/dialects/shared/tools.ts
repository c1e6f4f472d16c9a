/** Tools and tool calls, between the dialects' shapes and the neutral one. */
import type { ToolCall } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts';
import { assertShallow, fieldError } from './fields.ts';

/** The native shape of a tool; `parameters` is a JSON schema. */
export function nativeTool(tool: {
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: JsonObject | undefined;
  readonly path: string;
}): JsonObject {
  if (tool.name === '') throw fieldError(tool.path, '', 'a name that is not empty');
  if (tool.parameters) assertShallow(tool.parameters, tool.path);
  return {
    type: 'function',
    function: {
      name: tool.name,
      ...(tool.description !== undefined && { description: tool.description }),
      ...(tool.parameters && { parameters: tool.parameters }),
    },
  };
}

/**
 * Arguments written as JSON text → the same in one spelling, so that dialects that carry an object give
 * an equal request. `''` means no arguments: several SDKs send it for tools without parameters.
 */
export function argumentsFromText(text: string, path: string): string {
  if (text === '' || text === '{}') return '{}';
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    const message = `${path} is not valid JSON (${(cause as Error).message}); expected a JSON object as text`;
    throw new AppError('bad_request', message, { param: path, cause });
  }
  return argumentsFromObject(value, path);
}

export function argumentsFromObject(value: JsonValue | undefined, path: string): string {
  if (value === undefined || value === null) return '{}';
  if (!isJsonObject(value)) throw fieldError(path, value, 'a JSON object');
  assertShallow(value, path);
  return JSON.stringify(value);
}

/** The call's own id, or one made of the reply's seed and the position: unique in and across replies. */
export function callId(call: ToolCall, prefix: string, idSeed: string, index: number): string {
  return call.id ?? `${prefix}${idSeed}${index}`;
}

/**
 * The JSON text of a call's arguments object, ready to be put into a larger JSON text. It was checked
 * when it was made; a text that is not an object is a thinker's mistake and must not break the framing.
 */
export function argumentsObjectText(call: ToolCall): string {
  if (call.argumentsJson === '' || call.argumentsJson === '{}') return '{}';
  try {
    const value = JSON.parse(call.argumentsJson) as JsonValue;
    if (isJsonObject(value)) return JSON.stringify(value);
    return JSON.stringify({ arguments: value });
  } catch {
    // The words are kept for the client to see: it can tell the model what was wrong.
    return JSON.stringify({ arguments: call.argumentsJson });
  }
}
