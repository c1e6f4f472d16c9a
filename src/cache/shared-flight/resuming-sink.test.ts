import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatEvent, DispatchSink } from '../../core/chat.ts';
import type { AppError } from '../../core/errors.ts';
import { epochMs } from '../../core/units.ts';
import { ResumingSink, SentSoFar } from './resuming-sink.ts';

const start: ChatEvent = { type: 'start', model: 'm', createdAt: epochMs(1) };
const end: ChatEvent = {
  type: 'end',
  finishReason: 'stop',
  usage: { promptTokens: 1, completionTokens: 2 },
  timings: { totalNs: 0, loadNs: 0, promptEvalNs: 0, evalNs: 0 },
};
const text = (value: string): ChatEvent => ({ type: 'text-delta', text: value });

/** @returns what the reader heard of a first leader's events, then of a second one's. */
function told(first: readonly ChatEvent[], second: readonly ChatEvent[]) {
  const events: ChatEvent[] = [];
  let error: AppError | undefined;
  let broken = 0;
  const reader: DispatchSink = {
    origin: () => undefined,
    event: (event) => void events.push(event),
    fail: (failure) => void (error = failure),
  };
  const sent = new SentSoFar();
  for (const leader of [first, second]) {
    const sink = new ResumingSink(reader, sent, () => void (broken += 1));
    for (const event of leader) sink.event(event);
  }
  return { events, error: error?.code, broken };
}

describe('an answer that another gateway takes over', () => {
  it('goes on where the reader is, wherever either was cut', () => {
    const whole = 'The tides follow the moon.';
    for (let cut = 0; cut <= whole.length; cut++) {
      for (const size of [1, 3, 7, 100]) {
        const pieces = whole.match(new RegExp(`.{1,${size}}`, 'g'))!.map(text);
        const { events, error } = told([start, text(whole.slice(0, cut))], [start, ...pieces, end]);
        assert.equal(error, undefined);
        assert.equal(events.filter(({ type }) => type === 'start').length, 1);
        assert.equal(events.map((event) => ('text' in event ? event.text : '')).join(''), whole);
        assert.equal(events.at(-1), end);
      }
    }
  });

  it('ends with an error, once, when it is made anew as another one', () => {
    const { events, error, broken } = told([start, text('Blue')], [start, text('Bl'), text('ack'), end]);
    assert.deepEqual([events.length, error, broken], [2, 'upstream_broken_stream', 1]);
  });

  it('ends with an error when what is made anew is shorter than what the reader has', () => {
    const { error, broken } = told([start, text('Blue and green')], [start, text('Blue'), end]);
    assert.deepEqual([error, broken], ['upstream_broken_stream', 1]);
  });

  it('counts tool calls that the reader has', () => {
    const call: ChatEvent = { type: 'tool-call', call: { id: 'c1', name: 'look', argumentsJson: '{}' } };
    const { events } = told([start, call], [start, call, { ...call }, end]);
    assert.equal(events.filter(({ type }) => type === 'tool-call').length, 2);
  });
});
