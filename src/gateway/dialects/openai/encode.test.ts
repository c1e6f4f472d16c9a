import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type OpenAI from 'openai';
import type { ChatCompletionChunk as Chunk } from 'openai/resources/chat/completions';
import { AnswerCollector } from '../../../core/answer.ts';
import type { ChatEvent, ToolCall } from '../../../core/chat.ts';
import { AppError, errorTable, type ErrorCode } from '../../../core/errors.ts';
import { requestId } from '../../../core/ids.ts';
import type { JsonObject } from '../../../core/json.ts';
import { epochMs } from '../../../core/units.ts';
import { aStart, anEnd, anyAnswerEvents } from '../../../testing/chat-events.ts';
import type { AnswerCodec, Reply } from '../dialect.ts';
import { openaiChatCodec, openaiCompletionsCodec } from './codecs.ts';
import { encodeOpenAiError } from './errors.ts';
import { encodeModel, encodeModelList } from './models.ts';

type CompletionChunk = OpenAI.Completion;

const reply: Reply = {
  requestId: requestId('r1'),
  model: 'mo"del',
  createdAt: epochMs(1_700_000_000_999),
  idSeed: 'Seed',
};
const chatHead = {
  id: 'chatcmpl-Seed',
  object: 'chat.completion.chunk',
  created: 1_700_000_000,
  model: 'mo"del',
  system_fingerprint: 'fp_ollama',
} as const;
const textHead = { ...chatHead, id: 'cmpl-Seed', object: 'text_completion' } as const;
const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };

const decode = (codec: AnswerCodec, fields: JsonObject = {}) =>
  codec.decode({
    model: 'm',
    ...(codec === openaiChatCodec ? { messages: [{ role: 'user', content: 'x' }] } : { prompt: 'x' }),
    ...fields,
  });

function stream(codec: AnswerCodec, events: readonly ChatEvent[], fields: JsonObject = {}): string {
  const encoder = decode(codec, fields).openStream(reply);
  return events.map((event) => encoder.event(event)).join('');
}

function whole(codec: AnswerCodec, events: readonly ChatEvent[]): unknown {
  const collector = new AnswerCollector();
  for (const event of events) collector.add(event);
  return JSON.parse(decode(codec).encodeAnswer(collector.answer(), reply));
}

interface SseReading<T> {
  readonly chunks: T[];
  readonly done: boolean;
  readonly comments: number;
}

/** Reads bytes that arrive `size` at a time, as an event-stream parser does; refuses what the format does not allow. */
function read<T>(sent: string, size = Number.POSITIVE_INFINITY): SseReading<T> {
  const bytes = Buffer.from(sent, 'utf8');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const chunks: T[] = [];
  let buffered = '';
  let done = false;
  let comments = 0;
  const step = Math.min(size, bytes.length || 1);
  for (let at = 0; at < bytes.length; at += step) {
    buffered += decoder.decode(bytes.subarray(at, at + step), { stream: true });
    for (let end = buffered.indexOf('\n\n'); end !== -1; end = buffered.indexOf('\n\n')) {
      const frame = buffered.slice(0, end);
      buffered = buffered.slice(end + 2);
      assert.ok(!done, `a frame after [DONE]: ${frame}`);
      assert.ok(!frame.includes('\n'), `one line per frame: ${frame}`);
      if (frame.startsWith(':')) comments += 1;
      else if (frame === 'data: [DONE]') done = true;
      else {
        assert.ok(frame.startsWith('data: {'), frame);
        chunks.push(JSON.parse(frame.slice('data: '.length)) as T);
      }
    }
  }
  assert.equal(buffered, '');
  return { chunks, done, comments };
}

const delta = (text: string): ChatEvent => ({ type: 'text-delta', text });
const call: ToolCall = { name: 'f', argumentsJson: '{"a":"\\n"}' };

