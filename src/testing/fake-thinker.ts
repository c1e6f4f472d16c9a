import type {
  AnswerFlow,
  AnswerRequest,
  AnswerSink,
  CallOptions,
  EmbedAnswer,
  EmbedRequest,
  ThinkerKind,
} from '../core/chat.ts';
import { AppError } from '../core/errors.ts';
import { modelName, thinkerId, type ThinkerId } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import { epochMs, usdMicros, type UsdMicros } from '../core/units.ts';
import type { AnswerTimeouts, ModelInfo, Thinker, ThinkerReport } from '../thinkers/thinker.ts';

/** One answer that a test plays by hand. */
export class FakeCall implements AnswerFlow {
  readonly request: AnswerRequest;
  readonly timeouts: AnswerTimeouts;
  readonly #sink: AnswerSink;
  cancelled = false;
  paused = false;
  settled = false;

  constructor(request: AnswerRequest, sink: AnswerSink, timeouts: AnswerTimeouts) {
    this.request = request;
    this.#sink = sink;
    this.timeouts = timeouts;
  }

  start(): this {
    this.#tell(() => this.#sink.event({ type: 'start', model: this.request.model, createdAt: epochMs(1_000) }));
    return this;
  }

  text(text: string): this {
    this.#tell(() => this.#sink.event({ type: 'text-delta', text }));
    return this;
  }

  end(): void {
    this.#tell(() => {
      this.settled = true;
      this.#sink.event({
        type: 'end',
        finishReason: 'stop',
        usage: { promptTokens: 1, completionTokens: 1 },
        timings: { totalNs: 0, loadNs: 0, promptEvalNs: 0, evalNs: 0 },
      });
    });
  }

  answer(text = 'ok'): void {
    this.start().text(text).end();
  }

  fail(code: ConstructorParameters<typeof AppError>[0], options: { retryAfterMs?: number } = {}): void {
    this.#tell(() => {
      this.settled = true;
      this.#sink.fail(new AppError(code, `fake ${code}`, options));
    });
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  cancel(): void {
    this.cancelled = true;
  }

  /** As a real thinker: silent once cancelled or settled. */
  #tell(act: () => void): void {
    if (!this.cancelled && !this.settled) act();
  }
}

export interface FakeThinkerOptions {
  readonly kind?: ThinkerKind;
  readonly models?: readonly string[];
  readonly loaded?: readonly string[];
  readonly maxConcurrency?: number;
  readonly costPerHour?: number;
}

export const aModel = (name: string, digest = `sha-${name}`): ModelInfo => ({
  name: modelName(name),
  digest,
  raw: { name, digest },
});

export function aReport(models: readonly string[] = ['llama3.2'], loaded: readonly string[] = []): ThinkerReport {
  return {
    version: '0.0.0-fake',
    models: models.map((name) => aModel(name)),
    loaded: loaded.map((name) => ({ name: modelName(name), raw: { name } })),
  };
}

/** A thinker played by the test: answers are begun and ended by hand, probes answer with `report`. */
export class FakeThinker implements Thinker {
  readonly id: ThinkerId;
  readonly name: string;
  readonly kind: ThinkerKind;
  readonly url = 'http://fake.invalid';
  readonly maxConcurrency: number;
  readonly costPerHour: UsdMicros;
  readonly calls: FakeCall[] = [];
  /** What a probe says: a report, an error, or `silent`. */
  report: ThinkerReport | AppError | 'silent';
  probes = 0;
  closed = false;
  onEmbed: ((request: EmbedRequest) => Promise<EmbedAnswer>) | undefined;
  onShow: ((body: JsonObject) => Promise<JsonObject>) | undefined;

  constructor(name: string, options: FakeThinkerOptions = {}) {
    this.id = thinkerId(name);
    this.name = name;
    this.kind = options.kind ?? 'static';
    this.maxConcurrency = options.maxConcurrency ?? 1;
    this.costPerHour = usdMicros(options.costPerHour ?? 0);
    this.report = aReport(options.models, options.loaded);
  }

  /** Calls that are neither settled nor cancelled. */
  get live(): FakeCall[] {
    return this.calls.filter((call) => !call.settled && !call.cancelled);
  }

  get lastCall(): FakeCall {
    const call = this.calls.at(-1);
    if (!call) throw new Error(`thinker ${this.name} was not asked`);
    return call;
  }

  answer(request: AnswerRequest, sink: AnswerSink, timeouts: AnswerTimeouts): AnswerFlow {
    const call = new FakeCall(request, sink, timeouts);
    this.calls.push(call);
    return call;
  }

  embed(request: EmbedRequest): Promise<EmbedAnswer> {
    if (!this.onEmbed) throw new Error('embed: not implemented');
    return this.onEmbed(request);
  }

  probe({ signal }: CallOptions): Promise<ThinkerReport> {
    this.probes += 1;
    const { report } = this;
    if (report instanceof AppError) return Promise.reject(report);
    if (report !== 'silent') return Promise.resolve(report);
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new AppError('aborted', 'probe aborted')));
    });
  }

  show(body: JsonObject): Promise<JsonObject> {
    if (!this.onShow) throw new Error('show: not implemented');
    return this.onShow(body);
  }

  manage(): void {
    throw new Error('manage: not implemented');
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
