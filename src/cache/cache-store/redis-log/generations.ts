/**
 * Invalidation in O(1): every entry carries the version its writer knew; an invalidation raises the version and
 * says of its selector from which version on entries serve. Known values only rise: a server that forgot one after
 * a failover is told again.
 */
import type { Scope, TenantId } from '../../../core/ids.ts';
import type { RedisConnection } from '../../../redis/redis-connection.ts';
import { replyList, replyText } from '../../../redis/redis-connection.ts';
import { selectorsOf, type RedisKeys, type Selector } from './keys.ts';

/** Per-tenant and per-scope selectors remembered; beyond it an invalidation is one of everything. */
export const selectorsMax = 10_000;

/**
 * KEYS[1] generations, KEYS[2] log. ARGV[1] selector, ARGV[2] version it must at least have, ARGV[3] writer,
 * ARGV[4] longest log. @returns the version of the selector. Atomic: the log has a row for every change of a generation.
 */
export const raiseScript = `
local known = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
local own = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local least = tonumber(ARGV[2])
if least > 0 and own >= least then return own end
local raised = known + 1
if least > raised then raised = least end
redis.call('HSET', KEYS[1], 'version', raised, ARGV[1], raised)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'g', raised .. ' ' .. ARGV[3] .. ' ' .. ARGV[1])
return raised`;

export class Generations {
  #version = 0;
  readonly #least = new Map<Selector, number>();

  get version(): number {
    return this.#version;
  }

  /** Whether an entry of this version serves, as far as is known here. */
  admits(version: number, tenant: TenantId, scope: Scope | undefined): boolean {
    // No selector asks for more than the highest of them.
    if (version >= this.#version) return true;
    for (const selector of selectorsOf(tenant, scope)) {
      if (version < (this.#least.get(selector) ?? 0)) return false;
    }
    return true;
  }

  /** @returns whether it was news */
  learn(selector: Selector, version: number): boolean {
    this.#version = Math.max(this.#version, version);
    if ((this.#least.get(selector) ?? 0) >= version) return false;
    this.#least.set(selector, version);
    return true;
  }

  /** Reads all of them. @returns selectors that Redis has forgotten, with the version they must have */
  async read(
    redis: RedisConnection,
    keys: RedisKeys,
    learned: (selector: Selector, version: number) => void,
    deadlineMs?: number,
  ): Promise<readonly (readonly [Selector, number])[]> {
    const reply = replyList(
      await redis.call(['HGETALL', keys.generations], { as: 'read', ...(deadlineMs !== undefined && { deadlineMs }) }),
    );
    const there = new Map<string, number>();
    for (let at = 0; at + 1 < reply.length; at += 2) {
      there.set(replyText(reply[at])!, Number(replyText(reply[at + 1])));
    }
    this.#version = Math.max(this.#version, there.get('version') ?? 0);
    there.delete('version');
    for (const [selector, version] of there) {
      if (this.learn(selector as Selector, version)) learned(selector as Selector, version);
    }
    return [...this.#least].filter(([selector, version]) => (there.get(selector) ?? 0) < version);
  }

  get selectors(): number {
    return this.#least.size;
  }
}
