const pageItems = 4096;

/** An array that grows by a page: at a million items an ordinary one would stop to copy eight megabytes. */
export class PagedArray<T> {
  readonly #pages: T[][] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** `at` is below `length`. */
  get(at: number): T {
    return this.#pages[Math.floor(at / pageItems)]![at % pageItems]!;
  }

  /** `at` is below `length`. */
  set(at: number, item: T): void {
    this.#pages[Math.floor(at / pageItems)]![at % pageItems] = item;
  }

  push(item: T): void {
    const at = this.#length++;
    const page = this.#pages[Math.floor(at / pageItems)];
    if (page) page.push(item);
    else this.#pages.push([item]);
  }

  pop(): void {
    const page = this.#pages[Math.floor(--this.#length / pageItems)]!;
    page.pop();
    if (page.length === 0) this.#pages.pop();
  }

  clear(): void {
    this.#pages.length = 0;
    this.#length = 0;
  }
}
