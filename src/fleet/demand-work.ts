/**
 * Demand in the unit that a worker's speed is measured in: decode tokens. A prompt counts by the GPU time it
 * takes, an answer by its length: guessed while it is asked for, true once it has ended. Only requests that
 * need a thinker are told to it: a cache hit is no demand.
 */
import { assert } from '../core/assert.ts';
import type { EpochMs } from '../core/units.ts';
import { createLengthGuess } from './demand-work/length-guess.ts';

/** Told by the router of every request of one fleet's model. Times are the caller's clock. */
export interface DemandMeter {
  /** It now waits for a slot. */
  arrived(request: ArrivedRequest, at: EpochMs): void;
  /** It has a slot. */
  started(id: string): void;
  /** It lost its slot before its end and waits again: its host died, or it is tried elsewhere. */
  requeued(id: string, at: EpochMs): void;
  /** It is over, however it ended. @param usage what was really computed; undefined when that is not known */
  ended(id: string, usage: ComputedTokens | undefined, at: EpochMs): void;
  snapshot(at: EpochMs): DemandSnapshot;
}

export interface ArrivedRequest {
  readonly id: string;
  /** API key or tenant. With `model` and `tokensMax` it tells answers of one habit from another's. */
  readonly key: string;
  readonly model: string;
  readonly tokensMax: number | undefined;
  /** Estimated where it is not known before the thinker says. */
  readonly promptTokens: number;
}

export interface ComputedTokens {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Work is in decode tokens. */
export interface DemandSnapshot {
  /** Mean rates of arriving work, per second, over the last 30, 300 and 600 s. */
  readonly perS30: number;
  readonly perS300: number;
  readonly perS600: number;
  /** Work that arrived in each 10 s of the last 600 s, oldest first: 60 of them. */
  readonly buckets: readonly number[];
  readonly queuedWork: number;
  readonly queued: number;
  /** 0 when none waits. */
  readonly oldestQueuedS: number;
  readonly running: number;
  /** Since a request was waiting, running or arriving; Infinity when none ever did. */
  readonly idleS: number;
}

export interface DemandMeterOptions {
  /** Decode tokens that take as much GPU time as one prompt token: decode speed by prefill speed. */
  readonly promptWeight: number;
  /** Requests followed one by one; a further one counts in the windows with its guess, and is not corrected. */
  readonly requestsMax: number;
  /** (key, model, limit) habits that are told apart; the least recent goes. */
  readonly habitsMax: number;
}

export const demandMeterDefaults: DemandMeterOptions = {
  promptWeight: 400 / 4600,
  requestsMax: 20_000,
  habitsMax: 512,
};

const windowS = 600;
const bucketS = 10;

interface Followed {
  readonly arrivedS: number;
  readonly habit: string;
  work: number;
  state: 'queued' | 'running';
  queuedAt: EpochMs;
}

export function createDemandMeter(options: Partial<DemandMeterOptions> = {}): DemandMeter {
  return new Meter({ ...demandMeterDefaults, ...options });
}

class Meter implements DemandMeter {
  readonly #options: DemandMeterOptions;
  readonly #guess;
  /** Insertion order is order of arrival, but for requeued ones. */
  readonly #followed = new Map<string, Followed>();
  /** Work by second of arrival, a ring. */
  readonly #seconds = new Float64Array(windowS);
  #nowS = Number.NEGATIVE_INFINITY;
  #queuedWork = 0;
  #queued = 0;
  #busyAt: EpochMs | undefined;

  constructor(options: DemandMeterOptions) {
    assert(options.requestsMax > 0 && options.habitsMax > 0, 'the meter follows at least one request and one habit');
    this.#options = options;
    this.#guess = createLengthGuess(options.habitsMax);
  }

  arrived(request: ArrivedRequest, at: EpochMs): void {
    const habit = `${request.model}\n${request.tokensMax ?? ''}\n${request.key}`;
    const length = this.#guess.guess(habit, request.tokensMax);
    const work = length + this.#options.promptWeight * request.promptTokens;
    const arrivedS = this.#advance(at);
    this.#add(arrivedS, work);
    this.#busyAt = at;
    if (this.#followed.size >= this.#options.requestsMax || this.#followed.has(request.id)) return;
    this.#followed.set(request.id, { arrivedS, habit, work, state: 'queued', queuedAt: at });
    this.#queued += 1;
    this.#queuedWork += work;
  }

  started(id: string): void {
    const request = this.#followed.get(id);
    if (request?.state !== 'queued') return;
    request.state = 'running';
    this.#leaveQueue(request);
  }

  requeued(id: string, at: EpochMs): void {
    const request = this.#followed.get(id);
    if (request?.state !== 'running') return;
    // What it has computed is lost: the work has come a second time.
    this.#add(this.#advance(at), request.work);
    request.state = 'queued';
    request.queuedAt = at;
    this.#queued += 1;
    this.#queuedWork += request.work;
  }

  ended(id: string, usage: ComputedTokens | undefined, at: EpochMs): void {
    const request = this.#followed.get(id);
    if (request === undefined) return;
    this.#followed.delete(id);
    if (request.state === 'queued') this.#leaveQueue(request);
    this.#advance(at);
    this.#busyAt = at;
    if (usage === undefined) return;
    const truth = usage.completionTokens + this.#options.promptWeight * usage.promptTokens;
    this.#add(request.arrivedS, truth - request.work);
    this.#guess.learn(request.habit, usage.completionTokens);
  }

  snapshot(at: EpochMs): DemandSnapshot {
    const nowS = this.#advance(at);
    const buckets = Array.from({ length: windowS / bucketS }, (_, i) =>
      Math.max(0, this.#sum(nowS - windowS + i * bucketS, nowS - windowS + (i + 1) * bucketS)),
    );
    const over = (seconds: number) => sumOf(buckets.slice(-seconds / bucketS)) / seconds;
    const running = this.#followed.size - this.#queued;
    return {
      perS30: over(30),
      perS300: over(300),
      perS600: over(600),
      buckets,
      queuedWork: Math.max(0, this.#queuedWork),
      queued: this.#queued,
      oldestQueuedS: this.#oldestQueuedS(at),
      running,
      idleS:
        this.#followed.size > 0 ? 0 : this.#busyAt === undefined ? Infinity : Math.max(0, at - this.#busyAt) / 1000,
    };
  }

  #leaveQueue(request: Followed): void {
    this.#queued -= 1;
    // An empty queue holds no work, whatever the rounding of additions left.
    this.#queuedWork = this.#queued === 0 ? 0 : this.#queuedWork - request.work;
  }

  #oldestQueuedS(at: EpochMs): number {
    let oldest = at;
    if (this.#queued > 0)
      for (const { state, queuedAt } of this.#followed.values())
        if (state === 'queued' && queuedAt < oldest) oldest = queuedAt;
    return (at - oldest) / 1000;
  }

  /** Clears the seconds that passed. A clock that went back keeps the newest second it had. */
  #advance(at: EpochMs): number {
    const second = Math.floor(at / 1000);
    if (second <= this.#nowS) return this.#nowS;
    const passed = Math.min(windowS, second - this.#nowS);
    for (let i = 0; i < passed; i++) this.#seconds[(second - i) % windowS] = 0;
    this.#nowS = second;
    return second;
  }

  #add(second: number, work: number): void {
    if (second > this.#nowS - windowS) this.#seconds[second % windowS]! += work;
  }

  /** Of the seconds (from, to]. */
  #sum(from: number, to: number): number {
    let sum = 0;
    for (let second = from + 1; second <= to; second++) if (second >= 0) sum += this.#seconds[second % windowS]!;
    return sum;
  }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
