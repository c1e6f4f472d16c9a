import type { CacheEntry, CacheStore, RemovalReason } from '../cache/cache-store.ts';
import type { EntryId, Scope } from '../core/ids.ts';
import { dot, type UnitVector } from '../core/vector.ts';

/** What a driver that rounds may differ by; as `VectorIndex` allows. */
export const tolerance = 0.005;

/** `actual` with the vectors of `expected` where they point the same way. */
export function withVectorsOf(expected: CacheEntry, actual: CacheEntry | undefined): CacheEntry | undefined {
  if (!actual?.semantic || !expected.semantic) return actual;
  const near = (one: UnitVector | undefined, other: UnitVector | undefined) =>
    one !== undefined && other !== undefined && dot(one, other) > 1 - tolerance ? other : one;
  const vector = near(actual.semantic.vector, expected.semantic.vector)!;
  const context = near(actual.semantic.context, expected.semantic.context);
  return { ...actual, semantic: { ...actual.semantic, vector, ...(context && { context }) } };
}

type Removal = readonly [EntryId, Scope | undefined, RemovalReason];

export function recordRemovals(store: CacheStore): Removal[] {
  const removals: Removal[] = [];
  store.onRemoved((id, scope, reason) => void removals.push([id, scope, reason]));
  return removals;
}
