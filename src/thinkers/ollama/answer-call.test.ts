import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Dispatcher } from 'undici';
import { aChatRequest, aGenerateRequest } from '../../testing/builders.ts';
import type { AnswerRequest } from '../../core/chat.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { RecordingSink } from '../../testing/recording-sink.ts';
import { AnswerCall } from './answer-call.ts';
import { DeadlineWatch } from './deadline-watch.ts';
import type { Transport } from './transport.ts';

/** The wire, played by hand: what undici would call, and what it is told. */
class FakeTransport implements Transport {
  readonly authenticated = false;
  readonly handlers: Dispatcher.DispatchHandler[] = [];
  freshCalls = 0;
  stale = false;
  aborted: Error | undefined;
  paused = false;

  readonly #controller: Dispatcher.DispatchController = {
    aborted: false,
    paused: false,
    reason: null,
    abort: (reason) => {
      if (this.aborted) return;
      this.aborted = reason;
      this.handler.onResponseError?.(this.#controller, reason);
    },
    pause: () => void (this.paused = true),
    resume: () => void (this.paused = false),
  };

  get handler(): Dispatcher.DispatchHandler {
    return this.handlers.at(-1)!;
  }

  dispatch(_: unknown, handler: Dispatcher.DispatchHandler): void {
    this.handlers.push(handler);
    handler.onRequestStart?.(this.#controller, undefined);
  }

  dispatchFresh(_: unknown, handler: Dispatcher.DispatchHandler): void {
    this.freshCalls += 1;
    this.dispatch(undefined, handler);
  }

  head(status = 200, headers = {}): void {
    this.handler.onResponseStart?.(this.#controller, status, headers);
  }

  data(bytes: Buffer | string): void {
    this.handler.onResponseData?.(this.#controller, Buffer.from(bytes));
  }

  end(): void {
    this.handler.onResponseEnd?.(this.#controller, {});
  }

  error(error: Error): void {
    this.handler.onResponseError?.(this.#controller, error);
  }

  isStaleSocket(): boolean {
    return this.stale;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function begin(request: AnswerRequest = aChatRequest()) {
  const clock = new FakeClock();
  const transport = new FakeTransport();
  const sink = new RecordingSink();
  const watch = new DeadlineWatch(clock);
  const timeouts = { firstTokenMs: 1_000, stallMs: 500, totalMs: 60_000 };
  const call = new AnswerCall({ name: 'a', transport, watch, clock }, request, sink, timeouts);
  call.start(request);
  const codes = () => sink.failures.map((failure) => failure.code);
  return { clock, transport, sink, call, codes };
}

const row = (fields: object): string =>
  `${JSON.stringify({ model: 'm', created_at: '2026-01-01T00:00:00Z', ...fields })}\n`;
const token = (content: string): string => row({ message: { role: 'assistant', content }, done: false });
const done = row({
  message: { role: 'assistant', content: '' },
  done: true,
  done_reason: 'stop',
  total_duration: 40,
  load_duration: 10,
  prompt_eval_count: 7,
  prompt_eval_duration: 20,
  eval_count: 3,
  eval_duration: 5,
});
/** Written by hand after Ollama's contract: thinking, text with wide runes, a tool call, counts. */
const recorded = Buffer.from(
  row({ message: { role: 'assistant', content: '', thinking: 'Grüße?' }, done: false }) +
    token('Hallo 👋🏽 ') +
    row({
      message: {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'c1', function: { name: 'f', arguments: { a: 'ä' } } }],
      },
      done: false,
    }) +
    token('wörld') +
    done,
);

describe('AnswerCall', () => {
  it('turns a stream into start, deltas in reading order, and end with counts and times', () => {
    const { transport, sink } = begin();
    transport.head();
    transport.data(recorded);
    transport.end();
    assert.deepEqual(sink.events, [
      { type: 'start', model: 'm', createdAt: Date.parse('2026-01-01T00:00:00Z') },
      { type: 'thinking-delta', text: 'Grüße?' },
      { type: 'text-delta', text: 'Hallo 👋🏽 ' },
      { type: 'tool-call', call: { id: 'c1', name: 'f', argumentsJson: '{"a":"ä"}' } },
      { type: 'text-delta', text: 'wörld' },
      {
        type: 'end',
        finishReason: 'tool-calls',
        usage: { promptTokens: 7, completionTokens: 3 },
        timings: { totalNs: 40, loadNs: 10, promptEvalNs: 20, evalNs: 5 },
      },
    ]);
    assert.deepEqual(sink.breaches, []);
  });

  it('hears the same events for every split of a stream', () => {
    const whole = begin();
    whole.transport.head();
    whole.transport.data(recorded);
    for (let at = 0; at <= recorded.length; at++) {
      const { transport, sink } = begin();
      transport.head();
      transport.data(recorded.subarray(0, at));
      transport.data(recorded.subarray(at));
      transport.end();
      assert.deepEqual(sink.events, whole.sink.events, `split at byte ${at}`);
      assert.deepEqual([sink.failures, sink.breaches], [[], []]);
    }
  });

  it('ends whole or with exactly one failure for every cut of a stream, by a clean end or by a reset', async () => {
    const whole = begin();
    whole.transport.head();
    whole.transport.data(recorded);
    for (let at = 0; at <= recorded.length; at++) {
      for (const how of ['end', 'reset'] as const) {
        const { transport, sink, codes } = begin();
        transport.head();
        transport.data(recorded.subarray(0, at));
        if (how === 'end') transport.end();
        else transport.error(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
        await Promise.resolve();
        assert.deepEqual(sink.breaches, []);
        // The newline of the last line may be missing, and after a reset the line itself is not to be trusted.
        const complete = how === 'end' ? at >= recorded.length - 1 : at === recorded.length;
        assert.deepEqual(codes(), complete ? [] : ['upstream_broken_stream'], `${how} at byte ${at}`);
        assert.deepEqual(sink.events, whole.sink.events.slice(0, sink.events.length));
        assert.equal(sink.ended, complete);
      }
    }
  });

  it('ignores bytes after done, and frees the socket when the response does not end', async () => {
    const { transport, sink, clock, call } = begin();
    transport.head();
    transport.data(token('x') + done + token('y'));
    transport.data('garbage');
    call.cancel();
    assert.equal(transport.aborted, undefined);
    assert.deepEqual([sink.text, sink.ended, sink.breaches], ['x', true, []]);
    await clock.advance(1_200);
    assert.ok(transport.aborted);
    assert.equal(clock.pendingTimers, 0);
  });

  it('fails with an error line in the stream, and on a line that is no JSON, without quoting it', () => {
    for (const [bad, message] of [
      ['{"error":"out of memory"}\n', /stopped with an error: out of memory/],
      ['{"message":{"content":"secret"\n', /a line of 30 characters that is not a JSON object$/],
      ['<html>\n', /is the URL that of an Ollama server/],
    ] as const) {
      const { transport, sink } = begin();
      transport.head();
      transport.data(token('x') + bad + token('y'));
      assert.equal(sink.text, 'x');
      assert.deepEqual(sink.failures.length, 1);
      assert.equal(sink.failures[0]?.code, 'upstream_broken_stream');
      assert.match(sink.failures[0].message, message);
      assert.ok(transport.aborted);
      assert.deepEqual(sink.breaches, []);
    }
  });

  it('reads load, length, a missing reason, logprobs and the context of generate', () => {
    const ends = (fields: object, request: AnswerRequest = aChatRequest()) => {
      const { transport, sink } = begin(request);
      transport.head();
      transport.data(row({ message: { content: '' }, response: '', done: true, ...fields }));
      return sink.events.at(-1);
    };
    const plain = {
      usage: { promptTokens: 0, completionTokens: 0 },
      timings: { totalNs: 0, loadNs: 0, promptEvalNs: 0, evalNs: 0 },
    };
    assert.deepEqual(ends({ done_reason: 'load' }), { type: 'end', finishReason: 'load', ...plain });
    assert.deepEqual(ends({ done_reason: 'unload' }), { type: 'end', finishReason: 'unload', ...plain });
    assert.deepEqual(ends({ done_reason: 'length' }), { type: 'end', finishReason: 'length', ...plain });
    assert.deepEqual(ends({}), { type: 'end', finishReason: 'stop', reasonMissing: true, ...plain });
    assert.deepEqual(ends({ done_reason: 'stop', context: [1, 2] }, aGenerateRequest()), {
      type: 'end',
      finishReason: 'stop',
      context: [1, 2],
      ...plain,
    });
    const { transport, sink } = begin(aGenerateRequest());
    transport.head();
    transport.data(row({ response: 'x', logprobs: [{ token: 'x' }], done: false }));
    assert.deepEqual(sink.events[1], { type: 'text-delta', text: 'x', logprobs: [{ token: 'x' }] });
  });

  it('tells nothing more once cancelled in the middle of a chunk', async () => {
    const { transport, sink, call, clock } = begin();
    transport.head();
    sink.onEvent = (event) => event.type === 'text-delta' && call.cancel();
    transport.data(token('a') + token('b') + done);
    assert.equal(sink.text, 'a');
    assert.ok(transport.aborted);
    await clock.advance(100_000);
    assert.deepEqual([sink.ended, sink.failures, clock.pendingTimers], [false, [], 0]);
  });

  it('keeps the four times apart, each at most 100 ms late', async () => {
    const first = begin();
    first.transport.head();
    await first.clock.advance(999);
    assert.deepEqual(first.codes(), []);
    await first.clock.advance(101);
    assert.deepEqual(first.codes(), ['timeout_first_token']);
    assert.ok(first.transport.aborted);

    const stall = begin();
    stall.transport.head();
    for (let i = 0; i < 10; i++) {
      stall.transport.data(token('x'));
      await stall.clock.advance(450);
    }
    assert.deepEqual(stall.codes(), []);
    await stall.clock.advance(150);
    assert.deepEqual(stall.codes(), ['timeout_stall']);

    const total = begin();
    total.transport.head();
    for (let i = 0; i < 150; i++) {
      total.transport.data(token('x'));
      await total.clock.advance(400);
    }
    await total.clock.advance(100);
    assert.deepEqual(total.codes(), ['timeout_total']);
    assert.equal(total.clock.pendingTimers, 0);
  });

  it('does not take a paused reader for a silent thinker', async () => {
    const { transport, clock, call, codes, sink } = begin();
    transport.head();
    transport.data(token('x'));
    call.pause();
    assert.equal(transport.paused, true);
    await clock.advance(20_000);
    assert.deepEqual(codes(), []);
    call.resume();
    await clock.advance(400);
    assert.equal(transport.paused, false);
    assert.deepEqual(codes(), []);
    transport.data(done);
    assert.equal(sink.ended, true);
  });

  it('asks once more on a fresh socket when a used one was closed under the request, and only once', async () => {
    const { transport, sink, codes } = begin();
    transport.stale = true;
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    transport.error(reset);
    await Promise.resolve();
    assert.equal(transport.freshCalls, 1);
    transport.error(reset);
    await Promise.resolve();
    assert.deepEqual([transport.freshCalls, codes(), sink.breaches], [1, ['upstream_failed'], []]);
  });

  it('does not ask again when the socket was new or the answer had begun', async () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    const fresh = begin();
    fresh.transport.error(reset);
    const answering = begin();
    answering.transport.stale = true;
    answering.transport.head();
    answering.transport.error(reset);
    await Promise.resolve();
    assert.deepEqual([fresh.transport.freshCalls, fresh.codes()], [0, ['upstream_failed']]);
    assert.deepEqual([answering.transport.freshCalls, answering.codes()], [0, ['upstream_broken_stream']]);
  });

  it('fails after start returned when the request cannot be encoded', async () => {
    const toolCalls = [{ name: 'f', argumentsJson: '{' }];
    const { sink, codes, clock } = begin(aChatRequest({ messages: [{ role: 'assistant', content: '', toolCalls }] }));
    assert.deepEqual(sink.failures, []);
    await clock.advance(0);
    assert.deepEqual(codes(), ['bad_request']);
  });
});
