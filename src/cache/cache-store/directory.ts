import type { EntryId, ExactKey, ModelName, Scope, TenantId } from '../../core/ids.ts';
import type { Random } from '../../core/random.ts';
import type { EpochMs } from '../../core/units.ts';
import { assert } from '../../core/assert.ts';
import { PagedArray } from '../paged-array.ts';
import { ShardedMap } from '../sharded-map.ts';

/** What is known of every entry without reading it. */
export interface DirectoryRecord {
  /** Unique for the life of the store, rising in the order of puts. */
  readonly seq: number;
  readonly id: EntryId;
  readonly exactKey: ExactKey;
  readonly tenant: TenantId;
  readonly model: ModelName;
  readonly scope: Scope | undefined;
  readonly storedAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly bytes: number;
  readonly hits: number;
  readonly gpuMs: number;
}

/** Entries looked at to find one to evict: the lowest of 16 lies in the worst 16th with 64 % chance, at a fixed cost. */
const evictionSample = 16;
const firstCapacity = 1024;

/**
 * Compact directory of all entries: dense columns rather than objects, so that an entry costs
 * about 40 bytes beside its keys, and a random or sequential visit needs no hash table.
 * A row's position changes when another row is removed; `seq` and `id` are the lasting names.
 */
export class Directory {
  readonly #random: Random;
  readonly #byKey = new ShardedMap<ExactKey, number>();
  readonly #byId = new ShardedMap<EntryId, number>();
  readonly #names = new NamePool();
  readonly #ids = new PagedArray<EntryId>();
  readonly #keys = new PagedArray<ExactKey>();
  readonly #tenants = new PagedArray<TenantId>();
  readonly #models = new PagedArray<ModelName>();
  readonly #scopes = new PagedArray<Scope | undefined>();
  #seqs = new Float64Array(firstCapacity);
  #storedAts = new Float64Array(firstCapacity);
  #expiresAts = new Float64Array(firstCapacity);
  #bytesOf = new Uint32Array(firstCapacity);
  #hitsOf = new Uint32Array(firstCapacity);
  #gpuMsOf = new Float32Array(firstCapacity);
  #bytes = 0;
  #sweepAt = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#ids.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns a row, or -1. */
  rowOfKey(key: ExactKey): number {
    return this.#byKey.get(key) ?? -1;
  }

  /** @returns a row, or -1. */
  rowOfId(id: EntryId): number {
    return this.#byId.get(id) ?? -1;
  }

  at(row: number): DirectoryRecord {
    return {
      seq: this.#seqs[row]!,
      id: this.#ids.get(row),
      exactKey: this.#keys.get(row),
      tenant: this.#tenants.get(row),
      model: this.#models.get(row),
      scope: this.#scopes.get(row),
      storedAt: this.#storedAts[row] as EpochMs,
      expiresAt: this.#expiresAts[row] as EpochMs,
      bytes: this.#bytesOf[row]!,
      hits: this.#hitsOf[row]!,
      gpuMs: this.#gpuMsOf[row]!,
    };
  }

  seqAt(row: number): number {
    return this.#seqs[row]!;
  }

  idAt(row: number): EntryId {
    return this.#ids.get(row);
  }

  tenantAt(row: number): TenantId {
    return this.#tenants.get(row);
  }

  scopeAt(row: number): Scope | undefined {
    return this.#scopes.get(row);
  }

  hitsAt(row: number): number {
    return this.#hitsOf[row]!;
  }

  isExpired(row: number, now: EpochMs): boolean {
    return this.#expiresAts[row]! <= now;
  }

  hit(row: number): void {
    this.#hitsOf[row]! += 1;
  }

  /** Halves what the row is worth to `victim`. */
  doubt(row: number): void {
    this.#gpuMsOf[row]! /= 2;
  }

  resize(row: number, bytes: number): void {
    this.#bytes += bytes - this.#bytesOf[row]!;
    this.#bytesOf[row] = bytes;
  }

