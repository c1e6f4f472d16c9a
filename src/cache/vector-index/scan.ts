import type { UnitVector } from '../../core/vector.ts';
import type { Kernel, SharedMemory } from './kernel.ts';
import type { Rows } from './rows.ts';
import { chunkRows, keptMax, type Layout, type Scratch } from './layout.ts';

export interface ScanDeps {
  readonly layout: Layout;
  readonly memory: SharedMemory;
  readonly kernel: Kernel;
  readonly rows: Rows;
  /** One scan at a time uses it. */
  readonly scratch: Scratch;
}

export interface ScanJob {
  readonly slots: ArrayLike<number>;
  readonly count: number;
  readonly query: UnitVector;
  /** Candidates wanted; a few more than neighbours, because scanned scores are rounded. */
  readonly best: number;
  /** From this many rows on, sketches choose which rows are compared. */
  readonly sketchRowsMin: number;
}

/** Least share of rows, and least number, that pass from the sketches to the finer comparison. */
const keptShare = 1 / 512;
const keptMin = 1024;

/**
 * Best candidates among the given slots, in pieces, so that a caller on the main thread can let
 * other work in between. Small sets are compared row by row in int8; for large ones the bits of
 * their sketches are compared first and only the nearest few hundred to thousand go on.
 * @returns slots, best first, after the last piece.
 */
export function* scan(deps: ScanDeps, job: ScanJob): Generator<undefined, Uint32Array> {
  const { layout, memory, kernel, rows, scratch } = deps;
  const words = new Uint32Array(memory.buffer);
  const slotsAt = scratch.slotsAt >>> 2;
  rows.writeQuery(job.query);
  const top = new Best(job.best);
  const compare = (count: number) => {
    kernel.dots(
      scratch.slotsAt,
      count,
      layout.rowsAt,
      layout.rowBytes,
      layout.scalesAt,
      scratch.queryAt,
      scratch.outAt,
    );
    top.offer(words, slotsAt, new Float32Array(memory.buffer, scratch.outAt, count));
  };
  if (job.count < job.sketchRowsMin) {
    for (let from = 0; from < job.count; from += chunkRows) {
      const count = Math.min(chunkRows, job.count - from);
      for (let i = 0; i < count; i++) words[slotsAt + i] = job.slots[from + i]!;
      compare(count);
      yield;
    }
    return top.slots();
  }

  const sieve = new Sieve(
    words,
    layout,
    scratch,
    Math.min(keptMax, Math.max(keptMin, Math.ceil(job.count * keptShare))),
  );
  for (let from = 0; from < job.count; from += chunkRows) {
    const count = Math.min(chunkRows, job.count - from);
    for (let i = 0; i < count; i++) words[slotsAt + i] = job.slots[from + i]!;
    kernel.distances(
      scratch.slotsAt,
      count,
      layout.sketchesAt,
      layout.sketchBytes,
      scratch.querySketchAt,
      scratch.outAt,
      scratch.histogramAt,
    );
    sieve.take(kernel, count);
    yield;
  }
  const kept = sieve.finish();
  const keptAt = scratch.keptAt >>> 2;
  for (let from = 0; from < kept; from += chunkRows) {
    const count = Math.min(chunkRows, kept - from);
    for (let i = 0; i < count; i++) words[slotsAt + i] = words[keptAt + 2 * (from + i)]!;
    compare(count);
    yield;
  }
  return top.slots();
}

/** Keeps the `want` slots of least distance, earlier ones first among equals, in bounded space. */
class Sieve {
  readonly #words: Uint32Array;
  readonly #scratch: Scratch;
  readonly #want: number;
  readonly #bins: number;
  #kept = 0;
  #limit = 0;

  constructor(words: Uint32Array, layout: Layout, scratch: Scratch, want: number) {
    this.#words = words;
    this.#scratch = scratch;
    this.#want = want;
    this.#bins = layout.sketchBytes * 8 + 1;
    words.fill(0, scratch.histogramAt >>> 2, (scratch.histogramAt >>> 2) + this.#bins);
  }

  /** Takes what a chunk brought that may still be among the nearest. */
  take(kernel: Kernel, count: number): void {
    const { slotsAt, outAt, keptAt } = this.#scratch;
    this.#limit = this.#nearestLimit();
    this.#kept += kernel.collect(slotsAt, count, outAt, this.#limit, keptAt + this.#kept * 8, chunkRows);
    if (this.#kept > this.#want + chunkRows) this.finish();
  }

  /** Throws out what later rows have beaten. @returns how many remain, at most `want`. */
  finish(): number {
    const words = this.#words;
    const at = this.#scratch.keptAt >>> 2;
    let equals = this.#want - this.#below(this.#limit);
    let kept = 0;
    for (let i = 0; i < this.#kept; i++) {
      const distance = words[at + 2 * i + 1]!;
      if (distance > this.#limit || (distance === this.#limit && equals-- <= 0)) continue;
      words[at + 2 * kept] = words[at + 2 * i]!;
      words[at + 2 * kept + 1] = distance;
      kept++;
    }
    this.#kept = kept;
    return kept;
  }

  /** Smallest distance within which lie `want` of the rows seen so far. */
  #nearestLimit(): number {
    const at = this.#scratch.histogramAt >>> 2;
    let sum = 0;
    for (let distance = 0; distance < this.#bins; distance++) {
      sum += this.#words[at + distance]!;
      if (sum >= this.#want) return distance;
    }
    return this.#bins - 1;
  }

  #below(limit: number): number {
    const at = this.#scratch.histogramAt >>> 2;
    let sum = 0;
    for (let distance = 0; distance < limit; distance++) sum += this.#words[at + distance]!;
    return sum;
  }
}

/** The highest scores offered, in order; among equals the earlier offer comes first. */
class Best {
  readonly #scores: Float32Array;
  readonly #slots: Uint32Array;
  #size = 0;

  constructor(size: number) {
    this.#scores = new Float32Array(size);
    this.#slots = new Uint32Array(size);
  }

  offer(words: Uint32Array, slotsAt: number, scores: Float32Array): void {
    const max = this.#scores.length;
    let bar = this.#size === max ? this.#scores[max - 1]! : -Infinity;
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (score <= bar) continue;
      let at = this.#size < max ? this.#size++ : max - 1;
      for (; at > 0 && this.#scores[at - 1]! < score; at--) {
        this.#scores[at] = this.#scores[at - 1]!;
        this.#slots[at] = this.#slots[at - 1]!;
      }
      this.#scores[at] = score;
      this.#slots[at] = words[slotsAt + i]!;
      if (this.#size === max) bar = this.#scores[max - 1]!;
    }
  }

  slots(): Uint32Array {
    return this.#slots.slice(0, this.#size);
  }
}
