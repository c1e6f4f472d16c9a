import type { CacheStore } from '../cache-store.ts';

/** Remembers nothing: a disabled cache is a driver, not an `if`. */
export function createNoStore(): CacheStore {
  return {
    name: 'none',
    ready: async () => undefined,
    getByKey: async () => undefined,
    get: async () => undefined,
    touch: () => undefined,
    doubt: () => undefined,
    put: async () => undefined,
    remove: async () => false,
    purge: async () => 0,
    list: async () => [],
    semanticEntries: async function* () {},
    setVector: async () => undefined,
    onRemoved: () => undefined,
    getMeta: async () => undefined,
    putMeta: async () => undefined,
    stats: () => ({ entries: 0, bytes: 0 }),
    flush: async () => undefined,
    close: async () => undefined,
  };
}
