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
  /** Redis has again what was removed for good: a late write brought it back, or a server that had not heard of it. */
  readonly cameBack: (key: ExactKey, id: EntryId) => void;
}

/** Rows of ours come back within milliseconds; without a log they never do. */
const unheardMax = 10_000;
/** Between two looks at the clock: some 10 µs. */
const rowsPerLook = 64;
/** What came back after so many later removals is served again until it expires. */
const forgottenMax = 10_000;

interface Unheard {
  readonly id: EntryId;
  /** An earlier one of ours that came back meanwhile: what Redis has if this one is never written. */
  passed?: { readonly head: Head; readonly vec8: Buffer } | undefined;
}

export class Arrivals {
  readonly #deps: ArrivalsDeps;
  readonly #listeners: ((entry: AddedEntry) => void)[] = [];
  /** Latest puts of ours whose rows in the log have not come back. */
  readonly #unheard = new Map<ExactKey, Unheard>();
  /** Removed here; the rows that tell the others have not come back. */
  readonly #removed = new Set<EntryId>();
  readonly #comparisons = new Set<Comparison>();
  /** Removed here by a person. No other entry will ever have their ids. */
  readonly #forgotten = new Set<EntryId>();

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

  /** Whatever happens to servers and late writes, it does not come back. */
  forget(id: EntryId): void {
    this.expectRemoval(id);
    this.#forgotten.delete(id);
    this.#forgotten.add(id);
    if (this.#forgotten.size > forgottenMax) this.#forgotten.delete(this.#forgotten.keys().next().value!);
  }

  isForgotten(id: EntryId): boolean {
    return this.#forgotten.has(id);
  }

  /** A row of ours will come back, unless the store says that it gave the write up. */
  expect(key: ExactKey, id: EntryId): void {
    this.#changed(id, key);
    if (this.#unheard.size >= unheardMax) this.#unheard.clear();
    this.#unheard.set(key, { id, passed: this.#unheard.get(key)?.passed });
    this.#removed.delete(id);
    this.#forgotten.delete(id);
  }

  /** A put of ours is not written any more; if it was, its row will say so. */
  gaveUp(key: ExactKey, id: EntryId): void {
    const expected = this.#unheard.get(key);
    if (expected?.id !== id) return;
    this.#unheard.delete(key);
    if (expected.passed !== undefined) this.heard(expected.passed.head, expected.passed.vec8);
  }

  /** Another server may lack what was written to the last one: only what is yet to be written is expected. */
  connected(): void {
    for (const [key, { id }] of this.#unheard) if (!this.#deps.isPending(id)) this.gaveUp(key, id);
  }

  /** A row of the log. */
  heard(head: Head, vec8: Buffer): void {
    this.#changed(head.id, head.key);
    this.#take(head, vec8);
  }

  heardRemoved(writer: string, entries: readonly { readonly id: EntryId; readonly key: ExactKey }[]): void {
    for (const { id, key } of entries) {
      this.#changed(id, key);
      const expected = this.#unheard.get(key);
      if (expected?.passed?.head.id === id) expected.passed = undefined;
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
    const { shelf, me, clock, generations, nextSeq, cameBack } = this.#deps;
    const isOurs = head.writer === me;
    if (this.#unheard.size > 0 && !this.#isLatest(head, vec8, isOurs)) return false;
    const sameId = shelf.directory.rowOfId(head.id);
    const sameKey = shelf.directory.rowOfKey(head.key);
    const isRemoved = this.#removed.size > 0 && this.#removed.has(head.id);
    if (isRemoved || (this.#forgotten.size > 0 && this.#forgotten.has(head.id))) {
      this.#giveWay(sameKey);
      // The row that says so is still to come; or it has come, and was for nothing.
      if (!isRemoved) cameBack(head.key, head.id);
      return false;
    }
    if (isOurs && sameId !== -1 && sameId === sameKey) return false;
    if (head.expiresAt <= clock.now() || !generations.admits(head.version, head.tenant, head.scope)) {
      this.#giveWay(sameKey);
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

  /** An earlier one of ours, under a key that we have put anew, says something only if that one is never written. */
  #isLatest(head: Head, vec8: Buffer, isOurs: boolean): boolean {
    const expected = this.#unheard.get(head.key);
    if (expected === undefined) return true;
    if (isOurs && expected.id !== head.id) {
      expected.passed = { head, vec8 };
      return false;
    }
    if (isOurs) this.#unheard.delete(head.key);
    else expected.passed = undefined;
    return true;
  }

  /** A row that does not serve has taken the place of what was there all the same. */
  #giveWay(row: number): void {
    const { shelf, isPending } = this.#deps;
    const before = row === -1 ? undefined : shelf.directory.idAt(row);
    if (before !== undefined && !isPending(before)) shelf.remove(before, 'replaced');
  }
}
