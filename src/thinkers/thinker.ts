import type { Readable } from 'node:stream';
import type {
  AnswerFlow,
  AnswerRequest,
  AnswerSink,
  CallOptions,
  EmbedAnswer,
  EmbedRequest,
  ThinkerKind,
} from '../core/chat.ts';
import type { AppError } from '../core/errors.ts';
import type { ModelName, ThinkerId } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import type { UsdMicros } from '../core/units.ts';

/** One row of `/api/tags`, kept whole for the clients. */
export interface ModelInfo {
  readonly name: ModelName;
  /** '' when the server did not say. */
  readonly digest: string;
  readonly raw: JsonObject;
}

/** One row of `/api/ps`. */
export interface LoadedModel {
  readonly name: ModelName;
  readonly raw: JsonObject;
}

export interface ThinkerReport {
  readonly version: string;
  readonly models: readonly ModelInfo[];
  readonly loaded: readonly LoadedModel[];
  /** Of the models it holds; undefined when it does not tell. */
  readonly vramUsedBytes?: number | undefined;
}

export interface AnswerTimeouts {
  /** Until the first line of the answer: minutes for a cold model, seconds for a warm one. */
  readonly firstTokenMs: number;
  /** Between two chunks. */
  readonly stallMs: number;
  readonly totalMs: number;
}

/** An operator's call to a management route, passed through byte for byte. */
export interface ManagementCall {
  readonly method: 'HEAD' | 'POST' | 'DELETE';
  /** `/api/pull`, `/api/blobs/sha256:…`. */
  readonly path: string;
  readonly contentType: string | undefined;
  readonly body: Buffer | Readable | undefined;
}

export interface ManagementSink {
  head(status: number, contentType: string | undefined): void;
  /** @returns false to be paused until `resume` is called. */
  data(chunk: Buffer, resume: () => void): boolean;
  end(): void;
  fail(error: AppError): void;
}

/** Port: one inference server that speaks Ollama's native API. Drivers in `thinker/`. */
export interface Thinker {
  readonly id: ThinkerId;
  /** For people and for `x-selfhost-thinker`. */
  readonly name: string;
  readonly kind: ThinkerKind;
  readonly url: string;
  /** Requests it is given at a time. */
  readonly maxConcurrency: number;
  readonly costPerHour: UsdMicros;
  /**
   * Native `/api/chat` or `/api/generate`, always streamed. An end without `done:true` fails with
   * upstream_broken_stream. Whether to retry is the router's business.
   */
  answer(request: AnswerRequest, sink: AnswerSink, timeouts: AnswerTimeouts): AnswerFlow;
  embed(request: EmbedRequest, timeouts: AnswerTimeouts, options: CallOptions): Promise<EmbedAnswer>;
  /** Version, models and residency. @throws upstream_failed | timeout_connect … */
  probe(options: CallOptions): Promise<ThinkerReport>;
  /** `/api/show`, as the server says it. @throws model_not_found … */
  show(body: JsonObject, options: CallOptions): Promise<JsonObject>;
  manage(call: ManagementCall, sink: ManagementSink, options: CallOptions): void;
  close(): Promise<void>;
}

export type ThinkerState = 'ready' | 'loading' | 'ejected' | 'unreachable' | 'draining';

/** What the router, the banner and the status page see of a thinker. */
export interface ThinkerView {
  readonly id: ThinkerId;
  readonly name: string;
  readonly kind: ThinkerKind;
  readonly url: string;
  readonly state: ThinkerState;
  readonly version: string;
  readonly models: ReadonlyMap<ModelName, ModelInfo>;
  readonly loaded: ReadonlySet<ModelName>;
  /** Label of its gauges: `t1`, `t2`, …; the next thinker takes it when this one has left. */
  readonly slot: string;
  /** GPU memory of the models it holds; undefined while it cannot be reached, or does not tell. */
  readonly vramUsedBytes: number | undefined;
  readonly inFlight: number;
  readonly maxConcurrency: number;
  /** Time it has had at least one request, since it came; never goes back. */
  readonly busyMs: number;
  readonly ttftMsEwma: number;
  readonly failuresInRow: number;
  readonly costPerHour: UsdMicros;
  /** In [0, 1]: share of its normal load a thinker is given while it returns after an ejection. */
  readonly weight: number;
  readonly lastError: string | undefined;
}

export type LeaseOutcome =
  | { readonly kind: 'completed'; readonly ttftMs: number | undefined }
  /** Its fault: counts towards ejection. */
  | { readonly kind: 'failed'; readonly error: AppError }
  /** Busy, rejected the request itself, or the client left: not its fault. */
  | { readonly kind: 'busy' | 'aborted' }
  /** `modelMissing`: it does not have that model, whatever its list said; not asked again before its next probe. */
  | { readonly kind: 'rejected'; readonly modelMissing?: ModelName };

export interface Lease {
  readonly thinker: Thinker;
  /** Exactly once. */
  release(outcome: LeaseOutcome): void;
}

export interface ModelDemand {
  readonly model: ModelName;
  readonly arrivalsPerSecond: number;
  readonly inFlight: number;
  readonly waiting: number;
}

/** Port read by the router. */
export interface ThinkerPool {
  views(): readonly ThinkerView[];
  get(id: ThinkerId): Thinker | undefined;
  /** @param model counted as loaded there once the lease has completed, before the next probe says so */
  lease(id: ThinkerId, model?: ModelName): Lease;
  /** Called whenever a request that waits might now be placed: a lease ended, a probe succeeded, a thinker came. */
  onCapacity(listener: () => void): void;
  /** Digest of the model as the thinkers report it, the last known one while none is up; '' when never seen. */
  digestOf(model: ModelName): string;
  /** Union over thinkers, first seen wins. */
  models(): readonly ModelInfo[];
  loaded(): readonly LoadedModel[];
}

/** Port written by whoever runs the fleet. */
export interface ThinkerRegistry {
  add(thinker: Thinker): void;
  /** Gives it nothing new. Resolves `kept` when `keep` takes it back. */
  drain(id: ThinkerId, deadlineMs: number): Promise<'idle' | 'deadline' | 'kept'>;
  /** Lets a draining thinker serve again. */
  keep(id: ThinkerId): void;
  /** Models that are served though no thinker with them may be there; shown while none is. */
  announce(models: readonly ModelInfo[]): void;
  remove(id: ThinkerId): Promise<void>;
}
