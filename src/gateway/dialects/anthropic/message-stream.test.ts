import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import * as fc from 'fast-check';
import type { ChatEvent, EndEvent } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/json.ts';
import { cannedFetch, type CannedReply } from '../../../testing/canned-fetch.ts';
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
import { encodeAnthropicError } from './errors.ts';
import { anthropicMessagesCodec } from './messages-codec.ts';

const ask = { model: 'qwen3', max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hello?' }] };
function streamed(events: readonly ChatEvent[], fields: JsonObject = {}): string {
  const encoder = anthropicMessagesCodec.decode({ ...ask, ...fields }).openStream(reply);
  return events.map((event) => encoder.event(event)).join('');
}

function whole(events: readonly ChatEvent[], fields: JsonObject = {}): string {
  return anthropicMessagesCodec.decode({ ...ask, ...fields }).encodeAnswer(answerOf(events), reply);
}

interface SseMessage {
  readonly event: string;
  readonly data: { readonly [key: string]: unknown };
}

/** Reads event streams by the letter of the format, apart from any of our own code. */
function parseSse(bytes: string): SseMessage[] {
  assert.ok(bytes.endsWith('\n\n'), 'the last event must be closed by an empty line');
  return bytes
    .slice(0, -2)
    .split('\n\n')
    .map((block) => {
      const lines = block.split('\n');
      assert.equal(lines.length, 2, block);
      assert.match(lines[0]!, /^event: [a-z_]+$/);
      assert.ok(lines[1]!.startsWith('data: '), block);
      const data = JSON.parse(lines[1]!.slice('data: '.length)) as SseMessage['data'];
      const event = lines[0]!.slice('event: '.length);
      assert.equal(data['type'], event);
      return { event, data };
    });
}

function client(answer: (request: unknown) => CannedReply): Anthropic {
  return new Anthropic({
    apiKey: 'unused',
    baseURL: 'http://in-process.test',
    maxRetries: 0,
    fetch: cannedFetch(answer).fetch,
  });
}

const zeroUsage = {
  input_tokens: 0,
  output_tokens: 0,
  output_tokens_details: null,
  cache_creation: null,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  inference_geo: null,
  server_tool_use: null,
  service_tier: 'standard',
  speed: null,
};

describe('streaming POST /v1/messages', () => {
  it('opens, fills and closes each block in order', () => {
    const delta = (index: number, fields: object) => ({ type: 'content_block_delta', index, delta: fields });
    const opened = (index: number, block: object) => ({ type: 'content_block_start', index, content_block: block });
    const stop = (index: number) => ({ type: 'content_block_stop', index });
    const toolUse = (id: string, name: string) => ({
      type: 'tool_use',
      id,
      name,
      caller: { type: 'direct' },
      input: {},
    });
    assert.deepEqual(
      parseSse(streamed(everything)).map(({ data }) => data),
      [
        {
          type: 'message_start',
          message: {
            id: 'msg_abc',
            type: 'message',
            role: 'assistant',
            model: 'qwen3',
            container: null,
            diagnostics: null,
            content: [],
            stop_reason: null,
            stop_sequence: null,
            stop_details: null,
            usage: zeroUsage,
          },
        },
        opened(0, { type: 'thinking', thinking: '', signature: '' }),
        delta(0, { type: 'thinking_delta', thinking: 'Hm, ' }),
        delta(0, { type: 'thinking_delta', thinking: 'two tools.' }),
        delta(0, { type: 'signature_delta', signature: 'unsigned' }),
        stop(0),
        opened(1, { type: 'text', text: '', citations: null }),
        delta(1, { type: 'text_delta', text: 'Let me ' }),
        delta(1, { type: 'text_delta', text: 'look.' }),
        stop(1),
        opened(2, toolUse('call_9', 'zoom')),
        delta(2, { type: 'input_json_delta', partial_json: '{"factor":2}' }),
        stop(2),
        opened(3, toolUse('toolu_abc1', 'now')),
        delta(3, { type: 'input_json_delta', partial_json: '{}' }),
        stop(3),
        {
          type: 'message_delta',
          delta: { stop_reason: 'tool_use', stop_sequence: null, stop_details: null, container: null },
          usage: { ...zeroUsage, input_tokens: 11, output_tokens: 7 },
        },
        { type: 'message_stop' },
      ],
    );
  });

  it('sends nothing for an empty delta and no block for an empty answer', () => {
    const events = parseSse(streamed([start, text(''), thinking(''), end()])).map(({ event }) => event);
    assert.deepEqual(events, ['message_start', 'message_delta', 'message_stop']);
  });

  it('keeps thinking back from a client that asked for it to be omitted', () => {
    const fields = { thinking: { type: 'adaptive', display: 'omitted' } };
    const types = parseSse(streamed([start, thinking('secret'), text('Hi'), end()], fields)).map(({ event }) => event);
    assert.deepEqual(types, [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    assert.ok(!whole([start, thinking('secret'), text('Hi'), end()], fields).includes('secret'));
  });

  const reasons: readonly (readonly [EndEvent['finishReason'], readonly ChatEvent[], string])[] = [
    ['stop', [text('a')], 'end_turn'],
    ['length', [text('a')], 'max_tokens'],
    ['tool-calls', [call('f', '{}')], 'tool_use'],
    ['stop', [call('f', '{}')], 'tool_use'],
    ['length', [call('f', '{}')], 'max_tokens'],
  ];
  for (const [finishReason, events, expected] of reasons) {
    it(`ends ${events.map((event) => event.type).join()} + ${finishReason} with ${expected}, streamed or not`, () => {
      const all = [start, ...events, end(finishReason)];
      const delta = parseSse(streamed(all)).find(({ event }) => event === 'message_delta')!;
      assert.equal((delta.data['delta'] as JsonObject)['stop_reason'], expected);
      assert.equal((JSON.parse(whole(all)) as JsonObject)['stop_reason'], expected);
    });
  }

  it('rejoins to the same text and thinking however they were split', () => {
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
        const got = { text: '', thinking: '', calls: [] as string[] };
        let open: { index: number; type: string } | undefined;
        let blocks = 0;
        for (const { event, data } of parseSse(streamed(events))) {
          if (event === 'content_block_start') {
            assert.equal(open, undefined, 'a block opened inside a block');
            open = { index: data['index'] as number, type: (data['content_block'] as { type: string }).type };
            assert.equal(open.index, blocks++);
            if (open.type === 'tool_use') got.calls.push('');
          } else if (event === 'content_block_delta') {
            assert.equal(data['index'], open?.index);
            const delta = data['delta'] as { [key: string]: string };
            if (delta['type'] === 'text_delta') got.text += delta['text'];
            else if (delta['type'] === 'thinking_delta') got.thinking += delta['thinking'];
            else if (delta['type'] === 'input_json_delta') got.calls[got.calls.length - 1] += delta['partial_json']!;
          } else if (event === 'content_block_stop') {
            assert.equal(data['index'], open?.index);
            open = undefined;
          }
        }
        assert.equal(open, undefined, 'a block stayed open');
        assert.equal(got.text, expected.text);
        assert.equal(got.thinking, expected.thinking);
        assert.deepEqual(
          got.calls.map((json) => JSON.parse(json) as unknown),
          expected.toolCalls.map(({ argumentsJson }) => JSON.parse(argumentsJson) as unknown),
        );
      }),
    );
  });
});

