import type { Neighbour, VectorIndex } from '../cache/vector-index.ts';
import type { EntryId, Scope } from '../core/ids.ts';
import { dot, unitVectorOf, type PackedVector, type UnitVector } from '../core/vector.ts';

/** Exact search over plain maps; `failure` and `gate` make it ill or slow. */
export class FakeVectorIndex implements VectorIndex {
  readonly scopes = new Map<Scope, Map<EntryId, UnitVector>>();
  readonly dimensions: number;
  failure: Error | undefined;
  gate: Promise<void> | undefined;

  constructor(dimensions: number) {
    this.dimensions = dimensions;
  }

  async upsert(scope: Scope, entryId: EntryId, vector: UnitVector | PackedVector): Promise<void> {
    const unit = unitVectorOf(vector);
    await this.#call();
    const vectors = this.scopes.get(scope) ?? new Map<EntryId, UnitVector>();
    this.scopes.set(scope, vectors.set(entryId, unit));
  }

  async nearest(scope: Scope, query: UnitVector, k: number): Promise<readonly Neighbour[]> {
    await this.#call();
    return [...(this.scopes.get(scope) ?? [])]
      .map(([entryId, vector]) => ({ entryId, similarity: dot(query, vector) }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, k);
  }

  async remove(scope: Scope, entryId: EntryId): Promise<void> {
    await this.#call();
    this.scopes.get(scope)?.delete(entryId);
  }

  async clear(): Promise<void> {
    this.scopes.clear();
  }

  stats(): { readonly vectors: number; readonly bytes: number } {
    let vectors = 0;
    for (const each of this.scopes.values()) vectors += each.size;
    return { vectors, bytes: vectors * this.dimensions * 4 };
  }

  async close(): Promise<void> {}

  async #call(): Promise<void> {
    if (this.gate) await this.gate;
    if (this.failure) throw this.failure;
  }
}
