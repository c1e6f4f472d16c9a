/**
 * One upstream call and those who read it. Events are appended to one buffer; a subscriber is a cursor
 * into it, so a paused or late one costs no copy. With one reader an event costs an append and a call.
 */
import { AnswerCollector, type Answer } from '../../core/answer.ts';
import { assert } from '../../core/assert.ts';
import type { AnswerFlow, AnswerOrigin, ChatEvent, DispatchSink, EndEvent } from '../../core/chat.ts';
import { toAppError, type AppError } from '../../core/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface FlightDeps {
  /** The leader's: undefined = until the model stops. */
  readonly outputLimit: number | undefined;
  readonly answerBytesMax: number;
  /** Gets the complete answer, at most once, before subscribers see its end. */
  readonly landed: (answer: Answer) => void;
  readonly logger: Logger;
  readonly onSubscribers: (change: 1 | -1) => void;
  /** Called once: the answer ended, failed, or nobody waits for it. */
  readonly onSettled: () => void;
}

interface Subscriber {
  readonly sink: DispatchSink;
  /** Position in the whole stream of the next event to send. */
  cursor: number;
  paused: boolean;
  closed: boolean;
  /** Guards against a sink that resumes itself while it is being served. */
  pumping: boolean;
  originSent: boolean;
  readonly joined: boolean;
  /** Deltas after which it is cut; undefined = no cut. */
  readonly deltasMax: number | undefined;
  deltas: number;
  /** Set while held back: called when the answer is not for this one. */
  declined: (() => void) | undefined;
  /** Of one that asked something else: whether the leader's answer will do; undefined = unless cut by a limit. */
  readonly accepts: Accepts | undefined;
}

type Accepts = (answer: Answer, origin: AnswerOrigin | undefined) => boolean;

export interface JoinWant {
  readonly outputLimit: number | undefined;
  readonly declined: () => void;
  readonly accepts?: Accepts;
}

/** What an event weighs besides its text. */
const eventOverheadChars = 48;
const noTimings = { totalNs: 0, loadNs: 0, promptEvalNs: 0, evalNs: 0 } as const;

export class Flight implements DispatchSink {
  readonly #deps: FlightDeps;
  readonly #subscribers: Subscriber[] = [];
  /** Events [#base, #base + length); those before #base have been sent to all and dropped. */
  #events: ChatEvent[] = [];
  #base = 0;
  #chars = 0;
  #overflown = false;
  #origin: AnswerOrigin | undefined;
  #upstream: AnswerFlow | undefined;
  #upstreamPaused = false;
  #pausedCount = 0;
  /** `end` or a failure has come, or the last subscriber has left. */
  #settled = false;
  #end: EndEvent | undefined;
  #failure: AppError | undefined;

  constructor(deps: FlightDeps) {
    this.#deps = deps;
  }

  get joinable(): boolean {
    return !this.#settled && !this.#overflown;
  }

  get subscriberCount(): number {
    return this.#subscribers.length;
  }

