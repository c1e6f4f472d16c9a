import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { anthropicMessagesCodec } from './messages-codec.ts';

const png = 'iVBORw0KGgo=';
const question: JsonObject = { role: 'user', content: 'Why is the sky blue?' };
const body = (more: JsonObject = {}): JsonObject => ({
  model: 'qwen3',
  max_tokens: 100,
  messages: [question],
  ...more,
});
const decode = (value: JsonValue) => anthropicMessagesCodec.decode(value);
const plain = {
  kind: 'chat',
  model: 'qwen3:latest',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
  options: {},
  outputLimit: 100,
};

describe('decoding POST /v1/messages', () => {
  it('leaves every absent field absent', () => {
    const decoded = decode(body());
    assert.deepEqual(decoded.request, plain);
    assert.equal(decoded.model, 'qwen3');
    assert.equal(decoded.stream, false);
    assert.deepEqual(decoded.notices, []);
  });

  it('takes fields that say nothing about the answer without a word, and null as absent', () => {
    const decoded = decode(
      body({
        metadata: { user_id: 'u1' },
        cache_control: { type: 'ephemeral' },
        service_tier: 'auto',
        temperature: null,
        system: null,
        tools: [],
        stop_sequences: [],
        thinking: null,
      }),
    );
    assert.deepEqual(decoded.request, plain);
    assert.deepEqual(decoded.notices, []);
  });

  it('keeps unknown fields out of the request and names them', () => {
    const decoded = decode(body({ context_management: { edits: [] }, 'bad\r\nname': 1 }));
    assert.deepEqual(decoded.request, plain);
    assert.deepEqual(decoded.notices, ['not known and not used: context_management, bad??name']);
  });

  it('translates sampling to native options', () => {
    const { request, stream } = decode(
      body({ temperature: 0.2, top_p: 0.9, top_k: 40, stop_sequences: ['END'], stream: true }),
    );
    assert.deepEqual(request, { ...plain, options: { temperature: 0.2, top_p: 0.9, top_k: 40, stop: ['END'] } });
    assert.equal(stream, true);
  });

  const systems: readonly (readonly [string, JsonValue, string])[] = [
    ['a string', 'Be brief.', 'Be brief.'],
    ['blocks', [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }], 'Be brief.'],
    [
      'several blocks',
      [
        { type: 'text', text: 'Be brief.' },
        { type: 'text', text: 'Be kind.' },
      ],
      'Be brief.\n\nBe kind.',
    ],
  ];
  for (const [name, system, text] of systems) {
    it(`puts system given as ${name} first`, () => {
      assert.deepEqual(decode(body({ system })).request, {
        ...plain,
        messages: [{ role: 'system', content: text }, question],
      });
    });
  }

  it('carries text, images, thinking, tool calls and results in their order', () => {
    const { request, notices } = decode(
      body({
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
            ],
          },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'Two tools.', signature: 'x' },
              { type: 'redacted_thinking', data: 'abc' },
              { type: 'text', text: 'Let me look.' },
              { type: 'tool_use', id: 'toolu_1', name: 'zoom', input: { factor: 2 } },
              { type: 'tool_use', id: 'toolu_2', name: 'name_it', input: {} },
            ],
          },
          {
            role: 'user',
            content: [
              {
                type: 'tool_result',
                tool_use_id: 'toolu_1',
                content: [
                  { type: 'text', text: 'zoomed' },
                  { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: png } },
                ],
              },
              { type: 'tool_result', tool_use_id: 'toolu_2', is_error: true, content: 'no such thing' },
              { type: 'tool_result', tool_use_id: 'toolu_gone' },
              { type: 'text', text: 'And now?' },
            ],
          },
        ],
      }),
    );
    assert.deepEqual(request, {
      ...plain,
      messages: [
        { role: 'user', content: 'What is this?', images: [png] },
        {
          role: 'assistant',
          content: 'Let me look.',
          thinking: 'Two tools.',
          toolCalls: [
            { id: 'toolu_1', name: 'zoom', argumentsJson: '{"factor":2}' },
            { id: 'toolu_2', name: 'name_it', argumentsJson: '{}' },
          ],
        },
        { role: 'tool', content: 'zoomed', images: [png], toolName: 'zoom', toolCallId: 'toolu_1' },
        { role: 'tool', content: 'Error: no such thing', toolName: 'name_it', toolCallId: 'toolu_2' },
        { role: 'tool', content: '', toolCallId: 'toolu_gone' },
        { role: 'user', content: 'And now?' },
      ],
    });
    assert.deepEqual(notices, ['redacted_thinking blocks were dropped: only their maker can read them']);
  });

  it('keeps what was said before a tool result before it', () => {
    const { request } = decode(
      body({
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'First.' },
              { type: 'tool_result', tool_use_id: 'a', content: 'Second.' },
              { type: 'text', text: 'Third.' },
            ],
          },
        ],
      }),
    );
    assert.deepEqual(request, {
      ...plain,
      messages: [
        { role: 'user', content: 'First.' },
        { role: 'tool', content: 'Second.', toolCallId: 'a' },
        { role: 'user', content: 'Third.' },
      ],
    });
  });

  it('keeps the turn of a message without blocks', () => {
    const messages = [question, { role: 'assistant', content: [] }, question];
    assert.deepEqual(decode(body({ messages })).request, {
      ...plain,
      messages: [question, { role: 'assistant', content: '' }, question],
    });
  });

  const schema = { type: 'object', properties: { city: { type: 'string' } } };
  const tool = { name: 'weather', description: 'Tells it', input_schema: schema, cache_control: { type: 'ephemeral' } };
  const nativeTool = { type: 'function', function: { name: 'weather', description: 'Tells it', parameters: schema } };

  const choices: readonly (readonly [string, JsonValue, boolean, readonly string[]])[] = [
    ['nothing', null, true, []],
    ['auto', { type: 'auto' }, true, []],
    ['none', { type: 'none' }, false, []],
    [
      'any',
      { type: 'any' },
      true,
      ['tool_choice any cannot be forced on the model; it decides itself whether to call a tool'],
    ],
    [
      'one tool, one at a time',
      { type: 'tool', name: 'weather', disable_parallel_tool_use: true },
      true,
      [
        'tool_choice tool cannot be forced on the model; it decides itself which tool to call',
        'tool_choice.disable_parallel_tool_use is not enforced',
      ],
    ],
  ];
  for (const [name, choice, sent, notices] of choices) {
    it(`with tool_choice ${name} ${sent ? 'sends' : 'drops'} the tools`, () => {
      const decoded = decode(body({ tools: [tool], tool_choice: choice }));
      assert.deepEqual(decoded.request, sent ? { ...plain, tools: [nativeTool] } : plain);
      assert.deepEqual(decoded.notices, notices);
    });
  }

  const thinkings: readonly (readonly [JsonObject, JsonValue | undefined, readonly string[]])[] = [
    [{ thinking: { type: 'disabled' } }, false, []],
    [{ thinking: { type: 'adaptive' } }, undefined, []],
    [{ thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }, 'low', []],
    [{ output_config: { effort: 'xhigh' } }, 'max', []],
    [{ thinking: { type: 'enabled' } }, true, []],
    [{ thinking: { type: 'enabled' }, output_config: { effort: 'high' } }, 'high', []],
    [{ thinking: { type: 'disabled' }, output_config: { effort: 'high' } }, false, []],
    [
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      true,
      ['thinking.budget_tokens is not enforced; max_tokens counts thinking too'],
    ],
  ];
  for (const [fields, think, notices] of thinkings) {
    it(`reads ${JSON.stringify(fields)} as think ${JSON.stringify(think)}`, () => {
      const decoded = decode(body(fields));
      assert.deepEqual(decoded.request, think === undefined ? plain : { ...plain, think });
      assert.deepEqual(decoded.notices, notices);
    });
  }

  for (const field of ['output_config', 'output_format']) {
    it(`takes a JSON schema from ${field}`, () => {
      const format = { type: 'json_schema', schema };
      const { request } = decode(body({ [field]: field === 'output_config' ? { format } : format }));
      assert.deepEqual(request, { ...plain, format: schema });
    });
  }

  const userSays = (...blocks: JsonValue[]): JsonObject => ({ messages: [{ role: 'user', content: blocks }] });
  const refusals: readonly (readonly [string, JsonValue, string, RegExp])[] = [
    ['bad_request', [], '', /request body is an array/],
    ['bad_request', { ...body(), model: '' }, 'model', /^model is ""/],
    [
      'bad_request',
      { model: 'a', messages: [question] },
      'max_tokens',
      /^max_tokens is missing; expected an integer above 0/,
    ],
    ['bad_request', body({ max_tokens: 0 }), 'max_tokens', /^max_tokens is 0/],
    ['bad_request', body({ max_tokens: 1.5 }), 'max_tokens', /^max_tokens is 1.5/],
    ['bad_request', body({ messages: [] }), 'messages', /at least one message/],
    ['bad_request', body({ messages: 'hi' }), 'messages', /^messages is "hi"/],
    ['bad_request', body({ messages: [question, 3] }), 'messages[1]', /^messages\[1\] is 3/],
    [
      'bad_request',
      body({ messages: [{ role: 'tool', content: 'x' }] }),
      'messages[0].role',
      /"user", "assistant" or "system"/,
    ],
    ['bad_request', body({ messages: [{ role: 'user' }] }), 'messages[0].content', /missing/],
    ['bad_request', body(userSays({ type: 'text' })), 'messages[0].content[0].text', /missing/],
    ['bad_request', body(userSays({ text: 'x' })), 'messages[0].content[0].type', /missing/],
    ['unsupported', body(userSays({ type: 'document', source: {} })), 'messages[0].content[0].type', /text block/],
    ['unsupported', body(userSays({ type: 'server_tool_use' })), 'messages[0].content[0].type', /server_tool_use/],
    [
      'unsupported',
      body(userSays({ type: 'image', source: { type: 'url', url: 'http://x/y.png' } })),
      'messages[0].content[0].source.type',
      /images are not fetched/,
    ],
    [
      'unsupported',
      body(userSays({ type: 'image', source: { type: 'base64', media_type: 'image/tiff', data: png } })),
      'messages[0].content[0].source.media_type',
      /PNG/,
    ],
    [
      'bad_request',
      body(userSays({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: '%%' } })),
      'messages[0].content[0].source.data',
      /base64/,
    ],
    ['bad_request', body(userSays({ type: 'image' })), 'messages[0].content[0].source', /an object/],
    ['bad_request', body(userSays({ type: 'tool_result' })), 'messages[0].content[0].tool_use_id', /missing/],
    [
      'unsupported',
      body(userSays({ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'search_result' }] })),
      'messages[0].content[0].content[0].type',
      /search_result/,
    ],
    [
      'bad_request',
      body(userSays({ type: 'tool_use', id: 'a', name: 'f', input: 'x' })),
      'messages[0].content[0].input',
      /JSON object/,
    ],
    ['unsupported', body({ system: [{ type: 'image' }] }), 'system[0].type', /image/],
    ['bad_request', body({ system: 3 }), 'system', /^system is 3/],
    ['bad_request', body({ temperature: 'hot' }), 'temperature', /^temperature is "hot"; expected a number/],
    ['bad_request', body({ top_k: 0.5 }), 'top_k', /integer/],
    ['bad_request', body({ stop_sequences: 'END' }), 'stop_sequences', /array of strings/],
    ['bad_request', body({ stop_sequences: [1] }), 'stop_sequences[0]', /a string/],
    ['bad_request', body({ stream: 'yes' }), 'stream', /true or false/],
    [
      'unsupported',
      body({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
      'tools[0].type',
      /web_search_20250305/,
    ],
    ['bad_request', body({ tools: [{ name: 'f' }] }), 'tools[0].input_schema', /JSON schema/],
    ['bad_request', body({ tools: [{ input_schema: {} }] }), 'tools[0].name', /missing/],
    ['bad_request', body({ tool_choice: { type: 'all' } }), 'tool_choice.type', /"auto", "any", "tool" or "none"/],
    ['bad_request', body({ tool_choice: { type: 'tool' } }), 'tool_choice.name', /missing/],
    ['unsupported', body({ mcp_servers: [{ type: 'url', url: 'https://x' }] }), 'mcp_servers', /tools/],
    ['bad_request', body({ thinking: { type: 'much' } }), 'thinking.type', /"enabled"/],
    ['bad_request', body({ output_config: { effort: 'huge' } }), 'output_config.effort', /"high"/],
    ['bad_request', body({ output_config: { format: { type: 'yaml' } } }), 'output_config.format.type', /json_schema/],
    ['bad_request', body({ output_format: { type: 'json_schema' } }), 'output_format.schema', /JSON schema/],
  ];
  for (const [code, value, param, message] of refusals) {
    it(`refuses ${JSON.stringify(value).slice(-70)} and names ${param || 'the body'}`, () => {
      assert.throws(
        () => decode(value),
        (error) => {
          assert.ok(error instanceof AppError, String(error));
          assert.equal(error.code, code);
          assert.equal(error.param ?? '', param);
          assert.match(error.message, message);
          assert.equal(error.status, 400);
          return true;
        },
      );
    });
  }
});