  /** The caller has removed what had this id or key. */
  add(record: DirectoryRecord): void {
    const row = this.#ids.length;
    const isNew = this.#byKey.set(record.exactKey, row) && this.#byId.set(record.id, row);
    assert(isNew, `entry ${record.id} is in the directory`);
    if (row === this.#seqs.length) this.#grow();
    this.#ids.push(record.id);
    this.#keys.push(record.exactKey);
    this.#tenants.push(this.#names.hold(record.tenant));
    this.#models.push(this.#names.hold(record.model));
    this.#scopes.push(record.scope === undefined ? undefined : this.#names.hold(record.scope));
    this.#seqs[row] = record.seq;
    this.#storedAts[row] = record.storedAt;
    this.#expiresAts[row] = record.expiresAt;
    this.#bytesOf[row] = record.bytes;
    this.#hitsOf[row] = record.hits;
    this.#gpuMsOf[row] = record.gpuMs;
    this.#bytes += record.bytes;
  }

  /** The last row takes the place of the removed one. */
  remove(row: number): void {
    this.#bytes -= this.#bytesOf[row]!;
    this.#byKey.delete(this.#keys.get(row));
    this.#byId.delete(this.#ids.get(row));
    this.#names.release(this.#tenants.get(row));
    this.#names.release(this.#models.get(row));
    const scope = this.#scopes.get(row);
    if (scope !== undefined) this.#names.release(scope);
    const last = this.#ids.length - 1;
    if (row !== last) {
      for (const column of [this.#seqs, this.#storedAts, this.#expiresAts, this.#bytesOf, this.#hitsOf, this.#gpuMsOf])
        column[row] = column[last]!;
      this.#ids.set(row, this.#ids.get(last));
      this.#keys.set(row, this.#keys.get(last));
      this.#tenants.set(row, this.#tenants.get(last));
      this.#models.set(row, this.#models.get(last));
      this.#scopes.set(row, this.#scopes.get(last));
      this.#byKey.set(this.#keys.get(row), row);
      this.#byId.set(this.#ids.get(row), row);
    }
    for (const column of [this.#ids, this.#keys, this.#tenants, this.#models, this.#scopes]) column.pop();
  }

  /**
   * The least valuable of a random sample: an expired entry, else the lowest
   * thinker time × (hits + 1) / (age + 1 h), which is what keeping it saves per hour.
   * @param sparedSeq never chosen: what has just been put.
   * @returns a row, or -1 when there is nothing to choose.
   */
  victim(now: EpochMs, sparedSeq: number): number {
    let worst = -1;
    let worstScore = Infinity;
    const size = this.#ids.length;
    for (let tries = 0; tries < evictionSample; tries++) {
      const row = size <= evictionSample ? tries : this.#random.int(size);
      if (row >= size) break;
      if (this.#seqs[row] === sparedSeq) continue;
      if (this.#expiresAts[row]! <= now) return row;
      const ageMs = Math.max(0, now - this.#storedAts[row]!);
      const score = ((this.#gpuMsOf[row]! + 1) * (this.#hitsOf[row]! + 1)) / (ageMs + 3_600_000);
      if (score < worstScore) {
        worstScore = score;
        worst = row;
      }
    }
    return worst;
  }

  /** Visits up to `rowsMax` rows, going round over all calls. @returns ids of expired ones. */
  sweep(now: EpochMs, rowsMax: number): EntryId[] {
    const expired: EntryId[] = [];
    for (let steps = Math.min(rowsMax, this.#ids.length); steps > 0; steps--) {
      if (this.#sweepAt >= this.#ids.length) this.#sweepAt = 0;
      if (this.#expiresAts[this.#sweepAt]! <= now) expired.push(this.#ids.get(this.#sweepAt));
      this.#sweepAt++;
    }
    return expired;
  }

  #grow(): void {
    const widen = <T extends Float64Array | Float32Array | Uint32Array>(column: T): T => {
      const wider = new (column.constructor as new (length: number) => T)(column.length * 2);
      wider.set(column);
      return wider;
    };
    this.#seqs = widen(this.#seqs);
    this.#storedAts = widen(this.#storedAts);
    this.#expiresAts = widen(this.#expiresAts);
    this.#bytesOf = widen(this.#bytesOf);
    this.#hitsOf = widen(this.#hitsOf);
    this.#gpuMsOf = widen(this.#gpuMsOf);
  }
}

/** One copy of each name in use: thousands of entries share a tenant, a model and often a scope. */
class NamePool {
  readonly #held = new ShardedMap<string, { readonly name: string; holders: number }>();

  hold<T extends string>(name: T): T {
    const known = this.#held.get(name);
    if (known) {
      known.holders++;
      return known.name as T;
    }
    this.#held.set(name, { name, holders: 1 });
    return name;
  }

  release(name: string): void {
    const known = this.#held.get(name);
    if (known && --known.holders === 0) this.#held.delete(name);
  }
}
