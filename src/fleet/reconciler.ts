/** The loop that keeps as many machines as are needed: observe → plan → budget → act. One tick at a time. */
import type { CallOptions } from '../core/chat.ts';
import type { Timer } from '../core/clock.ts';
import type { EpochMs, UsdMicros } from '../core/units.ts';
import { createBench, type Bench } from './bench.ts';
import { budgetVerdict, startOfDay, startOfMonth, type BudgetVerdict, type SpendSoFar } from './budget.ts';
import type { DemandSnapshot } from './demand-work.ts';
import type { FleetDeps } from './fleet-deps.ts';
import { FleetState } from './fleet-state.ts';
import { FleetWorkers } from './fleet-workers.ts';
import { Launcher } from './launcher.ts';
import type { Rental } from './intent-store.ts';
import { deadlineOf, isStarting, type Phase } from './lifecycle.ts';
import { launchRecords, restartRecords, workerViews } from './observation-of.ts';
import { Observer, type MarketView } from './observe.ts';
import { Parker } from './parker.ts';
import { planFleet, type FleetPlan } from './plan.ts';
import { emptyPlanMemory, type PlanMemory } from './plan/memory.ts';
import { Reaper } from './reaper.ts';
import { Spend } from './spend.ts';

export interface Reconciler {
  /** Finds again what outlived the last run, then ticks until `stop`. */
  start(): Promise<void>;
  /** One tick now, or the one that is running. */
  tick(): Promise<void>;
  /** A tick soon: something has changed that should not wait for the next one. */
  poke(): void;
  /** The loop ends; machines go on unless they were given back before. */
  stop(): Promise<void>;
  readonly state: FleetState;
  readonly bench: Bench;
  readonly launcher: Launcher;
  readonly workers: FleetWorkers;
  readonly spend: Spend;
  /** What the last tick saw and decided. */
  last(): LastTick;
  /** This one is not wanted any more: drained, or destroyed where it does not serve. */
  giveUp(label: string, reason: string): void;
  /** Nothing is rented from now on; what there is, is drained, or destroyed at once. Survives a restart. */
  halt(how: 'drain' | 'now', reason: string): void;
  /** Destroys everything, and waits until the market shows it no more, or until the time is over. @returns how many are left */
  giveBack(reason: string, withinMs: number): Promise<number>;
  /** Renting is allowed again. */
  release(): void;
  halted(): Halt | undefined;
  /** At least so many until then, on top of the configuration. */
  floor(floor: ManualFloor | undefined): void;
  manualFloor(): ManualFloor | undefined;
  /** Newest first, those that are gone as well. */
  rentals(limit: number): readonly Rental[];
}

export interface Halt {
  readonly at: EpochMs;
  readonly reason: string;
}

export interface ManualFloor {
  readonly workers: number;
  readonly until: EpochMs;
}

export interface LastTick {
  readonly at: EpochMs | undefined;
  readonly market: MarketView;
  readonly plan: FleetPlan | undefined;
  readonly budget: BudgetVerdict | undefined;
  readonly spend: SpendSoFar | undefined;
  readonly demand: DemandSnapshot | undefined;
}

/** While a machine starts or ends it is looked at more often: what it bills changes then. */
const closeLookMs = 3_000;
/** Two ticks are never closer: the market counts our calls. */
const tickGapMinMs = 1_000;

