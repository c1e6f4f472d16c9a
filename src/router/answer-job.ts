import type { AnswerFlow, AnswerRequest, AnswerSink, ChatEvent, DispatchSink } from '../core/chat.ts';
import { isLoadRequest } from '../core/chat.ts';
import { toAppError, type AppError } from '../core/errors.ts';
import type { ModelName, TenantId } from '../core/ids.ts';
import type { AnswerTimeouts, Lease } from '../thinkers/thinker.ts';
import { Job } from './job.ts';
import type { Placement } from './placement.ts';
import type { DispatchOptions } from './router-types.ts';
import type { Patience } from './standby.ts';

/** A streamed answer: stands between thinker and reader, and may change the thinker until the first event. */
export class AnswerJob extends Job implements AnswerFlow, AnswerSink {
  readonly tenant: TenantId;
  readonly model: ModelName;
  override readonly idle: boolean;
  override readonly patience: Patience;
  readonly #placement: Placement;
  readonly #request: AnswerRequest;
  readonly #sink: DispatchSink;
  #flow: AnswerFlow | undefined;
  #paused = false;
  #begun = false;
  #ttftMs: number | undefined;

  constructor(
    placement: Placement,
    request: AnswerRequest,
    sink: DispatchSink,
    { tenant, priority, patience }: Pick<DispatchOptions, 'tenant' | 'priority' | 'patience'>,
  ) {
    super();
    this.#placement = placement;
    this.#request = request;
    this.#sink = sink;
    this.tenant = tenant;
    this.model = request.model;
    this.idle = priority === 'idle';
    this.patience = patience ?? 'plain';
  }

  size(): { readonly outputLimit: number | undefined; readonly promptTokens: number } {
    return { outputLimit: this.#request.outputLimit, promptTokens: guessTokens(this.#request) };
  }

  begin(lease: Lease, timeouts: AnswerTimeouts): void {
    let flow: AnswerFlow;
    try {
      flow = lease.thinker.answer(this.#request, this, timeouts);
    } catch (error) {
      const failure = toAppError(error);
      return queueMicrotask(() => this.fail(failure));
    }
    // A driver that tells the end before it returns has ended this attempt already.
    if (this.lease !== lease) return;
    this.#flow = flow;
    if (this.#paused) flow.pause();
  }

  event(event: ChatEvent): void {
    if (this.state !== 'running') return;
    if (!this.#begun) {
      this.#first();
      // The reader may have left on hearing where the answer comes from.
      if (this.state !== 'running') return;
    }
    // The lease is given back first: whatever the reader does, it is not lost.
    if (event.type === 'end') {
      this.#flow = undefined;
      this.#placement.complete(this, this.#ttftMs, event.usage);
    }
    this.#sink.event(event);
  }

  fail(error: AppError): void {
    if (this.state !== 'running') return;
    this.#flow = undefined;
    this.#placement.failed(this, error, this.#begun);
  }

  tellFailure(error: AppError): void {
    this.#sink.fail(error);
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#flow?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow?.resume();
  }

  cancel(): void {
    if (this.state === 'done') return;
    const flow = this.#flow;
    this.#flow = undefined;
    this.#placement.leave(this);
    flow?.cancel();
  }

  override stop(): void {
    const flow = this.#flow;
    this.#flow = undefined;
    flow?.cancel();
  }

  #first(): void {
    this.#begun = true;
    this.#placement.placed(this);
    const view = this.view!;
    // A load is no measure of how fast a model answers.
    if (!this.cold && !isLoadRequest(this.#request))
      this.#ttftMs = this.#placement.clock.monotonicMs() - this.startedMs;
    this.#sink.origin({
      source: 'thinker',
      thinker: {
        id: view.id,
        name: view.name,
        kind: view.kind,
        digest: view.models.get(this.model)?.digest,
        queuedMs: this.waitedMs,
        cold: this.cold,
      },
    });
  }
}

/** Of ordinary English text; only a guess until the thinker has counted. */
const lettersPerToken = 4;

export function guessTokens(request: AnswerRequest): number {
  const letters =
    request.kind === 'chat'
      ? request.messages.reduce((sum, { content }) => sum + content.length, 0)
      : request.prompt.length + (request.system?.length ?? 0);
  return Math.ceil(letters / lettersPerToken);
}
