/** The options of the configuration, read out of its schema. */
import type { z } from 'zod';
import { configSchema } from '../../src/config/schema.ts';

export interface Option {
  readonly path: readonly string[];
  /** For people: `text`, `whole number, 1 to 10`, `on | off`. */
  readonly type: string;
  readonly description: string;
  /** undefined: not set unless someone does. */
  readonly fallback: unknown;
  /** What is inside: of an object, of each item of a list, or of each value of a map. */
  readonly inner?: { readonly kind: 'object' | 'list' | 'map'; readonly options: readonly Option[] };
}

interface Schema {
  readonly description?: string | undefined;
  readonly def: {
    readonly type: string;
    readonly innerType?: Schema;
    readonly element?: Schema;
    readonly valueType?: Schema;
    readonly options?: readonly Schema[];
    readonly entries?: Readonly<Record<string, string>>;
    readonly format?: string;
  };
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly isInt?: boolean;
  safeParse(value: unknown): { readonly success: boolean; readonly data?: unknown };
}

export function configOptions(): Option[] {
  return optionsOf(configSchema as unknown as Schema, [], (configSchema as z.ZodType).parse({}));
}

function optionsOf(schema: Schema, at: readonly string[], defaults: unknown): Option[] {
  return Object.entries(schema.shape ?? {}).map(([key, outer]) => {
    const path = [...at, key];
    const { schema: bare, description } = unwrap(outer);
    const fallback = (defaults as Record<string, unknown> | undefined)?.[key];
    return {
      path,
      type: typeOf(bare),
      description,
      fallback,
      ...innerOf(bare, path, fallback),
    };
  });
}

/** Takes off `default`, `prefault` and `optional`; the description may be on any of the layers. */
function unwrap(schema: Schema): { readonly schema: Schema; readonly description: string } {
  let at = schema;
  let description = at.description;
  while (at.def.innerType !== undefined) {
    at = at.def.innerType;
    description ??= at.description;
  }
  return { schema: at, description: description ?? '' };
}

function innerOf(schema: Schema, path: readonly string[], fallback: unknown): Pick<Option, 'inner'> {
  if (schema.shape) {
    return { inner: { kind: 'object', options: optionsOf(schema, path, fallback ?? defaultsOf(schema)) } };
  }
  const each = schema.def.element ?? schema.def.valueType;
  if (each === undefined) return {};
  const { schema: item } = unwrap(each);
  if (!item.shape) return {};
  const kind = schema.def.element ? 'list' : 'map';
  return { inner: { kind, options: optionsOf(item, [...path, kind === 'list' ? '*' : '<name>'], defaultsOf(item)) } };
}

/** Defaults of the fields of an object that is not there by default. */
function defaultsOf(schema: Schema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema.shape ?? {}).flatMap(([key, field]) => {
      const parsed = field.safeParse(undefined);
      return parsed.success && parsed.data !== undefined ? [[key, parsed.data]] : [];
    }),
  );
}

function typeOf(schema: Schema): string {
  const { type, entries, element, valueType, options, format } = schema.def;
  switch (type) {
    case 'boolean':
      return 'true or false';
    case 'number':
      return `${schema.isInt ? 'whole number' : 'number'}${rangeOf(schema)}`;
    case 'string':
      return format === 'url' ? 'URL' : 'text';
    case 'enum':
      return Object.values(entries ?? {})
        .map((value) => `\`${value}\``)
        .join(' or ');
    case 'array':
      return `list of ${unwrap(element!).schema.shape ? 'objects' : `${typeOf(unwrap(element!).schema)}s`}`;
    case 'record':
      return `map of ${unwrap(valueType!).schema.shape ? 'objects' : typeOf(unwrap(valueType!).schema)}`;
    case 'union':
      return (options ?? []).map((option) => typeOf(unwrap(option).schema)).join(' or ');
    case 'object':
      return 'object';
    default:
      throw new Error(`the reference does not know how to name the type ${type} of an option`);
  }
}

function rangeOf({ minValue, maxValue }: Schema): string {
  const bounded = (value: number | null | undefined): value is number =>
    typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  if (bounded(minValue) && bounded(maxValue)) return `, ${minValue} to ${maxValue}`;
  if (bounded(minValue)) return `, at least ${minValue}`;
  return bounded(maxValue) ? `, at most ${maxValue}` : '';
}
