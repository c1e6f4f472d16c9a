/** What other gateways have stored and removed, as it comes in from the log or from reading everything. */
import type { Clock } from '../../../core/clock.ts';
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import type { AddedEntry } from '../../cache-store.ts';
import type { Shelf } from '../shelf.ts';
import { decodeVector } from './body-codec.ts';
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
  readonly isPending: (id: EntryId) => boolean;
  readonly admitted: (id: EntryId) => void;
}

/** Rows of ours come back within milliseconds; without a log they never do. */
const unheardMax = 10_000;

export class Arrivals {
  /** Entries of others that came in. */
  admitted = 0;
  readonly #deps: ArrivalsDeps;
  readonly #listeners: ((entry: AddedEntry) => void)[] = [];
  /** Latest puts of ours whose rows in the log have not come back. */
  readonly #unheard = new Map<ExactKey, EntryId>();
  /** Removed here; the rows that tell the others have not come back. */
  readonly #removed = new Set<EntryId>();

  constructor(deps: ArrivalsDeps) {
    this.#deps = deps;
  }

  onAdded(listener: (entry: AddedEntry) => void): void {
    this.#listeners.push(listener);
  }

  /** The others are being told. */
  expectRemoval(id: EntryId): void {
    if (this.#removed.size >= unheardMax) this.#removed.clear();
    this.#removed.add(id);
  }

  /** A row of ours will come back. */
  expect(key: ExactKey, id: EntryId): void {
    if (this.#unheard.size >= unheardMax) this.#unheard.clear();
    this.#unheard.set(key, id);
    this.#removed.delete(id);
  }

  heard(head: Head, vec8: Buffer): void {
    const { directory } = this.#deps.shelf;
    const sameId = directory.rowOfId(head.id);
    const sameKey = directory.rowOfKey(head.key);
    // Removed here, and the row that says so is still to come.
    if (this.#removed.has(head.id)) return;
    if (head.writer === this.#deps.me) {
      const latest = this.#unheard.get(head.key);
      // An earlier one of ours, under a key that we have put anew.
      if (latest !== undefined && latest !== head.id) return;
      this.#unheard.delete(head.key);
      if (sameId !== -1 && sameId === sameKey) return;
    }
    if (head.expiresAt <= this.#deps.clock.now()) return;
    if (!this.#deps.generations.admits(head.version, head.tenant, head.scope)) return;
    if (sameId === -1 || sameId !== sameKey) {
      this.#deps.shelf.admit({ ...recordOfHead(head), seq: this.#deps.nextSeq(head.version) });
      this.admitted += 1;
      this.#deps.admitted(head.id);
    }
    if (head.scope === undefined || head.embeddingModel === undefined || vec8.length <= 4) return;
    const added = { id: head.id, scope: head.scope, embeddingModel: head.embeddingModel, vector: decodeVector(vec8) };
    for (const listener of this.#listeners) listener(added);
  }

  heardRemoved(writer: string, entries: readonly { readonly id: EntryId; readonly key: ExactKey }[]): void {
    // What was removed here is gone already; its id may be in use again.
    if (writer === this.#deps.me) return entries.forEach(({ id }) => this.#removed.delete(id));
    for (const { id, key } of entries) {
      const row = this.#deps.shelf.directory.rowOfId(id);
      if (row !== -1 && this.#deps.shelf.directory.at(row).exactKey === key) this.#deps.shelf.remove(id, 'manual');
    }
  }

  absent(seen: ReadonlySet<EntryId>, mark: number): number {
    const { directory } = this.#deps.shelf;
    const gone: EntryId[] = [];
    for (let row = 0; row < directory.size; row++) {
      const id = directory.idAt(row);
      if (!seen.has(id) && directory.seqAt(row) % stampUnit <= mark && !this.#deps.isPending(id)) gone.push(id);
    }
    for (const id of gone) this.#deps.shelf.remove(id, 'lru');
    return gone.length;
  }
}
