import type { EmbedAnswer, EmbedRequest, ThinkerKind } from '../core/chat.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { ModelName, TenantId } from '../core/ids.ts';
import type { AnswerTimeouts, Lease } from '../thinkers/thinker.ts';
import { Job } from './job.ts';
import type { Placement } from './placement.ts';

export type RoutedEmbedAnswer = EmbedAnswer & { readonly thinkerName: string; readonly thinkerKind: ThinkerKind };

/** Embeddings of a thinker: placed and retried like an answer, and nothing of them is told before the end. */
export class EmbedJob extends Job {
  readonly tenant: TenantId;
  readonly model: ModelName;
  readonly #placement: Placement;
  readonly #request: EmbedRequest;
  readonly #signal: AbortSignal;
  readonly #outcome = Promise.withResolvers<RoutedEmbedAnswer>();

  constructor(placement: Placement, request: EmbedRequest, tenant: TenantId, signal: AbortSignal) {
    super();
    this.#placement = placement;
    this.#request = request;
    this.#signal = signal;
    this.tenant = tenant;
    this.model = request.model;
  }

  /** Rejects `aborted` as soon as the signal fires, with lease and place in the queue given back. */
  run(): Promise<RoutedEmbedAnswer> {
    if (this.#signal.aborted) return Promise.reject(left());
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#placement.submit(this);
    return this.#outcome.promise;
  }

  /** Embeddings decode nothing. */
  size(): { readonly outputLimit: number; readonly promptTokens: number } {
    return { outputLimit: 1, promptTokens: Math.ceil(this.#request.input.join('').length / 4) };
  }

  begin(lease: Lease, timeouts: AnswerTimeouts): void {
    const { thinker } = lease;
    // A later attempt has another lease: what an earlier one still says is not heard.
    const isCurrent = () => this.lease === lease;
    const attempt = async (): Promise<void> => {
      try {
        const answer = await thinker.embed(this.#request, timeouts, { signal: this.#signal });
        if (!isCurrent()) return;
        this.#placement.placed(this);
        this.#placement.complete(this, undefined, { promptTokens: answer.promptTokens, completionTokens: 0 });
        this.#finish();
        this.#outcome.resolve({ ...answer, thinkerName: thinker.name, thinkerKind: thinker.kind });
      } catch (error) {
        if (isCurrent()) this.#placement.failed(this, toAppError(error), false);
      }
    };
    void attempt();
  }

  tellFailure(error: AppError): void {
    this.#finish();
    this.#outcome.reject(error);
  }

  #finish(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    if (this.state === 'done') return;
    this.#placement.leave(this);
    this.#outcome.reject(left());
  };
}

const left = (): AppError => new AppError('aborted', 'the caller left');
