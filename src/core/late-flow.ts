import type { AnswerFlow, CallOptions } from './chat.ts';

/**
 * The reader's hand on an answer that has not been found yet: what is asked of it before the real
 * flow is attached is passed on then. The abort signal is made only when someone looks at it.
 */
export class LateFlow implements AnswerFlow, CallOptions {
  #flow: AnswerFlow | undefined;
  #paused = false;
  #cancelled = false;
  #controller: AbortController | undefined;

  get cancelled(): boolean {
    return this.#cancelled;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Later attachments replace earlier ones, unless told not to. */
  attach(flow: AnswerFlow, options?: { readonly unlessAttached: true }): void {
    if (options?.unlessAttached && this.#flow !== undefined) return;
    this.#flow = flow;
    if (this.#cancelled) flow.cancel();
    else if (this.#paused) flow.pause();
  }

  /** Ends what is attached: something else will be. */
  drop(): void {
    const flow = this.#flow;
    this.#flow = undefined;
    flow?.cancel();
  }

  pause(): void {
    this.#paused = true;
    this.#flow?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#flow?.resume();
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#controller?.abort();
    this.#flow?.cancel();
  }
}
