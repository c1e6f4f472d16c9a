/** A value that a JSON schema accepts, filled with words of the question where they fit. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Hints } from './words.ts';

/** Deeper schemas are recursive ones; below this the smallest value is taken. */
const depthMax = 12;
/** Array bounds of hostile schemas (`minItems: 1e9`) end here. */
const itemsMax = 64;

export function schemaValue(schema: JsonValue, hints: Hints): JsonValue {
  return value(schema, '', { hints, root: isJsonObject(schema) ? schema : {} }, 0);
}

interface Scope {
  readonly hints: Hints;
  readonly root: JsonObject;
}

function value(schema: JsonValue | undefined, name: string, scope: Scope, depth: number): JsonValue {
  if (!isJsonObject(schema)) return text(name, {}, scope);
  const resolved = resolve(schema, scope, depth);
  if (resolved['const'] !== undefined) return resolved['const'];
  const choices = resolved['enum'];
  if (Array.isArray(choices) && choices.length > 0) return mentioned(choices, scope.hints) ?? choices[0];
  for (const key of ['anyOf', 'oneOf']) {
    const options = resolved[key];
    // The last one is usually `null`: it is taken only when nothing else is there or the depth is used up.
    if (Array.isArray(options) && options.length > 0) {
      const { [key]: _, ...rest } = resolved;
      const option = depth >= depthMax ? options.at(-1) : options[0];
      return value(isJsonObject(option) ? { ...rest, ...option } : option, name, scope, depth + 1);
    }
  }
  switch (typeOf(resolved)) {
    case 'object':
      return object(resolved, scope, depth);
    case 'array':
      return array(resolved, name, scope, depth);
    case 'integer':
    case 'number':
      return number(resolved, name, scope);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return text(name, resolved, scope);
  }
}

/** Follows `$ref` within the document and merges `allOf`. */
function resolve(schema: JsonObject, scope: Scope, depth: number): JsonObject {
  let resolved = schema;
  for (let hops = 0; typeof resolved['$ref'] === 'string' && hops < depthMax; hops++) {
    const { $ref: reference, ...rest } = resolved;
    const target = pointer(scope.root, reference);
    resolved = { ...target, ...rest };
  }
  const parts = resolved['allOf'];
  if (!Array.isArray(parts) || depth >= depthMax) return resolved;
  const { allOf: _, ...merged } = resolved;
  return parts.reduce<JsonObject>((all, part) => {
    if (!isJsonObject(part)) return all;
    const inner = resolve(part, scope, depth + 1);
    return {
      ...all,
      ...inner,
      properties: { ...asObject(all['properties']), ...asObject(inner['properties']) },
      required: [...asArray(all['required']), ...asArray(inner['required'])],
    };
  }, merged);
}

const asObject = (value: JsonValue | undefined): JsonObject => (isJsonObject(value) ? value : {});
const asArray = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

function pointer(root: JsonObject, reference: string): JsonObject {
  let at: JsonValue | undefined = root;
  for (const part of reference.replace(/^#\/?/, '').split('/')) {
    if (part === '') continue;
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return asObject(at);
}

function typeOf(schema: JsonObject): string {
  const type = schema['type'];
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return String(type.find((one) => one !== 'null') ?? 'null');
  if (schema['properties'] !== undefined) return 'object';
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'array';
  if (schema['minimum'] !== undefined || schema['maximum'] !== undefined) return 'number';
  return 'string';
}

function object(schema: JsonObject, scope: Scope, depth: number): JsonObject {
  const required = asArray(schema['required']);
  const out: Record<string, JsonValue> = {};
  for (const [key, property] of Object.entries(asObject(schema['properties']))) {
    if (depth >= depthMax && !required.includes(key)) continue;
    // Beyond the last level even a required property gets a bare value: a schema that requires itself has no finite one.
    out[key] = depth > 2 * depthMax ? null : value(property, key, scope, depth + 1);
  }
  for (const key of required) if (typeof key === 'string' && !(key in out)) out[key] = text(key, {}, scope);
  return out;
}

function array(schema: JsonObject, name: string, scope: Scope, depth: number): JsonValue {
  const fixed = asArray(schema['prefixItems']);
  const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0;
  const most = typeof schema['maxItems'] === 'number' ? schema['maxItems'] : itemsMax;
  const wanted = depth >= depthMax ? least : Math.max(least, 1);
  const length = Math.min(itemsMax, most, Math.max(fixed.length, wanted));
  return Array.from({ length }, (_, i) => value(fixed[i] ?? schema['items'], name, scope, depth + 1));
}

function number(schema: JsonObject, name: string, scope: Scope): number {
  const bound = (key: string) => (typeof schema[key] === 'number' ? schema[key] : undefined);
  const whole = typeOf(schema) === 'integer';
  const step = bound('multipleOf') ?? (whole ? 1 : 0);
  const inside = step > 0 ? step : 1e-3;
  const least = bound('minimum') ?? plus(bound('exclusiveMinimum'), inside);
  const most = bound('maximum') ?? plus(bound('exclusiveMaximum'), -inside);
  const asked = scope.hints.numbers[0] ?? scope.hints.hashOf(name) % 100;
  let chosen = Math.min(Math.max(asked, least ?? asked), most ?? Math.max(asked, least ?? asked));
  if (whole && !Number.isInteger(chosen)) chosen = Math.round(chosen);
  if (step > 0 && chosen % step !== 0) {
    chosen = Math.ceil((least ?? chosen) / step) * step;
    if (most !== undefined && chosen > most) chosen = Math.floor(most / step) * step;
  }
  return chosen;
}

const plus = (value: number | undefined, by: number) => (value === undefined ? undefined : value + by);

/** Strings of the formats that servers constrain; the instants are fixed so that answers stay deterministic. */
const formats: Readonly<Record<string, string>> = {
  'date-time': '2026-01-01T12:00:00Z',
  date: '2026-01-01',
  time: '12:00:00Z',
  duration: 'PT1H',
  email: 'simulated@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/simulated',
  uuid: '00000000-0000-4000-8000-000000000000',
};

function text(name: string, schema: JsonObject, scope: Scope): string {
  const format = schema['format'];
  if (typeof format === 'string' && Object.hasOwn(formats, format)) return formats[format]!;
  const { hints } = scope;
  let out = /city|place|location|country|town|name|where|person|who/i.test(name)
    ? (hints.names[0] ?? hints.keywords.at(-1))
    : /query|question|text|prompt|topic|search|subject/i.test(name)
      ? hints.question
      : (hints.keywords[hints.hashOf(name) % Math.max(1, hints.keywords.length)] ?? undefined);
  out ??= `simulated ${name}`.trim();
  const least = typeof schema['minLength'] === 'number' ? Math.min(schema['minLength'], 10_000) : 0;
  if (out.length < least) out = out.padEnd(least, ' .');
  if (typeof schema['maxLength'] === 'number' && out.length > schema['maxLength'])
    out = out.slice(0, schema['maxLength']);
  return out;
}

function mentioned(choices: readonly JsonValue[], hints: Hints): JsonValue | undefined {
  const question = hints.question.toLowerCase();
  return choices.find(
    (choice) => typeof choice === 'string' && choice !== '' && question.includes(choice.toLowerCase()),
  );
}
