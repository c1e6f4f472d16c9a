import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { openaiChatCodec } from './codecs.ts';

const decode = (fields: JsonObject = {}) =>
  openaiChatCodec.decode({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...fields });
const messagesOf = (...messages: JsonValue[]) => {
  const { request } = decode({ messages });
  assert.ok(request.kind === 'chat');
  return request.messages;
};

describe('OpenAI chat request', () => {
  it('does not stream unless told to, and leaves what is absent absent', () => {
    const { request, model, stream, notices } = decode();
    assert.deepEqual(
      { request, model, stream, notices },
      {
        request: {
          kind: 'chat',
          model: 'm:latest',
          messages: [{ role: 'user', content: 'hi' }],
          options: {},
          outputLimit: undefined,
        },
        model: 'm',
        stream: false,
        notices: [],
      },
    );
  });

  it('takes null for absent in every field, as typed SDKs send it', () => {
    const fields = [
      'temperature',
      'top_p',
      'seed',
      'stop',
      'frequency_penalty',
      'presence_penalty',
      'max_tokens',
      'n',
      'tools',
      'max_completion_tokens',
      'response_format',
      'reasoning_effort',
      'reasoning',
      'tool_choice',
      'logprobs',
      'top_logprobs',
      'logit_bias',
      'functions',
      'function_call',
      'modalities',
      'user',
      'stream',
      'stream_options',
      'verbosity',
      'parallel_tool_calls',
      'something_new',
    ];
    const { request, notices } = decode(Object.fromEntries(fields.map((field) => [field, null])));
    assert.deepEqual(request, decode().request);
    assert.deepEqual(notices, []);
  });

  it('maps sampling to native options under the same key for one stop and many', () => {
    const sampling = { temperature: 0, top_p: 0.9, seed: 7, frequency_penalty: 0.1, presence_penalty: 0.2 };
    assert.deepEqual(decode({ ...sampling, stop: 'END' }).request.options, { ...sampling, stop: ['END'] });
    assert.deepEqual(decode({ ...sampling, stop: ['END'] }).request.options, { ...sampling, stop: ['END'] });
  });

  it('takes the newer output limit, and -1 as no limit', () => {
    assert.equal(decode({ max_tokens: 5 }).request.outputLimit, 5);
    assert.equal(decode({ max_tokens: 5, max_completion_tokens: 9 }).request.outputLimit, 9);
    assert.equal(decode({ max_tokens: -1 }).request.outputLimit, undefined);
  });

  it('maps response formats', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    assert.equal(decode({ response_format: { type: 'text' } }).request.format, undefined);
    assert.equal(decode({ response_format: { type: 'json_object' } }).request.format, 'json');
    const format = { type: 'json_schema', json_schema: { name: 'n', strict: true, schema } };
    assert.deepEqual(decode({ response_format: format }).request.format, schema);
  });

  it('maps efforts, the nested one first', () => {
    assert.equal(decode({ reasoning_effort: 'high' }).request.think, 'high');
    assert.equal(decode({ reasoning_effort: 'none' }).request.think, false);
    assert.equal(decode({ reasoning_effort: 'high', reasoning: { effort: 'low' } }).request.think, 'low');
    assert.equal(decode({ reasoning_effort: 'high', reasoning: {} }).request.think, 'high');
  });

  it('maps tools to the native shape without what thinkers do not read', () => {
    const parameters = { type: 'object', properties: {} };
    const tools = [
      { type: 'function', function: { name: 'f', description: 'd', parameters, strict: true } },
      { type: 'function', function: { name: 'g' } },
    ];
    const { request, notices } = decode({ tools });
    assert.ok(request.kind === 'chat');
    assert.deepEqual(request.tools, [
      { type: 'function', function: { name: 'f', description: 'd', parameters } },
      { type: 'function', function: { name: 'g' } },
    ]);
    assert.deepEqual(notices, []);
  });

  it('honours tool_choice none, and says that others cannot be forced', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    const toolsOf = (choice: JsonValue) => {
      const { request, notices } = decode({ tools, tool_choice: choice });
      assert.ok(request.kind === 'chat');
      return [request.tools?.length, notices.length];
    };
    assert.deepEqual(toolsOf('none'), [undefined, 0]);
    assert.deepEqual(toolsOf('auto'), [1, 0]);
    assert.deepEqual(toolsOf('required'), [1, 1]);
    assert.deepEqual(toolsOf({ type: 'function', function: { name: 'f' } }), [1, 1]);
  });

  it('reads logprobs', () => {
    const { request } = decode({ logprobs: true, top_logprobs: 2 });
    assert.deepEqual([request.logprobs, request.topLogprobs], [true, 2]);
    assert.equal(decode({ logprobs: false }).request.logprobs, undefined);
  });

  it('says what it ignores where meaning is lost, and nothing about bookkeeping', () => {
    const quiet = { user: 'u', metadata: {}, store: true, service_tier: 'auto', prompt_cache_key: 'k', logit_bias: {} };
    assert.deepEqual(decode({ ...quiet, parallel_tool_calls: true, verbosity: 'medium', n: 1 }).notices, []);
    const loud = { logit_bias: { 5: 1 }, parallel_tool_calls: false, web_search_options: {}, verbosity: 'low' };
    assert.equal(decode(loud).notices.length, 4);
    const [notice] = decode({ top_k: 5 }).notices;
    assert.match(notice ?? '', /top_k/);
  });

  it('never lets a field name of the caller break a header', () => {
    const { notices } = decode({ 'a\r\nx-evil: 1': 1, ü: 2 });
    assert.match(notices.join(), /^[\x20-\x7e]+$/);
  });
});

