/**
 * The end of an answer's way: events and whole answers become bytes in the client's dialect.
 * Holds the status until there is something to say, keeps silent streams alive, slows the thinker to
 * the reader's pace, and stops it when the reader leaves.
 */
import { AnswerCollector, replayEvents, type Answer } from '../core/answer.ts';
import type { AnswerFlow, AnswerOrigin, ChatEvent, EndEvent } from '../core/chat.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { AppError, RequestOutcome } from '../core/errors.ts';
import type { ExactKey } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { BypassReason, ExactLookup, SemanticLookup } from '../cache/cache-types.ts';
import type { CacheStatus, RequestLog, RequestSteps } from '../telemetry/request-log.ts';
import { traceparentOf } from '../telemetry/traceparent.ts';
import type { AnswerCodec, DecodedAnswerRequest, Reply, StreamEncoder } from './dialects/dialect.ts';
import type { AnswerCost } from './answer-cost.ts';
import { headerText, thinkerLabel, type Exchange } from './exchange.ts';
import { entryOf, tellMoney, type AnswerBook } from './answer-book.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { JourneySink } from './serve-answer.ts';

export interface AnswerWriterDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly requestMetrics: RequestMetrics;
  readonly requestLog: RequestLog;
  readonly book: AnswerBook;
  readonly answerCost: AnswerCost;
  readonly heartbeatMs: number;
}

export class AnswerWriter implements JourneySink {
  readonly #exchange: Exchange;
  readonly #codec: AnswerCodec;
  readonly #decoded: DecodedAnswerRequest;
  readonly #notices: readonly string[];
  readonly #deps: AnswerWriterDeps;
  readonly #onFinished: () => void;
  readonly #reply: Reply;
  #flow: AnswerFlow | undefined;
  #paused = false;
  #planned: 'miss' | 'bypass' = 'miss';
  #bypassReason: BypassReason | undefined;
  #question: ExactKey | undefined;
  #exact: ExactLookup['kind'] | undefined;
  #exactMs: number | undefined;
  /** Its parts are read when the request is over: a hit pays for a reference. */
  #semantic: SemanticLookup | undefined;
  #semanticMs: number | undefined;
  #origin: AnswerOrigin | undefined;
  #encoder: StreamEncoder | undefined;
  #collector: AnswerCollector | undefined;
  #pending = '';
  #flushDue = false;
  #heartbeat: Timer | undefined;
  #lastWriteMs = 0;
  #ttftMs: number | undefined;
  #deltas = 0;
  #done = false;

  /** @param onFinished called once, when the reply is complete, failed or abandoned. */
  constructor(
    exchange: Exchange,
    codec: AnswerCodec,
    decoded: DecodedAnswerRequest,
    notices: readonly string[],
    deps: AnswerWriterDeps,
    onFinished: () => void,
  ) {
    this.#exchange = exchange;
    this.#codec = codec;
    this.#decoded = decoded;
    this.#notices = notices;
    this.#deps = deps;
    this.#onFinished = onFinished;
    this.#reply = {
      requestId: exchange.requestId,
      model: decoded.model,
      createdAt: exchange.receivedAt,
      idSeed: deps.random.id(24),
    };
    exchange.response.on('close', this.#onClose);
  }

