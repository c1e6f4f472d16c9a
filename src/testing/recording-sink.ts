import type { AnswerOrigin, ChatEvent, DispatchSink } from '../core/chat.ts';
import type { AppError } from '../core/errors.ts';

/** Records what a sink is told, in order, and checks the protocol: one origin first, nothing after the end. */
export class RecordingSink implements DispatchSink {
  readonly events: ChatEvent[] = [];
  readonly origins: AnswerOrigin[] = [];
  readonly failures: AppError[] = [];
  /** Breaches of the sink's protocol; a correct producer leaves this empty. */
  readonly breaches: string[] = [];
  /** Called on each event, after it is recorded: lets a test act inside the delivery. */
  onEvent: ((event: ChatEvent) => void) | undefined;
  readonly #waiting: (() => void)[] = [];

  origin(origin: AnswerOrigin): void {
    if (this.origins.length > 0) this.breaches.push('a second origin');
    if (this.events.length > 0) this.breaches.push('origin after an event');
    this.#checkOpen('origin');
    this.origins.push(origin);
  }

  event(event: ChatEvent): void {
    this.#checkOpen(event.type);
    this.events.push(event);
    this.onEvent?.(event);
    if (this.ended) this.#wake();
  }

  fail(error: AppError): void {
    this.#checkOpen('fail');
    this.failures.push(error);
    this.#wake();
  }

  get ended(): boolean {
    return this.events.at(-1)?.type === 'end';
  }

  /** Text of all deltas so far. */
  get text(): string {
    return this.events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
  }

  /** Resolves when the answer has ended or failed. */
  settled(): Promise<void> {
    if (this.ended || this.failures.length > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #checkOpen(what: string): void {
    if (this.ended) this.breaches.push(`${what} after the end`);
    if (this.failures.length > 0) this.breaches.push(`${what} after a failure`);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
