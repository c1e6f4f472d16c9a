import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { schemaValue } from './schema-value.ts';
import { clip, hintsOf, keywordsOf, tokensOf } from './words.ts';

const hints = hintsOf('Is it warm in Oslo or in New York with 12 people?');

/** A validator of its own for the keywords that the generator below uses. */
function accepts(schema: JsonObject, value: JsonValue): boolean {
  if (schema['enum']) return (schema['enum'] as JsonValue[]).includes(value);
  switch (schema['type']) {
    case 'object': {
      const properties = schema['properties'] as Record<string, JsonObject>;
      return (
        isJsonObject(value) &&
        Object.entries(properties).every(([key, inner]) => key in value && accepts(inner, value[key]!))
      );
    }
    case 'array': {
      if (!Array.isArray(value)) return false;
      const [least, most] = [schema['minItems'] as number, schema['maxItems'] as number];
      return (
        value.length >= least &&
        value.length <= most &&
        value.every((one) => accepts(schema['items'] as JsonObject, one))
      );
    }
    case 'integer':
      return (
        Number.isInteger(value) &&
        (value as number) >= (schema['minimum'] as number) &&
        (value as number) <= (schema['maximum'] as number)
      );
    case 'string':
      return (
        typeof value === 'string' &&
        value.length >= (schema['minLength'] as number) &&
        value.length <= (schema['maxLength'] as number)
      );
    case 'boolean':
      return typeof value === 'boolean';
    default:
      return value === null;
  }
}

const pair = (max: number) =>
  fc.tuple(fc.nat(max), fc.nat(max)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const { schema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonObject>({ type: 'boolean' }, { type: 'null' }),
    fc.array(fc.string(), { minLength: 1, maxLength: 4 }).map((choices): JsonObject => ({ enum: choices })),
    pair(40).map(([minLength, maxLength]): JsonObject => ({ type: 'string', minLength, maxLength })),
    pair(1_000).map(([minimum, maximum]): JsonObject => ({
      type: 'integer',
      minimum: minimum - 500,
      maximum: maximum - 500,
    })),
    fc
      .tuple(pair(5), tie('schema'))
      .map(([[minItems, maxItems], items]): JsonObject => ({ type: 'array', items, minItems, maxItems })),
    fc
      .dictionary(
        fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
        tie('schema'),
        { maxKeys: 4 },
      )
      .map((properties): JsonObject => ({ type: 'object', properties, required: Object.keys(properties) })),
  ),
}));

describe('schemaValue', () => {
  it('makes a value that the schema accepts', () => {
    fc.assert(fc.property(schema, (one) => accepts(one, schemaValue(one, hints))));
  });

  it('follows references and unions, and ends on a schema that contains itself', () => {
    const tree: JsonObject = {
      $defs: {
        node: {
          type: 'object',
          properties: { city: { type: 'string' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['city'],
        },
      },
      $ref: '#/$defs/node',
    };
    const value = schemaValue(tree, hints) as { city: string };
    assert.equal(value.city, 'Oslo');
    assert.ok(JSON.stringify(value).length < 10_000);
    const endless: JsonObject = {
      $defs: { a: { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, required: ['a'] } },
      $ref: '#/$defs/a',
    };
    assert.ok(JSON.stringify(schemaValue(endless, hints)).length < 10_000);
    assert.deepEqual(schemaValue({ $ref: '#', $defs: {} }, hints), schemaValue({}, hints));
  });

  it('takes what the question mentions: names, numbers, one of the choices', () => {
    const value = schemaValue(
      {
        type: 'object',
        properties: { city: { type: 'string' }, people: { type: 'integer' }, feel: { enum: ['cold', 'warm'] } },
      },
      hints,
    );
    assert.deepEqual(value, { city: 'Oslo', people: 12, feel: 'warm' });
  });

  it('merges allOf, keeps const, formats and multiples', () => {
    const value = schemaValue(
      {
        allOf: [
          { type: 'object', properties: { on: { type: 'string', format: 'date' } }, required: ['on'] },
          {
            properties: { kind: { const: 'x' }, step: { type: 'number', multipleOf: 5, minimum: 11, maximum: 19 } },
            required: ['extra'],
          },
        ],
      },
      hints,
    ) as JsonObject;
    assert.deepEqual([value['on'], value['kind'], value['step']], ['2026-01-01', 'x', 15]);
    assert.ok('extra' in value);
  });
});

describe('words', () => {
  it('tokens join to the text, whatever it is, and never split a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const tokens = tokensOf(text);
        assert.equal(tokens.join(''), text);
        for (const token of tokens) assert.equal(Buffer.from(token).toString('utf8'), token);
      }),
    );
  });

  it('key words leave out little words, and a clipped text ends between words', () => {
    assert.deepEqual(keywordsOf('What is the capital of France?'), ['capital', 'france']);
    assert.equal(clip('one two three', 9), 'one two…');
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => Buffer.from(clip(text, 10)).toString('utf8').length <= 11 + 1,
      ),
    );
  });
});
