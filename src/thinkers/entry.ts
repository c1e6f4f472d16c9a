/** One thinker as the pool knows it. The entry is its own view: reading it allocates nothing. */
import type { Clock, Timer } from '../core/clock.ts';
import type { ThinkerKind } from '../core/chat.ts';
import type { ModelName, ThinkerId } from '../core/ids.ts';
import type { UsdMicros } from '../core/units.ts';
import { Health, type HealthOptions } from './health.ts';
import type { LoadedModel, ModelInfo, Thinker, ThinkerReport, ThinkerState, ThinkerView } from './thinker.ts';

/** Weight of the newest time to first token in the running average: about the last ten count. */
const ttftWeight = 0.2;

export class ThinkerEntry implements ThinkerView {
  readonly thinker: Thinker;
  readonly id: ThinkerId;
  readonly name: string;
  readonly kind: ThinkerKind;
  readonly url: string;
  readonly maxConcurrency: number;
  readonly costPerHour: UsdMicros;
  readonly slot: string;
  readonly health: Health;
  version = '';
  models: Map<ModelName, ModelInfo> = new Map();
  loaded: Set<ModelName> = new Set();
  loadedRows: readonly LoadedModel[] = [];
  #vramUsedBytes: number | undefined;
  inFlight = 0;
  readonly #clock: Clock;
  #busyMs = 0;
  #busySinceMs = 0;
  ttftMsEwma = 0;
  lastError: string | undefined;
  removed = false;
  /** A probe is running; aborts it. */
  probing: AbortController | undefined;
  probeTimer: Timer | undefined;
  ejectionTimer: Timer | undefined;
  readonly firstProbe = Promise.withResolvers<void>();
  /** Waits for `inFlight` to reach zero while draining. */
  onIdle: ((how?: 'kept') => void) | undefined;

  constructor(thinker: Thinker, slot: string, options: HealthOptions, clock: Clock) {
    this.thinker = thinker;
    this.#clock = clock;
    this.id = thinker.id;
    this.name = thinker.name;
    this.kind = thinker.kind;
    this.url = thinker.url;
    this.maxConcurrency = thinker.maxConcurrency;
    this.costPerHour = thinker.costPerHour;
    this.slot = slot;
    this.health = new Health(options, clock, thinker.kind === 'rented');
  }

  get busyMs(): number {
    return this.#busyMs + (this.inFlight > 0 ? this.#clock.monotonicMs() - this.#busySinceMs : 0);
  }

  leased(): void {
    if (this.inFlight === 0) this.#busySinceMs = this.#clock.monotonicMs();
    this.inFlight += 1;
  }

  released(): void {
    this.#busyMs = this.busyMs;
    this.#busySinceMs = this.#clock.monotonicMs();
    this.inFlight -= 1;
  }

  get state(): ThinkerState {
    return this.health.state;
  }

  get weight(): number {
    return this.health.weight;
  }

  get failuresInRow(): number {
    return this.health.failuresInRow;
  }

  /** Its lists can be believed: it answered its last probes. */
  get reachable(): boolean {
    return this.version !== '' && this.state !== 'unreachable' && this.state !== 'loading';
  }

  get vramUsedBytes(): number | undefined {
    return this.reachable ? this.#vramUsedBytes : undefined;
  }

  learn(report: ThinkerReport): void {
    this.version = report.version || 'unknown';
    this.models = new Map(report.models.map((info) => [info.name, info]));
    this.loaded = new Set(report.loaded.map((row) => row.name));
    this.loadedRows = report.loaded;
    this.#vramUsedBytes = report.vramUsedBytes;
    this.lastError = undefined;
  }

  tookMs(ttftMs: number): void {
    this.ttftMsEwma = this.ttftMsEwma === 0 ? ttftMs : this.ttftMsEwma + ttftWeight * (ttftMs - this.ttftMsEwma);
  }

  stopTimers(): void {
    this.probing?.abort();
    this.probeTimer?.clear();
    this.ejectionTimer?.clear();
  }
}
