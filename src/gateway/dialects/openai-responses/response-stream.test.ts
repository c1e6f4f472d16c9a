import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ChatEvent } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import {
  answerOf,
  broken,
  call,
  end,
  everything,
  reply,
  start,
  text,
  thinking,
} from '../../../testing/scripted-answer.ts';
import { openaiResponsesCodec } from './responses-codec.ts';

const ask = { model: 'qwen3', input: 'Hello?' };
function streamed(events: readonly ChatEvent[], fields: JsonObject = {}): string {
  const encoder = openaiResponsesCodec.decode({ ...ask, ...fields }).openStream(reply);
  return events.map((event) => encoder.event(event)).join('');
}

function whole(events: readonly ChatEvent[], fields: JsonObject = {}): string {
  return openaiResponsesCodec.decode({ ...ask, ...fields }).encodeAnswer(answerOf(events), reply);
}

type EventData = { readonly [key: string]: unknown; readonly type: string };

/** Reads event streams by the letter of the format, apart from any of our own code. */
function parseSse(bytes: string): EventData[] {
  assert.ok(bytes.endsWith('\n\n'), 'the last event must be closed by an empty line');
  const events = bytes
    .slice(0, -2)
    .split('\n\n')
    .map((block) => {
      const lines = block.split('\n');
      assert.equal(lines.length, 2, block);
      assert.ok(lines[0]!.startsWith('event: ') && lines[1]!.startsWith('data: '), block);
      const data = JSON.parse(lines[1]!.slice('data: '.length)) as EventData;
      assert.equal(data.type, lines[0]!.slice('event: '.length));
      return data;
    });
  assert.deepEqual(
    events.map((event) => event['sequence_number']),
    events.map((_, i) => i),
  );
  return events;
}

const responseFields = {
  id: 'resp_abc',
  object: 'response',
  created_at: 1_700_000_000,
  model: 'qwen3',
  background: false,
  completed_at: null,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: 'default',
  store: false,
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: null,
  truncation: 'disabled',
  error: null,
  incomplete_details: null,
};
const begun = { ...responseFields, status: 'in_progress', output: [], usage: null };
const usage = {
  input_tokens: 11,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 18,
};
const message = (id: string, value: string, status = 'completed') => ({
  id,
  type: 'message',
  role: 'assistant',
  status,
  content: [{ type: 'output_text', annotations: [], logprobs: [], text: value }],
});
const functionCall = (id: string, callId: string, name: string, json: string, status = 'completed') => ({
  id,
  type: 'function_call',
  status,
  call_id: callId,
  name,
  arguments: json,
});
const reasoning = (id: string, value: string, status = 'completed') => ({
  id,
  type: 'reasoning',
  status,
  summary: [{ type: 'summary_text', text: value }],
});
const everythingOutput = [
  reasoning('rs_abc0', 'Hm, two tools.'),
  message('msg_abc1', 'Let me look.'),
  functionCall('fc_abc2', 'call_9', 'zoom', '{"factor":2}'),
  functionCall('fc_abc3', 'call_abc1', 'now', '{}'),
];