describe('OpenAI chat messages', () => {
  it('joins text parts and gathers images', () => {
    const parts = [
      { type: 'text', text: 'what is' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=', detail: 'low' } },
      { type: 'text', text: 'this?' },
      { type: 'image_url', image_url: 'data:image/jpeg;base64,aGkh' },
    ];
    assert.deepEqual(messagesOf({ role: 'user', content: parts }), [
      { role: 'user', content: 'what is\n\nthis?', images: ['aGk=', 'aGkh'] },
    ]);
  });

  it('takes a developer for a system message', () => {
    assert.deepEqual(messagesOf({ role: 'developer', content: 'be brief' }), [{ role: 'system', content: 'be brief' }]);
  });

  it('carries calls, their results and the name of the tool that answered', () => {
    const call = (id: string, name: string, text: string) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    });
    assert.deepEqual(
      messagesOf(
        {
          role: 'assistant',
          content: null,
          reasoning: 'hm',
          tool_calls: [call('c1', 'f', '{ "a": 1 }'), call('c2', 'g', '')],
        },
        { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: '42' }] },
        { role: 'tool', tool_call_id: 'c1', name: 'named', content: '43' },
        { role: 'tool', tool_call_id: 'unseen', content: '44' },
      ),
      [
        {
          role: 'assistant',
          content: '',
          thinking: 'hm',
          toolCalls: [
            { id: 'c1', name: 'f', argumentsJson: '{"a":1}' },
            { id: 'c2', name: 'g', argumentsJson: '{}' },
          ],
        },
        { role: 'tool', content: '42', toolCallId: 'c2', toolName: 'g' },
        { role: 'tool', content: '43', toolCallId: 'c1', toolName: 'named' },
        { role: 'tool', content: '44', toolCallId: 'unseen' },
      ],
    );
  });

  it('keeps a refusal as the words of the assistant', () => {
    assert.deepEqual(messagesOf({ role: 'assistant', content: null, refusal: 'no' }), [
      { role: 'assistant', content: 'no' },
    ]);
    assert.deepEqual(messagesOf({ role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] }), [
      { role: 'assistant', content: 'no' },
    ]);
  });

  it('says once that names of speakers are ignored', () => {
    const message = { role: 'user', name: 'ann', content: 'x' };
    assert.equal(decode({ messages: [message, message] }).notices.length, 1);
  });
});

