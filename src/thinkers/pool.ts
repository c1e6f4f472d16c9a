/** The living set of thinkers: probes them, lends them out, counts what comes of it. */
import { assert, unreachable } from '../core/assert.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { ModelName, ThinkerId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import { readAtScrape } from '../telemetry/read-at-scrape.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Catalogue } from './catalogue.ts';
import { ThinkerEntry } from './entry.ts';
import { healthDefaults, type HealthOptions } from './health.ts';
import type { Lease, LeaseOutcome, LoadedModel, ModelInfo, Thinker } from './thinker.ts';
import type { ThinkerPool, ThinkerRegistry, ThinkerState, ThinkerView } from './thinker.ts';

export interface ThinkerPoolDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Each option has a default in `healthDefaults`. */
  readonly options?: Partial<HealthOptions>;
}

export interface ManagedThinkerPool extends ThinkerPool, ThinkerRegistry {
  /** Probes begin, now and for each thinker added later. */
  start(): void;
  /** Resolves when every thinker there is now has been probed once, whatever came of it. */
  firstProbe(): Promise<void>;
  /** Looks at every thinker now: what it holds may just have been changed. */
  refresh(): void;
  /** Probes end and all thinkers are closed. */
  stop(): Promise<void>;
}

/** A failed request makes us look again this soon, instead of at the next interval. */
const probeSoonMs = 100;

const metricState: Record<ThinkerState, 'loading' | 'ready' | 'draining' | 'failed'> = {
  loading: 'loading',
  ready: 'ready',
  draining: 'draining',
  ejected: 'failed',
  unreachable: 'failed',
};

export function createThinkerPool(deps: ThinkerPoolDeps): ManagedThinkerPool {
  return new Pool(deps);
}

class Pool implements ManagedThinkerPool {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #options: HealthOptions;
  readonly #outcomes: Readonly<Record<LeaseOutcome['kind'], { inc(): void }>>;
  readonly #entries = new Map<ThinkerId, ThinkerEntry>();
  readonly #catalogue = new Catalogue();
  readonly #listeners: (() => void)[] = [];
  #views: readonly ThinkerEntry[] = [];
  #running = false;

