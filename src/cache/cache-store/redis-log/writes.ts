/** The commands that change Redis; each leaves a row in the log, so that every replica hears of it. */
import type { EntryId, ExactKey } from '../../../core/ids.ts';
import { AppError } from '../../../core/errors.ts';
import { replyText, type RedisCommand, type RedisConnection } from '../../../redis/redis-connection.ts';
import { raiseScript } from './generations.ts';
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

  async remove(entries: readonly { readonly key: ExactKey; readonly id: EntryId }[]): Promise<void> {
    const { redis, keys, me } = this.#deps;
    const options = { as: 'write', deadlineMs: confirmDeadlineMs } as const;
    for (let from = 0; from < entries.length; from += removalsPerCommand) {
      const some = entries.slice(from, from + removalsPerCommand);
      const row = this.#row('d', [me, ...some.map(({ id, key }) => `${id}\t${key}`)].join('\n'));
      if (redis.facts?.cluster) {
        // One slot each.
        const replies = await redis.pipeline(
          some.map(({ key }) => ['UNLINK', keys.record(key)]),
          options,
        );
        for (const reply of replies) if (reply instanceof Error) throw reply;
        await redis.call(row, options);
      } else await redis.transaction([['UNLINK', ...some.map(({ key }) => keys.record(key))], row], options);
    }
  }

  /** @returns the version from which on entries of the selector serve. @throws redis_unavailable when a replica that should hold it does not */
  async raise(selector: Selector, least: number): Promise<number> {
    const { redis, keys, me } = this.#deps;
    const options = { as: 'write', deadlineMs: confirmDeadlineMs } as const;
    const reply = await redis.call(
      ['EVAL', raiseScript, 2, keys.generations, keys.log, selector, least, me, this.#logMax],
      options,
    );
    const { replicas = 0, cluster = false } = redis.facts ?? {};
    if (replicas > 0 && !cluster) {
      const held = await redis.call(['WAIT', 1, replicaWaitMs], options);
      if (held === 0) {
        throw new AppError('redis_unavailable', `no replica of Redis held the invalidation within ${replicaWaitMs} ms`);
      }
    }
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

  #row(...fields: readonly (string | Buffer)[]): RedisCommand {
    return ['XADD', this.#deps.keys.log, 'MAXLEN', '~', this.#logMax, '*', ...fields];
  }

  /** A gateway may be away while as many answers are stored twice over. */
  get #logMax(): number {
    return 2 * this.#deps.entriesMax;
  }
}
