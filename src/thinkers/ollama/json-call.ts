/** One call with one JSON answer: embeddings, probes, `show`. Off the token path, so a promise is fine. */
import type { Dispatcher } from 'undici';
import { AppError } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { CallContext } from './answer-call.ts';
import type { Watched } from './deadline-watch.ts';
import type { TransportRequest } from './transport.ts';
import { responseError, socketError, type ResponseHeaders } from './upstream-errors.ts';

export interface JsonCallOptions {
  readonly request: TransportRequest;
  readonly signal: AbortSignal;
  readonly bodyBytesMax: number;
  /** Until the response begins. */
  readonly firstByteMs?: number;
  readonly totalMs?: number;
}

export interface JsonResponse {
  readonly headers: ResponseHeaders;
  readonly body: JsonObject;
}

/** Rejects with the AppError of what went wrong, or `aborted` when the signal fires. */
export function callJson(context: CallContext, options: JsonCallOptions): Promise<JsonResponse> {
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) return reject(abortedError());
    new JsonCall(context, options, resolve, reject).start();
  });
}

export const abortedError = (): AppError => new AppError('aborted', 'the caller left');

class JsonCall implements Dispatcher.DispatchHandler, Watched {
  readonly #context: CallContext;
  readonly #options: JsonCallOptions;
  readonly #resolve: (response: JsonResponse) => void;
  readonly #reject: (error: AppError) => void;
  watchedAt = -1;
  #controller: Dispatcher.DispatchController | undefined;
  #done = false;
  #retriedFresh = false;
  #startedMs = 0;
  #status = 0;
  #headers: ResponseHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    context: CallContext,
    options: JsonCallOptions,
    resolve: (response: JsonResponse) => void,
    reject: (error: AppError) => void,
  ) {
    this.#context = context;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { watch, transport, name } = this.#context;
    watch.add(this);
    this.#startedMs = watch.nowMs;
    this.#options.signal.addEventListener('abort', this.#onAbort, { once: true });
    try {
      transport.dispatch(this.#options.request, this);
    } catch (error) {
      this.#fail(socketError(name, error as Error, false));
    }
  }

  check(nowMs: number): void {
    const { firstByteMs = Number.POSITIVE_INFINITY, totalMs = Number.POSITIVE_INFINITY, request } = this.#options;
    const elapsedMs = nowMs - this.#startedMs;
    const what = `thinker ${this.#context.name} did not answer ${request.path}`;
    if (elapsedMs >= totalMs) return this.#fail(new AppError('timeout_total', `${what} within ${totalMs} ms`));
    if (this.#status !== 0 || elapsedMs < firstByteMs) return;
    this.#fail(new AppError('timeout_first_token', `${what} within ${firstByteMs} ms`));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#done) return controller.abort(finished);
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const { bodyBytesMax, request } = this.#options;
    if (this.#bytes <= bodyBytesMax) return;
    const { name } = this.#context;
    this.#fail(
      new AppError('upstream_failed', `thinker ${name} answered ${request.path} with more than ${bodyBytesMax} bytes`),
    );
  }

  onResponseEnd(): void {
    if (this.#done) return;
    const { name, transport, clock } = this.#context;
    const { path } = this.#options.request;
    const text = Buffer.concat(this.#chunks, this.#bytes).toString('utf8');
    if (this.#status !== 200) {
      const { authenticated } = transport;
      return this.#fail(
        responseError({
          thinkerName: name,
          path,
          status: this.#status,
          headers: this.#headers,
          body: text,
          authenticated,
          clock,
        }),
      );
    }
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
    if (!isJsonObject(body)) {
      return this.#fail(
        new AppError('upstream_failed', `thinker ${name} answered ${path} with something that is not JSON`),
      );
    }
    this.#finish();
    this.#resolve({ headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#done) return;
    const { transport, name } = this.#context;
    if (this.#status === 0 && !this.#retriedFresh && transport.isStaleSocket(error)) {
      this.#retriedFresh = true;
      this.#controller = undefined;
      queueMicrotask(() => {
        if (!this.#done) transport.dispatchFresh(this.#options.request, this);
      });
      return;
    }
    this.#fail(socketError(name, error, this.#status !== 0));
  }

  #fail(error: AppError): void {
    if (this.#done) return;
    this.#finish();
    this.#controller?.abort(finished);
    this.#reject(error);
  }

  #finish(): void {
    this.#done = true;
    this.#context.watch.remove(this);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.#fail(abortedError());
}

const finished = new Error('no longer wanted by the gateway');
