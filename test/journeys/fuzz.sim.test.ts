/**
 * Whatever a client sends is answered: 2xx, or 4xx in the caller's dialect with words that help.
 * `FUZZ_RUNS=5000` for a longer look; `SEED=…` replays one.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { httpCall } from '../../src/testing/http-call.ts';
import { testRandom } from '../../src/testing/seeded-random.ts';
import { startRig, type Rig } from './harness.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const runs = Number(process.env['FUZZ_RUNS'] ?? 40);
/** Can all that the valid requests ask for, so that what goes wrong is not its doing. */
const model = 'able';
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tool = { type: 'function', function: { name: 'weather', description: 'of a city', parameters: schema } };
const options = { temperature: 0.5, top_p: 0.9, top_k: 40, seed: 3, stop: ['\n\n'], num_predict: 20, num_ctx: 4096 };

/** A valid request of each route, with as many fields as clients send; the fuzz breaks it somewhere. */
const seeds: readonly (readonly [string, Json])[] = [
  [
    '/api/chat',
    {
      model,
      stream: false,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello', images: [pixel] },
        {
          role: 'assistant',
          content: '',
          thinking: 'hm',
          tool_calls: [{ function: { name: 'weather', arguments: {} } }],
        },
        { role: 'tool', content: '3 degrees', tool_name: 'weather' },
      ],
      tools: [tool],
      format: schema,
      options,
      think: false,
      keep_alive: '5m',
    },
  ],
  [
    '/api/generate',
    {
      model,
      stream: false,
      prompt: 'Hello',
      system: 'Be brief.',
      template: '',
      context: [1, 2],
      raw: false,
      images: [pixel],
      format: 'json',
      options,
      keep_alive: 60,
    },
  ],
  [
    '/v1/chat/completions',
    {
      model,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hello' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: '3 degrees' },
      ],
      tools: [tool],
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 20,
      seed: 3,
      stop: ['\n\n'],
      stream: false,
      stream_options: { include_usage: true },
      response_format: { type: 'json_schema', json_schema: { name: 's', schema } },
      reasoning_effort: 'low',
      logprobs: false,
    },
  ],
  [
    '/v1/completions',
    { model, prompt: 'Hello', suffix: '', max_tokens: 20, stop: '\n\n', seed: 3, temperature: 0.5, stream: false },
  ],
  [
    '/v1/responses',
    {
      model,
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] },
        { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: '3 degrees' },
      ],
      instructions: 'Be brief.',
      tools: [{ type: 'function', name: 'weather', parameters: schema }],
      text: { format: { type: 'text' } },
      reasoning: { effort: 'low' },
      max_output_tokens: 20,
      temperature: 0.5,
      stream: false,
    },
  ],
  [
    '/v1/messages',
    {
      model,
      max_tokens: 20,
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hello' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pixel } },
          ],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'weather', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: '3 degrees' }] },
      ],
      tools: [{ name: 'weather', description: 'of a city', input_schema: schema }],
      thinking: { type: 'disabled' },
      stop_sequences: ['\n\n'],
      temperature: 0.5,
      stream: false,
    },
  ],
  ['/v1/messages/count_tokens', { model, messages: [{ role: 'user', content: 'Hello' }], system: 'Be brief.' }],
  ['/api/embed', { model, input: ['Hello', 'there'], truncate: true, dimensions: 16, options: {}, keep_alive: 0 }],
  ['/api/embeddings', { model, prompt: 'Hello', options: {}, keep_alive: '1m' }],
  ['/v1/embeddings', { model, input: ['Hello', 'there'], dimensions: 16, encoding_format: 'base64' }],
  ['/api/show', { model, verbose: false }],
  ['/cache/feedback', { requestId: 'req_x', verdict: 'wrong' }],
];

const deep = (levels: number): Json => {
  let value: Json = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
};
const hostile: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    0,
    -1,
    0.5,
    1e308,
    -1e308,
    2 ** 53,
    2 ** 31,
    4e9,
    '',
    ' ',
    [],
    {},
    [[]],
    [null],
    [{}],
    {
      type: 'text',
    },
  ),
  fc.constantFrom<Json>(
    '\u0000',
    'a\u0000b',
    '\ud800',
    'x\udc00y',
    '\u202e',
    '😀'.repeat(50),
    'x'.repeat(100_000),
    '\r\n',
    'ÿ',
    '__proto__',
  ),
  fc.constantFrom<Json>(deep(90), deep(150), deep(3000)),
  fc.constantFrom<Json>(
    { constructor: { prototype: { polluted: 1 } } },
    { toString: 1, hasOwnProperty: null, length: -1 },
  ),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

