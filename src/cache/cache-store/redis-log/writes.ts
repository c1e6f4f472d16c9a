/** The commands that change Redis; each leaves a row in the log, so that every replica hears of it. */
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import { AppError } from '../../../core/errors.ts';
import { replyText, type RedisCommand, type RedisConnection } from '../../../redis/redis-connection.ts';
import { raiseScript } from './generations.ts';
import { idAt, idMark } from './head-codec.ts';
import type { RedisKeys, Selector } from './keys.ts';

export interface EncodedRecord {
  readonly head: Buffer;
  readonly body: Buffer;
  readonly vec8: Buffer;
}

export interface RedisWritesDeps {
  readonly redis: RedisConnection;
  readonly keys: RedisKeys;
  readonly entriesMax: number;
  readonly me: string;
}

/** Nobody waits for an answer's write but the queue: it may take longer than a lookup. */
const writeDeadlineMs = 1_000;
/** An operator waits for this one. */
const confirmDeadlineMs = 2_000;
/** How long a replica may take to hold an invalidation too. */
const replicaWaitMs = 200;
const removalsPerCommand = 100;

/**
 * KEYS records. ARGV[1] where the id of a head begins, counted from 1; ARGV[1 + n] the id that KEYS[n] must have, as it
 * stands in the head. @returns how many were removed. Atomic: what another gateway has stored under the same key since
 * stays.
 */
const removeScript = `
local from = tonumber(ARGV[1])
local removed = 0
for n, key in ipairs(KEYS) do
  local head = redis.call('HGET', key, 'head')
  local id = ARGV[1 + n]
  if head and string.sub(head, from, from + #id - 1) == id then removed = removed + redis.call('UNLINK', key) end
end
return removed`;

export class RedisWrites {
  readonly #deps: RedisWritesDeps;

  constructor(deps: RedisWritesDeps) {
    this.#deps = deps;
  }

  /** All or nothing on one server. In a cluster the log comes second: a record nobody hears of serves its exact key. */
  async put(
    key: ExactKey,
    { head, body, vec8 }: EncodedRecord,
    ttlMs: number,
    deadlineMs = writeDeadlineMs,
  ): Promise<void> {
    const { redis, keys } = this.#deps;
    const options = { as: 'write', deadlineMs } as const;
    const name = keys.record(key);
    const record: readonly RedisCommand[] = [
      ['HSET', name, 'head', head, 'body', body, 'vec8', vec8],
      // Always with an end: what cannot expire cannot be evicted under volatile policies.
      ['PEXPIRE', name, Math.max(1, Math.round(ttlMs))],
    ];
    const row: RedisCommand = this.#row('h', head, 'v', vec8);
    if (redis.facts?.cluster) {
      await redis.transaction(record, options);
      await redis.call(row, options);
    } else await redis.transaction([...record, row], options);
  }

  /**
   * Entries under their keys; what is there by another id stays.
   * @throws redis_unavailable, where it is `confirmed`, when a replica that should have heard of it has not
   */
  async remove(
    entries: readonly { readonly key: ExactKey; readonly id: EntryId }[],
    { confirmed }: { readonly confirmed: boolean },
  ): Promise<void> {
    const { redis, keys, me } = this.#deps;
    const options = { as: 'write', deadlineMs: confirmDeadlineMs } as const;
    const removal = (some: typeof entries): RedisCommand => [
      'EVAL',
      removeScript,
      some.length,
      ...some.map(({ key }) => keys.record(key)),
      idAt + 1,
      ...some.map(({ id }) => idMark(id)),
    ];
    for (let from = 0; from < entries.length; from += removalsPerCommand) {
      const some = entries.slice(from, from + removalsPerCommand);
      const row = this.#row('d', [me, ...some.map(({ id, key }) => `${id}\t${key}`)].join('\n'));
      if (redis.facts?.cluster) {
        // One slot each.
        const replies = await redis.pipeline(
          some.map((each) => removal([each])),
          options,
        );
        for (const reply of replies) if (reply instanceof Error) throw reply;
        await redis.call(row, options);
      } else await redis.transaction([removal(some), row], options);
    }
    if (confirmed) await this.#heldByReplica('removal');
  }

  /** @returns the version from which on entries of the selector serve. @throws redis_unavailable when a replica that should hold it does not */
  async raise(selector: Selector, least: number): Promise<number> {
    const { redis, keys, me } = this.#deps;
    const options = { as: 'write', deadlineMs: confirmDeadlineMs } as const;
    const reply = await redis.call(
      ['EVAL', raiseScript, 2, keys.generations, keys.log, selector, least, me, this.#logMax],
      options,
    );
    await this.#heldByReplica('invalidation');
    return Number(replyText(reply) ?? reply);
  }

  async meta(key: string): Promise<string | undefined> {
    const { redis, keys } = this.#deps;
    return replyText(await redis.call(['HGET', keys.meta, key], { as: 'read', deadlineMs: confirmDeadlineMs }));
  }

  async putMeta(key: string, value: string): Promise<void> {
    const { redis, keys } = this.#deps;
    await redis.call(['HSET', keys.meta, key, value], { as: 'write', deadlineMs: confirmDeadlineMs });
  }

  async metaOnce(key: string, value: string): Promise<string> {
    const { redis, keys } = this.#deps;
    await redis.call(['HSETNX', keys.meta, key, value], { as: 'write', deadlineMs: confirmDeadlineMs });
    // Asked where it was written: reads may go another way.
    const kept = await redis.call(['HGET', keys.meta, key], { as: 'write', deadlineMs: confirmDeadlineMs });
    return replyText(kept) ?? value;
  }

  /** What was acknowledged must outlive its server, where that has a replica. */
  async #heldByReplica(what: string): Promise<void> {
    const { redis } = this.#deps;
    const { replicas = 0, cluster = false } = redis.facts ?? {};
    if (replicas === 0 || cluster) return;
    const options = { as: 'write', deadlineMs: confirmDeadlineMs } as const;
    if ((await redis.call(['WAIT', 1, replicaWaitMs], options)) !== 0) return;
    // One that has gone since we connected is not waited for, or nothing would ever be confirmed again.
    const replication = replyText(await redis.call(['INFO', 'replication'], options));
    if (/^connected_slaves:0\r?$/m.test(replication ?? '')) return;
    throw new AppError('redis_unavailable', `no replica of Redis held the ${what} within ${replicaWaitMs} ms`);
  }

  #row(...fields: readonly (string | Buffer)[]): RedisCommand {
    return ['XADD', this.#deps.keys.log, 'MAXLEN', '~', this.#logMax, '*', ...fields];
  }

  /** A gateway may be away while as many answers are stored twice over. */
  get #logMax(): number {
    return 2 * this.#deps.entriesMax;
  }
}
