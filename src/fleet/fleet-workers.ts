/** The servers in the rented machines: let in when they have proven themselves, drained, given up when lost or slow. */
import type { EpochMs } from '../core/units.ts';
import { measureThinker, type ThinkerMeasure } from '../thinkers/measured-thinker.ts';
import type { ThinkerState } from '../thinkers/thinker.ts';
import type { Bench } from './bench.ts';
import type { Endpoint, FleetDeps, Readiness, Worker } from './fleet-deps.ts';
import type { FleetState } from './fleet-state.ts';
import type { Instance } from './fleet-provider.ts';
import type { Rental } from './intent-store.ts';
import { isStarting, type Phase } from './lifecycle.ts';

interface OpenWorker {
  readonly endpoint: Endpoint;
  readonly worker: Worker;
  readonly measure: ThinkerMeasure;
  /** The router may use it. */
  joined: boolean;
  checking: AbortController | undefined;
  verdict: Readiness | undefined;
  nextCheckAt: number;
  /** Not reachable since; undefined while it is. */
  awaySince: EpochMs | undefined;
  busyTakenMs: number;
}

/** Between two looks at a machine that is not ready yet. */
const checkEveryMs = 5_000;
/** Slower than this share of what it was once, it is drained: heat, or neighbours on the same host. */
const slowShare = 0.6;

/** Phases in which there is somebody to talk to. */
const answers: ReadonlySet<Phase> = new Set(['starting', 'restarting', 'ready', 'draining']);

export class FleetWorkers {
  readonly #deps: FleetDeps;
  readonly #state: FleetState;
  readonly #bench: Bench;
  readonly #poke: () => void;
  readonly #open = new Map<string, OpenWorker>();
  #closed = false;

  constructor(parts: {
    readonly deps: FleetDeps;
    readonly state: FleetState;
    readonly bench: Bench;
    readonly poke: () => void;
  }) {
    this.#deps = parts.deps;
    this.#state = parts.state;
    this.#bench = parts.bench;
    this.#poke = parts.poke;
  }

  /** With every list that can be believed: opens what runs, follows changed addresses, closes what has ended. */
  async sync(instances: ReadonlyMap<string, Instance>): Promise<void> {
    for (const label of this.#open.keys()) {
      const phase = this.#state.get(label)?.phase;
      if (phase === undefined || !answers.has(phase)) await this.drop(label);
    }
    for (const rental of this.#state.all()) {
      if (!answers.has(rental.phase)) continue;
      const endpoint = instances.get(rental.label)?.endpoints.get(this.#deps.options.workerPort);
      if (endpoint === undefined) continue;
      const open = this.#open.get(rental.label);
      if (open && open.endpoint.host === endpoint.host && open.endpoint.port === endpoint.port) continue;
      if (open) {
        this.#state.note(rental.label, 'moved', `its address is now ${endpoint.host}:${endpoint.port}`);
        await this.drop(rental.label);
      }
      // After a restart nobody it was draining for is left.
      if (rental.phase !== 'draining') this.#openOne(rental, endpoint);
    }
    this.#check();
  }

  /** What the checks and the probes have shown since the last tick. */
  settle(): void {
    const now = this.#deps.clock.now();
    for (const [label, open] of this.#open) {
      const rental = this.#state.get(label);
      if (!rental) continue;
      const { verdict } = open;
      open.verdict = undefined;
      if (verdict && !open.joined) this.#judge(rental, open, verdict, now);
      if (open.joined) this.#watch(rental, open, now);
    }
    // A machine that was ready before a restart and shows no address is as lost as one that does not answer.
    for (const rental of this.#state.all()) {
      if (rental.phase !== 'ready' || this.#open.has(rental.label)) continue;
      this.#seenAway.set(rental.label, this.#seenAway.get(rental.label) ?? now);
      if (now - this.#seenAway.get(rental.label)! >= this.#deps.options.lostAfterMs)
        this.#lose(rental, 'it has no address any more');
    }
  }

  readonly #seenAway = new Map<string, EpochMs>();

  isReachable(label: string): boolean {
    const open = this.#open.get(label);
    return open !== undefined && open.joined && this.#poolState(open) === 'ready';
  }

  inFlight(label: string): number {
    const id = this.#open.get(label)?.worker.thinker.id;
    return this.#deps.pool.views().find((view) => view.id === id)?.inFlight ?? 0;
  }

  tokensPerS(label: string): number | undefined {
    return this.#open.get(label)?.measure.tokensPerS();
  }

  /** Time spent answering since the last call. */
  takeBusyMs(label: string): number {
    const open = this.#open.get(label);
    if (!open) return 0;
    const total = open.measure.busyMs();
    const busyMs = total - open.busyTakenMs;
    open.busyTakenMs = total;
    return busyMs;
  }

  /** Gives it nothing new; when it is done or its time is over, it is destroyed, or stopped and its disk kept. */
  drain(label: string, reason: string, then: 'destroy' | 'stop' = 'destroy'): void {
    const open = this.#open.get(label);
    const tokensPerS = this.tokensPerS(label);
    this.#state.move(label, 'draining', reason, {
      afterDrain: then === 'stop' ? then : undefined,
      // Its next start, and the next choice of an offer, begin with what was measured.
      ...(tokensPerS !== undefined && { tokensPerS }),
    });
    if (!open?.joined) return void this.#state.move(label, 'destroying', reason);
    void this.#deps.registry.drain(open.worker.thinker.id, this.#deps.options.deadlines.drainingMs).then((how) => {
      if (how === 'kept' || this.#closed || this.#state.get(label)?.phase !== 'draining') return;
      const after = how === 'idle' ? 'its last answer has ended' : 'its time to end answers is over';
      // The kill switch may have come meanwhile.
      const isSpare = this.#state.get(label)?.afterDrain === 'stop';
      this.#state.move(label, isSpare ? 'stopping' : 'destroying', `${reason}; ${after}`);
      this.#poke();
    });
  }