  /** @param start may push events, even all of them, before it returns. */
  launch(sink: DispatchSink, start: (sink: DispatchSink) => AnswerFlow): AnswerFlow {
    const flow = this.#subscribe(sink, {
      joined: false,
      deltasMax: undefined,
      declined: undefined,
      accepts: undefined,
    });
    let upstream: AnswerFlow;
    try {
      upstream = start(this);
    } catch (error) {
      this.fail(toAppError(error));
      return flow;
    }
    if (this.#end === undefined && this.#failure === undefined) {
      this.#upstream = upstream;
      // The subscriber may have left or paused while `start` ran.
      if (this.#settled) upstream.cancel();
      else this.#regulate();
    }
    return flow;
  }

  /** Only while `joinable`. */
  join(sink: DispatchSink, { outputLimit, declined, accepts }: JoinWant): AnswerFlow {
    assert(this.joinable, 'join() on a flight that takes no joiners');
    if (accepts !== undefined) {
      return this.#subscribe(sink, { joined: true, deltasMax: undefined, declined, accepts });
    }
    const leaders = this.#deps.outputLimit;
    const higher = leaders !== undefined && (outputLimit === undefined || outputLimit > leaders);
    const lower = outputLimit !== undefined && (leaders === undefined || outputLimit < leaders);
    return this.#subscribe(sink, {
      joined: true,
      deltasMax: lower ? outputLimit : undefined,
      declined: higher ? declined : undefined,
      accepts: undefined,
    });
  }

  origin(origin: AnswerOrigin): void {
    if (this.#settled || this.#origin !== undefined) return;
    this.#origin = origin;
    this.#pumpAll();
  }

  event(event: ChatEvent): void {
    if (this.#settled) return;
    this.#events.push(event);
    this.#chars += charsOf(event);
    if (event.type === 'end') this.#land(event);
    else if (this.#chars > this.#deps.answerBytesMax) this.#overflow();
    this.#pumpAll();
    if (this.#overflown) this.#regulate();
  }

  fail(error: AppError): void {
    if (this.#settled) return;
    this.#failure = error;
    this.#settle();
    this.#releaseHeld(({ accepts }) => accepts !== undefined);
    for (const subscriber of this.#subscribers) {
      if (subscriber.declined === undefined) continue;
      // It has heard nothing yet, and an error is clearer without the start of an answer before it.
      subscriber.declined = undefined;
      subscriber.originSent = true;
      subscriber.cursor = this.#base + this.#events.length;
    }
    this.#pumpAll();
  }

  #land(end: EndEvent): void {
    this.#end = end;
    this.#settle();
    if (this.#overflown) return; // those held back have been sent away
    const answer = this.#answer();
    try {
      this.#deps.landed(answer);
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'keeping an answer threw; the answer itself goes on');
    }
    this.#releaseHeld(({ accepts }) =>
      accepts === undefined ? end.finishReason === 'length' : !accepts(answer, this.#origin),
    );
  }

  #answer(): Answer {
    const collector = new AnswerCollector();
    for (const event of this.#events) collector.add(event);
    return collector.answer();
  }

  /** Too long to keep whole: nobody can join from here on, and those held back ask for themselves. */
  #overflow(): void {
    if (!this.#overflown) {
      this.#overflown = true;
      this.#releaseHeld(() => true);
    }
    this.#dropConsumed();
  }

  /** @param decline whom to send away; the others are served from the buffer, or, after a failure, left for later. */
  #releaseHeld(decline: (subscriber: Subscriber) => boolean): void {
    for (const subscriber of this.#subscribers.slice()) {
      const { declined } = subscriber;
      if (declined === undefined || subscriber.closed) continue;
      if (!decline(subscriber)) {
        if (this.#failure === undefined) subscriber.declined = undefined;
        continue;
      }
      this.#leave(subscriber);
      this.#guarded(declined);
    }
  }

  #dropConsumed(): void {
    let slowest = this.#base + this.#events.length;
    for (const { cursor } of this.#subscribers) if (cursor < slowest) slowest = cursor;
    if (slowest === this.#base) return;
    for (const event of this.#events.splice(0, slowest - this.#base)) this.#chars -= charsOf(event);
    this.#base = slowest;
  }

  #subscribe(sink: DispatchSink, facts: Pick<Subscriber, 'joined' | 'deltasMax' | 'declined' | 'accepts'>): AnswerFlow {
    const subscriber: Subscriber = {
      sink,
      cursor: this.#base,
      paused: false,
      closed: false,
      pumping: false,
      originSent: false,
      joined: facts.joined,
      deltasMax: facts.deltasMax,
      deltas: 0,
      declined: facts.declined,
      accepts: facts.accepts,
    };
    this.#subscribers.push(subscriber);
    this.#deps.onSubscribers(1);
    this.#regulate();
    this.#pump(subscriber);
    return {
      pause: () => {
        if (subscriber.paused || subscriber.closed) return;
        subscriber.paused = true;
        this.#pausedCount += 1;
        this.#regulate();
      },
      resume: () => {
        if (!subscriber.paused || subscriber.closed) return;
        subscriber.paused = false;
        this.#pausedCount -= 1;
        this.#pump(subscriber);
        this.#regulate();
      },
      cancel: () => this.#leave(subscriber),
    };
  }

  #pumpAll(): void {
    const subscribers = this.#subscribers;
    if (subscribers.length === 1) return this.#pump(subscribers[0]!);
    // A copy: those served may leave, and new ones may come and are served on arrival.
    for (const subscriber of subscribers.slice()) this.#pump(subscriber);
  }

  /** Sends what this subscriber may have, up to the end of the buffer. */
  #pump(subscriber: Subscriber): void {
    if (subscriber.pumping || subscriber.paused || subscriber.closed || subscriber.declined !== undefined) return;
    subscriber.pumping = true;
    try {
      if (!subscriber.originSent && this.#origin !== undefined) {
        subscriber.originSent = true;
        subscriber.sink.origin(subscriber.joined ? originForJoiner(this.#origin) : this.#origin);
      }
      while (!subscriber.paused && !subscriber.closed) {
        const event = this.#events[subscriber.cursor - this.#base];
        if (event === undefined) {
          if (this.#failure !== undefined) {
            this.#leave(subscriber);
            subscriber.sink.fail(this.#failure);
          }
          break;
        }
        subscriber.cursor += 1;
        this.#send(subscriber, event);
      }
    } catch (error) {
      // One reader's fault must not reach the others.
      this.#deps.logger.error({ err: error }, 'a reader of an answer threw; it is dropped');
      this.#leave(subscriber);
    } finally {
      subscriber.pumping = false;
    }
  }

  #send(subscriber: Subscriber, event: ChatEvent): void {
    if (event.type === 'end') {
      this.#leave(subscriber);
    } else if (subscriber.deltasMax !== undefined && (event.type === 'text-delta' || event.type === 'thinking-delta')) {
      if (subscriber.deltas === subscriber.deltasMax) {
        this.#leave(subscriber);
        return subscriber.sink.event(this.#cutAt(subscriber.deltasMax));
      }
      const left = subscriber.deltasMax - subscriber.deltas;
      if (event.pieces !== undefined && event.pieces.length > left) {
        const pieces = event.pieces.slice(0, left);
        subscriber.deltas = subscriber.deltasMax;
        subscriber.sink.event({ type: event.type, text: pieces.join(''), pieces });
        if (subscriber.closed) return;
        this.#leave(subscriber);
        return subscriber.sink.event(this.#cutAt(subscriber.deltasMax));
      }
      subscriber.deltas += event.pieces?.length ?? 1;
    }
    subscriber.sink.event(event);
  }

  /**
   * The end of an answer cut at a lower limit; a piece counts as a token. Prompt tokens and times are 0
   * while the thinker has not told them: waiting for its end would hold back what is complete.
   */
  #cutAt(completionTokens: number): EndEvent {
    const promptTokens = this.#end?.usage.promptTokens ?? 0;
    return {
      type: 'end',
      finishReason: 'length',
      usage: { promptTokens, completionTokens },
      timings: this.#end?.timings ?? noTimings,
    };
  }

  /** Idempotent. The last one to leave cancels upstream, in the same turn. */
  #leave(subscriber: Subscriber): void {
    if (subscriber.closed) return;
    subscriber.closed = true;
    subscriber.declined = undefined;
    const subscribers = this.#subscribers;
    subscribers.splice(subscribers.indexOf(subscriber), 1);
    if (subscriber.paused) this.#pausedCount -= 1;
    this.#deps.onSubscribers(-1);
    if (this.#settled) {
      if (subscribers.length === 0) this.#events = [];
      return;
    }
    if (subscribers.length > 0) return this.#regulate();
    this.#settle();
    this.#events = [];
    this.#upstream?.cancel();
  }

  #settle(): void {
    this.#settled = true;
    this.#deps.onSettled();
  }

  /**
   * Upstream waits when every subscriber does, or when an over-long answer is held in the buffer by a
   * slow one: memory is bounded before speed.
   */
  #regulate(): void {
    if (this.#upstream === undefined || this.#settled) return;
    if (this.#overflown) this.#dropConsumed();
    const wait =
      this.#pausedCount === this.#subscribers.length ||
      (this.#overflown && this.#pausedCount > 0 && this.#chars > this.#deps.answerBytesMax);
    if (wait === this.#upstreamPaused) return;
    this.#upstreamPaused = wait;
    if (wait) this.#upstream.pause();
    else this.#upstream.resume();
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'a reader of an answer threw when it was sent away');
    }
  }
}

function charsOf(event: ChatEvent): number {
  switch (event.type) {
    case 'text-delta':
    case 'thinking-delta':
      return event.text.length + eventOverheadChars * (event.pieces?.length ?? 1);
    case 'tool-call':
      return event.call.argumentsJson.length + eventOverheadChars;
    default:
      return eventOverheadChars;
  }
}

/** A joiner of a running call is told so; a joiner of a replayed hit got that hit. */
function originForJoiner(origin: AnswerOrigin): AnswerOrigin {
  if (origin.source === 'exact' || origin.source === 'semantic') return origin;
  return { ...origin, source: 'coalesced' };
}