describe('OpenAI chat refusals', () => {
  const user = (content: JsonValue): JsonObject => ({ messages: [{ role: 'user', content }] });
  const call = (fields: JsonObject): JsonObject => ({
    messages: [
      { role: 'user', content: 'x' },
      { role: 'assistant', tool_calls: [fields] },
    ],
  });
  const cases: readonly [string, JsonObject, RegExp, string][] = [
    ['no model', { model: '' }, /^model is required$/, 'model'],
    ['no messages', { messages: [] }, /^messages is an array of 0; expected at least one message$/, 'messages'],
    ['more than one answer', { n: 2 }, /^n is not supported; only 1 works and it is 2/, 'n'],
    ['a limit of nothing', { max_tokens: 0 }, /^max_tokens is 0; expected an integer above 0/, 'max_tokens'],
    [
      'a wrong older limit beside a newer one',
      { max_completion_tokens: 5, max_tokens: 0 },
      /^max_tokens is 0/,
      'max_tokens',
    ],
    ['a wrong temperature', { temperature: 'hot' }, /^temperature is "hot"; expected a number$/, 'temperature'],
    ['a wrong stop', { stop: 5 }, /^stop is 5; expected a string or an array of strings$/, 'stop'],
    ['too many stops', { stop: Array(129).fill('x') }, /at most 128 elements$/, 'stop'],
    ['a wrong stream', { stream: 'yes' }, /^stream is "yes"; expected true or false$/, 'stream'],
    [
      'wrong stream options',
      { stream_options: { include_usage: 1 } },
      /^stream_options\.include_usage is 1/,
      'stream_options.include_usage',
    ],
    [
      'an unknown format',
      { response_format: { type: 'xml' } },
      /^response_format\.type is "xml"/,
      'response_format.type',
    ],
    [
      'a format without a schema',
      { response_format: { type: 'json_schema' } },
      /^response_format\.json_schema\.schema is missing/,
      'response_format.json_schema.schema',
    ],
    ['an unknown effort', { reasoning_effort: 'huge' }, /^reasoning_effort is "huge"/, 'reasoning_effort'],
    [
      'a custom tool',
      { tools: [{ type: 'custom', custom: {} }] },
      /^tools\[0\]\.type is "custom"; expected "function"/,
      'tools[0].type',
    ],
    [
      'a tool without a function',
      { tools: [{ type: 'function' }] },
      /^tools\[0\]\.function is missing/,
      'tools[0].function',
    ],
    [
      'a tool without a name',
      { tools: [{ type: 'function', function: {} }] },
      /^tools\[0\]\.function\.name is missing/,
      'tools[0].function.name',
    ],
    ['an unknown tool_choice', { tool_choice: 'maybe' }, /^tool_choice is "maybe"/, 'tool_choice'],
    [
      'alternatives without logprobs',
      { top_logprobs: 3 },
      /^logprobs is missing; expected true when top_logprobs is given$/,
      'logprobs',
    ],
    ['functions', { functions: [{ name: 'f' }] }, /^functions is not supported; send the same as `tools`/, 'functions'],
    [
      'a forced function',
      { function_call: { name: 'f' } },
      /^function_call is not supported; send `tools`/,
      'function_call',
    ],
    ['audio out', { modalities: ['text', 'audio'] }, /^modalities may only be \["text"\]/, 'modalities'],
    ['rendering only', { _debug_render_only: true }, /^_debug_render_only is not supported/, '_debug_render_only'],
    ['the function role', { messages: [{ role: 'function', content: 'x' }] }, /send role "tool"/, 'messages[0].role'],
    [
      'an unknown role',
      { messages: [{ role: 'judge', content: 'x' }] },
      /^messages\[0\]\.role is "judge"/,
      'messages[0].role',
    ],
    [
      'a user without content',
      user(null),
      /^messages\[0\]\.content is null; expected a string or an array of parts$/,
      'messages[0].content',
    ],
    [
      'content of a wrong type',
      user(5),
      /^messages\[0\]\.content is 5; expected a string or an array of parts$/,
      'messages[0].content',
    ],
    [
      'an unknown part',
      user([{ type: 'video' }]),
      /^messages\[0\]\.content\[0\]\.type is "video"/,
      'messages[0].content[0].type',
    ],
    [
      'a part without its text',
      user([{ type: 'text' }]),
      /^messages\[0\]\.content\[0\]\.text is missing/,
      'messages[0].content[0].text',
    ],
    ['audio in', user([{ type: 'input_audio', input_audio: {} }]), /transcribe the audio/, 'messages[0].content[0]'],
    ['a file', user([{ type: 'file', file: {} }]), /send the text of the file/, 'messages[0].content[0]'],
    [
      'an image by address',
      user([{ type: 'image_url', image_url: { url: 'https://e.org/a.png' } }]),
      /send data:image\/png;base64/,
      'messages[0].content[0].image_url.url',
    ],
    [
      'an image without address',
      user([{ type: 'image_url', image_url: {} }]),
      /^messages\[0\]\.content\[0\]\.image_url\.url is missing/,
      'messages[0].content[0].image_url.url',
    ],
    [
      'a legacy call',
      { messages: [{ role: 'assistant', function_call: {} }] },
      /send the call in `tool_calls`/,
      'messages[0].function_call',
    ],
    [
      'a custom call',
      call({ type: 'custom' }),
      /^messages\[1\]\.tool_calls\[0\]\.type is "custom"/,
      'messages[1].tool_calls[0].type',
    ],
    [
      'arguments that are no JSON',
      call({ function: { name: 'f', arguments: '{a' } }),
      /^messages\[1\]\.tool_calls\[0\]\.function\.arguments is not valid JSON/,
      'messages[1].tool_calls[0].function.arguments',
    ],
    [
      'arguments that are no object',
      call({ function: { name: 'f', arguments: '[]' } }),
      /arguments is an array of 0; expected a JSON object$/,
      'messages[1].tool_calls[0].function.arguments',
    ],
    [
      'arguments that are no text',
      call({ function: { name: 'f', arguments: {} } }),
      /arguments is an object; expected a string$/,
      'messages[1].tool_calls[0].function.arguments',
    ],
  ];
  for (const [name, fields, message, param] of cases) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => decode(fields),
        (error) => {
          assert.ok(error instanceof AppError);
          assert.match(error.message, message);
          assert.deepEqual([error.status, error.param], [400, param]);
          return true;
        },
      );
    });
  }
});
