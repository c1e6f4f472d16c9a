import type { CacheEntry } from '../cache-store.ts';

/** Objects and maps around an entry's strings and vector. */
const overheadBytes = 1024;

/** Decoded entries, the least recently used leaving first when the bytes are used up. */
export class HotEntries {
  readonly #bytesMax: number;
  readonly #entries = new Map<number, { readonly entry: CacheEntry; readonly bytes: number }>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(seq: number): CacheEntry | undefined {
    const held = this.#entries.get(seq);
    if (!held) return undefined;
    // A map is iterated in the order of insertion, so the oldest is always the first.
    this.#entries.delete(seq);
    this.#entries.set(seq, held);
    return held.entry;
  }

  set(seq: number, entry: CacheEntry, storedBytes: number): void {
    this.delete(seq);
    const bytes = storedBytes + overheadBytes;
    if (bytes > this.#bytesMax) return;
    this.#entries.set(seq, { entry, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.delete(oldest);
    }
  }

  has(seq: number): boolean {
    return this.#entries.has(seq);
  }

  delete(seq: number): void {
    const held = this.#entries.get(seq);
    if (!held) return;
    this.#bytes -= held.bytes;
    this.#entries.delete(seq);
  }
}
