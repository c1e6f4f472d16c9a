/** Names in Redis. Exactly one hash tag a key, never empty, so that every hashing policy of a cluster agrees. */
import type { ExactKey, Scope, TenantId } from '../../../core/ids.ts';
import type { InvalidationSelector } from '../../cache-store.ts';

export interface RedisKeys {
  /** HASH head, body, vec8: the entry under an exact key. Each key is a slot of its own, so entries spread over shards. */
  record(key: ExactKey): string;
  /** Of SCAN. */
  readonly recordPattern: string;
  /** The exact key in a record's name; undefined when it is none. */
  keyOf(name: string): ExactKey | undefined;
  /** STREAM of everything that changed, for the replicas in the gateways. */
  readonly log: string;
  /** HASH `version` and, per selector, the version before which nothing of it serves. One slot with `log`. */
  readonly generations: string;
  /** HASH of small facts that gateways share. */
  readonly meta: string;
}

export function redisKeys(prefix: string): RedisKeys {
  const start = `${prefix}:{`;
  const end = '}:e';
  return {
    record: (key) => start + key + end,
    recordPattern: `${start}*${end}`,
    keyOf: (name) =>
      name.startsWith(start) && name.endsWith(end) ? (name.slice(start.length, -end.length) as ExactKey) : undefined,
    log: `${prefix}:{cfg}:log`,
    generations: `${prefix}:{cfg}:gen`,
    meta: `${prefix}:{cfg}:meta`,
  };
}

/** What an invalidation is about. */
export type Selector = '*' | `t:${string}` | `s:${string}`;

export function selectorsOf(tenant: TenantId, scope: Scope | undefined): readonly Selector[] {
  return scope === undefined ? ['*', `t:${tenant}`] : ['*', `t:${tenant}`, `s:${scope}`];
}

/** What a selector is about, asked of many in turn: no text is made for any of them. */
export function selectionOf(selector: Selector): (tenant: TenantId, scope: Scope | undefined) => boolean {
  if (selector === '*') return () => true;
  const name = selector.slice(2);
  return selector.startsWith('t:') ? (tenant) => tenant === name : (_, scope) => scope === name;
}

export function selectorOf(selector: InvalidationSelector): Selector {
  switch (selector.kind) {
    case 'all':
      return '*';
    case 'tenant':
      return `t:${selector.tenant}`;
    case 'scope':
      return `s:${selector.scope}`;
  }
}