describe('OpenAI chat stream', () => {
  const choice = (delta: Chunk.Choice.Delta): Chunk.Choice[] => [{ index: 0, delta, finish_reason: null }];
  const finish = (finish_reason: Chunk.Choice['finish_reason']): Chunk.Choice[] => [
    { index: 0, delta: {}, finish_reason },
  ];

  it('sends the role first, deltas, the reason to finish and [DONE]', () => {
    const { chunks, done } = read<Chunk>(stream(openaiChatCodec, [aStart, delta('Hé'), delta(' you'), anEnd()]));
    assert.ok(done);
    assert.deepEqual(chunks, [
      { ...chatHead, choices: choice({ role: 'assistant', content: '' }) },
      { ...chatHead, choices: choice({ content: 'Hé' }) },
      { ...chatHead, choices: choice({ content: ' you' }) },
      { ...chatHead, choices: finish('stop') },
    ] satisfies Chunk[]);
  });

  it('sends nothing for the start, so that what fails before the first token can be answered otherwise', () => {
    assert.equal(stream(openaiChatCodec, [aStart, aStart]), '');
  });

  it('sends the usage in a last chunk without choices when asked, and null before it', () => {
    const fields = { stream_options: { include_usage: true } };
    const { chunks, done } = read<Chunk>(
      stream(openaiChatCodec, [aStart, delta('a'), anEnd({ finishReason: 'length' })], fields),
    );
    assert.ok(done);
    assert.deepEqual(chunks, [
      { ...chatHead, usage: null, choices: choice({ role: 'assistant', content: '' }) },
      { ...chatHead, usage: null, choices: choice({ content: 'a' }) },
      { ...chatHead, usage: null, choices: finish('length') },
      { ...chatHead, choices: [], usage },
    ] satisfies Chunk[]);
  });

  it('sends thinking as reasoning', () => {
    const { chunks } = read<Chunk>(stream(openaiChatCodec, [{ type: 'thinking-delta', text: 'hm' }]));
    assert.deepEqual(chunks[1], {
      ...chatHead,
      choices: [{ index: 0, delta: { reasoning: 'hm' }, finish_reason: null }],
    });
  });

  it('sends whole tool calls with index and id, and ends by tool_calls', () => {
    const events: ChatEvent[] = [
      { type: 'tool-call', call },
      { type: 'tool-call', call: { id: 'known', name: 'g', argumentsJson: '' } },
      anEnd(),
    ];
    const { chunks } = read<Chunk>(stream(openaiChatCodec, events));
    const tool = (index: number, id: string, name: string, text: string) =>
      choice({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: text } }] });
    assert.deepEqual(chunks.slice(1), [
      { ...chatHead, choices: tool(0, 'call_Seed0', 'f', '{"a":"\\n"}') },
      { ...chatHead, choices: tool(1, 'known', 'g', '{}') },
      { ...chatHead, choices: finish('tool_calls') },
    ] satisfies Chunk[]);
  });

  it('sends logprobs with every field the SDK types require', () => {
    const logprobs = [{ token: 'H', logprob: -0.5, top_logprobs: [{ token: 'J', logprob: -2, bytes: [74] }] }];
    const { chunks } = read<Chunk>(stream(openaiChatCodec, [{ type: 'text-delta', text: 'H', logprobs }]));
    assert.deepEqual(chunks[1]?.choices[0]?.logprobs, {
      content: [{ token: 'H', logprob: -0.5, bytes: null, top_logprobs: [{ token: 'J', logprob: -2, bytes: [74] }] }],
      refusal: null,
    } satisfies Chunk.Choice['logprobs']);
  });
});

