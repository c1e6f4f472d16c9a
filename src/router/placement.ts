/** Places jobs on thinkers: at once, after waiting, or elsewhere after a failure. */
import type { Usage } from '../core/chat.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { ModelName } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { DemandTracker } from '../thinkers/demand.ts';
import type { AnswerTimeouts, LeaseOutcome, ThinkerPool, ThinkerView } from '../thinkers/thinker.ts';
import { explainAbsence, hasRoom, modelNotFound, serves } from './filters.ts';
import type { Job } from './job.ts';
import { outcomeOf } from './outcome.ts';
import { pick } from './pickers.ts';
import { IdleLine } from './idle-line.ts';
import { QueueWaits } from './queue-waits.ts';
import { holdOver, type Outlook, type Standby } from './standby.ts';
import { Rests } from './rests.ts';
import { WaitingLine } from './waiting-line.ts';
import type { WorkMeter } from './work-meter.ts';

export interface RouterOptions {
  /** Requests that may wait. Default 256: a longer queue outlives the clients' own timeouts. */
  readonly queueMax: number;
  /** Longest time a request waits, all its waits together. Default 120000: most clients give up then. */
  readonly queueWaitMaxMs: number;
  /** Thinkers tried before a failure is passed on. Default 3: a third failure is rarely the thinker's. */
  readonly triesMax: number;
  /** Times a request is turned away as busy before that is passed on. Default 16: with growing pauses, a minute or two. */
  readonly busyTriesMax: number;
  /** First token of a model that is in memory. Default 60000. */
  readonly firstTokenWarmMs: number;
  /** First token of a model that must be loaded first. Default 600000: large ones take minutes. */
  readonly firstTokenColdMs: number;
  /** Silence between two chunks. Default 30000. */
  readonly stallMs: number;
  /** A whole answer. Default 1800000: long reasoning on a slow machine. */
  readonly totalMs: number;
  /** Idle jobs that may wait. Default 64: a few megabytes of requests, and more than are audited in ten minutes. */
  readonly idleQueueMax: number;
  /** Longest wait of an idle job. Default 600000: an older question tells little of today's traffic. */
  readonly idleWaitMaxMs: number;
}

export const routerDefaults: RouterOptions = {
  queueMax: 256,
  queueWaitMaxMs: 120_000,
  triesMax: 3,
  busyTriesMax: 16,
  firstTokenWarmMs: 60_000,
  firstTokenColdMs: 600_000,
  stallMs: 30_000,
  totalMs: 1_800_000,
  idleQueueMax: 64,
  idleWaitMaxMs: 600_000,
};

export interface PlacementDeps {
  readonly pool: ThinkerPool;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly demand?: DemandTracker;
  readonly standby?: Standby | undefined;
  readonly work?: WorkMeter | undefined;
  readonly options?: Partial<RouterOptions>;
}

/** How often waiting jobs are looked at when nothing else happens: deadlines and pauses are this exact. */
const tickMs = 100;
/** Pause before the same thinker is asked again, doubled with each failure. */
const retryPauseMs = 100;
const retryPauseMaxMs = 1_600;
export class Placement {
  readonly options: RouterOptions;
  readonly clock: Clock;
  readonly #deps: PlacementDeps;
  readonly #warm: AnswerTimeouts;
  readonly #cold: AnswerTimeouts;
  readonly #line = new WaitingLine<Job>();
  readonly idle: IdleLine;
  readonly #rests: Rests;
  readonly #queueWaits: QueueWaits;
  #ticker: Timer | undefined;
  #tickedAtMs = 0;
  #arrivals = 0;
  #serveScheduled = false;
  #running = 0;

