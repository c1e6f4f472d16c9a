/** Seeded arrivals of questions, for demos and benchmarks: who asks when, and which answers may be shared. */
import type { Random } from '../core/random.ts';
import { questionFamilies, type QuestionFamily } from './workload/families.ts';

export interface Arrival {
  /** Since the start of the workload, milliseconds, never decreasing. */
  readonly atMs: number;
  readonly question: string;
  /** Two arrivals of one family may share an answer; of two families, never. */
  readonly family: string;
  /** Family this one can be mistaken for. */
  readonly nearMissOf: string | undefined;
}

export interface WorkloadOptions {
  readonly random: Random;
  /** Mean of the Poisson arrivals, > 0. */
  readonly requestsPerSecond: number;
  /** How many arrivals. */
  readonly count: number;
  /**
   * Zipf exponent of the popularity of families: 0 = all alike. 0.9 when absent, about what query
   * logs of search engines show.
   */
  readonly skew?: number;
  /** In [0, 1]: share of arrivals that are near misses. 0.1 when absent. */
  readonly nearMissShare?: number;
  readonly families?: readonly QuestionFamily[];
}

/** The same seed gives the same arrivals. Which families are popular also depends on the seed. */
export function* arrivals(options: WorkloadOptions): Generator<Arrival, void, undefined> {
  const { random, requestsPerSecond, count, skew = 0.9, nearMissShare = 0.1, families = questionFamilies } = options;
  if (!(requestsPerSecond > 0)) throw new Error(`requestsPerSecond is ${requestsPerSecond}; expected a number > 0`);
  const plain = popularity(
    families.filter((one) => one.nearMissOf === undefined),
    { random, skew },
  );
  const nearMisses = popularity(
    families.filter((one) => one.nearMissOf !== undefined),
    { random, skew: 0 },
  );
  let atMs = 0;
  for (let i = 0; i < count; i++) {
    // Gaps of a Poisson process are exponential; 1 − u is never 0.
    atMs += (-Math.log(1 - random.float()) / requestsPerSecond) * 1_000;
    const wantsNearMiss = random.float() < nearMissShare;
    const family = (wantsNearMiss ? (nearMisses() ?? plain()) : (plain() ?? nearMisses()))!;
    yield {
      atMs,
      question: family.wordings[random.int(family.wordings.length)]!,
      family: family.id,
      nearMissOf: family.nearMissOf,
    };
  }
}

/** Draws families, the nth most popular with weight n^-skew; undefined when there is none. */
function popularity(
  families: readonly QuestionFamily[],
  { random, skew }: { random: Random; skew: number },
): () => QuestionFamily | undefined {
  const order = [...families];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  let total = 0;
  const upTo = order.map((_, i) => (total += (i + 1) ** -skew));
  return () => {
    const drawn = random.float() * total;
    return order[upTo.findIndex((edge) => drawn < edge)] ?? order.at(-1);
  };
}
