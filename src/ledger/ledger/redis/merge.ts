/** The sums of several gateways as one: pure. */
import { usdMicros } from '../../../core/units.ts';
import {
  foldMs,
  type AnswerBucket,
  type ChargeBucket,
  type CostBucket,
  type LedgerBuckets,
  type LedgerRange,
} from '../../ledger.ts';
import { BucketFolder } from '../../sums.ts';

export type ForeignHour =
  | { readonly hour: number; readonly kind: 'answers'; readonly tenant: string; readonly rows: readonly AnswerBucket[] }
  | { readonly hour: number; readonly kind: 'costs'; readonly rows: readonly CostBucket[] }
  | { readonly hour: number; readonly kind: 'charges'; readonly rows: readonly ChargeBucket[] };

export const hourOf = (at: number): number => Math.floor(Math.max(0, at) / foldMs) * foldMs;

/**
 * Answers and billed time add up. Fixed costs and the provider's charges are written down by every gateway, and are
 * one bill all the same: of two accounts of the same hour (or day) the larger one counts.
 * @param mine by the hour; exact at the ends of the range, where others are in by whole hours
 */
export function mergeBuckets(
  mine: LedgerBuckets,
  others: readonly ForeignHour[],
  range: LedgerRange,
  bucketMs: number,
): LedgerBuckets {
  const folder = new BucketFolder(bucketMs);
  const once = new Map<string, CostBucket>();
  const charges = new Map<string, ChargeBucket>();
  for (const row of mine.answers) folder.addAnswers(row);
  for (const row of mine.costs) addCost(row);
  for (const row of mine.charges) addCharge(row);
  for (const part of others) {
    if (part.hour < range.from || part.hour >= range.to) continue;
    if (part.kind === 'costs') for (const row of part.rows) addCost(row);
    else if (part.kind === 'charges') for (const row of part.rows) addCharge(row);
    else if (range.tenant === undefined || range.tenant === part.tenant) {
      for (const row of part.rows) folder.addAnswers(row);
    }
  }
  // A bucket's begin would be taken for the end of the one before.
  for (const row of once.values()) folder.addCost({ ...row, at: (row.at + 1) as typeof row.at });
  return { ...folder.buckets(), charges: foldCharges() };

  function addCost(row: CostBucket): void {
    if (row.component !== 'fixed') return folder.addCost({ ...row, at: (row.at + 1) as typeof row.at });
    const key = `${row.at}|${row.subject}`;
    const known = once.get(key);
    if (known === undefined || row.amount > known.amount) once.set(key, row);
  }

  function addCharge(row: ChargeBucket): void {
    const key = `${row.at}|${row.component}|${row.subject}`;
    const known = charges.get(key);
    if (known === undefined || row.amount > known.amount) charges.set(key, row);
  }

  function foldCharges(): ChargeBucket[] {
    const sums = new Map<string, ChargeBucket>();
    for (const row of charges.values()) {
      const at = (Math.floor(row.at / bucketMs) * bucketMs) as typeof row.at;
      const key = `${at}|${row.component}|${row.subject}`;
      const known = sums.get(key);
      sums.set(key, { ...row, at, amount: usdMicros((known?.amount ?? 0) + row.amount) });
    }
    return [...sums.values()].sort((a, b) => a.at - b.at);
  }
}