  keep(label: string, reason: string): void {
    const open = this.#open.get(label);
    if (!open?.joined) return;
    this.#state.move(label, 'ready', reason);
    this.#deps.registry.keep(open.worker.thinker.id);
  }

  async drop(label: string): Promise<void> {
    const open = this.#open.get(label);
    if (!open) return;
    this.#open.delete(label);
    open.checking?.abort();
    if (open.joined) await this.#deps.registry.remove(open.worker.thinker.id);
    else await open.worker.thinker.close();
  }

  /** Machines go on; only our hands on them are taken off. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const label of this.#open.keys()) await this.drop(label);
  }

  #openOne(rental: Rental, endpoint: Endpoint): void {
    const worker = this.#deps.connect(rental, endpoint);
    const { thinker, measure } = measureThinker(worker.thinker, this.#deps.clock);
    this.#seenAway.delete(rental.label);
    this.#open.set(rental.label, {
      endpoint,
      worker: { ...worker, thinker, check: (options) => worker.check(options) },
      measure,
      joined: false,
      checking: undefined,
      verdict: undefined,
      nextCheckAt: 0,
      awaySince: undefined,
      busyTakenMs: 0,
    });
  }

  /** Looks at those that are not in yet, without keeping the tick waiting. */
  #check(): void {
    const now = this.#deps.clock.now();
    for (const [label, open] of this.#open) {
      if (open.joined || open.checking || open.verdict || now < open.nextCheckAt) continue;
      const checking = new AbortController();
      open.checking = checking;
      void open.worker.check({ signal: checking.signal }).then(
        (verdict) => this.#checked(label, open, verdict),
        (error: unknown) => {
          if (!checking.signal.aborted) this.#deps.logger.error({ err: error, label }, 'a readiness check threw');
          this.#checked(label, open, { kind: 'not-yet', reason: String(error) });
        },
      );
    }
  }

  #checked(label: string, open: OpenWorker, verdict: Readiness): void {
    open.checking = undefined;
    open.nextCheckAt = this.#deps.clock.now() + checkEveryMs;
    if (this.#open.get(label) !== open) return;
    open.verdict = verdict;
    if (verdict.kind !== 'not-yet') this.#poke();
  }

  #judge(rental: Rental, open: OpenWorker, verdict: Readiness, now: EpochMs): void {
    const { registry, options, store, onEvent } = this.#deps;
    switch (verdict.kind) {
      case 'ready':
        if (rental.phase === 'starting' || rental.phase === 'restarting')
          this.#state.move(rental.label, 'ready', 'it passed every check');
        if (rental.phase === 'draining') return;
        if (verdict.model) {
          store.setFact('model', JSON.stringify(verdict.model));
          registry.announce([verdict.model]);
        }
        open.joined = true;
        open.awaySince = undefined;
        registry.add(open.worker.thinker);
        return;
      case 'unfit':
        this.#bench.strike(rental, verdict.reason, verdict.bench);
        this.#state.move(rental.label, 'destroying', verdict.reason, {
          ...(isStarting(rental.phase) && { outcome: 'failed' }),
        });
        onEvent?.({ kind: 'machine-unfit', label: rental.label, reason: verdict.reason });
        return;
      case 'not-yet':
        if (rental.phase !== 'ready') return;
        // It was ready before our restart.
        open.awaySince ??= now;
        if (now - open.awaySince >= options.lostAfterMs) this.#lose(rental, `it does not answer: ${verdict.reason}`);
    }
  }

  #watch(rental: Rental, open: OpenWorker, now: EpochMs): void {
    const state = this.#poolState(open);
    const isAway = state === 'unreachable' || state === undefined;
    if (!isAway) open.awaySince = undefined;
    else {
      open.awaySince ??= now;
      if (now - open.awaySince >= this.#deps.options.lostAfterMs)
        return this.#lose(rental, `it has not answered for ${Math.round((now - open.awaySince) / 1000)} s`);
    }
    if (rental.phase !== 'ready') return;
    const [speed, best] = [open.measure.tokensPerS(), open.measure.bestTokensPerS()];
    if (speed === undefined || best === undefined || speed >= slowShare * best) return;
    const reason = `it makes ${Math.round(speed)} tokens a second and made ${Math.round(best)}`;
    this.#bench.strike(rental, reason, 'strike');
    this.drain(rental.label, reason);
  }

  #lose(rental: Rental, reason: string): void {
    const { phase } = rental;
    if (phase !== 'ready' && phase !== 'draining') return;
    this.#seenAway.delete(rental.label);
    this.#state.move(rental.label, 'destroying', `lost: ${reason}`);
    this.#deps.onEvent?.({ kind: 'machine-lost', label: rental.label, reason });
  }

  #poolState(open: OpenWorker): ThinkerState | undefined {
    return this.#deps.pool.views().find((view) => view.id === open.worker.thinker.id)?.state;
  }
}