  constructor(deps: PlacementDeps) {
    this.#deps = deps;
    this.clock = deps.clock;
    this.#rests = new Rests(deps);
    this.#queueWaits = new QueueWaits(deps.metrics);
    this.options = { ...routerDefaults, ...deps.options };
    const { firstTokenWarmMs, firstTokenColdMs, stallMs, totalMs } = this.options;
    this.#warm = { firstTokenMs: firstTokenWarmMs, stallMs, totalMs };
    this.#cold = { firstTokenMs: firstTokenColdMs, stallMs, totalMs };
    this.idle = new IdleLine({
      clock: this.clock,
      views: () => deps.pool.views(),
      isResting: (view) => this.#rests.has(view.id, this.clock.monotonicMs()),
      usersWait: () => this.#line.size > 0,
      start: (job, view) => this.#start(job, view),
      stop: (job, error) => this.#stopIdle(job, error),
      options: this.options,
    });
    deps.pool.onCapacity(() => this.#scheduleServe());
  }

  get waiting(): number {
    return this.#line.size;
  }

  get running(): number {
    return this.#running;
  }

  /** Placed before this returns where a thinker has room; the asker hears nothing before it returns. */
  submit(job: Job): void {
    if (job.idle) {
      const refusal = this.idle.submit(job);
      return refusal && this.#failLater(job, refusal);
    }
    this.#deps.demand?.arrived(job.model);
    if (this.#deps.work) job.workId = this.#arrive(job, this.#deps.work);
    let choice = this.#choose(job);
    if (choice === 'wait' && this.idle.makeRoom(job)) choice = this.#choose(job);
    if (choice === 'wait') {
      const { queueMax } = this.options;
      if (this.#line.size < queueMax) return this.#wait(job, 'back');
      const message = `the queue is full (${queueMax} requests wait for a thinker); retry later or add thinkers`;
      return this.#failLater(job, new AppError('queue_full', message, { retryAfterMs: 5_000 }));
    }
    if (choice instanceof AppError) return this.#failLater(job, choice);
    this.#start(job, choice);
  }

  /** The thinker it is on has begun to answer: all waiting is over, also that between tries. */
  placed(job: Job): void {
    if (!job.idle) this.#queueWaits.add(job.model, job.waitedMs);
  }

  /** The answer is complete. */
  complete(job: Job, ttftMs: number | undefined, usage?: Usage): void {
    if (job.view) this.#rests.end(job.view.id);
    this.#done(job, usage);
    this.#release(job, { kind: 'completed', ttftMs });
  }

  /** The asker left; everything is given back before this returns. */
  leave(job: Job): void {
    const { state } = job;
    this.#done(job);
    if (job.idle) this.idle.gone(job);
    if (state === 'waiting' && !job.idle) {
      this.#line.remove(job);
      this.#stopWaiting(job);
    } else if (state === 'running') {
      this.#release(job, { kind: 'aborted' });
    }
  }

  /** The attempt failed. @param begun its first event has been passed on, so there is no second attempt */
  failed(job: Job, error: AppError, begun: boolean): void {
    const view = job.view;
    this.#release(job, outcomeOf(error, job.model));
    if (!begun && view && !job.idle && this.#mayRetry(job, error, view)) {
      this.#deps.logger.debug(
        { thinker: view.name, code: error.code, failures: job.failures },
        'attempt failed, retrying',
      );
      if (job.workId !== undefined) this.#deps.work?.requeued(job.workId);
      this.#wait(job, 'front');
      return this.#scheduleServe();
    }
    if (error.code === 'internal') this.#deps.logger.error({ err: error.cause ?? error }, 'an answer failed by a bug');
    this.#done(job);
    job.tellFailure(error);
  }

  #mayRetry(job: Job, error: AppError, view: ThinkerView): boolean {
    const { triesMax, busyTriesMax } = this.options;
    if (error.code === 'upstream_busy') {
      job.busyTries += 1;
      this.#rests.add(view.id, error.retryAfterMs);
      return job.busyTries < busyTriesMax;
    }
    const missing = error.code === 'model_not_found';
    if (!missing && (!error.retryable || error.code === 'timeout_total')) return false;
    job.failures += 1;
    if (job.failures >= triesMax && !this.#isReplaced(job, error)) return false;
    const others = this.#deps.pool.views().some((other) => this.#isUntried(job, other) && other.id !== view.id);
    if (missing) return others;
    (job.tried ??= new Set()).add(view.id);
    if (others) return true;
    // Whoever waited the whole time for a first token has waited enough for this thinker.
    if (error.code === 'timeout_first_token') return false;
    const pauseMs = Math.min(retryPauseMs * 2 ** (job.failures - 1), retryPauseMaxMs);
    job.notBeforeMs = this.clock.monotonicMs() + pauseMs * (0.5 + this.#deps.random.float());
    return true;
  }

  /** Its thinker is gone and another will come: that is a wait, not a failure. */
  #isReplaced(job: Job, { code }: AppError): boolean {
    if (code !== 'upstream_failed' && code !== 'timeout_connect') return false;
    const outlook = this.#deps.standby?.outlook(job.model);
    return outlook?.kind === 'coming' && job.waitedMs < outlook.holdMs[job.patience];
  }

  #isUntried(job: Job, view: ThinkerView): boolean {
    return serves(view, job.model) && job.tried?.has(view.id) !== true;
  }

  #choose(job: Job): ThinkerView | 'wait' | AppError {
    const views = this.#deps.pool.views();
    const nowMs = this.#rests.size > 0 ? this.clock.monotonicMs() : 0;
    let candidates: ThinkerView[] | undefined;
    let only: ThinkerView | undefined;
    let serving = 0;
    let untried = 0;
    for (const view of views) {
      if (!serves(view, job.model)) continue;
      serving += 1;
      const fresh = job.tried?.has(view.id) !== true;
      if (fresh) untried += 1;
      if (!fresh || !hasRoom(view) || this.#rests.has(view.id, nowMs)) continue;
      if (!only) only = view;
      else (candidates ??= [only]).push(view);
    }
    if (serving === 0) return this.#absent(job, views);
    if (candidates) return pick(candidates, job.model, this.#deps.random);
    if (only) return only;
    if (untried > 0) return 'wait';
    // All have failed it: the same ones again, if the pause between tries has passed.
    const again = views.filter((view) => serves(view, job.model) && hasRoom(view) && !this.#rests.has(view.id, nowMs));
    return again.length === 0 ? 'wait' : pick(again, job.model, this.#deps.random);
  }

  #arrive(job: Job, work: WorkMeter): string {
    const id = `w${++this.#arrivals}`;
    work.arrived({ id, tenant: job.tenant, model: job.model, ...job.size() });
    return id;
  }

  #done(job: Job, usage?: Usage): void {
    job.state = 'done';
    if (job.workId !== undefined) this.#deps.work?.ended(job.workId, usage);
    job.workId = undefined;
  }

  /** Nobody who is there can answer; perhaps somebody who is not there yet. */
  #absent(job: Job, views: readonly ThinkerView[]): 'wait' | AppError {
    const { standby } = this.#deps;
    const outlook = standby?.outlook(job.model);
    if (outlook === undefined)
      return standby !== undefined && views.length === 0 ? modelNotFound(job.model) : explainAbsence(views, job.model);
    return outlook.kind === 'refused' ? outlook.error : 'wait';
  }

  #start(job: Job, view: ThinkerView): void {
    const lease = this.#deps.pool.lease(view.id, job.model);
    if (!job.idle) {
      this.#running += 1;
      this.#deps.demand?.running(job.model, 1);
      if (job.workId !== undefined) this.#deps.work?.started(job.workId);
    }
    job.state = 'running';
    job.lease = lease;
    job.view = view;
    job.cold = !view.loaded.has(job.model);
    job.startedMs = this.clock.monotonicMs();
    job.begin(lease, job.cold ? this.#cold : this.#warm);
  }

  #release(job: Job, outcome: LeaseOutcome): void {
    const { lease } = job;
    if (!lease) return;
    job.lease = undefined;
    if (job.idle) {
      this.idle.gone(job);
    } else {
      this.#running -= 1;
      this.#deps.demand?.running(job.model, -1);
    }
    lease.release(outcome);
  }