for (const [name, codec] of [
  ['chat', openaiChatCodec],
  ['completions', openaiCompletionsCodec],
] as const) {
  describe(`OpenAI ${name} stream, in any case`, () => {
    it('ends a failure by an error and never by [DONE], before and after the first token', () => {
      const error = new AppError('timeout_stall', 'no token for 30 s\nfrom "a"', { param: 'p' });
      for (const events of [[], [aStart], [aStart, delta('x')]]) {
        const encoder = decode(codec).openStream(reply);
        const sent = events.map((event) => encoder.event(event)).join('') + encoder.fail(error);
        const { chunks, done } = read<object>(sent);
        assert.ok(!done);
        assert.deepEqual(chunks.at(-1), {
          error: { message: 'no token for 30 s\nfrom "a"', type: 'api_error', param: 'p', code: 'timeout_stall' },
        });
        assert.equal(encoder.event(delta('y')) + encoder.event(anEnd()) + encoder.fail(error), '');
      }
    });

    it('says nothing after the end', () => {
      const encoder = decode(codec).openStream(reply);
      encoder.event(anEnd());
      assert.equal(encoder.event(delta('x')) + encoder.fail(new AppError('internal', 'x')), '');
    });

    it('has a heartbeat that parsers skip', () => {
      const sent = `${codec.heartbeat}${stream(codec, [delta('a')])}${codec.heartbeat}`;
      assert.equal(read(sent).comments, 2);
    });
  });
}

describe('OpenAI streams and whole answers', () => {
  it('add up to the same chat answer however events and bytes are cut', () => {
    fc.assert(
      fc.property(anyAnswerEvents, fc.integer({ min: 1, max: 9 }), ({ events, text, thinking, calls, end }, size) => {
        const { chunks, done } = read<Chunk>(stream(openaiChatCodec, events), size);
        assert.ok(done);
        const choices = chunks.map((chunk) => chunk.choices[0]!);
        const deltas = choices.map(({ delta }) => delta as Chunk.Choice.Delta & { reasoning?: string });
        const reason =
          end.finishReason === 'length'
            ? 'length'
            : calls.length || end.finishReason === 'tool-calls'
              ? 'tool_calls'
              : 'stop';
        const told = calls.map(({ id, name, argumentsJson }, i) => [
          id ?? `call_Seed${i}`,
          name,
          JSON.parse(argumentsJson) as unknown,
        ]);

        assert.equal(deltas.map((delta) => delta.content ?? '').join(''), text);
        assert.equal(deltas.map((delta) => delta.reasoning ?? '').join(''), thinking);
        assert.deepEqual(
          deltas
            .flatMap((delta) => delta.tool_calls ?? [])
            .map(({ id, function: f }) => [id, f?.name, JSON.parse(f?.arguments ?? '')]),
          told,
        );
        assert.deepEqual(deltas.map((delta) => delta.role).filter(Boolean), ['assistant']);
        assert.deepEqual(choices.map((choice) => choice.finish_reason).filter(Boolean), [reason]);

        const answer = whole(openaiChatCodec, events) as OpenAI.ChatCompletion;
        const message = answer.choices[0]!.message as OpenAI.ChatCompletionMessage & { reasoning?: string };
        assert.equal(message.content ?? '', text);
        assert.equal(message.reasoning ?? '', thinking);
        assert.deepEqual(
          (message.tool_calls ?? []).map((call) =>
            call.type === 'function' ? [call.id, call.function.name, JSON.parse(call.function.arguments)] : [],
          ),
          told,
        );
        assert.equal(answer.choices[0]!.finish_reason, reason);
      }),
    );
  });

  it('add up to the same completion however events and bytes are cut', () => {
    fc.assert(
      fc.property(anyAnswerEvents, fc.integer({ min: 1, max: 9 }), ({ events, text }, size) => {
        const { chunks, done } = read<CompletionChunk>(stream(openaiCompletionsCodec, events), size);
        assert.ok(done);
        assert.equal(chunks.map((chunk) => chunk.choices[0]!.text).join(''), text);
        assert.equal((whole(openaiCompletionsCodec, events) as OpenAI.Completion).choices[0]!.text, text);
      }),
    );
  });

  it('is a chat.completion with everything that clients read', () => {
    const events = [aStart, delta('a'), delta('b'), anEnd()];
    assert.deepEqual(whole(openaiChatCodec, events), {
      ...chatHead,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'ab', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage,
    } satisfies OpenAI.ChatCompletion);
  });

  it('has null for the content of a message that is only calls', () => {
    assert.deepEqual(
      (whole(openaiChatCodec, [{ type: 'tool-call', call }, anEnd()]) as OpenAI.ChatCompletion).choices[0]?.message,
      {
        role: 'assistant',
        content: null,
        refusal: null,
        tool_calls: [{ id: 'call_Seed0', type: 'function', function: { name: 'f', arguments: '{"a":"\\n"}' } }],
      } satisfies OpenAI.ChatCompletionMessage,
    );
  });

  it('sends completions in chunks, with the usage at the end when asked', () => {
    const fields = { stream_options: { include_usage: true } };
    const { chunks, done } = read<CompletionChunk>(
      stream(openaiCompletionsCodec, [aStart, delta('a'), anEnd()], fields),
    );
    assert.ok(done);
    assert.deepEqual(chunks, [
      { ...textHead, usage: null, choices: [{ index: 0, text: 'a', logprobs: null, finish_reason: null }] },
      { ...textHead, usage: null, choices: [{ index: 0, text: '', logprobs: null, finish_reason: 'stop' }] },
      { ...textHead, choices: [], usage },
    ]);
  });

  it('is a text_completion whose logprobs are columns with offsets into the answer', () => {
    const part = (token: string): ChatEvent => ({
      type: 'text-delta',
      text: token,
      logprobs: [{ token, logprob: -1, top_logprobs: [{ token: 'x', logprob: -2 }] }],
    });
    const events = [part('ab'), part('c'), anEnd({ finishReason: 'length' })];
    assert.deepEqual(whole(openaiCompletionsCodec, events), {
      ...textHead,
      choices: [
        {
          index: 0,
          text: 'abc',
          logprobs: {
            tokens: ['ab', 'c'],
            token_logprobs: [-1, -1],
            top_logprobs: [{ x: -2 }, { x: -2 }],
            text_offset: [0, 2],
          },
          finish_reason: 'length',
        },
      ],
      usage,
    } satisfies OpenAI.Completion);
    const { chunks } = read<CompletionChunk>(stream(openaiCompletionsCodec, events));
    assert.deepEqual(
      chunks.map((chunk) => chunk.choices[0]?.logprobs?.text_offset),
      [[0], [2], undefined],
    );
  });
});

