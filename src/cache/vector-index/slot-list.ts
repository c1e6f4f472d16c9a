/** Up to this many slots a plain array is smaller than a typed one; most scopes hold one conversation. */
const plainMax = 1024;

/** The rows of one scope, in no order. Large lists lie in shared memory, where the scanning thread reads them in place. */
export class SlotList {
  #slots: number[] | Uint32Array<SharedArrayBuffer> = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get slots(): ArrayLike<number> {
    return this.#slots;
  }

  /** The same list where another thread can read it; undefined while it is small. */
  get shared(): Uint32Array<SharedArrayBuffer> | undefined {
    return Array.isArray(this.#slots) ? undefined : this.#slots;
  }

  /** @returns the slot's position, for `removeAt`. */
  push(slot: number): number {
    if (Array.isArray(this.#slots)) {
      if (this.#size < plainMax) this.#slots.push(slot);
      else this.#widen();
    } else if (this.#size === this.#slots.length) this.#widen();
    this.#slots[this.#size] = slot;
    return this.#size++;
  }

  /** @returns the slot that moved to this position from the end, or undefined. */
  removeAt(position: number): number | undefined {
    const last = --this.#size;
    const moved = position === last ? undefined : this.#slots[last]!;
    if (moved !== undefined) this.#slots[position] = moved;
    if (Array.isArray(this.#slots)) this.#slots.length = last;
    return moved;
  }

  #widen(): void {
    const wider = new Uint32Array(new SharedArrayBuffer(this.#size * 2 * 4));
    wider.set(this.#slots);
    this.#slots = wider;
  }
}
