import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { openaiResponsesCodec } from './responses-codec.ts';

const png = 'iVBORw0KGgo=';
const question = 'Why is the sky blue?';
const body = (more: JsonObject = {}): JsonObject => ({ model: 'qwen3', input: question, ...more });
const decode = (value: JsonValue) => openaiResponsesCodec.decode(value);
const plain = {
  kind: 'chat',
  model: 'qwen3:latest',
  messages: [{ role: 'user', content: question }],
  options: {},
  outputLimit: undefined,
};

describe('decoding POST /v1/responses', () => {
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
        metadata: { a: 'b' },
        user: 'u',
        service_tier: 'auto',
        prompt_cache_key: 'k',
        store: false,
        include: [],
        stream_options: { include_obfuscation: false },
        instructions: null,
        previous_response_id: null,
        conversation: null,
        background: false,
        temperature: null,
        tools: [],
        text: { format: { type: 'text' }, verbosity: 'medium' },
        reasoning: { effort: null, summary: 'auto' },
      }),
    );
    assert.deepEqual(decoded.request, plain);
    assert.deepEqual(decoded.notices, []);
  });

  it('names what it cannot honour', () => {
    const decoded = decode(
      body({
        store: true,
        truncation: 'auto',
        parallel_tool_calls: false,
        max_tool_calls: 3,
        text: { verbosity: 'low' },
        moderation: {},
        'bad\r\nname': 1,
      }),
    );
    assert.deepEqual(decoded.request, plain);
    assert.deepEqual(decoded.notices, [
      'text.verbosity is not used',
      'truncation auto is left to the thinker, which drops the oldest messages by its own rule',
      'store: responses are not kept and cannot be retrieved',
      'parallel_tool_calls false is not enforced',
      'max_tool_calls is not enforced',
      'not known and not used: moderation, bad??name',
    ]);
  });

  it('translates sampling, limit and truncation', () => {
    const fields = { temperature: 0.2, top_p: 0.9, max_output_tokens: 64, truncation: 'disabled', stream: true };
    const { request, stream } = decode(body(fields));
    assert.deepEqual(request, {
      ...plain,
      options: { temperature: 0.2, top_p: 0.9 },
      outputLimit: 64,
      truncate: false,
    });
    assert.equal(stream, true);
  });

  it('asks for logprobs by include or by top_logprobs', () => {
    assert.deepEqual(decode(body({ include: ['message.output_text.logprobs'] })).request, { ...plain, logprobs: true });
    assert.deepEqual(decode(body({ top_logprobs: 2 })).request, { ...plain, logprobs: true, topLogprobs: 2 });
    assert.deepEqual(decode(body({ top_logprobs: 0 })).request, plain);
  });

  it('puts instructions first', () => {
    assert.deepEqual(decode(body({ instructions: 'Be brief.' })).request, {
      ...plain,
      messages: [{ role: 'system', content: 'Be brief.' }, ...plain.messages],
    });
  });

  it('gathers items into turns, with names for tool results', () => {
    const { request, notices } = decode(
      body({
        input: [
          { role: 'developer', content: 'Be kind.' },
          {
            type: 'message',
            role: 'user',
            content: [
              { type: 'input_text', text: 'What is this?' },
              { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${png}` },
            ],
          },
          {
            type: 'reasoning',
            id: 'rs_1',
            summary: [{ type: 'summary_text', text: 'A tool.' }],
            encrypted_content: 'x',
          },
          { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'Let me look.' }] },
          { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'zoom', arguments: '{"factor": 2}' },
          { type: 'function_call', id: 'fc_2', call_id: 'call_2', name: 'now', arguments: '' },
          { type: 'function_call_output', call_id: 'call_1', output: 'zoomed' },
          {
            type: 'function_call_output',
            call_id: 'call_2',
            output: [
              { type: 'input_text', text: 'noon' },
              { type: 'input_image', image_url: `data:image/png;base64,${png}` },
            ],
          },
          { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Again.' }] },
          { type: 'function_call', call_id: 'call_3', name: 'now', arguments: '{}' },
          { type: 'reasoning', summary: [{ type: 'summary_text', text: 'And again.' }] },
          { type: 'function_call', call_id: 'call_4', name: 'now', arguments: '{}' },
          { type: 'function_call_output', call_id: 'call_gone', output: '' },
          { type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
          { type: 'reasoning', summary: [{ type: 'summary_text', text: 'So.' }] },
        ],
      }),
    );
    const call = (id: string, name: string, argumentsJson: string) => ({ id, name, argumentsJson });
    assert.deepEqual(request, {
      ...plain,
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'What is this?', images: [png] },
        {
          role: 'assistant',
          content: 'Let me look.',
          thinking: 'A tool.',
          toolCalls: [call('call_1', 'zoom', '{"factor":2}'), call('call_2', 'now', '{}')],
        },
        { role: 'tool', content: 'zoomed', toolName: 'zoom', toolCallId: 'call_1' },
        { role: 'tool', content: 'noon', images: [png], toolName: 'now', toolCallId: 'call_2' },
        { role: 'assistant', content: '', thinking: 'Again.', toolCalls: [call('call_3', 'now', '{}')] },
        { role: 'assistant', content: '', thinking: 'And again.', toolCalls: [call('call_4', 'now', '{}')] },
        { role: 'tool', content: '', toolCallId: 'call_gone' },
        { role: 'assistant', content: '', thinking: 'So.' },
      ],
    });
    assert.deepEqual(notices, ['encrypted reasoning was dropped: only its maker can read it']);
  });

  it('joins words, later reasoning and a call to one turn', () => {
    const { request } = decode(
      body({
        input: [
          { role: 'assistant', content: 'Let me look.' },
          { type: 'reasoning', summary: [{ type: 'summary_text', text: 'A tool.' }] },
          { type: 'function_call', call_id: 'call_1', name: 'now', arguments: '{}' },
        ],
      }),
    );
    const toolCalls = [{ id: 'call_1', name: 'now', argumentsJson: '{}' }];
    const turn = { role: 'assistant', content: 'Let me look.', thinking: 'A tool.', toolCalls };
    assert.deepEqual(request, { ...plain, messages: [turn] });
  });

  const schema = { type: 'object', properties: { city: { type: 'string' } } };
  const tool = { type: 'function', name: 'weather', description: 'Tells it', parameters: schema, strict: true };
  const nativeTool = { type: 'function', function: { name: 'weather', description: 'Tells it', parameters: schema } };
  const forced = (kind: string) => [
    `tool_choice ${kind} cannot be forced on the model; it decides itself which tool to call`,
  ];
  const choices: readonly (readonly [JsonValue, boolean, readonly string[]])[] = [
    [null, true, []],
    ['auto', true, []],
    ['none', false, []],
    ['required', true, forced('required')],
    [{ type: 'function', name: 'weather' }, true, forced('function')],
  ];
  for (const [choice, sent, notices] of choices) {
    it(`with tool_choice ${JSON.stringify(choice)} ${sent ? 'sends' : 'drops'} the tools`, () => {
      const decoded = decode(body({ tools: [tool], tool_choice: choice }));
      assert.deepEqual(decoded.request, sent ? { ...plain, tools: [nativeTool] } : plain);
      assert.deepEqual(decoded.notices, notices);
    });
  }

  const formats: readonly (readonly [JsonObject, JsonValue])[] = [
    [{ type: 'json_object' }, 'json'],
    [{ type: 'json_schema', name: 'place', schema, strict: true }, schema],
  ];
  for (const [format, native] of formats) {
    it(`reads text.format ${JSON.stringify(format['type'])}`, () => {
      assert.deepEqual(decode(body({ text: { format } })).request, { ...plain, format: native });
    });
  }

  const efforts = { none: false, minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'max', max: 'max' };
  for (const [effort, think] of Object.entries(efforts)) {
    it(`reads reasoning.effort ${effort} as think ${think}`, () => {
      assert.deepEqual(decode(body({ reasoning: { effort } })).request, { ...plain, think });
    });
  }

  const items = (...input: JsonValue[]): JsonObject => body({ input });
  const says = (...content: JsonValue[]): JsonObject => items({ role: 'user', content });
  const refusals: readonly (readonly [string, JsonValue, string, RegExp])[] = [
    ['bad_request', 'hi', '', /request body is "hi"/],
    ['bad_request', { input: question }, 'model', /^model is missing/],
    ['bad_request', { model: 'a' }, 'input', /^input is missing; expected a string, or an array/],
    ['bad_request', items(), 'input', /at least one item/],
    ['bad_request', items(3), 'input[0]', /^input\[0\] is 3/],
    ['bad_request', items({}), 'input[0].type', /missing/],
    ['bad_request', items({ type: 'reasoning', summary: [] }), 'input', /at least one message/],
    ['unsupported', items({ type: 'item_reference', id: 'msg_1' }), 'input[0].type', /send the item itself/],
    ['unsupported', items({ type: 'web_search_call', id: 'ws_1' }), 'input[0].type', /web_search_call/],
    ['bad_request', items({ role: 'critic', content: 'x' }), 'input[0].role', /"developer"/],
    ['bad_request', items({ role: 'user' }), 'input[0].content', /missing/],
    ['bad_request', says({ type: 'input_text' }), 'input[0].content[0].text', /missing/],
    ['unsupported', says({ type: 'input_file', file_id: 'f' }), 'input[0].content[0].type', /text of the file/],
    ['unsupported', says({ type: 'input_image', file_id: 'f' }), 'input[0].content[0].file_id', /no files are kept/],
    [
      'unsupported',
      says({ type: 'input_image', image_url: 'https://x/y.png' }),
      'input[0].content[0].image_url',
      /not a data URI/,
    ],
    ['bad_request', says({ type: 'input_image' }), 'input[0].content[0].image_url', /data URI/],
    ['bad_request', items({ type: 'function_call', name: 'f', arguments: '{}' }), 'input[0].call_id', /missing/],
    [
      'bad_request',
      items({ type: 'function_call', call_id: 'a', name: 'f', arguments: '{' }),
      'input[0].arguments',
      /not valid JSON/,
    ],
    ['bad_request', items({ type: 'function_call_output', call_id: 'a' }), 'input[0].output', /missing/],
    ['bad_request', items({ type: 'reasoning', summary: [{}] }), 'input[0].summary[0].text', /missing/],
    ['unsupported', body({ previous_response_id: 'resp_1' }), 'previous_response_id', /"resp_1".*resend the history/],
    ['unsupported', body({ conversation: { id: 'conv_1' } }), 'conversation', /resend the history/],
    ['unsupported', body({ conversation: 'conv_1' }), 'conversation', /resend the history/],
    ['unsupported', body({ prompt: { id: 'pmpt_1' } }), 'prompt', /instructions/],
    ['unsupported', body({ background: true }), 'background', /stream: true/],
    ['bad_request', body({ temperature: 'hot' }), 'temperature', /^temperature is "hot"; expected a number/],
    ['bad_request', body({ max_output_tokens: 0 }), 'max_output_tokens', /above 0/],
    ['bad_request', body({ truncation: 'middle' }), 'truncation', /"auto" or "disabled"/],
    ['bad_request', body({ top_logprobs: 99 }), 'top_logprobs', /20/],
    ['unsupported', body({ tools: [{ type: 'web_search' }] }), 'tools[0].type', /web_search/],
    ['bad_request', body({ tools: [{ type: 'function' }] }), 'tools[0].name', /missing/],
    ['bad_request', body({ tools: [tool], tool_choice: 'all' }), 'tool_choice', /"required"/],
    ['bad_request', body({ tool_choice: 3 }), 'tool_choice', /"required"/],
    ['bad_request', body({ text: { format: { type: 'grammar' } } }), 'text.format.type', /"json_schema"/],
    ['bad_request', body({ text: { format: { type: 'json_schema' } } }), 'text.format.schema', /JSON schema/],
    ['bad_request', body({ reasoning: { effort: 'huge' } }), 'reasoning.effort', /"high"/],
    ['bad_request', body({ metadata: nested(200) }), 'metadata', /nested deeper/],
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

function nested(levels: number): JsonObject {
  let value: JsonObject = {};
  for (let i = 0; i < levels; i++) value = { a: value };
  return value;
}
