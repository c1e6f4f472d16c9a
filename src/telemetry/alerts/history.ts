/** The gateway's own past, as far as alerts look back: samples in two rings, each with a fixed number of places. */
import type { EpochMs } from '../../core/units.ts';

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface HistoryOptions {
  /** Every sample of the newest time. */
  readonly fineMs: number;
  readonly fineStepMs: number;
  /** One sample each `coarseStepMs` of the time before: enough for windows of days. */
  readonly coarseMs: number;
  readonly coarseStepMs: number;
  /** Rows kept; alerts read sums, so they are some dozens. More is a mistake and is refused. */
  readonly rowsMax: number;
}

export const historyDefaults: HistoryOptions = {
  fineMs: 65 * 60_000,
  fineStepMs: 30_000,
  coarseMs: 7 * 86_400_000,
  coarseStepMs: 15 * 60_000,
  rowsMax: 256,
};

export class History {
  readonly #options: HistoryOptions;
  readonly #fine: Ring;
  readonly #coarse: Ring;

  constructor(options: HistoryOptions = historyDefaults) {
    this.#options = options;
    this.#fine = new Ring(Math.ceil(options.fineMs / options.fineStepMs) + 1, options.rowsMax);
    this.#coarse = new Ring(Math.ceil(options.coarseMs / options.coarseStepMs) + 1, options.rowsMax);
  }

  /** Values by row at one instant. A row that is not named has none then. Instants only grow. */
  add(at: EpochMs, values: ReadonlyMap<string, number>): void {
    this.#fine.add(at, values);
    const last = this.#coarse.lastAtMs;
    // A tick that comes a little early must not leave out a whole step.
    if (last === undefined || at - last >= this.#options.coarseStepMs - this.#options.fineStepMs / 2) {
      this.#coarse.add(at, values);
    }
  }

  /** Also at the instant that was added last, for what is worked out from it. */
  amend(values: ReadonlyMap<string, number>): void {
    const at = this.#fine.lastAtMs;
    this.#fine.amend(values);
    if (this.#coarse.lastAtMs === at) this.#coarse.amend(values);
  }

  /** Names of rows, of those that begin so. */
  rows(prefix: string): readonly string[] {
    return this.#fine.names().filter((name) => name.startsWith(prefix));
  }

  latest(row: string): number | undefined {
    return this.#fine.latest(row);
  }

  /** Points in (`atMs` − `windowMs`, `atMs`], oldest first: the fine ones where they reach, coarse ones before. */
  window(row: string, atMs: number, windowMs: number): readonly Point[] {
    const fromMs = atMs - windowMs;
    const fine = this.#fine.since(row, fromMs);
    const fineFromMs = this.#fine.firstAtMs ?? atMs;
    if (fromMs >= fineFromMs) return fine;
    return [...this.#coarse.since(row, fromMs).filter((point) => point.atMs < fineFromMs), ...fine];
  }
}

/** One column of instants, and a column of values for each row; NaN where a row had none. */
class Ring {
  readonly #size: number;
  readonly #rowsMax: number;
  readonly #atMs: Float64Array;
  readonly #rows = new Map<string, Float64Array>();
  #next = 0;
  #count = 0;

  constructor(size: number, rowsMax: number) {
    this.#size = size;
    this.#rowsMax = rowsMax;
    this.#atMs = new Float64Array(size);
  }

  get lastAtMs(): number | undefined {
    return this.#count === 0 ? undefined : this.#atMs[this.#index(this.#count - 1)];
  }

  get firstAtMs(): number | undefined {
    return this.#count === 0 ? undefined : this.#atMs[this.#index(0)];
  }

  names(): readonly string[] {
    return [...this.#rows.keys()];
  }

  add(atMs: number, values: ReadonlyMap<string, number>): void {
    const at = this.#next;
    this.#next = (at + 1) % this.#size;
    this.#count = Math.min(this.#size, this.#count + 1);
    this.#atMs[at] = atMs;
    for (const column of this.#rows.values()) column[at] = NaN;
    this.#set(at, values);
  }

  amend(values: ReadonlyMap<string, number>): void {
    this.#set((this.#next - 1 + this.#size) % this.#size, values);
  }

  latest(row: string): number | undefined {
    const value = this.#rows.get(row)?.[this.#index(this.#count - 1)];
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  since(row: string, fromMs: number): readonly Point[] {
    const column = this.#rows.get(row);
    if (column === undefined) return [];
    const points: Point[] = [];
    // From the newest back: short windows are asked for most.
    for (let back = this.#count - 1; back >= 0; back--) {
      const at = this.#index(back);
      const atMs = this.#atMs[at]!;
      if (atMs <= fromMs) break;
      const value = column[at]!;
      if (!Number.isNaN(value)) points.push({ atMs, value });
    }
    return points.reverse();
  }

  #index(nth: number): number {
    return (this.#next - this.#count + nth + this.#size) % this.#size;
  }

  #set(at: number, values: ReadonlyMap<string, number>): void {
    for (const [row, value] of values) {
      let column = this.#rows.get(row);
      if (column === undefined) {
        if (this.#rows.size >= this.#rowsMax)
          throw new RangeError(`more than ${this.#rowsMax} rows of history: ${row}`);
        this.#rows.set(row, (column = new Float64Array(this.#size).fill(NaN)));
      }
      column[at] = value;
    }
  }
}
