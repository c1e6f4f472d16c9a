import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { ollamaChatCodec, ollamaEmbedCodec, ollamaEmbeddingsCodec, ollamaGenerateCodec } from './codecs.ts';

const chat = (fields: JsonObject = {}) =>
  ollamaChatCodec.decode({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...fields });
const generate = (fields: JsonObject = {}) => ollamaGenerateCodec.decode({ model: 'm', prompt: 'hi', ...fields });

describe('Ollama chat request', () => {
  it('streams unless told not to', () => {
    assert.equal(chat().stream, true);
    assert.equal(chat({ stream: null }).stream, true);
    assert.equal(chat({ stream: false }).stream, false);
  });

  it('decodes the least a client can send to nothing but what it said', () => {
    const { request, model, notices } = chat();
    assert.deepEqual(request, {
      kind: 'chat',
      model: 'm:latest',
      messages: [{ role: 'user', content: 'hi' }],
      options: {},
      outputLimit: undefined,
    });
    assert.equal(model, 'm');
    assert.deepEqual(notices, []);
  });

  it('decodes every field', () => {
    const tool = { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } };
    const { request } = ollamaChatCodec.decode({
      model: 'qwen3:8b',
      messages: [
        { role: 'System', content: 'be brief' },
        { role: 'user', content: 'look', images: ['aGk=', 'data:image/png;base64,aGk='] },
        {
          role: 'assistant',
          thinking: 'hm',
          tool_calls: [
            { id: 'c1', function: { index: 0, name: 'f', arguments: { a: 1 } } },
            { function: { name: 'g' } },
          ],
        },
        { role: 'tool', content: '42', tool_call_id: 'c1' },
        { role: 'tool', content: '43', tool_name: 'g' },
      ],
      tools: [tool],
      format: { type: 'object' },
      options: { temperature: 0, num_predict: 20, seed: null, stop: ['x'] },
      think: 'high',
      keep_alive: '5m',
      truncate: false,
      shift: true,
      logprobs: true,
      top_logprobs: 3,
      runner: 'mlx',
      later: null,
    });
    assert.deepEqual(request, {
      kind: 'chat',
      model: 'qwen3:8b',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'look', images: ['aGk=', 'aGk='] },
        {
          role: 'assistant',
          content: '',
          thinking: 'hm',
          toolCalls: [
            { id: 'c1', name: 'f', argumentsJson: '{"a":1}' },
            { name: 'g', argumentsJson: '{}' },
          ],
        },
        { role: 'tool', content: '42', toolCallId: 'c1', toolName: 'f' },
        { role: 'tool', content: '43', toolName: 'g' },
      ],
      tools: [tool],
      format: { type: 'object' },
      options: { temperature: 0, stop: ['x'] },
      outputLimit: 20,
      think: 'high',
      keepAlive: '5m',
      truncate: false,
      shift: true,
      logprobs: true,
      topLogprobs: 3,
      extra: { runner: 'mlx' },
    });
  });

  const limits: readonly [JsonValue, number | undefined, JsonObject][] = [
    [1, 1, {}],
    [10.9, 10, {}],
    [-1, undefined, {}],
    [-2, undefined, { num_predict: -2 }],
    [0, undefined, { num_predict: 0 }],
    [null, undefined, {}],
  ];
  for (const [sent, outputLimit, options] of limits) {
    it(`reads num_predict ${JSON.stringify(sent)} as a limit of ${outputLimit}`, () => {
      const { request } = chat({ options: { num_predict: sent } });
      assert.equal(request.outputLimit, outputLimit);
      assert.deepEqual(request.options, options);
    });
  }

  it('gives one request to fields that say nothing and to their absence', () => {
    const silent = { format: '', think: null, tools: [], options: {}, logprobs: false, keep_alive: null, extra: null };
    assert.deepEqual(chat(silent).request, chat().request);
  });

  it('takes an absent or empty list of messages for a load request', () => {
    for (const body of [{ model: 'm' }, { model: 'm', messages: [] }, { model: 'm', messages: null }]) {
      const { request } = ollamaChatCodec.decode(body);
      assert.ok(request.kind === 'chat' && request.messages.length === 0);
    }
    assert.equal(ollamaChatCodec.decode({ model: 'm', keep_alive: 0 }).request.keepAlive, 0);
  });

  it('cannot be made to change prototypes', () => {
    const body = JSON.parse('{"model":"m","__proto__":{"x":1},"options":{"__proto__":{"y":1},"top_k":1}}') as JsonValue;
    const { request } = ollamaChatCodec.decode(body);
    assert.equal(Object.getPrototypeOf(request.options), Object.prototype);
    assert.deepEqual(request.options, { top_k: 1 });
    assert.equal(request.extra, undefined);
  });
});

