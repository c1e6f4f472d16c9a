import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AnswerCollector } from '../../../core/answer.ts';
import type { ChatEvent, ToolCall } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import { requestId } from '../../../core/ids.ts';
import { epochMs } from '../../../core/units.ts';
import { aStart, anEnd, anyAnswerEvents } from '../../../testing/chat-events.ts';
import type { Reply } from '../dialect.ts';
import { ollamaChatCodec, ollamaGenerateCodec } from './codecs.ts';
import { encodeOllamaModels } from './encode.ts';
import { encodeOllamaError } from './errors.ts';

const reply: Reply = {
  requestId: requestId('r1'),
  model: 'mo"del',
  createdAt: epochMs(1_700_000_000_123),
  idSeed: 'Seed',
};
const head = { model: 'mo"del', created_at: '2023-11-14T22:13:20.123Z' };
const counts = {
  total_duration: 900,
  load_duration: 100,
  prompt_eval_count: 7,
  prompt_eval_duration: 200,
  eval_count: 3,
  eval_duration: 600,
};
const codecs = { chat: ollamaChatCodec, generate: ollamaGenerateCodec };
const decode = (shape: keyof typeof codecs) =>
  codecs[shape].decode({ model: 'm', prompt: 'x', messages: [{ role: 'user', content: 'x' }] });

function stream(shape: keyof typeof codecs, events: readonly ChatEvent[]): string {
  const encoder = decode(shape).openStream(reply);
  return events.map((event) => encoder.event(event)).join('');
}

function whole(shape: keyof typeof codecs, events: readonly ChatEvent[]): Wire {
  const collector = new AnswerCollector();
  for (const event of events) collector.add(event);
  return JSON.parse(decode(shape).encodeAnswer(collector.answer(), reply)) as Wire;
}

interface WireCall {
  readonly id?: string;
  readonly function: { readonly index: number; readonly name: string; readonly arguments: unknown };
}
interface Wire {
  readonly message?: { readonly content: string; readonly thinking?: string; readonly tool_calls?: WireCall[] };
  readonly response?: string;
  readonly thinking?: string;
  readonly tool_calls?: WireCall[];
  readonly done?: boolean;
  readonly done_reason?: string;
  readonly error?: string;
}

/** Reads a stream as a client would: bytes, lines, JSON. */
function read(bytes: string): Wire[] {
  const text = new TextDecoder().decode(Buffer.from(bytes, 'utf8'));
  assert.ok(text.endsWith('\n'));
  const lines = text.slice(0, -1).split('\n');
  return lines.map((line) => JSON.parse(line) as Wire);
}

const call: ToolCall = { id: 'c1', name: 'f', argumentsJson: '{"a":[1]}' };
const delta = (text: string): ChatEvent => ({ type: 'text-delta', text });

