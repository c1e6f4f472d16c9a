/** One streamed answer of a thinker, from the request on the wire to `end`, `fail` or `cancel`. */
import type { Dispatcher } from 'undici';
import type { AnswerFlow, AnswerRequest, AnswerSink } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { AnswerTimeouts } from '../thinker.ts';
import type { DeadlineWatch, Watched } from './deadline-watch.ts';
import { NativeDecoder, type LineOutcome, type NativeDecoderOptions } from './native-decode.ts';
import { answerPath, encodeAnswerRequest } from './native-encode.ts';
import { NdjsonSplitter, type LineSink } from './ndjson.ts';
import type { Transport, TransportRequest } from './transport.ts';
import { responseError, socketError, unfinishedError, type ResponseHeaders } from './upstream-errors.ts';

/** How requests and the lines of their answers are written. */
export interface Wire {
  path(request: AnswerRequest): string;
  encode(request: AnswerRequest): string;
  decoder(options: NativeDecoderOptions): LineDecoder;
}

export interface LineDecoder {
  readonly started: boolean;
  line(text: string): LineOutcome;
  /** As {@link LineSink.run}. */
  run(text: string, from: number): number;
}

const nativeWire: Wire = {
  path: answerPath,
  encode: encodeAnswerRequest,
  decoder: (options) => new NativeDecoder(options),
};

export interface CallContext {
  readonly name: string;
  readonly transport: Transport;
  readonly watch: DeadlineWatch;
  readonly clock: Clock;
  /** Default: Ollama's native API. */
  readonly wire?: Wire;
}

/** The last line of `/api/generate` carries every token id of its context: 256k of them are 2 MB. */
const lineBytesMax = 16 * 1024 * 1024;
/** An error's words are wanted, not a page of them. */
const errorBodyBytesMax = 64 * 1024;
/** After `done: true` a server has this long to end the response, so that the socket can be used again. */
const tailMs = 1_000;

/**
 * `open`: events may come. `tail`: `end` was told, the rest of the response is read only to free the socket.
 * `closed`: nothing is told any more.
 */
type CallState = 'open' | 'tail' | 'closed';

export class AnswerCall implements AnswerFlow, Dispatcher.DispatchHandler, LineSink, Watched {
  readonly #context: CallContext;
  readonly #sink: AnswerSink;
  readonly #timeouts: AnswerTimeouts;
  readonly #splitter: NdjsonSplitter;
  readonly #decoder: LineDecoder;
  readonly #wire: Wire;
  readonly #path: string;
  watchedAt = -1;
  #request: TransportRequest | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #state: CallState = 'open';
  #paused = false;
  #retriedFresh = false;
  #status = 0;
  #headers: ResponseHeaders = {};
  #errorBody: Buffer[] = [];
  #errorBytes = 0;
  #startedMs = 0;
  #activeMs = 0;