/** Every place in a value: the path to it as keys. */
function places(value: Json, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Array.isArray(value)
    ? value.flatMap((item, i) => places(item, [...path, i]))
    : Object.entries(value).flatMap(([key, item]) => places(item, [...path, key]));
  return [path, ...inner];
}

/** The text of `value` with `put` at `path`, or a further key beside it. Prototype keys are written as JSON has them. */
function textWith(value: Json, path: readonly (string | number)[], put: Json, beside: string | undefined): string {
  const [key, ...rest] = path;
  if (key === undefined) {
    if (beside === undefined || typeof value !== 'object' || value === null || Array.isArray(value))
      return JSON.stringify(put);
    const inner = JSON.stringify(value).slice(1, -1);
    return `{${inner}${inner === '' ? '' : ','}${JSON.stringify(beside)}:${JSON.stringify(put)}}`;
  }
  if (Array.isArray(value))
    return `[${value.map((item, i) => (i === key ? textWith(item, rest, put, beside) : JSON.stringify(item))).join()}]`;
  return `{${Object.entries(value as object)
    .map(
      ([name, item]) =>
        `${JSON.stringify(name)}:${name === key ? textWith(item as Json, rest, put, beside) : JSON.stringify(item)}`,
    )
    .join()}}`;
}

describe('requests that no client should send', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig({
      sim: {
        models: [{ name: model, capabilities: ['completion', 'tools', 'thinking', 'vision', 'insert', 'embedding'] }],
      },
    });
  });
  after(() => rig.close());

  for (const [path, valid] of seeds) {
    it(`${path}: 2xx, or 4xx in its dialect that says what is wrong`, async () => {
      const { seed } = testRandom(`fuzz ${path}`);
      const whole = await httpCall(`${rig.url}${path}`, { method: 'POST', body: valid as object });
      // Feedback is about a request that there must have been: this one is well-formed, and about none.
      assert.equal(whole.status, path === '/cache/feedback' ? 404 : 200, whole.text.slice(0, 300));
      const at = fc.constantFrom(...places(valid));
      const extraKey = fc.option(
        fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'model', 'messages', 'stream', ''),
        {
          nil: undefined,
          freq: 3,
        },
      );
      await fc.assert(
        fc.asyncProperty(at, hostile, extraKey, fc.boolean(), async (where, put, beside, anthropic) => {
          const body = textWith(valid, where, put, beside);
          const reply = await httpCall(`${rig.url}${path}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...(anthropic && { 'anthropic-version': '2023-06-01' }) },
            body,
            signal: AbortSignal.timeout(10_000),
          });
          const about = `${where.join('.')} = ${JSON.stringify(put).slice(0, 80)} -> ${reply.status} ${reply.text.slice(0, 300)}`;
          assert.equal(reply.end, 'complete', about);
          assert.ok(reply.status >= 200 && reply.status < 500, about);
          if (reply.status >= 400) assertDialectError(path, reply.text, about);
        }),
        { seed, numRuns: runs },
      );
      assert.equal(({} as { polluted?: number }).polluted, undefined);
      assert.equal((await httpCall(`${rig.url}/`)).text, 'Ollama is running');
      assert.equal(rig.gateway.status().traffic.open, 0);
    });
  }
});

function assertDialectError(path: string, text: string, about: string): void {
  const body = JSON.parse(text) as { error: string & { message: string; type: string }; type?: string };
  if (path.startsWith('/api/')) {
    assert.equal(typeof body.error, 'string', about);
    assert.notEqual(body.error, '', about);
    return;
  }
  if (path.startsWith('/v1/messages')) assert.equal(body.type, 'error', about);
  assert.equal(typeof body.error.message, 'string', about);
  assert.notEqual(body.error.message, '', about);
  assert.equal(typeof body.error.type, 'string', about);
}
