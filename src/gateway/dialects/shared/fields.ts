/**
 * Readers of request fields. Each takes the object, the key and the path of the object (`''` at the
 * root, `messages[3]` below it) and refuses a wrong type with the full path, the value and what to send.
 * `null` counts as absent everywhere: Go decoders, and so Ollama, treat it that way, and typed SDKs send it.
 */
import { AppError } from '../../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../core/json.ts';
import { depthMax } from './limits.ts';

/** Longest piece of a caller's value that an error message repeats: enough to find it, too short to leak a prompt. */
const shownCharsMax = 40;

export const pathOf = (at: string, key: string): string => (at === '' ? key : `${at}.${key}`);

/** A short description of a wrong value, for error messages. */
export function describeValue(value: JsonValue | undefined): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isJsonObject(value)) return 'an object';
  const shown = typeof value === 'string' && value.length > shownCharsMax ? `${value.slice(0, shownCharsMax)}…` : value;
  return JSON.stringify(shown);
}

/** `temperature is "hot"; expected a number`. */
export function fieldError(path: string, value: JsonValue | undefined, expected: string): AppError {
  return new AppError('bad_request', `${path} is ${describeValue(value)}; expected ${expected}`, { param: path });
}

/** Understood, but not possible here; `remedy` says what to do instead. */
export function unsupportedField(path: string, remedy: string): AppError {
  return new AppError('unsupported', `${path} is not supported; ${remedy}`, { param: path });
}

/** @param body null stands for an empty body. @throws AppError bad_request when it is not an object. */
export function bodyObject(body: JsonValue): JsonObject {
  if (isJsonObject(body)) return body;
  if (body === null) throw new AppError('bad_request', 'missing request body');
  throw new AppError('bad_request', `request body is ${describeValue(body)}; expected a JSON object`);
}

export function optionalString(from: JsonObject, key: string, at: string): string | undefined {
  const value = from[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw fieldError(pathOf(at, key), value, 'a string');
}

export function requiredString(from: JsonObject, key: string, at: string): string {
  const value = optionalString(from, key, at);
  if (value === undefined) throw fieldError(pathOf(at, key), undefined, 'a string');
  return value;
}

export function optionalBoolean(from: JsonObject, key: string, at: string): boolean | undefined {
  const value = from[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  throw fieldError(pathOf(at, key), value, 'true or false');
}

export function optionalNumber(from: JsonObject, key: string, at: string): number | undefined {
  const value = from[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw fieldError(pathOf(at, key), value, 'a number');
}

export function optionalInteger(from: JsonObject, key: string, at: string): number | undefined {
  const value = from[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw fieldError(pathOf(at, key), value, 'an integer');
}

export function optionalObject(from: JsonObject, key: string, at: string): JsonObject | undefined {
  const value = from[key];
  if (value === undefined || value === null) return undefined;
  if (isJsonObject(value)) return value;
  throw fieldError(pathOf(at, key), value, 'an object');
}

/** @throws AppError bad_request also when there are more than `countMax` elements. */
export function optionalArray(
  from: JsonObject,
  key: string,
  at: string,
  countMax: number,
): readonly JsonValue[] | undefined {
  const value = from[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw fieldError(pathOf(at, key), value, 'an array');
  const array = value as readonly JsonValue[];
  if (array.length > countMax) throw fieldError(pathOf(at, key), array, `at most ${countMax} elements`);
  return array;
}

export function optionalStringArray(
  from: JsonObject,
  key: string,
  at: string,
  countMax: number,
): readonly string[] | undefined {
  const array = optionalArray(from, key, at, countMax);
  if (!array) return undefined;
  for (let i = 0; i < array.length; i++) {
    if (typeof array[i] !== 'string') throw fieldError(`${pathOf(at, key)}[${i}]`, array[i], 'a string');
  }
  return array as readonly string[];
}

/** An element of an array that must be an object. */
export function objectAt(array: readonly JsonValue[], index: number, path: string): JsonObject {
  const value = array[index];
  if (isJsonObject(value)) return value;
  throw fieldError(`${path}[${index}]`, value, 'an object');
}

/**
 * Refuses JSON nested deeper than `depthMax`. For values that are passed on whole (schemas, tools,
 * options): canonicalising and serialising them later is recursive and must not overflow the stack.
 */
export function assertShallow(value: JsonValue, path: string, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth >= depthMax) {
    const message = `${path} is nested deeper than ${depthMax} levels; flatten it`;
    throw new AppError('bad_request', message, { param: path });
  }
  const children: readonly JsonValue[] = Array.isArray(value) ? value : Object.values(value);
  for (const child of children) assertShallow(child, path, depth + 1);
}
