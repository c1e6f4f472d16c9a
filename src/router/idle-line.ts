/**
 * Jobs that run only where capacity would otherwise lie idle. They wait in a line of their own, no user
 * ever waits for them, and they count towards no demand, so that no machine is rented for them.
 */
import type { Clock, Timer } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { ThinkerView } from '../thinkers/thinker.ts';
import { serves } from './filters.ts';
import type { Job } from './job.ts';

export interface IdleLineDeps {
  readonly clock: Clock;
  readonly views: () => readonly ThinkerView[];
  readonly isResting: (view: ThinkerView) => boolean;
  /** Whether anybody waits for a thinker. */
  readonly usersWait: () => boolean;
  readonly start: (job: Job, view: ThinkerView) => void;
  /** Stops a running job and gives its lease back before it returns. */
  readonly stop: (job: Job, error: AppError) => void;
  readonly options: {
    /** Jobs that may wait. */
    readonly idleQueueMax: number;
    /** Longest wait of one job. */
    readonly idleWaitMaxMs: number;
  };
}

export interface IdleStats {
  readonly waiting: number;
  readonly running: number;
  /** Since start: never begun, because the line was full or the wait was over. */
  readonly dropped: number;
  /** Stopped for a user. */
  readonly preempted: number;
}

/** How often waiting jobs are looked at when nothing else happens: their deadline is this exact. */
const tickMs = 1_000;

export class IdleLine {
  readonly #deps: IdleLineDeps;
  /** In the order of arrival, which knows nothing of their content. */
  readonly #waiting = new Map<Job, number>();
  readonly #running = new Set<Job>();
  #ticker: Timer | undefined;
  #dropped = 0;
  #preempted = 0;

  constructor(deps: IdleLineDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#waiting.size;
  }

  stats(): IdleStats {
    return {
      waiting: this.#waiting.size,
      running: this.#running.size,
      dropped: this.#dropped,
      preempted: this.#preempted,
    };
  }

  /** @returns why it cannot wait */
  submit(job: Job): AppError | undefined {
    const { idleQueueMax } = this.#deps.options;
    if (this.#waiting.size >= idleQueueMax) {
      this.#dropped += 1;
      return new AppError('queue_full', `${idleQueueMax} idle jobs wait already; this one is dropped`);
    }
    job.state = 'waiting';
    this.#waiting.set(job, this.#deps.clock.monotonicMs());
    this.serve();
    if (this.#waiting.size > 0) this.#ticker ??= this.#deps.clock.every(tickMs, () => this.#tick());
    return undefined;
  }

  /** Starts what fits now: only while nobody waits, only where the model is in memory and there is room. */
  serve(): void {
    for (const job of this.#waiting.keys()) {
      if (this.#deps.usersWait()) return;
      const view = this.#roomFor(job);
      if (view === undefined) continue;
      this.#forget(job);
      this.#running.add(job);
      this.#deps.start(job, view);
    }
  }

  /**
   * Makes room for a user on a thinker that could serve it.
   * @returns whether a job was stopped
   */
  makeRoom(user: Job): boolean {
    for (const job of this.#running) {
      const view = job.view;
      if (view === undefined || user.tried?.has(view.id) === true) continue;
      // The view held by the job is of the moment it began.
      const now = this.#deps.views().find(({ id }) => id === view.id);
      if (now === undefined || !serves(now, user.model)) continue;
      this.#preempted += 1;
      this.#deps.stop(job, new AppError('aborted', 'an idle job made room for a user'));
      return true;
    }
    return false;
  }

  /** The job has ended or its asker left. */
  gone(job: Job): void {
    this.#running.delete(job);
    this.#forget(job);
  }

  #roomFor(job: Job): ThinkerView | undefined {
    return this.#deps
      .views()
      .filter((view) => serves(view, job.model) && view.loaded.has(job.model) && view.weight === 1)
      .filter((view) => hasRoomToSpare(view) && !this.#deps.isResting(view))
      .toSorted((a, b) => a.inFlight / a.maxConcurrency - b.inFlight / b.maxConcurrency)[0];
  }

  #forget(job: Job): void {
    this.#waiting.delete(job);
    if (this.#waiting.size > 0) return;
    this.#ticker?.clear();
    this.#ticker = undefined;
  }

  #tick(): void {
    this.serve();
    const { clock, options } = this.#deps;
    const nowMs = clock.monotonicMs();
    for (const [job, sinceMs] of this.#waiting) {
      if (nowMs - sinceMs < options.idleWaitMaxMs) continue;
      this.#dropped += 1;
      this.#forget(job);
      job.state = 'done';
      job.tellFailure(new AppError('timeout_queue', `no thinker was idle within ${options.idleWaitMaxMs / 1000} s`));
    }
  }
}

/** Where a thinker has several places one stays free, so that the next user needs not wait for one to be cleared. */
const hasRoomToSpare = ({ inFlight, maxConcurrency }: ThinkerView): boolean =>
  inFlight < Math.max(1, maxConcurrency - 1);
