/** Growth rehashes one shard: at a million keys that is 4,000 keys (0.2 ms), where one Map would stop the event loop for 100 ms. */
const shardCount = 256;

/** A Map for hundreds of thousands of string keys, cut so that no single `set` is slow. */
export class ShardedMap<K extends string, V> {
  readonly #shards: Map<K, V>[] = Array.from({ length: shardCount }, () => new Map<K, V>());
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    return this.#shards[shardOf(key)]!.get(key);
  }

  has(key: K): boolean {
    return this.#shards[shardOf(key)]!.has(key);
  }

  /** @returns whether the key is new */
  set(key: K, value: V): boolean {
    const shard = this.#shards[shardOf(key)]!;
    const before = shard.size;
    shard.set(key, value);
    if (shard.size === before) return false;
    this.#size++;
    return true;
  }

  delete(key: K): boolean {
    const deleted = this.#shards[shardOf(key)]!.delete(key);
    if (deleted) this.#size--;
    return deleted;
  }

  clear(): void {
    for (const shard of this.#shards) shard.clear();
    this.#size = 0;
  }

  *values(): Generator<V> {
    for (const shard of this.#shards) yield* shard.values();
  }
}

/** The end of a key varies most: ids count up, hashes are uniform anywhere. */
function shardOf(key: string): number {
  let hash = key.length;
  for (let at = Math.max(0, key.length - 8); at < key.length; at++)
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (shardCount - 1);
}
