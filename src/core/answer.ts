/** A whole answer: what the cache keeps and what non-streamed replies are made of. */
import type { ChatEvent, EndEvent, ToolCall } from './chat.ts';
import type { JsonValue } from './json.ts';
import type { EpochMs } from './units.ts';
import { assert } from './assert.ts';

export interface Answer {
  /** As the thinker named it. */
  readonly model: string;
  readonly createdAt: EpochMs;
  readonly thinking: string;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly logprobs?: readonly JsonValue[];
  readonly end: EndEvent;
}

/** Gathers the events of one answer. `answer()` is there once `end` has been seen. */
export class AnswerCollector {
  #model = '';
  #createdAt = 0 as EpochMs;
  #text: string[] = [];
  #thinking: string[] = [];
  #toolCalls: ToolCall[] = [];
  #logprobs: JsonValue[] | undefined;
  #end: EndEvent | undefined;

  add(event: ChatEvent): void {
    switch (event.type) {
      case 'start':
        this.#model = event.model;
        this.#createdAt = event.createdAt;
        return;
      case 'text-delta':
        this.#text.push(event.text);
        if (event.logprobs) (this.#logprobs ??= []).push(...event.logprobs);
        return;
      case 'thinking-delta':
        this.#thinking.push(event.text);
        return;
      case 'tool-call':
        this.#toolCalls.push(event.call);
        return;
      default:
        this.#end = event;
    }
  }

  get complete(): boolean {
    return this.#end !== undefined;
  }

  answer(): Answer {
    assert(this.#end, 'answer() before the end event');
    return {
      model: this.#model,
      createdAt: this.#createdAt,
      thinking: this.#thinking.join(''),
      text: this.#text.join(''),
      toolCalls: this.#toolCalls,
      ...(this.#logprobs && { logprobs: this.#logprobs }),
      end: this.#end,
    };
  }
}

/** Replayed deltas are cut near this many characters, at a space where there is one. */
const replayChunkChars = 48;

/** Cuts at spaces and never inside a surrogate pair; the pieces join to the text. */
export function chunkText(text: string, size = replayChunkChars): string[] {
  const chunks: string[] = [];
  let from = 0;
  while (text.length - from > size) {
    const space = text.indexOf(' ', from + size);
    let to = space === -1 || space - from > 2 * size ? from + 2 * size : space;
    if (to >= text.length) break;
    const code = text.charCodeAt(to);
    if (code >= 0xdc00 && code <= 0xdfff) to -= 1;
    chunks.push(text.slice(from, to));
    from = to;
  }
  if (from < text.length) chunks.push(text.slice(from));
  return chunks;
}

/** The events of a stored answer, in the order a thinker would have sent them. */
export function replayEvents(answer: Answer, createdAt: EpochMs): ChatEvent[] {
  const events: ChatEvent[] = [{ type: 'start', model: answer.model, createdAt }];
  for (const text of chunkText(answer.thinking)) events.push({ type: 'thinking-delta', text });
  if (answer.logprobs) {
    events.push({ type: 'text-delta', text: answer.text, logprobs: answer.logprobs });
  } else {
    for (const text of chunkText(answer.text)) events.push({ type: 'text-delta', text });
  }
  for (const call of answer.toolCalls) events.push({ type: 'tool-call', call });
  events.push(answer.end);
  return events;
}