describe('Ollama streams', () => {
  it('sends chat as one line per event and the counts in the last', () => {
    const lines = read(
      stream('chat', [
        aStart,
        { type: 'thinking-delta', text: 'hm' },
        delta('Hé'),
        { type: 'tool-call', call },
        { type: 'tool-call', call: { name: 'g', argumentsJson: '{}' } },
        anEnd(),
      ]),
    );
    const message = (fields: object) => ({
      ...head,
      message: { role: 'assistant', content: '', ...fields },
      done: false,
    });
    assert.deepEqual(lines, [
      message({ thinking: 'hm' }),
      message({ content: 'Hé' }),
      message({ tool_calls: [{ id: 'c1', function: { index: 0, name: 'f', arguments: { a: [1] } } }] }),
      message({ tool_calls: [{ function: { index: 1, name: 'g', arguments: {} } }] }),
      { ...head, message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', ...counts },
    ]);
  });

  it('sends generate with response, and the context in the last line', () => {
    const lines = read(
      stream('generate', [aStart, { type: 'thinking-delta', text: 'hm' }, delta('Hé'), anEnd({ context: [1, 2] })]),
    );
    assert.deepEqual(lines, [
      { ...head, response: '', thinking: 'hm', done: false },
      { ...head, response: 'Hé', done: false },
      { ...head, response: '', done: true, done_reason: 'stop', context: [1, 2], ...counts },
    ]);
  });

  it('passes logprobs on beside the text they belong to', () => {
    const logprobs = [{ token: 'H', logprob: -0.5, bytes: [72], top_logprobs: [] }];
    const event: ChatEvent = { type: 'text-delta', text: 'H', logprobs };
    assert.deepEqual(read(stream('chat', [event])), [
      { ...head, message: { role: 'assistant', content: 'H' }, logprobs, done: false },
    ]);
    assert.deepEqual(read(stream('generate', [event])), [{ ...head, response: 'H', logprobs, done: false }]);
    assert.deepEqual((whole('chat', [event, anEnd()]) as { logprobs?: unknown }).logprobs, logprobs);
  });

  for (const [reason, told] of [
    ['stop', 'stop'],
    ['length', 'length'],
    ['tool-calls', 'stop'],
    ['load', 'load'],
    ['unload', 'unload'],
  ] as const) {
    it(`tells ${reason} as done_reason ${told}`, () => {
      assert.equal(read(stream('chat', [anEnd({ finishReason: reason })]))[0]?.done_reason, told);
    });
  }

  it('reports no counts for a load, which generates nothing', () => {
    assert.deepEqual(read(stream('generate', [aStart, anEnd({ finishReason: 'load' })])), [
      { ...head, response: '', done: true, done_reason: 'load' },
    ]);
    assert.deepEqual(whole('chat', [aStart, anEnd({ finishReason: 'unload' })]), {
      ...head,
      message: { role: 'assistant', content: '' },
      done: true,
      done_reason: 'unload',
    });
  });

  it('ends a failed stream by an error line without done, before and after the first token', () => {
    const error = new AppError('upstream_failed', 'thinker "a"\nwent away');
    for (const events of [[], [aStart], [aStart, delta('x')]]) {
      const encoder = decode('chat').openStream(reply);
      const sent = events.map((event) => encoder.event(event)).join('') + encoder.fail(error);
      const lines = read(sent);
      assert.deepEqual(lines.at(-1), { error: 'thinker "a"\nwent away' });
      assert.ok(!lines.some((line) => line.done === true));
      assert.equal(encoder.event(anEnd()), '', 'nothing may follow the error');
      assert.equal(encoder.fail(error), '');
    }
  });

  it('says nothing after the end', () => {
    const encoder = decode('generate').openStream(reply);
    encoder.event(anEnd());
    assert.equal(encoder.event(delta('x')) + encoder.fail(new AppError('internal', 'x')), '');
  });

  for (const shape of ['chat', 'generate'] as const) {
    it(`adds up to the same answer, streamed or not, however the events are cut (${shape})`, () => {
      fc.assert(
        fc.property(anyAnswerEvents, ({ events, text, thinking, calls, end }) => {
          const lines = read(stream(shape, events));
          assert.deepEqual(
            lines.map((line) => line.done),
            lines.map((_, i) => i === lines.length - 1),
          );
          const parts = lines.map((line) => (shape === 'chat' ? line.message! : { ...line, content: line.response! }));
          const told = calls.map(({ id, name, argumentsJson }, index) => ({
            ...(id !== undefined && { id }),
            function: { index, name, arguments: JSON.parse(argumentsJson) as unknown },
          }));
          assert.equal(parts.map((part) => part.content).join(''), text);
          assert.equal(parts.map((part) => part.thinking ?? '').join(''), thinking);
          assert.deepEqual(
            parts.flatMap((part) => part.tool_calls ?? []),
            told,
          );
          const answer = whole(shape, events);
          const body = shape === 'chat' ? answer.message! : { ...answer, content: answer.response! };
          assert.equal(body.content, text);
          assert.equal(body.thinking ?? '', thinking);
          assert.deepEqual(body.tool_calls ?? [], told);
          assert.equal(answer.done_reason, end.finishReason === 'length' ? 'length' : 'stop');
        }),
      );
    });
  }
});

describe('Ollama whole answers', () => {
  it('is one object with everything', () => {
    const events: ChatEvent[] = [
      aStart,
      { type: 'thinking-delta', text: 'hm' },
      delta('a'),
      delta('b'),
      { type: 'tool-call', call },
    ];
    assert.deepEqual(whole('chat', [...events, anEnd({ finishReason: 'length' })]), {
      ...head,
      message: {
        role: 'assistant',
        content: 'ab',
        thinking: 'hm',
        tool_calls: [{ id: 'c1', function: { index: 0, name: 'f', arguments: { a: [1] } } }],
      },
      done: true,
      done_reason: 'length',
      ...counts,
    });
  });

  it('encodes errors and lists in the native shapes', () => {
    assert.deepEqual(encodeOllamaError(new AppError('model_not_found', "model 'x' not found"), requestId('r')), {
      status: 404,
      body: `{"error":"model 'x' not found"}`,
    });
    assert.equal(encodeOllamaModels([{ name: 'm:latest' }]), '{"models":[{"name":"m:latest"}]}');
  });
});
