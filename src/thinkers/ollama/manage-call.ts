/** An operator's call to a management route, passed through byte for byte in both directions. */
import type { Dispatcher } from 'undici';
import type { CallOptions } from '../../core/chat.ts';
import { AppError } from '../../core/errors.ts';
import type { ManagementCall, ManagementSink } from '../thinker.ts';
import type { CallContext } from './answer-call.ts';
import type { Watched } from './deadline-watch.ts';
import { abortedError } from './json-call.ts';
import { socketError, type ResponseHeaders } from './upstream-errors.ts';

/** `pull` says nothing while it checks the digest of many gigabytes. */
const silenceMs = 600_000;

export function startManageCall(
  context: CallContext,
  call: ManagementCall,
  sink: ManagementSink,
  options: CallOptions,
): void {
  new ManageCall(context, sink, options.signal).start(call);
}

class ManageCall implements Dispatcher.DispatchHandler, Watched {
  readonly #context: CallContext;
  readonly #sink: ManagementSink;
  readonly #signal: AbortSignal;
  watchedAt = -1;
  #controller: Dispatcher.DispatchController | undefined;
  #done = false;
  #answering = false;
  #activeMs = 0;

  constructor(context: CallContext, sink: ManagementSink, signal: AbortSignal) {
    this.#context = context;
    this.#sink = sink;
    this.#signal = signal;
  }

  start(call: ManagementCall): void {
    const { watch, transport, name } = this.#context;
    if (this.#signal.aborted) return queueMicrotask(() => this.#fail(abortedError()));
    watch.add(this);
    this.#activeMs = watch.nowMs;
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    const { method, path, body, contentType } = call;
    try {
      transport.dispatch({ method, path, body, contentType, lane: 'control' }, this);
    } catch (error) {
      queueMicrotask(() => this.#fail(socketError(name, error as Error, false)));
    }
  }

  check(nowMs: number): void {
    if (this.#controller?.paused) {
      this.#activeMs = nowMs;
      return;
    }
    if (nowMs - this.#activeMs < silenceMs) return;
    const { name } = this.#context;
    this.#fail(new AppError('timeout_stall', `thinker ${name} said nothing for ${silenceMs / 1000} s`));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#done) return controller.abort(finished);
    this.#controller = controller;
  }

  /** An upload of a large blob is a sign of life too. */
  onBodySent(): void {
    this.#activeMs = this.#context.watch.nowMs;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (status < 200 || this.#done) return;
    this.#answering = true;
    this.#activeMs = this.#context.watch.nowMs;
    const contentType = headers['content-type'];
    this.#sink.head(status, Array.isArray(contentType) ? contentType[0] : contentType);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return;
    this.#activeMs = this.#context.watch.nowMs;
    if (!this.#sink.data(chunk, this.#resume)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#done) return;
    this.#finish();
    this.#sink.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // A closed pool fails inside dispatch, before the caller is ready to be told.
    queueMicrotask(() => this.#fail(socketError(this.#context.name, error, this.#answering)));
  }

  #fail(error: AppError): void {
    if (this.#done) return;
    this.#finish();
    this.#controller?.abort(finished);
    this.#sink.fail(error);
  }

  #finish(): void {
    this.#done = true;
    this.#context.watch.remove(this);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.#fail(abortedError());

  readonly #resume = (): void => queueMicrotask(() => this.#controller?.resume());
}

const finished = new Error('no longer wanted by the gateway');
