/** One answer on its way out: waits as the profile says, writes, stops when the client is gone, fails as asked. */
import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { ThinkerProfile } from '../profiles.ts';
import type { Composed } from './answer.ts';
import type { Ask } from './ask.ts';
import type { Fault, StreamFaultKind } from './faults.ts';
import { jsonType, ndjsonType, sendJson } from './http.ts';
import { AnswerLines } from './lines.ts';
import type { RunnerLease } from './runner.ts';

/** When a generation whose client has left is stopped. Ollama notices at the first token it writes (`at-token`). */
export type CancelNotice = 'at-token' | 'at-once';

export interface GenerationDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly profile: ThinkerProfile;
  readonly cancelNotice: CancelNotice;
}

export interface GenerationTask {
  readonly ask: Ask;
  readonly composed: Composed;
  readonly response: ServerResponse;
  readonly lease: RunnerLease;
  /** Monotonic, when the request came. */
  readonly startedMs: number;
  readonly fault: Fault | undefined;
  /** Called once; the lease is released by then. */
  readonly ended: (outcome: 'completed' | 'cancelled' | 'failed', tokens: number) => void;
}

interface StreamFault {
  readonly kind: StreamFaultKind;
  readonly tokens: number;
}

export class Generation {
  readonly #deps: GenerationDeps;
  readonly #task: GenerationTask;
  readonly #lines: AnswerLines;
  readonly #fault: StreamFault | undefined;
  #timer: Timer | undefined;
  #made = 0;
  #clientGone = false;
  #parked = false;
  #over = false;
  #firstTokenMs = 0;
  #prefillStartMs = 0;
  #dueMs = 0;

  constructor(deps: GenerationDeps, task: GenerationTask) {
    this.#deps = deps;
    this.#task = task;
    this.#lines = new AnswerLines(task.ask, task.composed, new Date(deps.clock.now()).toISOString());
    const fault = task.fault;
    this.#fault = fault && 'tokens' in fault ? fault : undefined;
  }

  start(): void {
    const { clock, profile } = this.#deps;
    const { response, fault } = this.#task;
    this.#prefillStartMs = clock.monotonicMs();
    const slowFirstMs = fault?.kind === 'slow-first' ? fault.ms : undefined;
    if (profile.instant && slowFirstMs === undefined) return this.#atOnce();
    response.on('close', this.#onClose);
    const prefillMs = profile.ttftBaseMs + (this.#task.ask.promptTokens / profile.prefillTokensPerSecond) * 1_000;
    this.#timer = clock.after(slowFirstMs ?? this.#jittered(prefillMs), () => {
      if (profile.instant && !this.#clientGone) return this.#atOnce();
      this.#firstTokenMs = this.#dueMs = clock.monotonicMs();
      this.#step();
    });
  }

  /** The server closes: no timer may survive it. */
  abort(): void {
    this.#end('cancelled');
  }

  readonly #onClose = (): void => {
    if (this.#over || this.#task.response.writableFinished) return;
    this.#clientGone = true;
    if (this.#parked || this.#deps.cancelNotice === 'at-once') this.#end('cancelled');
  };

  /** The whole answer, or the part before its fault, in one write. */
  #atOnce(): void {
    this.#firstTokenMs = this.#deps.clock.monotonicMs();
    const until = this.#fault ? Math.min(this.#fault.tokens, this.#lines.count) : this.#lines.count;
    this.#made = until;
    if (this.#fault && this.#fault.tokens <= this.#lines.count) {
      if (this.#task.ask.stream) this.#write(this.#linesBetween(0, until));
      return this.#fail(this.#fault);
    }
    if (this.#task.ask.stream) this.#writeAll(this.#linesBetween(0, until) + this.#lines.last(this.#measured()));
    else this.#writeWhole();
    this.#end('completed');
  }

  /** Writes every token that is due, then waits for the next. */
  #step(): void {
    if (this.#clientGone) return this.#end('cancelled');
    const { clock } = this.#deps;
    const { response, ask } = this.#task;
    let text = '';
    const nowMs = clock.monotonicMs();
    while (this.#dueMs <= nowMs) {
      if (this.#fault && this.#made >= this.#fault.tokens) {
        if (text !== '') this.#write(text);
        return this.#fail(this.#fault);
      }
      if (this.#made === this.#lines.count) {
        if (ask.stream) this.#write(text + this.#lines.last(this.#measured()), true);
        else this.#writeWhole();
        return this.#end('completed');
      }
      if (ask.stream) text += this.#lines.line(this.#made);
      this.#made++;
      this.#dueMs += this.#tokenMs();
    }
    if (text !== '' && !this.#write(text)) {
      // The reader is slow: as in Ollama, generation waits for it.
      this.#parked = true;
      response.once('drain', () => {
        this.#parked = false;
        this.#dueMs = Math.max(this.#dueMs, clock.monotonicMs());
        if (!this.#over) this.#step();
      });
      return;
    }
    this.#timer = clock.after(Math.max(0, this.#dueMs - nowMs), () => this.#step());
  }

  #tokenMs(): number {
    const { profile } = this.#deps;
    const others = Math.max(0, this.#task.lease.busySlots() - 1);
    return this.#jittered((1_000 / profile.tokensPerSecond) * (1 + profile.slotPenalty * others));
  }

  #jittered(ms: number): number {
    const { random, profile } = this.#deps;
    return profile.jitter === 0 ? ms : ms * (1 + profile.jitter * (2 * random.float() - 1));
  }

  #linesBetween(from: number, to: number): string {
    let text = '';
    for (let i = from; i < to; i++) text += this.#lines.line(i);
    return text;
  }

  /** @returns false when the reader should be waited for. */
  #write(text: string, last = false): boolean {
    const { response } = this.#task;
    if (!response.headersSent) response.writeHead(200, { 'content-type': ndjsonType });
    if (!last) return response.write(text);
    response.end(text);
    return true;
  }

  /** A length instead of chunks lets head and body leave in one system call, which is half the cost of an instant answer. */
  #writeAll(text: string): void {
    const { response } = this.#task;
    response.writeHead(200, { 'content-type': ndjsonType, 'content-length': Buffer.byteLength(text) });
    response.end(text);
  }

