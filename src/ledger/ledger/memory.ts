import {
  answersMaxDefault,
  foldMs,
  type AnswerEntry,
  type Ledger,
  type LedgerBuckets,
  type LedgerEntry,
  type LedgerRange,
} from '../ledger.ts';
import { BucketFolder, isInRange, tidyEntry, totalsOf } from '../sums.ts';

export interface MemoryLedgerOptions {
  /** Answers kept as single entries; older ones are sums of an hour. */
  readonly answersMax?: number;
}

/** Entries folded at a time: one of many small steps, not a pause every million answers. */
const foldSlice = 256;

/** Ends with the process. For tests, and for gateways that may not write. */
export function createMemoryLedger({ answersMax = answersMaxDefault }: MemoryLedgerOptions = {}): Ledger {
  let answers: AnswerEntry[] = [];
  let folded = 0;
  const others: Exclude<LedgerEntry, AnswerEntry>[] = [];
  const ids = new Set<string>();
  /** Per tenant, sums of an hour. */
  const sums = new Map<string, BucketFolder>();

  function fold(): void {
    for (const entry of answers.slice(folded, folded + foldSlice)) {
      let sum = sums.get(entry.tenant);
      if (sum === undefined) sums.set(entry.tenant, (sum = new BucketFolder(foldMs)));
      sum.add(entry);
    }
    folded += foldSlice;
    // Dropping the head of a long array moves all of it: done once for many folds.
    if (folded < answersMax) return;
    answers = answers.slice(folded);
    folded = 0;
  }

  /** Appended in almost the order of time; a stable sort keeps entries of one instant as they came. */
  const within = (range: LedgerRange, kinds?: readonly LedgerEntry['kind'][]): LedgerEntry[] =>
    [...answers.slice(folded), ...others]
      .filter((entry) => (kinds === undefined || kinds.includes(entry.kind)) && isInRange(entry, range))
      .sort((a, b) => a.at - b.at);

  async function buckets(range: LedgerRange, bucketMs: number): Promise<LedgerBuckets> {
    const folder = new BucketFolder(bucketMs);
    for (const [tenant, sum] of sums) {
      if (range.tenant !== undefined && range.tenant !== tenant) continue;
      for (const row of sum.buckets().answers) if (row.at >= range.from && row.at < range.to) folder.addAnswers(row);
    }
    // In the order of appending, so that a later charge replaces an earlier one.
    for (const entry of [...answers.slice(folded), ...others]) if (isInRange(entry, range)) folder.add(entry);
    return folder.buckets();
  }

  return {
    name: 'memory',
    lost: 0,
    append(given) {
      const entry = tidyEntry(given);
      if (entry.kind === 'answer') {
        answers.push(entry);
        if (answers.length - folded > answersMax) fold();
        return;
      }
      if (entry.kind === 'cost' && entry.id !== undefined) {
        if (ids.has(entry.id)) return;
        ids.add(entry.id);
      }
      others.push(entry);
    },
    flush: () => Promise.resolve(),
    totals: async (range) => totalsOf(await buckets(range, foldMs)),
    buckets,
    async *entries(range, kinds) {
      yield* within(range, kinds);
    },
    close: () => Promise.resolve(),
  };
}