describe('OpenAI errors and models', () => {
  it('gives every code the type that fits its status', () => {
    const types: Record<number, string> = {
      400: 'invalid_request_error',
      401: 'authentication_error',
      402: 'insufficient_quota',
      403: 'permission_error',
      404: 'not_found_error',
      405: 'invalid_request_error',
      408: 'invalid_request_error',
      409: 'invalid_request_error',
      413: 'invalid_request_error',
      429: 'rate_limit_error',
      499: 'api_error',
    };
    for (const code of Object.keys(errorTable) as ErrorCode[]) {
      const { status, body } = encodeOpenAiError(new AppError(code, 'm'), requestId('r'));
      assert.equal(status, errorTable[code].status);
      assert.deepEqual(JSON.parse(body), {
        error: { message: 'm', type: types[status] ?? 'api_error', param: null, code },
      });
    }
  });

  it('lists models with their owner and the second they were made', () => {
    const models = [
      { name: 'qwen3:8b', modifiedAt: '2024-05-04T14:56:49.277302595-07:00' },
      { name: 'ann/tuned:latest', modifiedAt: undefined },
      { name: 'host:5000/ann/tuned:q4', modifiedAt: 'never' },
    ];
    assert.deepEqual(JSON.parse(encodeModelList(models)), {
      object: 'list',
      data: [
        { id: 'qwen3:8b', object: 'model', created: 1_714_859_809, owned_by: 'library' },
        { id: 'ann/tuned:latest', object: 'model', created: 0, owned_by: 'ann' },
        { id: 'host:5000/ann/tuned:q4', object: 'model', created: 0, owned_by: 'ann' },
      ] satisfies OpenAI.Model[],
    });
    assert.equal(encodeModelList([]), '{"object":"list","data":[]}');
    assert.deepEqual(JSON.parse(encodeModel(models[0]!)), {
      id: 'qwen3:8b',
      object: 'model',
      created: 1_714_859_809,
      owned_by: 'library',
    });
  });
});
