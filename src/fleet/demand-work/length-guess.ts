/** How long an answer will be, by what answers of the same habit were: a running quantile over the last ones. */

export interface LengthGuess {
  /** Completion tokens expected of an answer; one at least, never more than its limit. */
  guess(habit: string, tokensMax: number | undefined): number;
  learn(habit: string, completionTokens: number): void;
}

/** A little above the median: too little capacity costs more than too much. */
const quantile = 0.6;
/** Answers remembered of each habit. */
const memoryMax = 64;
/** A habit is believed from this many answers on; until then the answers of all habits are. */
const believedFrom = 5;
/** Before any answer has ended. */
const prior = 200;

/** @param habitsMax the least recently learned one is forgotten. */
export function createLengthGuess(habitsMax: number): LengthGuess {
  const habits = new Map<string, RecentQuantile>();
  const all = new RecentQuantile();
  return {
    guess(habit, tokensMax = Infinity) {
      const own = habits.get(habit);
      const known = own !== undefined && own.count >= believedFrom ? own : all;
      // An answer has a token at least: work that waits is never nothing.
      return Math.max(1, Math.min(known.count === 0 ? prior : known.value(), tokensMax));
    },
    learn(habit, completionTokens) {
      const own = habits.get(habit) ?? new RecentQuantile();
      habits.delete(habit);
      habits.set(habit, own);
      if (habits.size > habitsMax) habits.delete(habits.keys().next().value!);
      own.add(completionTokens);
      all.add(completionTokens);
    },
  };
}

/** The last values twice: in order of arrival, to know which leaves, and in order of size. */
class RecentQuantile {
  readonly #ring: number[] = [];
  readonly #sorted: number[] = [];
  #at = 0;

  get count(): number {
    return this.#ring.length;
  }

  add(value: number): void {
    if (this.#ring.length === memoryMax) this.#sorted.splice(lowerBound(this.#sorted, this.#ring[this.#at]!), 1);
    this.#ring[this.#at] = value;
    this.#at = (this.#at + 1) % memoryMax;
    this.#sorted.splice(lowerBound(this.#sorted, value), 0, value);
  }

  value(): number {
    return this.#sorted[Math.min(this.#sorted.length - 1, Math.floor(quantile * this.#sorted.length))]!;
  }
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
