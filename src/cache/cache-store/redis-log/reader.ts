/** Reads one entry, as Redis has it at this moment. */
import type { Clock } from '../../../core/clock.ts';
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import { replyList, replyText, type RedisConnection } from '../../../redis/redis-connection.ts';
import type { CacheEntry } from '../../cache-store.ts';
import type { HotEntries } from '../hot-entries.ts';
import type { Shelf } from '../shelf.ts';
import { decodeEntry } from './body-codec.ts';
import type { Generations } from './generations.ts';
import { decodeHead, type Head } from './head-codec.ts';
import type { RedisKeys } from './keys.ts';

export interface RecordReaderDeps {
  readonly redis: RedisConnection;
  readonly keys: RedisKeys;
  readonly clock: Clock;
  readonly shelf: Shelf;
  readonly hot: HotEntries;
  readonly generations: Generations;
  readonly readGenerations: () => Promise<void>;
  /** Its invalidation is not confirmed. */
  readonly isBlocked: (head: Head) => boolean;
  /** Put here and not yet in Redis. */
  readonly isPending: (id: EntryId) => boolean;
  /** Redis has it no more: the other gateways need not find that out one by one. */
  readonly forget: (key: ExactKey, id: EntryId) => void;
}

export class RecordReader {
  readonly #deps: RecordReaderDeps;
  #versionAsked: Promise<number> | undefined;

  constructor(deps: RecordReaderDeps) {
    this.#deps = deps;
  }

  /** The entry under a key if Redis has it now, and nothing forbids it. */
  async fetch(key: ExactKey, wanted: EntryId | undefined): Promise<CacheEntry | undefined> {
    const { redis, clock, keys, shelf, hot, generations, readGenerations } = this.#deps;
    const row = shelf.rowOfKey(key);
    const seq = row === -1 ? undefined : shelf.directory.seqAt(row);
    const expected = row === -1 ? undefined : shelf.directory.idAt(row);
    const known = seq === undefined ? undefined : hot.get(seq);
    const fields = known ? ['head'] : ['head', 'body', 'vec8'];
    const [reply, version] = await Promise.all([
      redis.call(['HMGET', keys.record(key), ...fields], { as: 'read' }),
      this.#versionNow(),
    ]);
    const [bytes, body, vec8] = replyList(reply);
    if (!Buffer.isBuffer(bytes)) {
      if (expected !== undefined) this.#missing(key, expected);
      return undefined;
    }
    const head = decodeHead(bytes);
    if (head === undefined || head.key !== key || (wanted !== undefined && head.id !== wanted)) return undefined;
    if (head.expiresAt <= clock.now()) return undefined;
    if (version > generations.version) await readGenerations();
    if (!generations.admits(head.version, head.tenant, head.scope)) return undefined;
    if (this.#deps.isBlocked(head)) return undefined;
    if (known?.id === head.id && known.semantic?.embeddingModel === head.embeddingModel) return known;
    if (known !== undefined && seq !== undefined) {
      // Replaced or embedded anew elsewhere: once more, with the body.
      hot.delete(seq);
      return this.fetch(key, wanted);
    }
    if (!Buffer.isBuffer(body) || !Buffer.isBuffer(vec8)) return undefined;
    const entry = decodeEntry(head, body, vec8);
    const now = shelf.rowOfId(head.id);
    if (now !== -1) hot.set(shelf.directory.seqAt(now), entry, head.bytes);
    return entry;
  }

  /** One question for all that is read in this turn. */
  #versionNow(): Promise<number> {
    if (this.#versionAsked === undefined) {
      const { redis, keys } = this.#deps;
      this.#versionAsked = redis
        .call(['HGET', keys.generations, 'version'], { as: 'read' })
        .then((reply) => Number(replyText(reply) ?? 0));
      process.nextTick(() => (this.#versionAsked = undefined));
    }
    return this.#versionAsked;
  }

  /** @param id what was known when Redis was asked; what has come since is not missing */
  #missing(key: ExactKey, id: EntryId): void {
    const { shelf } = this.#deps;
    const row = shelf.rowOfKey(key);
    if (row === -1 || shelf.directory.idAt(row) !== id || this.#deps.isPending(id)) return;
    shelf.remove(id, 'lru');
    this.#deps.forget(key, id);
  }
}
