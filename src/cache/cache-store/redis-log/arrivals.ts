/** What other gateways have stored and removed, as it comes in from the log or from reading everything. */
import type { Clock } from '../../../core/clock.ts';
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import type { AddedEntry } from '../../cache-store.ts';
import type { TimeSlice } from '../../time-slice.ts';
import type { Shelf } from '../shelf.ts';
import { packedVectorOf } from './body-codec.ts';
import { Comparison } from './comparison.ts';
import type { Generations } from './generations.ts';
import { recordOfHead, type Head } from './head-codec.ts';
import { stampUnit } from './invalidator.ts';

export interface ArrivalsDeps {
  /** Writer of what this gateway puts itself. */
  readonly me: string;
  readonly clock: Clock;
  readonly shelf: Shelf;
  readonly generations: Generations;
  readonly nextSeq: (version: number) => number;
  /** A point in the order of what comes in: counts with `nextSeq`. */
  readonly mark: () => number;
  readonly isPending: (id: EntryId) => boolean;
  readonly admitted: (id: EntryId) => void;
}

/** Rows of ours come back within milliseconds; without a log they never do. */
const unheardMax = 10_000;
/** Between two looks at the clock: some 10 µs. */
const rowsPerLook = 64;

export class Arrivals {
  readonly #deps: ArrivalsDeps;
  readonly #listeners: ((entry: AddedEntry) => void)[] = [];
  /** Latest puts of ours whose rows in the log have not come back. */
  readonly #unheard = new Map<ExactKey, EntryId>();
  /** Removed here; the rows that tell the others have not come back. */
  readonly #removed = new Set<EntryId>();
  readonly #comparisons = new Set<Comparison>();

  constructor(deps: ArrivalsDeps) {
    this.#deps = deps;
  }

  onAdded(listener: (entry: AddedEntry) => void): void {
    this.#listeners.push(listener);
  }

  /** The others are being told. */
  expectRemoval(id: EntryId): void {
    this.#changed(id, undefined);
    if (this.#removed.size >= unheardMax) this.#removed.clear();
    this.#removed.add(id);
  }

  /** A row of ours will come back. */
  expect(key: ExactKey, id: EntryId): void {
    this.#changed(id, key);
    if (this.#unheard.size >= unheardMax) this.#unheard.clear();
    this.#unheard.set(key, id);
    this.#removed.delete(id);
  }

  /** A row of the log. */
  heard(head: Head, vec8: Buffer): void {
    this.#changed(head.id, head.key);
    this.#take(head, vec8);
  }

  heardRemoved(writer: string, entries: readonly { readonly id: EntryId; readonly key: ExactKey }[]): void {
    for (const { id, key } of entries) {
      this.#changed(id, key);
      if (writer === this.#deps.me) {
        // What was removed here is gone already; its id may be in use again.
        this.#removed.delete(id);
        continue;
      }
      const row = this.#deps.shelf.directory.rowOfId(id);
      if (row !== -1 && this.#deps.shelf.directory.at(row).exactKey === key) this.#deps.shelf.remove(id, 'manual');
    }
  }

  /** All of Redis is going to be read. Ends with `ended`. */
  compare(): Comparison {
    const comparison = new Comparison(this.#deps.mark());
    this.#comparisons.add(comparison);
    return comparison;
  }

  ended(comparison: Comparison): void {
    this.#comparisons.delete(comparison);
  }

  /** A record that Redis has. @returns whether it is news */
  read(comparison: Comparison, head: Head, vec8: Buffer): boolean {
    return comparison.read(head) && this.#take(head, vec8);
  }

  /** Everything has been read: what was not among it is gone, unless it came later. @returns how many */
  async dropUnseen(comparison: Comparison, slice: TimeSlice): Promise<number> {
    const { shelf, isPending } = this.#deps;
    const { directory } = shelf;
    let gone = 0;
    // From the end: a removal puts the last row in its place, which has been looked at.
    for (let row = directory.size - 1; row >= 0; row = Math.min(row, directory.size) - 1) {
      const id = directory.idAt(row);
      const isNew = directory.seqAt(row) % stampUnit > comparison.mark;
      if (!isNew && comparison.lacks(id) && !isPending(id) && shelf.remove(id, 'lru')) gone += 1;
      if (row % rowsPerLook === 0 && slice.isOver) await slice.next();
    }
    return gone;
  }

  #changed(id: EntryId, key: ExactKey | undefined): void {
    for (const comparison of this.#comparisons) comparison.changed(id, key);
  }

  #take(head: Head, vec8: Buffer): boolean {
    const { shelf, me, clock, generations, nextSeq, isPending } = this.#deps;
    // Removed here, and the row that says so is still to come.
    if (this.#removed.size > 0 && this.#removed.has(head.id)) return false;
    const sameId = shelf.directory.rowOfId(head.id);
    const sameKey = shelf.directory.rowOfKey(head.key);
    if (head.writer === me) {
      const latest = this.#unheard.get(head.key);
      // An earlier one of ours, under a key that we have put anew.
      if (latest !== undefined && latest !== head.id) return false;
      this.#unheard.delete(head.key);
      if (sameId !== -1 && sameId === sameKey) return false;
    }
    if (head.expiresAt <= clock.now() || !generations.admits(head.version, head.tenant, head.scope)) {
      // It has taken the place of what was there all the same.
      const before = sameKey === -1 ? undefined : shelf.directory.idAt(sameKey);
      if (before !== undefined && !isPending(before)) shelf.remove(before, 'replaced');
      return false;
    }
    const isNews = sameId === -1 || sameId !== sameKey;
    if (isNews) {
      const record = recordOfHead(head, nextSeq(head.version));
      if (sameId === -1 && sameKey === -1) shelf.place(record);
      else shelf.admit(record);
      this.#deps.admitted(head.id);
    }
    if (head.scope === undefined || head.embeddingModel === undefined || vec8.length <= 4) return isNews;
    const { id, scope, embeddingModel } = head;
    const added: AddedEntry = { id, scope, embeddingModel, vector: packedVectorOf(vec8) };
    for (const listener of this.#listeners) listener(added);
    return isNews;
  }
}