  #failLater(job: Job, error: AppError): void {
    queueMicrotask(() => {
      if (job.state === 'done') return;
      this.#done(job);
      job.tellFailure(error);
    });
  }

  #wait(job: Job, where: 'front' | 'back'): void {
    job.state = 'waiting';
    job.waitingSinceMs = this.clock.monotonicMs();
    this.#deps.demand?.waiting(job.model, 1);
    // One that lost its place is let in beyond queueMax: it was counted when it came.
    if (where === 'front') this.#line.pushFront(job);
    else this.#line.push(job);
    if (this.#ticker) return;
    this.#tickedAtMs = job.waitingSinceMs;
    this.#ticker = this.clock.every(tickMs, () => this.#tick());
  }

  /** After the job left the line. */
  #stopWaiting(job: Job): void {
    job.waitedMs += this.clock.monotonicMs() - job.waitingSinceMs;
    this.#deps.demand?.waiting(job.model, -1);
    if (this.#line.size > 0) return;
    this.#ticker?.clear();
    this.#ticker = undefined;
  }

  #tick(): void {
    const nowMs = this.clock.monotonicMs();
    const { queueWaitMaxMs } = this.options;
    const sinceMs = nowMs - this.#tickedAtMs;
    this.#tickedAtMs = nowMs;
    const starts = new Map<ModelName, Outlook | undefined>();
    for (const job of this.#line.items()) {
      if (job.state !== 'waiting') continue;
      if (!starts.has(job.model)) starts.set(job.model, this.#startOf(job.model));
      const start = starts.get(job.model);
      if (start?.kind === 'coming') {
        job.heldMs += sinceMs;
        if (job.heldMs >= start.holdMs[job.patience]) {
          this.#dismiss(job, holdOver(job.model, start));
          continue;
        }
      }
      if (job.waitedMs + (nowMs - job.waitingSinceMs) - job.heldMs < queueWaitMaxMs) continue;
      const message = `no thinker had room for model \`${job.model}\` within ${queueWaitMaxMs / 1000} s; retry later or add thinkers`;
      this.#dismiss(job, new AppError('timeout_queue', message, { retryAfterMs: 5_000 }));
    }
    this.#serve();
  }

  /** While no thinker that is there can answer. */
  #startOf(model: ModelName): Outlook | undefined {
    const { standby, pool } = this.#deps;
    return pool.views().some((view) => serves(view, model)) ? undefined : standby?.outlook(model);
  }

  /** Later in this turn of the event loop: capacity is told from deep inside a socket's callback. */
  #scheduleServe(): void {
    if (this.#serveScheduled || (this.#line.size === 0 && this.idle.size === 0)) return;
    this.#serveScheduled = true;
    queueMicrotask(() => {
      this.#serveScheduled = false;
      this.#serve();
    });
  }

  #serve(): void {
    const nowMs = this.clock.monotonicMs();
    // Jobs without failures differ by model alone: one answer `wait` holds for all of them.
    const full = new Set<ModelName>();
    this.#line.serve((job) => {
      if (job.state !== 'waiting' || job.notBeforeMs > nowMs) return 'waits';
      if (!job.tried && full.has(job.model)) return 'waits';
      let choice = this.#choose(job);
      // It came to wait before the idle job began, or was sent back by a thinker that is busy.
      if (choice === 'wait' && this.idle.makeRoom(job)) choice = this.#choose(job);
      if (choice === 'wait') {
        if (!job.tried) full.add(job.model);
        return 'waits';
      }
      if (choice instanceof AppError) {
        this.#dismiss(job, choice);
        return 'left';
      }
      this.#line.remove(job);
      this.#stopWaiting(job);
      this.#start(job, choice);
      return 'left';
    });
    this.idle.serve();
  }

  #stopIdle(job: Job, error: AppError): void {
    job.stop();
    job.state = 'done';
    this.#release(job, { kind: 'aborted' });
    job.tellFailure(error);
  }

  #dismiss(job: Job, error: AppError): void {
    this.#line.remove(job);
    this.#stopWaiting(job);
    this.#done(job);
    job.tellFailure(error);
  }
}
