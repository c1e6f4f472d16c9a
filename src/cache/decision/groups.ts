/** Whose traffic is counted apart. Groups beyond the bound share the last number. */
import type { Breaker } from './breaker.ts';

export class Groups {
  readonly #numbers = new Map<string, number>();
  readonly #breakers: Breaker[] = [];
  /** Number of the first label that may certify, per group. */
  readonly #trustedFrom: number[] = [];
  readonly #max: number;
  readonly #makeBreaker: () => Breaker;

  constructor(groupsMax: number, makeBreaker: () => Breaker) {
    this.#max = groupsMax;
    this.#makeBreaker = makeBreaker;
  }

  get size(): number {
    return this.#breakers.length;
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name) ?? (this.size >= this.#max ? this.#max - 1 : undefined);
  }

  numberOf(name: string): number {
    const found = this.find(name);
    if (found !== undefined) return found;
    const number = this.size;
    this.#numbers.set(name, number);
    this.#breakers.push(this.#makeBreaker());
    this.#trustedFrom.push(0);
    return number;
  }

  breaker(group: number): Breaker {
    return this.#breakers[group]!;
  }

  trustedFrom(group: number): number {
    return this.#trustedFrom[group] ?? 0;
  }

  distrust(group: number, before: number): void {
    this.#trustedFrom[group] = before;
  }

  resetBreakers(trustedFrom: number): void {
    for (let group = 0; group < this.size; group++) {
      this.#breakers[group]!.reset();
      this.#trustedFrom[group] = trustedFrom;
    }
  }

  names(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}
