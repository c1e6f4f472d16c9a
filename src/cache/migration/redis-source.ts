import type { RedisConnection } from '../../redis/redis-connection.ts';
import type { CacheEntry, CacheStore } from '../cache-store.ts';
import { redisKeys } from '../cache-store/redis-log/keys.ts';
import type { MigrationSource } from './migrate.ts';

const scanCount = 250;
const deadlineMs = 10_000;

/**
 * Reads every record of a Redis by SCAN. A cursor of SCAN is good for another process too: what is there from its
 * beginning to its end is met at least once.
 * @param store on the same server: it decodes, and leaves out what has been invalidated
 */
export function openRedisSource(connection: RedisConnection, prefix: string, store: CacheStore): MigrationSource {
  const keys = redisKeys(prefix);
  return {
    name: connection.address,
    count: async () => store.stats().entries,
    async *batches(after) {
      const nodes = connection.nodes().toSorted((a, b) => (a.address < b.address ? -1 : 1));
      const [nodeAt, cursorAt] = (after ?? '0:0').split(':');
      for (let at = Number(nodeAt); at < nodes.length; at++) {
        let cursor = at === Number(nodeAt) ? cursorAt! : '0';
        do {
          const reply = await nodes[at]!.call(
            ['SCAN', cursor, 'MATCH', keys.recordPattern, 'COUNT', String(scanCount)],
            {
              as: 'read',
              deadlineMs,
            },
          );
          const [next, names] = reply as readonly [Buffer, readonly Buffer[]];
          cursor = next.toString();
          const found = await Promise.all(
            names.map(async (name) => {
              const key = keys.keyOf(name.toString());
              return key === undefined ? undefined : store.getByKey(key);
            }),
          );
          const entries = found.filter((entry): entry is CacheEntry => entry !== undefined);
          yield { cursor: cursor === '0' ? `${at + 1}:0` : `${at}:${cursor}`, entries };
        } while (cursor !== '0');
      }
    },
    async has(entries) {
      const found = await Promise.all(entries.map(({ key }) => store.getByKey(key)));
      return found.map((entry, at) => entry?.id === entries[at]!.id);
    },
    getMeta: (key) => store.getMeta(key),
    close: () => store.close(),
  };
}