describe('Ollama chat refusals', () => {
  const message = (fields: JsonObject): JsonObject => ({ messages: [{ role: 'user', content: '' }, fields] });
  const cases: readonly [string, JsonObject, string, string][] = [
    ['no model', { model: '' }, 'model is required', 'model'],
    ['model of a wrong type', { model: 1 }, 'model is 1; expected a string', 'model'],
    ['messages of a wrong type', { messages: 'hi' }, 'messages is "hi"; expected an array', 'messages'],
    ['a message that is no object', { messages: ['hi'] }, 'messages[0] is "hi"; expected an object', 'messages[0]'],
    ['no role', message({ content: 'x' }), 'messages[1].role is missing; expected a string', 'messages[1].role'],
    [
      'an unknown role',
      message({ role: 'judge' }),
      'messages[1].role is "judge"; expected "system", "user", "assistant" or "tool"',
      'messages[1].role',
    ],
    [
      'content in parts',
      message({ role: 'user', content: [{ type: 'text', text: 'x' }] }),
      'messages[1].content is an array of 1; expected a string',
      'messages[1].content',
    ],
    [
      'an image that is not base64',
      message({ role: 'user', images: ['not!'] }),
      'messages[1].images[0] is "not!"; expected base64 with padding',
      'messages[1].images[0]',
    ],
    [
      'a call without a function',
      message({ role: 'assistant', tool_calls: [{}] }),
      'messages[1].tool_calls[0].function is missing; expected an object',
      'messages[1].tool_calls[0].function',
    ],
    [
      'arguments as text',
      message({ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }),
      'messages[1].tool_calls[0].function.arguments is "{}"; expected a JSON object',
      'messages[1].tool_calls[0].function.arguments',
    ],
    ['a wrong format', { format: 'xml' }, 'format is "xml"; expected "json" or a JSON schema object', 'format'],
    ['options of a wrong type', { options: [] }, 'options is an array of 0; expected an object', 'options'],
    [
      'a limit of a wrong type',
      { options: { num_predict: '5' } },
      'options.num_predict is "5"; expected an integer',
      'options.num_predict',
    ],
    [
      'a wrong keep_alive',
      { keep_alive: true },
      'keep_alive is true; expected seconds or a duration such as "5m"',
      'keep_alive',
    ],
    [
      'too many alternatives',
      { top_logprobs: 21 },
      'top_logprobs is 21; expected an integer from 0 to 20',
      'top_logprobs',
    ],
    ['a tool that is no object', { tools: ['f'] }, 'tools[0] is "f"; expected an object', 'tools[0]'],
    [
      'rendering only',
      { _debug_render_only: true },
      '_debug_render_only is not supported; leave it out, or ask an Ollama server directly for the rendered prompt',
      '_debug_render_only',
    ],
  ];
  for (const [name, fields, text, param] of cases) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => chat(fields),
        (error) => {
          assert.ok(error instanceof AppError);
          assert.deepEqual([error.status, error.message, error.param], [400, text, param]);
          return true;
        },
      );
    });
  }
});

