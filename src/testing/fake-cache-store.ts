import type { CacheEntry, CacheStore, EntryFilter, EntrySummary, RemovalReason } from '../cache/cache-store.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { EntryId, ExactKey, Scope } from '../core/ids.ts';
import type { UnitVector } from '../core/vector.ts';

/** A cache store in plain maps, without bounds; its troubles are switched on by the test. */
export class FakeCacheStore implements CacheStore {
  readonly name = 'fake';
  readonly entries = new Map<EntryId, CacheEntry>();
  readonly meta = new Map<string, string>();
  readonly touched: EntryId[] = [];
  readonly doubted: EntryId[] = [];
  readonly calls: string[] = [];
  /** Every call is rejected with this while it is set. */
  failure: Error | undefined;
  /** Every call waits for this while it is set. */
  gate: Promise<void> | undefined;
  readonly #clock: Clock;
  readonly #listeners: ((id: EntryId, scope: Scope | undefined, reason: RemovalReason) => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ready(): Promise<void> {
    return this.#call('ready');
  }

  async getByKey(key: ExactKey): Promise<CacheEntry | undefined> {
    await this.#call('getByKey');
    return [...this.entries.values()].find((entry) => entry.exactKey === key && this.#live(entry));
  }

  async get(id: EntryId): Promise<CacheEntry | undefined> {
    await this.#call('get');
    const entry = this.entries.get(id);
    return entry && this.#live(entry) ? entry : undefined;
  }

  touch(id: EntryId): void {
    this.touched.push(id);
  }

  doubt(id: EntryId): void {
    this.doubted.push(id);
  }

  async put(entry: CacheEntry): Promise<void> {
    await this.#call('put');
    for (const old of this.entries.values()) if (old.exactKey === entry.exactKey) this.drop(old.id, 'replaced');
    this.entries.set(entry.id, entry);
  }

  async remove(id: EntryId, reason: RemovalReason): Promise<boolean> {
    await this.#call('remove');
    return this.drop(id, reason);
  }

  async purge(filter: EntryFilter, reason: RemovalReason = 'manual'): Promise<number> {
    await this.#call('purge');
    const found = [...this.entries.values()].filter((entry) => matches(entry, filter));
    for (const { id } of found) this.drop(id, reason);
    return found.length;
  }

  async list(filter: EntryFilter, page: { readonly limit: number }): Promise<readonly EntrySummary[]> {
    await this.#call('list');
    return [...this.entries.values()]
      .filter((entry) => matches(entry, filter))
      .toReversed()
      .slice(0, page.limit)
      .map((entry) => summaryOf(entry));
  }

  async *semanticEntries(): AsyncIterable<readonly (EntrySummary & { readonly vector: UnitVector })[]> {
    await this.#call('semanticEntries');
    for (const entry of this.entries.values()) {
      if (entry.semantic && this.#live(entry)) yield [{ ...summaryOf(entry), vector: entry.semantic.vector }];
    }
  }

  async setVector(id: EntryId, embeddingModel: string, vector: UnitVector): Promise<void> {
    await this.#call('setVector');
    const entry = this.entries.get(id);
    if (!entry?.semantic) return;
    const { scope, text } = entry.semantic;
    this.entries.set(id, { ...entry, semantic: { scope, text, embeddingModel, vector } });
  }

  onRemoved(listener: (id: EntryId, scope: Scope | undefined, reason: RemovalReason) => void): void {
    this.#listeners.push(listener);
  }

  async getMeta(key: string): Promise<string | undefined> {
    await this.#call('getMeta');
    return this.meta.get(key);
  }

  async putMeta(key: string, value: string): Promise<void> {
    await this.#call('putMeta');
    this.meta.set(key, value);
  }

  stats(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.entries.size, bytes: 0 };
  }

  flush(): Promise<void> {
    return this.#call('flush');
  }

  close(): Promise<void> {
    return this.#call('close');
  }

  /** Removes at once, as an eviction does. */
  drop(id: EntryId, reason: RemovalReason): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return false;
    this.entries.delete(id);
    for (const listener of this.#listeners) listener(id, entry.semantic?.scope, reason);
    return true;
  }

  #live(entry: CacheEntry): boolean {
    return entry.expiresAt > this.#clock.now();
  }

  async #call(name: string): Promise<void> {
    this.calls.push(name);
    if (this.gate) await this.gate;
    if (this.failure) throw this.failure;
  }
}

export const storeDown = (): AppError => new AppError('cache_unavailable', 'the fake store is down');

function matches(entry: CacheEntry, { tenant, model, digest, contains, olderThan }: EntryFilter): boolean {
  return (
    (tenant === undefined || entry.tenant === tenant) &&
    (model === undefined || entry.model === model) &&
    (digest === undefined || entry.digest === digest) &&
    (contains === undefined || (entry.semantic?.text ?? '').toLowerCase().includes(contains.toLowerCase())) &&
    (olderThan === undefined || entry.storedAt < olderThan)
  );
}

function summaryOf(entry: CacheEntry): EntrySummary {
  return {
    id: entry.id,
    tenant: entry.tenant,
    model: entry.model,
    digest: entry.digest,
    text: entry.semantic?.text ?? '',
    scope: entry.semantic?.scope,
    embeddingModel: entry.semantic?.embeddingModel,
    storedAt: entry.storedAt,
    expiresAt: entry.expiresAt,
    hits: 0,
    bytes: 0,
  };
}