  #writeWhole(): void {
    const { response } = this.#task;
    const body = this.#lines.whole(this.#measured());
    response.writeHead(200, { 'content-type': jsonType, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  }

  #measured() {
    const nowMs = this.#deps.clock.monotonicMs();
    return {
      totalMs: nowMs - this.#task.startedMs,
      loadMs: this.#task.lease.loadMs,
      prefillMs: this.#firstTokenMs - this.#prefillStartMs,
      decodeMs: nowMs - this.#firstTokenMs,
    };
  }

  #fail(fault: StreamFault): void {
    const { response, ask } = this.#task;
    switch (fault.kind) {
      case 'cut':
        // What was written reaches the client first; then the connection ends without the last chunk.
        if (!response.headersSent && ask.stream) response.writeHead(200, { 'content-type': ndjsonType });
        if (response.headersSent) response.write('', () => response.destroy());
        else response.destroy();
        return this.#end('failed');
      case 'eof':
        if (ask.stream) this.#write('', true);
        else this.#halfWhole();
        return this.#end('failed');
      case 'stall':
        if (ask.stream && !response.headersSent) {
          response.writeHead(200, { 'content-type': ndjsonType });
          response.flushHeaders();
        }
        // The slot stays taken, as that of a hung runner does, until the client gives up.
        this.#parked = true;
        response.on('close', this.#onClose);
        return;
      case 'malformed': {
        const rest = this.#linesBetween(this.#made, this.#lines.count);
        this.#made = this.#lines.count;
        if (ask.stream)
          this.#write(
            `{"model":"${ask.modelName}","message":{"role\n${rest}${this.#lines.last(this.#measured())}`,
            true,
          );
        else this.#halfWhole();
        return this.#end('failed');
      }
      default: {
        const message = 'simulated error of the runner: an error was encountered while running the model';
        if (ask.stream) this.#write(`${JSON.stringify({ error: message })}\n`, true);
        else sendJson(response, 500, { error: message });
        this.#end('failed');
      }
    }
  }

  /** A non-streamed body that ends before its JSON does, cleanly as far as HTTP can tell. */
  #halfWhole(): void {
    const body = this.#lines.whole(this.#measured());
    this.#task.response.writeHead(200, { 'content-type': jsonType });
    this.#task.response.end(body.slice(0, body.length / 2));
  }

  #end(outcome: 'completed' | 'cancelled' | 'failed'): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.clear();
    this.#task.response.off('close', this.#onClose);
    this.#task.lease.release();
    this.#task.ended(outcome, this.#made);
  }
}