export function createReconciler(deps: FleetDeps): Reconciler {
  const { clock, store, logger, metrics, options } = deps;
  const state = new FleetState(deps);
  const bench = createBench(deps);
  const workers: FleetWorkers = new FleetWorkers({ deps, state, bench, poke: () => poke() });
  const spend = new Spend({ deps, state, workers });
  const launcher = new Launcher({ deps, state, bench, spend });
  const observer = new Observer({ deps, state, bench, workers });
  const reaper = new Reaper({ deps, state, spend });
  const parker = new Parker({ deps, state });
  const abort = new AbortController();
  const startedAt = clock.now();
  let memory = readMemory(store.fact('plan-memory'));
  let running: Promise<void> | undefined;
  let timer: Timer | undefined;
  let stopped = false;
  let closing = false;
  let lastEndedMs = Number.NEGATIVE_INFINITY;
  let last: LastTick = {
    at: undefined,
    market: { kind: 'unknown', reason: 'the market has not been asked yet' },
    plan: undefined,
    budget: undefined,
    spend: undefined,
    demand: undefined,
  };

  async function tickOnce(call: CallOptions): Promise<void> {
    const market = await observer.look(call);
    const now = clock.now();
    if (market.kind === 'known') {
      await workers.sync(market.instances);
      reaper.confirm(market);
      spend.read(market.instances, market.at);
      metrics.lastReconcile.set(market.at / 1000);
      endOverdue(now);
    } else {
      logger.warn({ reason: market.reason }, 'the fleet is unknown; nothing is rented');
    }
    workers.settle();
    obeyHalt();

    const demand = demandNow(now);
    if (state.all().length > 0 || demand.idleS < 60) await launcher.lookUpPrice(call);
    const spent = await spend.soFar(now);
    const budget = budgetVerdict({
      policy: options.budget,
      spend: spent,
      nextPricePerHour: launcher.nextPrice ?? (0 as UsdMicros),
      now,
    });
    alert(budget, now);
    const views = workerViews(state, workers, deps);
    const plan = planFleet(
      {
        workers: market.kind === 'known' ? { kind: 'known', value: views } : market,
        demand: { kind: 'known', value: demand },
        launches: launchRecords(store, now),
        restarts: restartRecords(store, now),
        budget,
        nextPricePerHour: launcher.nextPrice,
      },
      { ...options.policy, workersMin: Math.max(options.policy.workersMin, floorNow()?.workers ?? 0) },
      memory,
      now,
    );
    remember(plan.memory);
    last = { at: now, market, plan, budget, spend: spent, demand };
    await act(plan, call);
    await parker.act(market, call);
    await reaper.destroyAll(call);
    await spend.settle(now, call);
    count();
  }

  /** What was asked before our start is not known: the fleet has not been idle for longer than that. */
  function demandNow(now: EpochMs): DemandSnapshot {
    const demand = deps.demand.snapshot(now);
    return { ...demand, idleS: Math.min(demand.idleS, Math.max(0, now - startedAt) / 1000) };
  }

  async function act(plan: FleetPlan, call: CallOptions): Promise<void> {
    for (const wish of plan.wishes) {
      if (wish.kind === 'launch') {
        if (closing || halted() !== undefined || !(await mayRent())) continue;
        const asked = await launcher.launch(wish, call);
        logger.info({ wanted: wish.count, asked, urgency: wish.urgency, reason: wish.reason }, 'fleet grows');
        continue;
      }
      const rental = state.get(wish.worker);
      if (!rental) continue;
      if (wish.kind === 'keep' && rental.phase === 'draining') workers.keep(wish.worker, wish.reason);
      if (wish.kind === 'drain' && rental.phase === 'ready') workers.drain(wish.worker, wish.reason);
      if (wish.kind === 'stop' && rental.phase === 'ready') workers.drain(wish.worker, wish.reason, 'stop');
      if (wish.kind === 'restart' && rental.phase === 'stopped') {
        if (closing || halted() !== undefined || !(await mayRent())) continue;
        await launcher.restart(rental, wish.reason);
      }
      if (wish.kind === 'discard') giveUpSpare(rental, wish.reason);
      // One that nobody has confirmed has no id yet: the next list decides.
      if (wish.kind === 'cancel-launch' && isStarting(rental.phase) && rental.phase !== 'requested')
        state.move(wish.worker, 'destroying', wish.reason);
    }
  }

  /** Answers that still run may end; then it is destroyed and not stopped. */
  function giveUpSpare({ label, phase, afterDrain }: Rental, reason: string): void {
    if (phase === 'stopping' || phase === 'stopped') state.move(label, 'destroying', reason);
    else if (phase === 'draining' && afterDrain !== undefined) state.update(label, { afterDrain: undefined });
  }

  /** Asked anew each time: what is rented by two that both believe to lead is paid twice. */
  async function mayRent(): Promise<boolean> {
    if (deps.lease === undefined || (await deps.lease.confirm()) !== undefined) return true;
    logger.debug('another gateway rents, or nobody can tell which one does');
    return false;
  }

  /** Each phase has its time; the machine that needs more is given back, and not taken again for a while. */
  function endOverdue(now: EpochMs): void {
    for (const rental of state.all()) {
      const { label, phase, phaseAt } = rental;
      const deadline = deadlineOf(phase, phaseAt, options.deadlines);
      if (deadline === undefined || now < deadline || phase === 'requested') continue;
      const reason = `still ${phase} after ${Math.round((now - phaseAt) / 1000)} s`;
      if (phase === 'draining' || phase === 'stopping') {
        const isSpare = phase === 'draining' && rental.afterDrain === 'stop';
        state.move(label, isSpare ? 'stopping' : 'destroying', reason);
        continue;
      }
      bench.strike(rental, reason, 'strike');
      state.move(label, 'destroying', reason, { outcome: 'failed' });
      deps.onEvent?.({ kind: 'machine-unfit', label, reason });
    }
  }

  function obeyHalt(): void {
    const halt = halted();
    if (halt !== undefined) for (const rental of state.all()) giveUp(rental, halt.reason);
  }

  function giveUp(rental: Rental, reason: string): void {
    const { label, phase } = rental;
    if (phase === 'ready') workers.drain(label, reason);
    else if (isStarting(phase) && phase !== 'requested') state.move(label, 'destroying', reason);
    else giveUpSpare(rental, reason);
  }

  function alert(budget: BudgetVerdict, now: EpochMs): void {
    const offset = options.budget.utcOffsetMinutes;
    for (const { period, share, spent, cap } of budget.alerts) {
      const began = period === 'day' ? startOfDay(now, offset) : startOfMonth(now, offset);
      const told = store.fact(`alert-${period}`)?.split(' ').map(Number) ?? [];
      if (told[0] === began && told[1]! >= share) continue;
      store.setFact(`alert-${period}`, `${began} ${share}`);
      logger.warn({ period, share, spentUsd: spent / 1e6, capUsd: cap / 1e6 }, 'a share of the budget is spent');
      deps.onEvent?.({ kind: 'budget-alert', period, share, spent, cap });
    }
    if (isExhausted(budget) && !(last.budget && isExhausted(last.budget))) {
      logger.error({ reason: budget.reason }, 'the budget is spent: machines are given back');
      deps.onEvent?.({ kind: 'budget-stop', reason: budget.reason });
    }
  }

  function count(): void {
    const all = state.all();
    metrics.thinkers.set({ state: 'renting' }, all.filter(({ phase }) => isStarting(phase)).length);
    metrics.thinkers.set({ state: 'stopped' }, all.filter(({ phase }) => ended.has(phase)).length);
    metrics.orphanInstances.set(all.filter(({ endReason }) => endReason === 'orphan').length);
  }

  function remember(next: PlanMemory): void {
    if (JSON.stringify(next) !== JSON.stringify(memory)) store.setFact('plan-memory', JSON.stringify(next));
    memory = next;
  }

  const halted = (): Halt | undefined => parsed(store.fact('halt')) as Halt | undefined;
  const floorNow = (): ManualFloor | undefined => {
    const floor = parsed(store.fact('floor')) as ManualFloor | undefined;
    return floor && floor.until > clock.now() ? floor : undefined;
  };

  function tick(): Promise<void> {
    running ??= (async () => {
      try {
        await tickOnce({ signal: abort.signal });
      } catch (error) {
        // A tick that fails must not end the loop: machines would go on billing unseen.
        if (!abort.signal.aborted) logger.error({ err: error }, 'a tick of the fleet failed');
      } finally {
        running = undefined;
        lastEndedMs = clock.monotonicMs();
        if (!stopped) schedule(nextTickMs());
      }
    })();
    return running;
  }

  function nextTickMs(): number {
    const wholeMs = options.policy.tickS * 1000;
    const moving = state.all().some(({ phase }) => !steady.has(phase));
    return moving ? Math.min(closeLookMs, wholeMs) : wholeMs;
  }

  function schedule(ms: number): void {
    timer?.clear();
    timer = clock.after(ms, () => void tick());
  }

  function poke(): void {
    if (stopped || running) return;
    schedule(Math.max(0, lastEndedMs + tickGapMinMs - clock.monotonicMs()));
  }

  return {
    async start() {
      await spend.recover();
      await tick();
    },
    tick,
    poke,
    async stop() {
      stopped = true;
      timer?.clear();
      abort.abort();
      await running;
      await workers.close();
      spend.postAll(clock.now());
      await deps.ledger.flush();
    },
    state,
    bench,
    launcher,
    workers,
    spend,
    last: () => last,
    giveUp(label, reason) {
      const rental = state.get(label);
      if (rental) giveUp(rental, reason);
    },
    halt(how, reason) {
      store.setFact('halt', JSON.stringify({ at: clock.now(), reason } satisfies Halt));
      store.setFact('floor', undefined);
      logger.warn({ how, reason }, 'the fleet is stopped');
      if (how === 'now')
        for (const { label, phase } of state.all())
          if (phase !== 'destroying' && phase !== 'requested') state.move(label, 'destroying', reason);
      obeyHalt();
      poke();
    },
    async giveBack(reason, withinMs) {
      closing = true;
      const untilMs = clock.monotonicMs() + withinMs;
      for (;;) {
        for (const { label, phase } of state.all())
          if (phase !== 'destroying' && phase !== 'requested') state.move(label, 'destroying', reason);
        if (state.all().length === 0 || clock.monotonicMs() >= untilMs) return state.all().length;
        await tick();
        if (state.all().length > 0) await clock.sleep(tickGapMinMs);
      }
    },
    release() {
      store.setFact('halt', undefined);
      poke();
    },
    halted,
    floor(floor) {
      store.setFact('floor', floor && JSON.stringify(floor));
      poke();
    },
    manualFloor: floorNow,
    rentals: (limit) => store.recent(limit),
  };
}

/** Phases that last. */
const steady: ReadonlySet<Phase> = new Set(['ready', 'draining', 'stopped']);
/** Nothing runs there any more, and a disk may still bill. */
const ended: ReadonlySet<Phase> = new Set(['stopping', 'stopped', 'destroying']);

/** Not even one machine may run. */
export const isExhausted = (budget: BudgetVerdict): boolean => budget.kind === 'stop' || budget.workersMax < 1;

function readMemory(text: string | undefined): PlanMemory {
  return (parsed(text) as PlanMemory | undefined) ?? emptyPlanMemory;
}

const parsed = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));
