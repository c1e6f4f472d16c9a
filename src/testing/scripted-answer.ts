/** Short writings of an answer's events, and one answer that has everything an answer can have. */
import { AnswerCollector, type Answer } from '../core/answer.ts';
import type { ChatEvent, EndEvent } from '../core/chat.ts';
import { AppError } from '../core/errors.ts';
import { requestId } from '../core/ids.ts';
import type { JsonValue } from '../core/json.ts';
import { epochMs } from '../core/units.ts';

/** What a reply's encoder is told (`Reply` of the gateway). */
export const reply = {
  requestId: requestId('req-1'),
  model: 'qwen3',
  createdAt: epochMs(1_700_000_000_999),
  idSeed: 'abc',
};

export const start: ChatEvent = { type: 'start', model: 'qwen3:latest', createdAt: epochMs(1_600_000_000_000) };

export const text = (value: string, logprobs?: readonly JsonValue[]): ChatEvent => ({
  type: 'text-delta',
  text: value,
  ...(logprobs && { logprobs }),
});

export const thinking = (value: string): ChatEvent => ({ type: 'thinking-delta', text: value });

export const call = (name: string, argumentsJson: string, id?: string): ChatEvent => ({
  type: 'tool-call',
  call: { name, argumentsJson, ...(id !== undefined && { id }) },
});

export const end = (finishReason: EndEvent['finishReason'] = 'stop'): EndEvent => ({
  type: 'end',
  finishReason,
  usage: { promptTokens: 11, completionTokens: 7 },
  timings: { totalNs: 1, loadNs: 0, promptEvalNs: 0, evalNs: 1 },
});

/** Thinking, text, a call with an id and one without id and arguments. */
export const everything: readonly ChatEvent[] = [
  start,
  thinking('Hm, '),
  thinking('two tools.'),
  text('Let me '),
  text('look.'),
  call('zoom', '{"factor":2}', 'call_9'),
  call('now', ''),
  end('tool-calls'),
];

export const broken = new AppError('upstream_broken_stream', 'the thinker closed the stream; ask again');

export function answerOf(events: readonly ChatEvent[]): Answer {
  const collector = new AnswerCollector();
  for (const event of events) collector.add(event);
  return collector.answer();
}
