import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import {
  assertShallow,
  bodyObject,
  describeValue,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalInteger,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalStringArray,
  requiredString,
} from './fields.ts';
import { checkBase64, checkImageType, imageFromDataUri } from './images.ts';
import { depthMax, modelNameCharsMax } from './limits.ts';
import { readModel } from './model.ts';
import { copyStop, positiveLimit, readThink, readTopLogprobs, thinkFromEffort, type OptionsDraft } from './options.ts';
import { argumentsFromText, argumentsObjectText, callId, nativeTool } from './tools.ts';

const refused = (message: string | RegExp, param?: string) => (error: unknown) => {
  assert.ok(error instanceof AppError);
  assert.equal(error.status, 400);
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  if (param !== undefined) assert.equal(error.param, param);
  return true;
};

function nest(levels: number): JsonValue {
  let value: JsonValue = 1;
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

describe('field readers', () => {
  const wrong: readonly [string, (from: JsonObject, key: string, at: string) => unknown, JsonValue, string][] = [
    ['string', optionalString, 5, 'at.f is 5; expected a string'],
    ['string', optionalString, { a: 1 }, 'at.f is an object; expected a string'],
    ['boolean', optionalBoolean, 'yes', 'at.f is "yes"; expected true or false'],
    ['number', optionalNumber, 'hot', 'at.f is "hot"; expected a number'],
    ['integer', optionalInteger, 1.5, 'at.f is 1.5; expected an integer'],
    ['integer', optionalInteger, 1e300, 'at.f is 1e+300; expected an integer'],
    ['object', optionalObject, [1, 2], 'at.f is an array of 2; expected an object'],
    ['array', (from, key, at) => optionalArray(from, key, at, 3), 'x', 'at.f is "x"; expected an array'],
    [
      'array',
      (from, key, at) => optionalArray(from, key, at, 3),
      [1, 2, 3, 4],
      'at.f is an array of 4; expected at most 3 elements',
    ],
    ['strings', (from, key, at) => optionalStringArray(from, key, at, 3), ['a', 1], 'at.f[1] is 1; expected a string'],
  ];
  for (const [kind, read, value, message] of wrong) {
    it(`takes absence and null for no ${kind}, and refuses ${JSON.stringify(value)} with path and remedy`, () => {
      assert.equal(read({ f: null }, 'f', ''), undefined);
      assert.equal(read({}, 'f', ''), undefined);
      assert.throws(() => read({ f: value }, 'f', 'at'), refused(message));
    });
  }

  it('names a required field that is missing', () => {
    assert.throws(
      () => requiredString({}, 'role', 'messages[0]'),
      refused('messages[0].role is missing; expected a string', 'messages[0].role'),
    );
  });

  it('refuses an element that is no object, with its index', () => {
    assert.throws(() => objectAt([{}, 'x'], 1, 'tools'), refused('tools[1] is "x"; expected an object', 'tools[1]'));
  });

  it('takes null for an empty body and refuses other non-objects', () => {
    assert.throws(() => bodyObject(null), refused('missing request body'));
    assert.throws(() => bodyObject([]), refused('request body is an array of 0; expected a JSON object'));
  });

  it('repeats only the start of a long value, so that a prompt does not leak into logs', () => {
    assert.equal(describeValue('x'.repeat(500)).length, 43);
  });

  it('refuses values nested deeper than the limit, without overflowing the stack', () => {
    assertShallow(nest(depthMax), 'format');
    assert.throws(
      () => assertShallow(nest(depthMax + 1), 'format'),
      refused(/^format is nested deeper than 100/, 'format'),
    );
    assert.throws(() => assertShallow(nest(200_000), 'format'), refused(/^format is nested deeper than 100/));
  });

  it('reads a model as written and with its tag, and bounds its length', () => {
    assert.deepEqual(readModel({ model: 'qwen3' }), { written: 'qwen3', name: 'qwen3:latest' });
    assert.equal(readModel({ model: '' }), undefined);
    assert.throws(
      () => readModel({ model: 'x'.repeat(modelNameCharsMax + 1) }),
      refused(/at most 512 characters/, 'model'),
    );
  });
});

describe('images', () => {
  it('takes the base64 out of data URIs of the types that thinkers decode', () => {
    for (const type of ['image/png', 'image/jpeg', 'image/jpg', 'image/webp', 'IMAGE/PNG', '', 'image/png;charset=x']) {
      assert.equal(imageFromDataUri(`data:${type};base64,aGk=`, 'p'), 'aGk=');
    }
  });

  const bad: readonly [string, RegExp][] = [
    ['https://example.org/cat.png', /^p is not a data URI; images are not fetched from addresses/],
    ['data:image/png,aGk=', /expected a data URI of the form/],
    ['data:image/png;base64', /expected a data URI of the form/],
    ['data:image/gif;base64,aGk=', /media type image\/gif; convert the image to PNG, JPEG or WebP/],
    ['data:image/png;base64,', /expected base64/],
    ['data:image/png;base64,a', /expected base64/],
    ['data:image/png;base64,a*k=', /expected base64/],
  ];
  for (const [uri, message] of bad) {
    it(`refuses ${uri} and says what to do`, () => {
      assert.throws(() => imageFromDataUri(uri, 'p'), refused(message, 'p'));
    });
  }

  it('checks both ends of a large image', () => {
    const good = 'A'.repeat(4_000);
    assert.equal(checkBase64(good, 'p'), good);
    assert.throws(() => checkBase64(`*${good.slice(1)}`, 'p'), refused(/expected base64/));
    assert.throws(() => checkBase64(`${good.slice(1)}*`, 'p'), refused(/expected base64/));
  });

  it('refuses media types by name', () => {
    checkImageType('image/webp', 'p');
    assert.throws(() => checkImageType('image/tiff', 'p'), refused(/image\/tiff/, 'p'));
  });
});

describe('options', () => {
  const stopOf = (value: JsonValue) => {
    const draft: OptionsDraft = {};
    copyStop({ stop: value }, 'stop', draft);
    return draft;
  };

  it('gives one spelling to a stop sequence, alone or in an array', () => {
    assert.deepEqual(stopOf('END'), { stop: ['END'] });
    assert.deepEqual(stopOf(['END']), { stop: ['END'] });
    assert.deepEqual(stopOf([]), {});
    assert.deepEqual(stopOf(null), {});
    assert.throws(() => stopOf([1]), refused('stop[0] is 1; expected a string', 'stop[0]'));
  });

  it('reads thinking as a switch or a level and refuses the rest', () => {
    for (const value of [true, false, 'low', 'medium', 'high', 'max'] as const)
      assert.equal(readThink(value, 'think'), value);
    assert.equal(readThink(null, 'think'), undefined);
    assert.throws(() => readThink('much', 'think'), refused(/^think is "much"; expected true, false/, 'think'));
  });

  it('maps efforts to native levels', () => {
    const pairs = [
      ['none', false],
      ['minimal', 'low'],
      ['low', 'low'],
      ['medium', 'medium'],
      ['high', 'high'],
      ['xhigh', 'max'],
      ['max', 'max'],
      [undefined, undefined],
    ] as const;
    for (const [effort, think] of pairs) assert.equal(thinkFromEffort(effort, 'e'), think);
    assert.throws(() => thinkFromEffort('huge', 'e'), refused(/^e is "huge"/, 'e'));
  });

  it('bounds limits and alternatives', () => {
    assert.equal(positiveLimit({ max_tokens: 5 }, 'max_tokens'), 5);
    assert.throws(
      () => positiveLimit({ max_tokens: 0 }, 'max_tokens'),
      refused('max_tokens is 0; expected an integer above 0'),
    );
    assert.equal(readTopLogprobs({ n: 20 }, 'n'), 20);
    assert.throws(() => readTopLogprobs({ n: 21 }, 'n'), refused('n is 21; expected an integer from 0 to 20'));
  });
});

describe('tools', () => {
  it('gives one spelling to arguments', () => {
    assert.equal(argumentsFromText('{ "a" : [1, 2] }', 'p'), '{"a":[1,2]}');
    assert.equal(argumentsFromText('', 'p'), '{}');
  });

  it('names the path of arguments that are no JSON object', () => {
    assert.throws(
      () => argumentsFromText('{', 'p'),
      refused(/^p is not valid JSON \(.+\); expected a JSON object as text$/, 'p'),
    );
    assert.throws(() => argumentsFromText('[1]', 'p'), refused('p is an array of 1; expected a JSON object', 'p'));
  });

  it('keeps the framing intact when a thinker sends arguments that are no object', () => {
    assert.equal(argumentsObjectText({ name: 'f', argumentsJson: '{"a":\n1}' }), '{"a":1}');
    assert.equal(argumentsObjectText({ name: 'f', argumentsJson: '' }), '{}');
    assert.equal(argumentsObjectText({ name: 'f', argumentsJson: '[1]' }), '{"arguments":[1]}');
    assert.equal(argumentsObjectText({ name: 'f', argumentsJson: '{"a"\n' }), '{"arguments":"{\\"a\\"\\n"}');
  });

  it('makes up ids that differ by reply and by position, and keeps known ones', () => {
    assert.equal(callId({ name: 'f', argumentsJson: '{}' }, 'call_', 'seed', 1), 'call_seed1');
    assert.equal(callId({ id: 'mine', name: 'f', argumentsJson: '{}' }, 'call_', 'seed', 1), 'mine');
  });

  it('refuses a tool without a name', () => {
    const tool = { name: '', description: undefined, parameters: undefined, path: 'tools[0].function' };
    assert.throws(() => nativeTool(tool), refused(/^tools\[0\]\.function is ""/));
  });
});
