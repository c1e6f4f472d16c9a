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

  constructor(deps: ArrivalsDeps) {
    this.#deps = deps;
  }

  onAdded(listener: (entry: AddedEntry) => void): void {
    this.#listeners.push(listener);
  }

  /** A row of ours will come back. */
  expect(key: ExactKey, id: EntryId): void {
    if (this.#unheard.size >= unheardMax) this.#unheard.clear();
    this.#unheard.set(key, id);
  }

  heard(head: Head, vec8: Buffer): void {
    const { directory } = this.#deps.shelf;
    const sameId = directory.rowOfId(head.id);
    const sameKey = directory.rowOfKey(head.key);
    if (head.writer === this.#deps.me) {
      if (this.#unheard.get(head.key) !== head.id) return;
      this.#unheard.delete(head.key);
      // Known already, unless another gateway's entry came in between; and what is no longer here was removed here.
      if (sameKey === -1 || sameKey === sameId) return;
    }
    if (head.expiresAt <= this.#deps.clock.now()) return;
    if (!this.#deps.generations.admits(head.version, head.tenant, head.scope)) return;
    if (sameId === -1 || sameId !== sameKey) {
      this.#deps.shelf.admit({ ...recordOfHead(head), seq: this.#deps.nextSeq(head.version) });
      this.admitted += 1;
    }
    if (head.scope === undefined || head.embeddingModel === undefined || vec8.length <= 4) return;
    const added = { id: head.id, scope: head.scope, embeddingModel: head.embeddingModel, vector: decodeVector(vec8) };
    for (const listener of this.#listeners) listener(added);
  }

  heardRemoved(writer: string, entries: readonly { readonly id: EntryId; readonly key: ExactKey }[]): void {
    // What was removed here is gone already; its id may be in use again.
    if (writer === this.#deps.me) return;
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
