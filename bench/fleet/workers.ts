/** The data plane: a queue in front of machines that share their speed among the answers they make. */
import type { Requests } from './workload.ts';
import type { Machine } from './market.ts';

export type Phase = 'launching' | 'ready' | 'draining' | 'stopped' | 'gone';

export const slots = 8;
/** A batch of n goes n^(2/3) as fast as one answer alone. */
const batchExponent = 2 / 3;
/** Speed of each answer by answers under way, as a share of a full batch's speed. */
const shareOf = Float64Array.from({ length: slots + 1 }, (_, n) => (n === 0 ? 0 : (n / slots) ** batchExponent / n));
/** Decode tokens that a prompt token costs: decode speed of a full batch by prefill speed. */
export const promptWeight = 400 / 4600;

export class Worker {
  readonly id: string;
  readonly machine: Machine;
  readonly pricePerHour: number;
  readonly createdS: number;
  phase: Phase = 'launching';
  /** Of the start under way. */
  readyAtS = 0;
  billedFromS = 0;
  fails = false;
  readySinceS: number | undefined;
  drainingSinceS = 0;
  /** Kept with its disk when it has drained, instead of being given back. */
  stopsWhenDrained = false;
  stoppedAtS = 0;
  /** Of its last start from its disk; undefined while it has had none. */
  restartedAtS: number | undefined;
  /** Its GPU is in other hands: the list says so. */
  awaitsGpu = false;
  lostAtS = Infinity;
  /** Decode tokens done per answer since the beginning: all under way go at one speed. */
  progress = 0;
  movedS = 0;
  /** Progress at which each ends, and which request it is. */
  readonly ends = new Float64Array(slots);
  readonly requests = new Int32Array(slots);
  active = 0;
  /** As the controller knows it: an average over full batches; undefined until there was one. */
  measured: number | undefined;
  costUsd = 0;
  meteredS: number;

  constructor(id: string, machine: Machine, pricePerHour: number, nowS: number) {
    this.id = id;
    this.machine = machine;
    this.pricePerHour = pricePerHour;
    this.createdS = nowS;
    this.meteredS = nowS;
  }

  speed(): number {
    return this.machine.tokensPerS * shareOf[this.active]!;
  }

  moveTo(nowS: number): void {
    if (this.active > 0) this.progress += (nowS - this.movedS) * this.speed();
    this.movedS = nowS;
  }

  nextEndS(): number {
    if (this.active === 0) return Infinity;
    let first = Infinity;
    for (let i = 0; i < this.active; i++) if (this.ends[i]! < first) first = this.ends[i]!;
    return this.movedS + Math.max(0, first - this.progress) / this.speed();
  }
}

/** Told what happens to requests; the controller's meter listens. */
export interface RequestListener {
  arrived(request: number, nowS: number): void;
  started(request: number): void;
  requeued(request: number, nowS: number): void;
  ended(request: number, nowS: number): void;
}

export class DataPlane {
  readonly requests: Requests;
  readonly workers: Worker[] = [];
  readonly waits: Float32Array;
  readonly #listener: RequestListener;
  readonly #queue: Int32Array;
  #head = 0;
  #tail = 0;
  /** Lost with their machine: first in line. */
  readonly #lost: number[] = [];
  readonly #waitsFromS: Float64Array;
  inSystem = 0;
  #arrived = 0;
  #done = 0;

  constructor(requests: Requests, listener: RequestListener) {
    this.requests = requests;
    this.#listener = listener;
    this.waits = new Float32Array(requests.count);
    this.#queue = new Int32Array(requests.count);
    this.#waitsFromS = Float64Array.from(requests.atS);
  }

  get queued(): number {
    return this.#tail - this.#head + this.#lost.length;
  }

  get arrived(): number {
    return this.#arrived;
  }

  get done(): number {
    return this.#done;
  }

  workOf(request: number): number {
    return this.requests.completionTokens[request]! + promptWeight * this.requests.promptTokens[request]!;
  }

  /** Everything that happens before `untilS`. */
  run(untilS: number): void {
    const { atS, count } = this.requests;
    for (;;) {
      const arrivalS = this.#arrived < count ? atS[this.#arrived]! : Infinity;
      let endS = Infinity;
      let ending: Worker | undefined;
      for (const worker of this.workers) {
        const each = worker.nextEndS();
        if (each < endS) [endS, ending] = [each, worker];
      }
      const nextS = Math.min(arrivalS, endS);
      if (nextS >= untilS) break;
      if (ending !== undefined && endS <= arrivalS) this.#end(ending, endS);
      else this.#arrive(arrivalS);
    }
    for (const worker of this.workers) worker.moveTo(untilS);
  }

  /** Fills free slots; called when there are new ones. */
  dispatch(nowS: number): void {
    while (this.queued > 0) {
      const worker = this.#freest();
      if (worker === undefined) return;
      this.#start(this.#lost.shift() ?? this.#queue[this.#head++]!, worker, nowS);
    }
  }

  /** Its answers begin again elsewhere, from nothing. */
  lose(worker: Worker, nowS: number): void {
    for (let i = 0; i < worker.active; i++) {
      const request = worker.requests[i]!;
      this.#lost.push(request);
      this.#waitsFromS[request] = nowS;
      this.#listener.requeued(request, nowS);
    }
    worker.active = 0;
  }

  remove(worker: Worker): void {
    this.workers.splice(this.workers.indexOf(worker), 1);
  }

  /** What still waits has waited until now. */
  finish(nowS: number): void {
    for (const request of [...this.#lost, ...this.#queue.subarray(this.#head, this.#tail)]) this.#waited(request, nowS);
  }

  #arrive(nowS: number): void {
    const request = this.#arrived++;
    this.inSystem += 1;
    this.#listener.arrived(request, nowS);
    const worker = this.queued === 0 ? this.#freest() : undefined;
    if (worker === undefined) this.#queue[this.#tail++] = request;
    else this.#start(request, worker, nowS);
  }

  #freest(): Worker | undefined {
    let best: Worker | undefined;
    for (const worker of this.workers)
      if (worker.phase === 'ready' && worker.active < slots && (best === undefined || worker.active < best.active))
        best = worker;
    return best;
  }

  #start(request: number, worker: Worker, nowS: number): void {
    worker.moveTo(nowS);
    worker.ends[worker.active] = worker.progress + this.workOf(request);
    worker.requests[worker.active] = request;
    worker.active += 1;
    this.#waited(request, nowS);
    this.#listener.started(request);
  }

  #waited(request: number, nowS: number): void {
    this.waits[request] = Math.max(this.waits[request]!, nowS - this.#waitsFromS[request]!);
  }

  #end(worker: Worker, nowS: number): void {
    worker.moveTo(nowS);
    let first = 0;
    for (let i = 1; i < worker.active; i++) if (worker.ends[i]! < worker.ends[first]!) first = i;
    const request = worker.requests[first]!;
    const last = --worker.active;
    worker.ends[first] = worker.ends[last]!;
    worker.requests[first] = worker.requests[last]!;
    this.inSystem -= 1;
    this.#done += 1;
    this.#listener.ended(request, nowS);
    if (this.queued > 0) this.dispatch(nowS);
  }
}