describe('streaming POST /v1/responses', () => {
  it('numbers its events and closes every item before the next', () => {
    const at = (id: string, index: number, part?: 'summary_index' | 'content_index') => ({
      item_id: id,
      output_index: index,
      ...(part && { [part]: 0 }),
    });
    const thought = at('rs_abc0', 0, 'summary_index');
    const said = at('msg_abc1', 1, 'content_index');
    const part = (value: string) => ({ type: 'output_text', annotations: [], logprobs: [], text: value });
    const callEvents = (index: number, id: string, callId: string, name: string, json: string) => [
      {
        type: 'response.output_item.added',
        output_index: index,
        item: functionCall(id, callId, name, '', 'in_progress'),
      },
      { type: 'response.function_call_arguments.delta', ...at(id, index), delta: json },
      { type: 'response.function_call_arguments.done', ...at(id, index), name, arguments: json },
      { type: 'response.output_item.done', output_index: index, item: functionCall(id, callId, name, json) },
    ];
    const expected = [
      { type: 'response.created', response: begun },
      { type: 'response.in_progress', response: begun },
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { id: 'rs_abc0', type: 'reasoning', status: 'in_progress', summary: [] },
      },
      { type: 'response.reasoning_summary_part.added', ...thought, part: { type: 'summary_text', text: '' } },
      { type: 'response.reasoning_summary_text.delta', ...thought, delta: 'Hm, ' },
      { type: 'response.reasoning_summary_text.delta', ...thought, delta: 'two tools.' },
      { type: 'response.reasoning_summary_text.done', ...thought, text: 'Hm, two tools.' },
      {
        type: 'response.reasoning_summary_part.done',
        ...thought,
        part: { type: 'summary_text', text: 'Hm, two tools.' },
      },
      { type: 'response.output_item.done', output_index: 0, item: everythingOutput[0] },
      {
        type: 'response.output_item.added',
        output_index: 1,
        item: { id: 'msg_abc1', type: 'message', role: 'assistant', status: 'in_progress', content: [] },
      },
      { type: 'response.content_part.added', ...said, part: part('') },
      { type: 'response.output_text.delta', ...said, delta: 'Let me ', logprobs: [] },
      { type: 'response.output_text.delta', ...said, delta: 'look.', logprobs: [] },
      { type: 'response.output_text.done', ...said, text: 'Let me look.', logprobs: [] },
      { type: 'response.content_part.done', ...said, part: part('Let me look.') },
      { type: 'response.output_item.done', output_index: 1, item: everythingOutput[1] },
      ...callEvents(2, 'fc_abc2', 'call_9', 'zoom', '{"factor":2}'),
      ...callEvents(3, 'fc_abc3', 'call_abc1', 'now', '{}'),
      {
        type: 'response.completed',
        response: { ...responseFields, status: 'completed', output: everythingOutput, usage },
      },
    ];
    assert.deepEqual(
      parseSse(streamed(everything)),
      expected.map((event, i) => ({ ...event, sequence_number: i })),
    );
  });

  it('repeats what the client asked for', () => {
    const tool = { type: 'function', name: 'zoom', parameters: { type: 'object' }, strict: true };
    const fields = {
      instructions: 'Be brief.',
      metadata: { a: 'b' },
      temperature: 0.5,
      max_output_tokens: 9,
      tools: [tool],
      tool_choice: 'required',
      text: { format: { type: 'json_object' } },
      reasoning: { effort: 'low', summary: 'auto' },
      user: 'u',
      store: true,
    };
    const created = parseSse(streamed([start, end()], fields))[0]!;
    const { store: _, ...told } = fields;
    assert.deepEqual(created['response'], { ...begun, ...told });
    const response = JSON.parse(whole([start, end()], fields)) as JsonObject;
    assert.deepEqual(response, { ...begun, ...told, status: 'completed', usage });
  });

  it('ends an answer that was cut by the limit as incomplete, streamed or not', () => {
    const events = [start, text('Half'), end('length')];
    const last = parseSse(streamed(events)).at(-1)!;
    const response = {
      ...responseFields,
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [message('msg_abc0', 'Half', 'incomplete')],
      usage,
    };
    assert.deepEqual({ type: last.type, response: last['response'] }, { type: 'response.incomplete', response });
    assert.deepEqual(JSON.parse(whole(events)), response);
  });

  it('tells the probabilities of tokens where they were asked for', () => {
    const token = { token: 'Hi', logprob: -0.1, bytes: [72, 105], top_logprobs: [] };
    const events = [start, text('Hi', [token]), text('!', [{ token: '!', logprob: -0.2 }]), end()];
    const fields = { include: ['message.output_text.logprobs'] };
    const full = [token, { token: '!', logprob: -0.2, bytes: null, top_logprobs: [] }];
    const parsed = parseSse(streamed(events, fields));
    assert.deepEqual(
      parsed.filter(({ type }) => type === 'response.output_text.delta').map(({ logprobs }) => logprobs),
      [[full[0]], [full[1]]],
    );
    assert.deepEqual(parsed.find(({ type }) => type === 'response.output_text.done')?.['logprobs'], full);
    const { output } = JSON.parse(whole(events, fields)) as { output: { content: { logprobs: unknown }[] }[] };
    assert.deepEqual(output[0]!.content[0]!.logprobs, full);
  });

  it('marks reasoning for clients that send it back only when it is sealed', () => {
    const events = [start, thinking('Hm.'), text('Hi'), end()];
    const fields = { include: ['reasoning.encrypted_content'] };
    const sealed = (output: unknown) => (output as { encrypted_content?: string }[])[0]!.encrypted_content;
    const done = parseSse(streamed(events, fields)).at(-1)!['response'] as { output: unknown };
    assert.ok(sealed(done.output));
    assert.equal(sealed((JSON.parse(whole(events, fields)) as { output: unknown }).output), sealed(done.output));
    assert.equal(sealed((JSON.parse(whole(events)) as { output: unknown }).output), undefined);
    // And the item is understood when it comes back.
    const input = [{ role: 'user', content: 'Hello?' }, ...(done.output as JsonValue[])];
    assert.deepEqual(openaiResponsesCodec.decode({ ...ask, input }).request, {
      ...openaiResponsesCodec.decode(ask).request,
      messages: [
        { role: 'user', content: 'Hello?' },
        { role: 'assistant', content: 'Hi', thinking: 'Hm.' },
      ],
    });
  });

  it('rejoins to the same text and reasoning however they were split', () => {
    const piece = fc.string({ unit: 'binary', maxLength: 12 });
    const event = fc.oneof(
      piece.map((value) => text(value)),
      piece.map((value) => thinking(value)),
      fc.json().map((value) => call('f', JSON.stringify({ value }))),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (deltas) => {
        const events = [start, ...deltas, end()];
        const expected = answerOf(events);
        const got = { text: '', thinking: '', calls: [] as unknown[] };
        let open: number | undefined;
        let items = 0;
        for (const data of parseSse(streamed(events))) {
          if (data.type === 'response.output_item.added') {
            assert.equal(open, undefined, 'an item opened inside an item');
            open = data['output_index'] as number;
            assert.equal(open, items++);
          }
          if (data['output_index'] !== undefined) assert.equal(data['output_index'], open);
          if (data.type === 'response.output_text.delta') got.text += data['delta'] as string;
          if (data.type === 'response.reasoning_summary_text.delta') got.thinking += data['delta'] as string;
          if (data.type === 'response.function_call_arguments.delta')
            got.calls.push(JSON.parse(data['delta'] as string));
          if (data.type === 'response.output_item.done') open = undefined;
        }
        assert.equal(open, undefined, 'an item stayed open');
        assert.equal(got.text, expected.text);
        assert.equal(got.thinking, expected.thinking);
        assert.deepEqual(
          got.calls,
          expected.toolCalls.map(({ argumentsJson }) => JSON.parse(argumentsJson) as unknown),
        );
      }),
    );
  });

  it('says nothing after its end, and only the error when it fails before its start', () => {
    const encoder = openaiResponsesCodec.decode(ask).openStream(reply);
    assert.equal(encoder.event(start), '');
    assert.deepEqual(
      parseSse(encoder.fail(broken)).map(({ type }) => type),
      ['error'],
    );
    assert.equal(encoder.event(text('late')), '');
    assert.equal(encoder.fail(broken), '');
  });

  const failures: readonly (readonly [AppError, string])[] = [
    [broken, 'server_error'],
    [new AppError('timeout_stall', 'silent'), 'server_error'],
    [new AppError('rate_limited', 'slow down'), 'rate_limit_exceeded'],
    [new AppError('upstream_rejected', 'too long'), 'invalid_prompt'],
  ];
  for (const [error, code] of failures) {
    it(`tells ${error.code} in the failed response as ${code}, with what was said until then`, () => {
      const encoder = openaiResponsesCodec.decode(ask).openStream(reply);
      const events = parseSse(encoder.event(start) + encoder.event(text('Half')) + encoder.fail(error));
      assert.deepEqual(events.at(-2)?.['response'], {
        ...begun,
        status: 'failed',
        error: { code, message: error.message },
        output: [message('msg_abc0', 'Half', 'incomplete')],
      });
      assert.deepEqual(events.at(-1), {
        type: 'error',
        sequence_number: events.length - 1,
        code: error.code,
        message: error.message,
        param: null,
        error: events.at(-1)?.['error'],
      });
    });
  }
});
