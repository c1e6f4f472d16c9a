/** Events of whole answers, for tests of whoever consumes or encodes them. */
import fc from 'fast-check';
import type { ChatEvent, EndEvent, ToolCall } from '../core/chat.ts';
import { epochMs } from '../core/units.ts';

export const anEnd = (fields: Partial<EndEvent> = {}): EndEvent => ({
  type: 'end',
  finishReason: 'stop',
  usage: { promptTokens: 7, completionTokens: 3 },
  timings: { totalNs: 900, loadNs: 100, promptEvalNs: 200, evalNs: 600 },
  ...fields,
});

export const aStart: ChatEvent = { type: 'start', model: 'thinker-name', createdAt: epochMs(1_000) };

/**
 * Any text, cut anywhere: also between the two halves of a surrogate pair, as a server that streams
 * bytes of a token may do.
 */
export const anyPieces: fc.Arbitrary<string[]> = fc
  .tuple(fc.string({ unit: 'binary', maxLength: 40 }), fc.array(fc.nat(80), { maxLength: 8 }))
  .map(([text, cuts]) => {
    const at = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b);
    return [...at, text.length].map((to, i) => text.slice(i === 0 ? 0 : at[i - 1], to));
  });

export const anyToolCall: fc.Arbitrary<ToolCall> = fc.record(
  {
    id: fc.stringMatching(/^[a-z0-9]{1,12}$/),
    name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    argumentsJson: fc
      .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
      .map((value) => JSON.stringify(value)),
  },
  { requiredKeys: ['name', 'argumentsJson'] },
);

export interface EventCase {
  readonly events: ChatEvent[];
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly ToolCall[];
  readonly end: EndEvent;
}

/** A whole answer as events, with what they add up to. */
export const anyAnswerEvents: fc.Arbitrary<EventCase> = fc
  .record({
    thinking: anyPieces,
    text: anyPieces,
    calls: fc.array(anyToolCall, { maxLength: 3 }),
    finishReason: fc.constantFrom<EndEvent['finishReason']>('stop', 'length', 'tool-calls'),
  })
  .map(({ thinking, text, calls, finishReason }) => {
    const end = anEnd({ finishReason });
    const events: ChatEvent[] = [
      aStart,
      ...thinking.map((piece): ChatEvent => ({ type: 'thinking-delta', text: piece })),
      ...text.map((piece): ChatEvent => ({ type: 'text-delta', text: piece })),
      ...calls.map((call): ChatEvent => ({ type: 'tool-call', call })),
      end,
    ];
    return { events, text: text.join(''), thinking: thinking.join(''), calls, end };
  });