describe('a stream of POST /v1/messages that fails', () => {
  it('sends only the error when nothing was sent before, and nothing after it', () => {
    const encoder = anthropicMessagesCodec.decode(ask).openStream(reply);
    assert.equal(encoder.event(start), '');
    assert.deepEqual(parseSse(encoder.fail(broken)), [
      {
        event: 'error',
        data: { type: 'error', error: { type: 'api_error', message: broken.message }, request_id: 'req-1' },
      },
    ]);
    assert.equal(encoder.event(text('late')), '');
    assert.equal(encoder.fail(broken), '');
  });
});

describe('the official Anthropic client', () => {
  for (const pieceBytes of [1, 7, 100_000]) {
    it(`gathers a streamed answer that arrives ${pieceBytes} bytes at a time`, async () => {
      const body = anthropicMessagesCodec.heartbeat! + streamed(everything) + anthropicMessagesCodec.heartbeat!;
      const anthropic = client(() => ({ body, contentType: 'text/event-stream', pieceBytes }));
      const message = await anthropic.messages.stream(ask).finalMessage();
      assert.deepEqual(JSON.parse(JSON.stringify(message.content)), [
        { type: 'thinking', thinking: 'Hm, two tools.', signature: 'unsigned' },
        { type: 'text', text: 'Let me look.', citations: null },
        { type: 'tool_use', id: 'call_9', name: 'zoom', caller: { type: 'direct' }, input: { factor: 2 } },
        { type: 'tool_use', id: 'toolu_abc1', name: 'now', caller: { type: 'direct' }, input: {} },
      ]);
      assert.equal(message.stop_reason, 'tool_use');
      assert.equal(message.usage.input_tokens, 11);
      assert.equal(message.usage.output_tokens, 7);
    });
  }

  it('reads the same message whether streamed or whole', async () => {
    const message = await client(() => ({ body: whole(everything) })).messages.create(ask);
    const body = streamed(everything);
    const final = await client(() => ({ body, contentType: 'text/event-stream' }))
      .messages.stream(ask)
      .finalMessage();
    // The helper adds what it parsed of structured output; the rest must be equal.
    const wire = (value: object) => {
      const { parsed_output: _, ...rest } = JSON.parse(JSON.stringify(value)) as JsonObject;
      return rest;
    };
    assert.deepEqual(wire(final), wire(message));
  });

  it('raises an error that comes in the stream, with its type and words', async () => {
    const encoder = anthropicMessagesCodec.decode(ask).openStream(reply);
    const body = encoder.event(start) + encoder.event(text('Half an ans')) + encoder.fail(broken);
    const stream = client(() => ({ body, contentType: 'text/event-stream' })).messages.stream(ask);
    let seen = '';
    stream.on('text', (delta) => (seen += delta));
    await assert.rejects(stream.finalMessage(), (error) => {
      assert.ok(error instanceof Anthropic.APIError);
      assert.equal(error.type, 'api_error');
      assert.match(error.message, /the thinker closed the stream; ask again/);
      assert.equal((error.error as { request_id: string }).request_id, 'req-1');
      return true;
    });
    assert.equal(seen, 'Half an ans');
  });

  const failures: readonly (readonly [AppError, number, string, new (...args: never) => Error])[] = [
    [new AppError('bad_request', 'model is missing'), 400, 'invalid_request_error', Anthropic.BadRequestError],
    [new AppError('unauthorized', 'no key'), 401, 'authentication_error', Anthropic.AuthenticationError],
    [new AppError('operator_only', 'not here'), 403, 'permission_error', Anthropic.PermissionDeniedError],
    [new AppError('model_not_found', 'no such model'), 404, 'not_found_error', Anthropic.NotFoundError],
    [new AppError('method_not_allowed', 'use POST'), 405, 'invalid_request_error', Anthropic.APIError],
    [new AppError('request_timeout', 'too slow'), 408, 'timeout_error', Anthropic.APIError],
    [new AppError('body_too_large', 'too large'), 413, 'request_too_large', Anthropic.APIError],
    [new AppError('rate_limited', 'slow down'), 429, 'rate_limit_error', Anthropic.RateLimitError],
    [new AppError('internal', 'a bug'), 500, 'api_error', Anthropic.InternalServerError],
    [new AppError('not_implemented', 'not offered'), 501, 'api_error', Anthropic.InternalServerError],
    [new AppError('upstream_failed', 'gone'), 502, 'api_error', Anthropic.InternalServerError],
    [new AppError('queue_full', 'busy'), 503, 'overloaded_error', Anthropic.InternalServerError],
    [
      new AppError('upstream_rejected', 'overloaded', { status: 529 }),
      529,
      'overloaded_error',
      Anthropic.InternalServerError,
    ],
    [new AppError('timeout_stall', 'silent'), 504, 'timeout_error', Anthropic.InternalServerError],
  ];
  for (const [error, status, type, errorClass] of failures) {
    it(`raises ${error.code} as ${status} ${type}`, async () => {
      const encoded = encodeAnthropicError(error, reply.requestId);
      const anthropic = client(() => ({ body: encoded.body, status: encoded.status }));
      await assert.rejects(anthropic.messages.create(ask), (raised) => {
        assert.ok(raised instanceof errorClass, String(raised));
        assert.ok(raised instanceof Anthropic.APIError);
        assert.equal(raised.status, status);
        assert.deepEqual(raised.error, { type: 'error', error: { type, message: error.message }, request_id: 'req-1' });
        return true;
      });
    });
  }
});
