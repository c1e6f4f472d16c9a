import type {
  AnswerFlow,
  AnswerRequest,
  CallOptions,
  DispatchSink,
  EmbedAnswer,
  EmbedRequest,
  ThinkerKind,
} from '../core/chat.ts';
import type { ModelName, RequestId, TenantId } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import type { IdleStats } from './idle-line.ts';
import type { Patience } from './standby.ts';

export interface DispatchOptions {
  readonly requestId: RequestId;
  /** Waiting requests take turns by tenant, not by arrival. */
  readonly tenant: TenantId;
  /**
   * `idle` waits for a ready thinker that has the model in memory, room, and nobody waiting; it is in nobody's
   * way: it fails with `queue_full` or `timeout_queue` when it was never begun, `aborted` when it had to make
   * room for a user. It is tried once and counts towards no demand.
   */
  readonly priority?: 'normal' | 'idle';
  /** Default `plain`. */
  readonly patience?: Patience;
}

export interface Router {
  /**
   * Finds a thinker and streams its answer into the sink. Fails over before the first event only.
   * `no_thinker_ready` when none could ever take it, `queue_full` or `timeout_queue` when it waited in vain,
   * `model_not_found` when thinkers are up and none has the model.
   */
  dispatch(request: AnswerRequest, sink: DispatchSink, options: DispatchOptions): AnswerFlow;
  embed(
    request: EmbedRequest,
    options: DispatchOptions & CallOptions,
  ): Promise<EmbedAnswer & { readonly thinkerName: string; readonly thinkerKind: ThinkerKind }>;
  show(model: ModelName, body: JsonObject, options: CallOptions): Promise<JsonObject>;
  /** Without idle jobs. */
  stats(): { readonly waiting: number; readonly running: number };
  idle(): IdleStats;
}
