import type { Clock } from '../../core/clock.ts';
import type { EntryId } from '../../core/ids.ts';
import type { UnitVector } from '../../core/vector.ts';
import type { EntryFilter, EntrySummary } from '../cache-store.ts';
import type { SummaryRow } from './disk-protocol.ts';
import type { DiskThread } from './disk-thread.ts';
import type { Journal } from './journal.ts';
import { decodeVector } from './entry-codec.ts';
import { matchesFilter, pageLimit } from './entry-filter.ts';
import { summaryOf, type Shelf } from './shelf.ts';

export interface DiskViewsDeps {
  readonly clock: Clock;
  readonly shelf: Shelf;
  readonly journal: Journal;
  /** Brings the disk up to date, as far as it lets itself be written. */
  readonly settle: () => Promise<void>;
  readonly ask: <T>(call: (disk: DiskThread) => Promise<T>) => Promise<T>;
}

/** Rows removed in one turn of the event loop: about 1 ms, so that a purge of everything holds nobody up. */
const matchRows = 250;
const semanticRows = 256;

/**
 * What operators ask of all entries at once. The disk thread looks; the directory says what is
 * still there; the journal adds what a refusing disk has not got.
 */
export class DiskViews {
  readonly #deps: DiskViewsDeps;

  constructor(deps: DiskViewsDeps) {
    this.#deps = deps;
  }

  async purge(filter: EntryFilter, reason: 'manual' | 'model_changed' = 'manual'): Promise<number> {
    const { shelf, ask, settle } = this.#deps;
    await settle();
    let removed = 0;
    const drop = ({ seq, id }: SummaryRow) => {
      if (rowOfSeq(shelf, id, seq) !== -1 && shelf.remove(id, reason)) removed++;
    };
    for (let after = 0; ;) {
      const page = await ask((disk) => disk.call('match', filter, after, matchRows));
      page.forEach(drop);
      if (page.length < matchRows) break;
      after = page.at(-1)!.seq;
    }
    this.#unwritten(filter).forEach(drop);
    return removed;
  }

  async list(
    filter: EntryFilter,
    page: { readonly limit: number; readonly before?: number },
  ): Promise<readonly EntrySummary[]> {
    const { shelf, ask, settle, clock } = this.#deps;
    await settle();
    const limit = pageLimit(page.limit);
    const before = page.before ?? Infinity;
    const stored = await ask((disk) => disk.call('list', filter, limit, page.before, clock.now()));
    const unwritten = this.#unwritten(filter).filter(({ storedAt }) => storedAt < before);
    const bySeq = new Map([...stored, ...unwritten].map((summary) => [summary.seq, summary]));
    const newest = [...bySeq.values()].sort((a, b) => b.storedAt - a.storedAt || b.seq - a.seq);
    const found: EntrySummary[] = [];
    for (const { seq, ...summary } of newest) {
      const row = rowOfSeq(shelf, summary.id, seq);
      if (row !== -1 && found.length < limit) found.push({ ...summary, hits: shelf.directory.hitsAt(row) });
    }
    return found;
  }

  async *semanticEntries(): AsyncGenerator<readonly (EntrySummary & { readonly vector: UnitVector })[]> {
    const { shelf, journal, ask, settle } = this.#deps;
    await settle();
    const unwritten = this.#unwritten({});
    for (let after = 0; ;) {
      const page = await ask((disk) => disk.call('semantic', after, semanticRows));
      const batch = page
        .filter(({ id, seq }) => rowOfSeq(shelf, id, seq) !== -1)
        .map(({ seq, vectorBytes, ...summary }) => ({
          ...summary,
          vector: decodeVector(vectorBytes),
          ...journal.vector(seq),
        }));
      if (batch.length > 0) yield batch;
      if (page.length < semanticRows) break;
      after = page.at(-1)!.seq;
    }
    const rest = unwritten.flatMap(({ seq, ...summary }) => {
      const vector = rowOfSeq(shelf, summary.id, seq) === -1 ? undefined : journal.entry(seq)?.semantic?.vector;
      return vector ? [{ ...summary, vector }] : [];
    });
    if (rest.length > 0) yield rest;
  }

  #unwritten(filter: EntryFilter): SummaryRow[] {
    const { shelf, journal } = this.#deps;
    return [...journal.entries()].flatMap(([seq, entry]) => {
      const row = rowOfSeq(shelf, entry.id, seq);
      if (row === -1) return [];
      const summary = summaryOf(entry, shelf.directory.at(row));
      return matchesFilter(summary, filter) ? [{ ...summary, seq }] : [];
    });
  }
}

/** Row of a live entry that is still the one with this seq, or -1. */
export function rowOfSeq(shelf: Shelf, id: EntryId, seq: number): number {
  const row = shelf.rowOfId(id);
  return row !== -1 && shelf.directory.seqAt(row) === seq ? row : -1;
}
