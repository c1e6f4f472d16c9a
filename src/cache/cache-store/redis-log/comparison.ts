/**
 * One reading of all that Redis has, beside the log that goes on. What is heard of an entry after the reading began is
 * newer than what was read of it, whichever comes in first.
 */
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import type { Head } from './head-codec.ts';

/** More changes than this during one reading, and it tells of nothing new any more: the log does. */
const changesMax = 100_000;

export class Comparison {
  /** The place of this reading in the order of what comes in here. */
  readonly mark: number;
  readonly #seen = new Set<EntryId>();
  readonly #changed = new Set<EntryId | ExactKey>();

  constructor(mark: number) {
    this.mark = mark;
  }

  /** An entry was put or removed, here or by somebody else. */
  changed(id: EntryId, key: ExactKey | undefined): void {
    if (this.#changed.size >= changesMax) return;
    this.#changed.add(id);
    if (key !== undefined) this.#changed.add(key);
  }

  /** @returns whether what was read still says how things are */
  read({ id, key }: Head): boolean {
    this.#seen.add(id);
    if (this.#changed.size === 0) return true;
    return this.#changed.size < changesMax && !this.#changed.has(id) && !this.#changed.has(key);
  }

  /** @returns whether it was not among what was read, and nothing has been heard of it since */
  lacks(id: EntryId): boolean {
    return !this.#seen.has(id) && !this.#changed.has(id);
  }
}