describe('Ollama generate request', () => {
  it('decodes every field', () => {
    const { request, stream } = generate({
      suffix: 's',
      system: 'sys',
      template: '{{ .Prompt }}',
      context: [1, 2],
      images: ['aGk='],
      format: 'json',
      think: false,
      options: { num_predict: 5 },
      keep_alive: 60,
      stream: false,
    });
    assert.equal(stream, false);
    assert.deepEqual(request, {
      kind: 'generate',
      model: 'm:latest',
      prompt: 'hi',
      options: {},
      outputLimit: 5,
      suffix: 's',
      system: 'sys',
      template: '{{ .Prompt }}',
      context: [1, 2],
      images: ['aGk='],
      format: 'json',
      think: false,
      keepAlive: 60,
    });
  });

  it('takes empty texts for absent ones', () => {
    assert.deepEqual(
      generate({ suffix: '', system: '', template: '', raw: false, images: [] }).request,
      generate().request,
    );
  });

  it('keeps raw, and refuses what contradicts it', () => {
    const { request } = generate({ raw: true });
    assert.ok(request.kind === 'generate' && request.raw === true);
    assert.throws(() => generate({ raw: true, system: 's' }), /raw mode does not support template, system, or context/);
  });

  it('answers 404 for an empty model, as Ollama does on this route', () => {
    assert.throws(
      () => ollamaGenerateCodec.decode({ prompt: 'x' }),
      (error) => error instanceof AppError && error.status === 404 && /model is required/.test(error.message),
    );
  });

  it('names a context element that is no token id', () => {
    assert.throws(() => generate({ context: [1, 'a'] }), /^AppError: context\[1\] is "a"; expected a token id$/);
  });
});

describe('Ollama embedding requests', () => {
  it('decodes one text and many, with the options', () => {
    const decoded = ollamaEmbedCodec.decode({
      model: 'e',
      input: 'a',
      truncate: true,
      dimensions: 8,
      keep_alive: 1,
      options: { num_ctx: 5 },
      x: 1,
    });
    assert.deepEqual(decoded.request, {
      model: 'e:latest',
      input: ['a'],
      normalised: true,
      truncate: true,
      dimensions: 8,
      keepAlive: 1,
      options: { num_ctx: 5 },
      extra: { x: 1 },
    });
    assert.deepEqual(ollamaEmbedCodec.decode({ model: 'e', input: ['a', ''] }).request.input, ['a', '']);
  });

  it('takes an empty input for a load request', () => {
    for (const input of ['', [], null])
      assert.deepEqual(ollamaEmbedCodec.decode({ model: 'e', input }).request.input, []);
  });

  it('keeps the older route apart: one text, not normalised', () => {
    assert.deepEqual(ollamaEmbeddingsCodec.decode({ model: 'e', prompt: 'a' }).request, {
      model: 'e:latest',
      input: ['a'],
      normalised: false,
      options: {},
    });
  });

  it('names an input that is no text', () => {
    assert.throws(() => ollamaEmbedCodec.decode({ model: 'e', input: ['a', 1] }), /input\[1\] is 1; expected a string/);
    assert.throws(
      () => ollamaEmbedCodec.decode({ model: 'e', input: 5 }),
      /input is 5; expected a string or an array of strings/,
    );
  });

  it('encodes both answers in their own shapes', () => {
    const answer = { model: 'e', embeddings: [[0.6, 0.8]], promptTokens: 3, totalNs: 9, loadNs: 4 };
    assert.deepEqual(JSON.parse(ollamaEmbedCodec.decode({ model: 'e', input: 'a' }).encode(answer)), {
      model: 'e',
      embeddings: [[0.6, 0.8]],
      total_duration: 9,
      load_duration: 4,
      prompt_eval_count: 3,
    });
    const older = ollamaEmbeddingsCodec.decode({ model: 'e', prompt: 'a' });
    assert.equal(older.encode(answer), '{"embedding":[0.6,0.8]}');
    assert.equal(older.encode({ ...answer, embeddings: [] }), '{"embedding":[]}');
  });
});
