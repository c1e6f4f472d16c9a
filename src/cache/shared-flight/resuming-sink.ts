/** Continues an answer that another gateway began: what the reader has is skipped, if it is the same. */
import type { AnswerOrigin, ChatEvent, DispatchSink } from '../../core/chat.ts';
import { AppError } from '../../core/errors.ts';

/** What has been sent to one reader, whoever led. */
export class SentSoFar {
  origin = false;
  started = false;
  text = '';
  thinking = '';
  toolCalls = 0;
  ended = false;

  note(event: ChatEvent): void {
    switch (event.type) {
      case 'start':
        this.started = true;
        return;
      case 'text-delta':
        this.text += event.text;
        return;
      case 'thinking-delta':
        this.thinking += event.text;
        return;
      case 'tool-call':
        this.toolCalls += 1;
        return;
      default:
        this.ended = true;
    }
  }
}

/**
 * Passes events on to `sink` and remembers them in `sent`; of what comes again, only what is new.
 * @param broken called once when the answer made anew is another one
 */
export class ResumingSink implements DispatchSink {
  readonly #sink: DispatchSink;
  readonly #sent: SentSoFar;
  readonly #broken: () => void;
  #textLeft: string;
  #thinkingLeft: string;
  #callsLeft: number;
  #closed = false;

  constructor(sink: DispatchSink, sent: SentSoFar, broken: () => void) {
    this.#sink = sink;
    this.#sent = sent;
    this.#broken = broken;
    this.#textLeft = sent.text;
    this.#thinkingLeft = sent.thinking;
    this.#callsLeft = sent.toolCalls;
  }

  origin(origin: AnswerOrigin): void {
    if (this.#closed || this.#sent.origin) return;
    this.#sent.origin = true;
    this.#sink.origin(origin);
  }

  event(event: ChatEvent): void {
    if (this.#closed) return;
    const fresh = this.#freshPart(event);
    if (fresh === undefined) return;
    this.#sent.note(fresh);
    if (fresh.type === 'end') this.#closed = true;
    this.#sink.event(fresh);
  }

  fail(error: AppError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink.fail(error);
  }

  /** undefined: the reader has it, or it cannot have it. */
  #freshPart(event: ChatEvent): ChatEvent | undefined {
    switch (event.type) {
      case 'start':
        return this.#sent.started ? undefined : event;
      case 'text-delta': {
        const rest = this.#without(event.text, this.#textLeft);
        if (rest === undefined) return undefined;
        this.#textLeft = this.#textLeft.slice(event.text.length);
        return rest === event.text ? event : rest === '' ? undefined : { type: 'text-delta', text: rest };
      }
      case 'thinking-delta': {
        const rest = this.#without(event.text, this.#thinkingLeft);
        if (rest === undefined) return undefined;
        this.#thinkingLeft = this.#thinkingLeft.slice(event.text.length);
        return rest === event.text ? event : rest === '' ? undefined : { type: 'thinking-delta', text: rest };
      }
      case 'tool-call':
        if (this.#callsLeft === 0) return event;
        this.#callsLeft -= 1;
        return undefined;
      default:
        if (this.#textLeft === '' && this.#thinkingLeft === '' && this.#callsLeft === 0) return event;
        this.#differs();
        return undefined;
    }
  }

  /** What of `text` comes after the part that is known to follow; undefined when it is not what follows. */
  #without(text: string, known: string): string | undefined {
    if (known === '') return text;
    const shared = Math.min(text.length, known.length);
    if (text.slice(0, shared) === known.slice(0, shared)) return text.slice(shared);
    this.#differs();
    return undefined;
  }

  #differs(): void {
    this.#closed = true;
    this.#broken();
    this.#sink.fail(
      new AppError(
        'upstream_broken_stream',
        'the gateway that made this answer is gone, and the answer made anew is another one; ask again',
      ),
    );
  }
}
