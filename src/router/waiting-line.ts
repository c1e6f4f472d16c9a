/** Requests that wait for a thinker. Tenants take turns; within a tenant the first come is the first served. */
import type { TenantId } from '../core/ids.ts';

export interface Waiting {
  readonly tenant: TenantId;
}

/** What became of a request that was offered a place: it left the line, or it waits on. */
export type Offer = 'left' | 'waits';

export class WaitingLine<T extends Waiting> {
  /** In the order of turns: a tenant that was served goes to the end. */
  readonly #lines = new Map<TenantId, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    this.#lineOf(item.tenant).push(item);
    this.#size += 1;
  }

  /** For one that had a place already and lost it. */
  pushFront(item: T): void {
    this.#lineOf(item.tenant).unshift(item);
    this.#size += 1;
  }

  /** @returns false when it is not in the line */
  remove(item: T): boolean {
    const line = this.#lines.get(item.tenant);
    const index = line?.indexOf(item) ?? -1;
    if (!line || index === -1) return false;
    line.splice(index, 1);
    this.#size -= 1;
    if (line.length === 0) this.#lines.delete(item.tenant);
    return true;
  }

  /** All that wait, tenant by tenant. */
  items(): T[] {
    return [...this.#lines.values()].flat();
  }

  /**
   * Rounds over the tenants until a round places nobody. In each round each tenant's first request that can
   * be placed is; one that cannot (its model has no room) holds up nobody behind it.
   * `offer` may remove items, also the one it is given.
   */
  serve(offer: (item: T) => Offer): void {
    let served = true;
    while (served && this.#size > 0) {
      served = false;
      // A copy, because a tenant that was served moves to the end of the map.
      const turn = Array.from(this.#lines.keys());
      for (const tenant of turn) {
        if (this.#serveOne(tenant, offer)) served = true;
      }
    }
  }

  #serveOne(tenant: TenantId, offer: (item: T) => Offer): boolean {
    const line = this.#lines.get(tenant)?.slice() ?? [];
    for (const item of line) {
      if (offer(item) === 'waits') continue;
      this.remove(item);
      const rest = this.#lines.get(tenant);
      if (rest) {
        this.#lines.delete(tenant);
        this.#lines.set(tenant, rest);
      }
      return true;
    }
    return false;
  }

  #lineOf(tenant: TenantId): T[] {
    let line = this.#lines.get(tenant);
    if (!line) this.#lines.set(tenant, (line = []));
    return line;
  }
}