  /** The hand on the answer, once there is one. */
  attach(flow: AnswerFlow): void {
    this.#flow = flow;
    if (this.#done) return flow.cancel();
    if (this.#paused) flow.pause();
    // Nothing is to be kept alive when the answer came at once.
    if (this.#decoded.stream) {
      this.#lastWriteMs = this.#deps.clock.monotonicMs();
      this.#heartbeat = this.#deps.clock.every(this.#deps.heartbeatMs, this.#beat);
    }
  }

  planned(status: 'miss' | 'bypass', reason: BypassReason | undefined, question: ExactKey | undefined): void {
    this.#planned = status;
    this.#bypassReason = reason;
    this.#question = question;
  }

  looked(exact: ExactLookup['kind'], ms: number): void {
    this.#exact = exact;
    this.#exactMs = ms;
  }

  compared(lookup: SemanticLookup, ms: number): void {
    this.#semantic = lookup;
    this.#semanticMs = ms;
  }

  origin(origin: AnswerOrigin): void {
    this.#origin = origin;
  }

  event(event: ChatEvent): void {
    if (this.#done) return;
    if (event.type !== 'start' && event.type !== 'end') {
      this.#deltas += event.type === 'tool-call' ? 1 : (event.pieces?.length ?? 1);
      this.#ttftMs ??= this.#deps.clock.monotonicMs() - this.#exchange.startedMs;
    }
    if (this.#decoded.stream) {
      this.#encoder ??= this.#decoded.openStream(this.#reply);
      this.#queue(encodeEvent(this.#encoder, event));
      if (event.type === 'end') this.#endStream(event);
    } else {
      this.#collector ??= new AnswerCollector();
      this.#collector.add(event);
      if (event.type === 'end') this.#sendAnswer(this.#collector.answer());
    }
  }

  whole(origin: AnswerOrigin, answer: Answer): void {
    if (this.#done) return;
    this.#origin = origin;
    this.#ttftMs = this.#deps.clock.monotonicMs() - this.#exchange.startedMs;
    if (!this.#decoded.stream) return this.#sendAnswer(answer);
    const encoder = this.#decoded.openStream(this.#reply);
    let bytes = '';
    for (const event of replayEvents(answer, this.#reply.createdAt)) bytes += encoder.event(event);
    this.#endWith(bytes, answer.end);
  }

  fail(error: AppError): void {
    if (this.#done) return;
    const { response } = this.#exchange;
    if (!response.headersSent && this.#pending === '') {
      const encoded = this.#exchange.encodeError(error, this.#exchange.requestId);
      response.writeHead(encoded.status, {
        ...this.#headers('application/json; charset=utf-8'),
        'content-length': Buffer.byteLength(encoded.body),
        ...(error.retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) }),
      });
      this.#finish(error.outcome, encoded.status, undefined, error);
      response.end(encoded.body);
      return;
    }
    this.#encoder ??= this.#decoded.openStream(this.#reply);
    const bytes = this.#pending + this.#encoder.fail(error);
    this.#pending = '';
    this.#openStream();
    this.#finish(error.outcome, 200, undefined, error);
    response.end(bytes);
  }

  #sendAnswer(answer: Answer): void {
    const body = this.#decoded.encodeAnswer(answer, this.#reply);
    const headers = this.#headers('application/json; charset=utf-8', answer.end);
    headers['content-length'] = Buffer.byteLength(body);
    this.#exchange.response.writeHead(200, headers);
    this.#finish('ok', 200, answer.end, undefined);
    this.#exchange.response.end(body);
  }

  #endStream(end: EndEvent): void {
    const bytes = this.#pending;
    this.#pending = '';
    this.#endWith(bytes, end);
  }

  /** The last of a stream; where nothing has left before it its length is known, and it leaves in one piece. */
  #endWith(bytes: string, end: EndEvent): void {
    this.#openStream(end, bytes);
    this.#finish('ok', 200, end, undefined);
    this.#exchange.response.end(bytes);
  }

  /** Tokens that arrive in one read of the upstream socket leave in one write. */
  #queue(bytes: string): void {
    if (bytes === '') return;
    this.#pending += bytes;
    if (this.#flushDue) return;
    this.#flushDue = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushDue = false;
    if (this.#done || this.#pending === '') return;
    this.#openStream();
    const bytes = this.#pending;
    this.#pending = '';
    this.#lastWriteMs = this.#deps.clock.monotonicMs();
    if (!this.#exchange.response.write(bytes) && !this.#paused) {
      this.#paused = true;
      this.#flow?.pause();
      this.#exchange.response.once('drain', this.#onDrain);
    }
  };

  readonly #onDrain = (): void => {
    this.#paused = false;
    if (!this.#done) this.#flow?.resume();
  };

  readonly #onClose = (): void => {
    if (this.#done) return;
    this.#finish('cancelled', 499, undefined, undefined);
    this.#flow?.cancel();
  };

  readonly #beat = (): void => {
    const { clock, heartbeatMs } = this.#deps;
    if (this.#done || clock.monotonicMs() - this.#lastWriteMs < heartbeatMs * 0.9) return;
    // A stalled reader gets no pings on top: they would only fill its buffer.
    if (this.#paused) return;
    this.#openStream();
    if (this.#codec.heartbeat === undefined) this.#exchange.response.flushHeaders();
    else this.#exchange.response.write(this.#codec.heartbeat);
    this.#lastWriteMs = clock.monotonicMs();
  };

  /** @param end and `whole`: where the answer is there before its first byte leaves, as a stored one is */
  #openStream(end?: EndEvent, whole?: string): void {
    const { response } = this.#exchange;
    if (response.headersSent) return;
    const headers = this.#headers(this.#codec.streamContentType, end);
    headers['cache-control'] = 'no-cache';
    headers['x-accel-buffering'] = 'no';
    if (whole !== undefined) headers['content-length'] = Buffer.byteLength(whole);
    response.writeHead(200, headers);
  }

  get #cacheStatus(): CacheStatus {
    const source = this.#origin?.source;
    return source === undefined || source === 'thinker' || source === 'fallback' ? this.#planned : source;
  }

  #headers(contentType: string, end?: EndEvent): Record<string, string | number> {
    const { requestId, cors } = this.#exchange;
    const status = this.#cacheStatus;
    const headers: Record<string, string | number> = {
      'content-type': contentType,
      'x-selfhost-cache': status,
      'x-selfhost-request-id': requestId,
    };
    const hit = this.#origin?.hit;
    if (hit !== undefined) {
      headers['x-selfhost-similarity'] = hit.similarity === 1 ? '1' : hit.similarity.toFixed(4);
      headers['x-selfhost-entry'] = hit.entryId;
      headers['age'] = Math.max(0, Math.floor(hit.ageS));
    }
    const similarity = this.#origin?.similarity;
    if (similarity !== undefined) headers['x-selfhost-similarity'] = similarity.toFixed(4);
    const thinker = this.#origin?.thinker;
    if (thinker !== undefined) headers['x-selfhost-thinker'] = thinkerLabel(thinker.name, thinker.kind);
    if (status === 'bypass' && this.#bypassReason !== undefined) headers['x-selfhost-bypass'] = this.#bypassReason;
    const semantic = this.#semantic;
    if (semantic !== undefined && semantic.kind !== 'unavailable' && semantic.note !== undefined)
      headers['x-selfhost-semantic'] = semantic.note;
    if (end !== undefined && this.#origin !== undefined)
      tellMoney(headers, this.#deps, this.#decoded.model, this.#origin, end);
    if (this.#notices.length > 0) headers['x-selfhost-notice'] = headerText(this.#notices.join('; '));
    if (cors !== undefined) Object.assign(headers, cors);
    return headers;
  }

  #finish(outcome: RequestOutcome, status: number, end: EndEvent | undefined, error: AppError | undefined): void {
    this.#done = true;
    this.#heartbeat?.clear();
    const { book, clock, requestLog, requestMetrics } = this.#deps;
    const { route, requestId, tenant, receivedAt, startedMs } = this.#exchange;
    const cache = this.#origin === undefined ? undefined : this.#cacheStatus;
    const finished = {
      route,
      model: this.#decoded.model,
      stream: this.#decoded.stream,
      cache,
      outcome,
      totalMs: clock.monotonicMs() - startedMs,
      ttftMs: this.#ttftMs,
      promptTokens: end?.usage.promptTokens ?? 0,
      // A reader that left is charged what was made for it: one delta is one token.
      completionTokens: end?.usage.completionTokens ?? this.#deltas,
      source: this.#origin?.source === 'fallback' ? ('fallback' as const) : undefined,
      evalNs: this.#origin?.source === 'thinker' ? (end?.timings.evalNs ?? 0) : 0,
    };
    requestMetrics.finished(finished);
    // Cut short or not: what was made was paid for.
    if (this.#origin?.source === 'thinker' || this.#origin?.source === 'fallback')
      this.#exchange.caller.used(
        finished.promptTokens + finished.completionTokens,
        this.#deps.answerCost(this.#origin, end, finished.totalMs),
      );
    const entry = entryOf({ exchange: this.#exchange, finished, origin: this.#origin, end, question: this.#question });
    if (entry !== undefined) book.record(entry);
    requestLog.add({
      id: requestId,
      at: receivedAt,
      route,
      tenant,
      model: finished.model,
      stream: finished.stream,
      cache,
      thinker: this.#origin?.thinker?.name,
      ...(finished.source !== undefined && { source: finished.source }),
      entryId: this.#origin?.hit?.entryId,
      similarity: this.#origin?.hit?.similarity ?? this.#origin?.similarity,
      outcome,
      status,
      error: error === undefined ? undefined : `${error.code}: ${error.message}`,
      totalMs: finished.totalMs,
      ttftMs: finished.ttftMs,
      promptTokens: finished.promptTokens,
      completionTokens: finished.completionTokens,
      steps: this.#steps,
      finishReason: end?.finishReason,
      traceparent: traceparentOf(this.#exchange.request.headers),
    });
    this.#onFinished();
  }

  get #steps(): RequestSteps {
    const origin = this.#origin;
    return {
      bypass: this.#bypassReason,
      exact: this.#exact,
      exactMs: this.#exactMs,
      semantic: this.#semantic?.kind,
      semanticMs: this.#semanticMs,
      semanticReason: this.#semantic === undefined ? undefined : reasonOf(this.#semantic),
      ageS: origin?.hit?.ageS,
      answerOf: origin?.source === 'coalesced' ? origin.ledBy : origin?.hit?.askedBy,
      queuedMs: origin?.thinker?.queuedMs,
      cold: origin?.thinker?.cold,
    };
  }
}

/** What came piece by piece leaves so: clients count lines to show a speed. */
function encodeEvent(encoder: StreamEncoder, event: ChatEvent): string {
  if ((event.type !== 'text-delta' && event.type !== 'thinking-delta') || event.pieces === undefined)
    return encoder.event(event);
  const { type } = event;
  let bytes = '';
  for (const text of event.pieces) bytes += encoder.event({ type, text });
  return bytes;
}

function reasonOf(lookup: SemanticLookup): string | undefined {
  if (lookup.kind === 'hit') return undefined;
  return lookup.kind === 'miss' ? lookup.reason : lookup.cause.message;
}
