import type { EntryFilter, EntrySummary } from '../cache-store.ts';
import { assert } from '../../core/assert.ts';

/** Summaries in one page: a screen or a script's batch; more would hold up the reader. */
export const pageLimitMax = 1000;

export function pageLimit(limit: number): number {
  assert(Number.isInteger(limit) && limit >= 0, `page limit is ${limit}; expected an integer >= 0`);
  return Math.min(limit, pageLimitMax);
}

export function matchesFilter(summary: EntrySummary, filter: EntryFilter): boolean {
  if (filter.tenant !== undefined && summary.tenant !== filter.tenant) return false;
  if (filter.model !== undefined && summary.model !== filter.model) return false;
  if (filter.digest !== undefined && summary.digest !== filter.digest) return false;
  if (filter.olderThan !== undefined && summary.storedAt >= filter.olderThan) return false;
  return filter.contains === undefined || containsText(summary.text, filter.contains);
}

/** Case-insensitive in every script, unlike SQL's LIKE. */
export function containsText(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}
