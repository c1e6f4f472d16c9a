/** How long people waited, and how many were failed, from single answers: for promises about time. */
import { outcomeCounts } from './sums.ts';
import type { AnswerEntry } from './ledger.ts';

export interface WaitFigures {
  readonly n: number;
  /** Milliseconds, within 1 %; undefined without answers. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface LatencyFigures {
  /** Stored answers, from the request's first byte to the reply's last. */
  readonly hits: WaitFigures;
  /** First token from a thinker that had the model loaded. */
  readonly warmFirstToken: WaitFigures;
  /** First token where the model had to be loaded, or a machine to be started. */
  readonly coldFirstToken: WaitFigures;
  /** Whole answers of thinkers. */
  readonly wholeMisses: WaitFigures;
  readonly answered: number;
  readonly failed: number;
  /** The newest answers alone were looked at: this many. */
  readonly looked: number;
}

export class LatencyScan {
  readonly #hits = new Waits();
  readonly #warm = new Waits();
  readonly #cold = new Waits();
  readonly #whole = new Waits();
  #answered = 0;
  #failed = 0;
  #looked = 0;

  add(entry: AnswerEntry): void {
    this.#looked += 1;
    const { answers, failed } = outcomeCounts(entry.outcome);
    this.#answered += answers;
    this.#failed += failed;
    if (answers === 0) return;
    switch (entry.source) {
      case 'exact':
      case 'semantic':
        this.#hits.add(entry.totalMs);
        return;
      case 'thinker':
        this.#whole.add(entry.totalMs);
        if (entry.ttftMs !== undefined) (entry.loadMs > 0 ? this.#cold : this.#warm).add(entry.ttftMs);
        return;
      default:
    }
  }

  figures(): LatencyFigures {
    return {
      hits: this.#hits.figures(),
      warmFirstToken: this.#warm.figures(),
      coldFirstToken: this.#cold.figures(),
      wholeMisses: this.#whole.figures(),
      answered: this.#answered,
      failed: this.#failed,
      looked: this.#looked,
    };
  }
}

/** Bins of 1 %: a quantile of millions in a kilobyte or two. */
const growth = Math.log(1.01);

class Waits {
  readonly #bins = new Map<number, number>();
  #n = 0;

  add(ms: number): void {
    const bin = Math.ceil(Math.log(Math.max(0.001, ms)) / growth);
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
    this.#n += 1;
  }

  figures(): WaitFigures {
    const sorted = [...this.#bins].sort(([a], [b]) => a - b);
    const at = (share: number): number | undefined => {
      let left = Math.ceil(share * this.#n);
      for (const [bin, count] of sorted) if ((left -= count) <= 0) return Number(Math.exp(bin * growth).toPrecision(4));
      return undefined;
    };
    return { n: this.#n, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
  }
}