  constructor(deps: ThinkerPoolDeps) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#logger = deps.logger;
    this.#metrics = deps.metrics;
    this.#options = { ...healthDefaults, ...deps.options };
    const { upstreamRequests } = deps.metrics;
    this.#outcomes = {
      completed: upstreamRequests.labels({ outcome: 'completed' }),
      failed: upstreamRequests.labels({ outcome: 'failed' }),
      rejected: upstreamRequests.labels({ outcome: 'rejected' }),
      busy: upstreamRequests.labels({ outcome: 'busy' }),
      aborted: upstreamRequests.labels({ outcome: 'aborted' }),
    };
    // Told when somebody reads it, and not twice by every answer.
    const { thinkerInflight } = deps.metrics;
    readAtScrape(thinkerInflight, () => {
      for (const { slot, inFlight } of this.#views) thinkerInflight.set({ slot }, inFlight);
    });
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    for (const entry of this.#views) void this.#probe(entry);
  }

  async firstProbe(): Promise<void> {
    await Promise.all(this.#views.map((entry) => entry.firstProbe.promise));
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const entry of this.#views) {
      entry.stopTimers();
      entry.firstProbe.resolve();
    }
    await Promise.all(this.#views.map((entry) => entry.thinker.close()));
  }

  refresh(): void {
    if (!this.#running) return;
    for (const entry of this.#views) if (!entry.probing) this.#probeIn(entry, 0);
  }

  views(): readonly ThinkerView[] {
    return this.#views;
  }

  get(id: ThinkerId): Thinker | undefined {
    return this.#entries.get(id)?.thinker;
  }

  digestOf(model: ModelName): string {
    return this.#catalogue.digestOf(model);
  }

  models(): readonly ModelInfo[] {
    return this.#catalogue.models;
  }

  loaded(): readonly LoadedModel[] {
    return this.#catalogue.loaded;
  }

  onCapacity(listener: () => void): void {
    this.#listeners.push(listener);
  }

  lease(id: ThinkerId, model?: ModelName): Lease {
    const entry = this.#entries.get(id);
    assert(entry, `lease of unknown thinker ${id}`);
    assert(entry.inFlight < entry.maxConcurrency, `lease of thinker ${id} beyond its ${entry.maxConcurrency} places`);
    entry.leased();
    let released = false;
    return {
      thinker: entry.thinker,
      release: (outcome) => {
        assert(!released, `lease of thinker ${id} released twice`);
        released = true;
        this.#release(entry, model, outcome);
      },
    };
  }

  add(thinker: Thinker): void {
    assert(!this.#entries.has(thinker.id), `thinker ${thinker.id} is in the pool already`);
    const entry = new ThinkerEntry(thinker, this.#freeSlot(), this.#options, this.#clock);
    this.#entries.set(thinker.id, entry);
    this.#views = [...this.#entries.values()];
    this.#metrics.thinkerSlots.set({ slot: entry.slot }, entry.maxConcurrency);
    this.#countStates();
    if (this.#running) void this.#probe(entry);
  }

  drain(id: ThinkerId, deadlineMs: number): Promise<'idle' | 'deadline' | 'kept'> {
    const entry = this.#entries.get(id);
    assert(entry, `drain of unknown thinker ${id}`);
    this.#change(entry, 'drain', () => entry.health.drain());
    if (entry.inFlight === 0) return Promise.resolve('idle');
    return new Promise((resolve) => {
      const timer = this.#clock.after(deadlineMs, () => {
        entry.onIdle = undefined;
        resolve('deadline');
      });
      entry.onIdle = (how) => {
        timer.clear();
        resolve(how ?? 'idle');
      };
    });
  }

  keep(id: ThinkerId): void {
    const entry = this.#entries.get(id);
    assert(entry, `unknown thinker ${id} is to be kept`);
    this.#change(entry, 'needed again', () => entry.health.keep());
    entry.onIdle?.('kept');
    entry.onIdle = undefined;
    this.#capacity();
  }

  announce(models: readonly ModelInfo[]): void {
    this.#catalogue.announce(models);
    this.#catalogue.refresh(this.#views);
  }

  /** Requests still running there fail and are retried elsewhere if they had not begun to answer. */
  async remove(id: ThinkerId): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#views = [...this.#entries.values()];
    entry.removed = true;
    entry.stopTimers();
    entry.firstProbe.resolve();
    this.#metrics.thinkerSlots.remove({ slot: entry.slot });
    this.#metrics.thinkerInflight.remove({ slot: entry.slot });
    if (!this.#views.some((view) => view.state === 'ready')) this.#recallEjected();
    this.#countStates();
    this.#catalogue.refresh(this.#views);
    this.#logger.info({ thinker: entry.name, reason: 'removed' }, 'thinker left');
    await entry.thinker.close();
  }

  #release(entry: ThinkerEntry, model: ModelName | undefined, outcome: LeaseOutcome): void {
    entry.released();
    this.#outcomes[outcome.kind].inc();
    switch (outcome.kind) {
      case 'completed':
        entry.health.requestSucceeded();
        if (outcome.ttftMs !== undefined) entry.tookMs(outcome.ttftMs);
        if (model !== undefined) entry.loaded.add(model);
        break;
      case 'failed':
        this.#requestFailed(entry, outcome.error);
        break;
      case 'rejected':
        if (outcome.modelMissing !== undefined) {
          entry.models.delete(outcome.modelMissing);
          entry.loaded.delete(outcome.modelMissing);
        }
        break;
      case 'busy':
      case 'aborted':
        break;
      default:
        unreachable(outcome);
    }
    if (entry.inFlight === 0) {
      entry.onIdle?.();
      entry.onIdle = undefined;
    }
    this.#capacity();
  }

  #requestFailed(entry: ThinkerEntry, error: AppError): void {
    entry.lastError = error.message;
    const due = entry.health.requestFailed();
    if (entry.removed) return;
    // A doubtful thinker is better than none, and whether it is gone its probes will tell.
    if (due && this.#views.some((other) => other !== entry && other.state === 'ready')) this.#eject(entry, error);
    if (this.#running && !entry.probing && entry.state !== 'unreachable') this.#probeIn(entry, probeSoonMs);
  }

  #eject(entry: ThinkerEntry, error: AppError): void {
    this.#change(entry, error.message, () => {
      const ms = entry.health.eject();
      entry.ejectionTimer = this.#clock.after(ms, () => {
        this.#change(entry, 'ejection over', () => entry.health.comeBack());
        this.#capacity();
      });
    });
  }

  async #probe(entry: ThinkerEntry): Promise<void> {
    const { probeTimeoutMs } = this.#options;
    const probing = new AbortController();
    entry.probing = probing;
    entry.probeTimer?.clear();
    let late = false;
    const timer = this.#clock.after(probeTimeoutMs, () => {
      late = true;
      probing.abort();
    });
    try {
      const report = await entry.thinker.probe({ signal: probing.signal });
      if (entry.removed || !this.#running) return;
      entry.learn(report);
      this.#change(entry, 'probe answered', () => entry.health.probeSucceeded());
    } catch (error) {
      if (entry.removed || !this.#running) return;
      const { message } = late
        ? new AppError('timeout_total', `thinker ${entry.name} did not answer a probe within ${probeTimeoutMs} ms`)
        : toAppError(error);
      if (!late && !(error instanceof AppError)) this.#logger.error({ err: error, thinker: entry.name }, 'probe threw');
      entry.lastError = message;
      this.#change(entry, message, () => entry.health.probeFailed());
    } finally {
      timer.clear();
      entry.probing = undefined;
    }
    this.#catalogue.refresh(this.#views);
    entry.firstProbe.resolve();
    this.#probeIn(entry, entry.health.nextProbeMs(this.#random));
    this.#capacity();
  }

  #probeIn(entry: ThinkerEntry, ms: number): void {
    entry.probeTimer?.clear();
    entry.probeTimer = this.#clock.after(ms, () => void this.#probe(entry));
  }

  #change(entry: ThinkerEntry, reason: string, act: () => void): void {
    const from = entry.state;
    act();
    const to = entry.state;
    if (from === to) return;
    const level = to === 'unreachable' || to === 'ejected' ? 'warn' : 'info';
    this.#logger[level]({ thinker: entry.name, from, to, reason }, 'thinker changed state');
    if (from === 'ejected') entry.ejectionTimer?.clear();
    if (!this.#views.some((view) => view.state === 'ready')) this.#recallEjected();
    this.#countStates();
  }

  /** The last ready thinker is gone: those ejected for failures are a better hope than none. */
  #recallEjected(): void {
    for (const entry of this.#views) {
      if (entry.state !== 'ejected') continue;
      entry.ejectionTimer?.clear();
      entry.health.comeBack();
      this.#logger.info({ thinker: entry.name, to: entry.state, reason: 'no other is ready' }, 'thinker changed state');
    }
  }

  #countStates(): void {
    const counts = { loading: 0, ready: 0, draining: 0, failed: 0 };
    for (const entry of this.#views) counts[metricState[entry.state]] += 1;
    for (const [state, count] of Object.entries(counts)) this.#metrics.thinkers.set({ state }, count);
  }

  /** Labels are used again, so that a fleet that comes and goes does not grow the metrics. */
  #freeSlot(): string {
    const used = new Set(this.#views.map((entry) => entry.slot));
    let number = 1;
    while (used.has(`t${number}`)) number += 1;
    return `t${number}`;
  }

  #capacity(): void {
    for (const listener of this.#listeners) listener();
  }
}