  constructor(context: CallContext, request: AnswerRequest, sink: AnswerSink, timeouts: AnswerTimeouts) {
    this.#context = context;
    this.#sink = sink;
    this.#timeouts = timeouts;
    this.#wire = context.wire ?? nativeWire;
    this.#path = this.#wire.path(request);
    this.#splitter = new NdjsonSplitter(this, lineBytesMax);
    this.#decoder = this.#wire.decoder({
      kind: request.kind,
      model: request.model,
      sink,
      clock: context.clock,
      thinkerName: context.name,
      call: this,
    });
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** The sink hears nothing before this returns, not even that the request cannot be encoded. */
  start(request: AnswerRequest): void {
    const { transport, watch } = this.#context;
    watch.add(this);
    this.#startedMs = this.#activeMs = watch.nowMs;
    try {
      this.#request = {
        method: 'POST',
        path: this.#path,
        body: this.#wire.encode(request),
        contentType: 'application/json',
        lane: 'answers',
      };
      transport.dispatch(this.#request, this);
    } catch (error) {
      queueMicrotask(() => this.#fail(socketError(this.#context.name, error as Error, false)));
    }
  }

  pause(): void {
    if (this.#state !== 'open' || this.#paused) return;
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#activeMs = this.#context.watch.nowMs;
    // undici parses what is buffered at once and forbids that inside another answer's callback.
    queueMicrotask(() => {
      if (!this.#paused && this.#state === 'open') this.#controller?.resume();
    });
  }

  cancel(): void {
    if (this.#state === 'open') this.#close();
  }

  check(nowMs: number): void {
    if (this.#state === 'tail') {
      if (nowMs - this.#activeMs >= tailMs) this.#close();
      return;
    }
    const { firstTokenMs, stallMs, totalMs } = this.#timeouts;
    const { name } = this.#context;
    if (nowMs - this.#startedMs >= totalMs) {
      return this.#fail(new AppError('timeout_total', `thinker ${name} took longer than ${totalMs} ms for its answer`));
    }
    // A reader that lets us wait is not the thinker's silence.
    if (this.#paused) return;
    if (!this.#decoder.started) {
      if (nowMs - this.#startedMs < firstTokenMs) return;
      return this.#fail(
        new AppError('timeout_first_token', `thinker ${name} began no answer within ${firstTokenMs} ms`),
      );
    }
    if (nowMs - this.#activeMs >= stallMs) {
      this.#fail(
        new AppError('timeout_stall', `thinker ${name} fell silent for ${stallMs} ms in the middle of an answer`),
      );
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#state === 'closed') return controller.abort(cancelled);
    this.#controller = controller;
    if (this.#paused) controller.pause();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    this.#activeMs = this.#context.watch.nowMs;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== 'open') return;
    this.#activeMs = this.#context.watch.nowMs;
    if (this.#status === 200) return this.#splitter.push(chunk);
    this.#errorBytes += chunk.length;
    this.#errorBody.push(chunk);
    if (this.#errorBytes >= errorBodyBytesMax) this.#failWithStatus();
  }

  onResponseEnd(): void {
    if (this.#state === 'open' && this.#status === 200) this.#splitter.end();
    // The last line may have been the end of the answer, so the state is read again.
    if (this.open) {
      if (this.#status === 200) this.#fail(unfinishedError(this.#context.name));
      else this.#failWithStatus();
    }
    this.#state = 'closed';
    this.#context.watch.remove(this);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#state !== 'open') return this.#forget();
    const { transport, name } = this.#context;
    if (this.#status === 0 && !this.#retriedFresh && this.#request && transport.isStaleSocket(error)) {
      this.#retriedFresh = true;
      this.#controller = undefined;
      const request = this.#request;
      // Not from within the callback of the socket that just died.
      queueMicrotask(() => {
        if (this.#state === 'open') transport.dispatchFresh(request, this);
      });
      return;
    }
    // A closed pool fails inside dispatch, while the caller does not hold the flow yet.
    queueMicrotask(() => this.#fail(socketError(name, error, this.#status !== 0)));
  }

  run(text: string, from: number): number {
    return this.#decoder.run(text, from);
  }

  line(text: string): void {
    const outcome = this.#decoder.line(text);
    if (outcome === 'more') return;
    this.#splitter.stop();
    if (outcome !== 'done') return this.#fail(outcome);
    if (this.#state === 'open') this.#state = 'tail';
  }

  lineTooLong(bytes: number): void {
    const { name } = this.#context;
    this.#fail(
      new AppError(
        'upstream_broken_stream',
        `thinker ${name} sent a line of ${bytes} bytes; the most is ${lineBytesMax}`,
      ),
    );
  }

  #failWithStatus(): void {
    const { name, transport, clock } = this.#context;
    this.#fail(
      responseError({
        thinkerName: name,
        path: this.#path,
        status: this.#status,
        headers: this.#headers,
        body: Buffer.concat(this.#errorBody).subarray(0, errorBodyBytesMax).toString('utf8'),
        authenticated: transport.authenticated,
        clock,
      }),
    );
  }

  #fail(error: AppError): void {
    if (this.#state !== 'open') return;
    this.#close();
    this.#sink.fail(error);
  }

  /** Before any call to the sink, so that nothing it does brings us back here. */
  #close(): void {
    this.#forget();
    // Without a controller the request is not on the wire yet: onRequestStart aborts it when its turn comes.
    this.#controller?.abort(cancelled);
  }

  #forget(): void {
    this.#state = 'closed';
    this.#splitter.stop();
    this.#context.watch.remove(this);
  }
}

const cancelled = new Error('cancelled by the gateway');
