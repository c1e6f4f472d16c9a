/** Which backend serves on this server, and why: the one decision behind `redis.backend`, said in the banner, status and doctor. */
import type { ServerFacts } from './redis-connection.ts';

export type RedisBackend = 'log' | 'ft' | 'vset';

/**
 * Memory in Redis of one entry with an answer of 800 bytes and a vector of 384 numbers, bytes; measured by
 * `npm run bench:redis` (log) and from recorded figures of the search module (its index), see docs/scaling.md.
 */
export const entryBytes: Readonly<Record<RedisBackend, number>> = { log: 2_600, ft: 6_500, vset: 4_900 };

/** Memory in each gateway of one entry, bytes: its line in the directory, and its vector where that is searched there. */
export const gatewayBytes: Readonly<Record<RedisBackend, number>> = { log: 1_700, ft: 850, vset: 850 };

export interface BackendWish {
  readonly wanted: 'auto' | RedisBackend;
  /** Stored answers there may be. */
  readonly entriesMax: number;
  /** What a gateway may hold of them in memory. */
  readonly gatewayEntriesMax?: number;
}

export interface BackendChoice {
  /** undefined: this server cannot serve as a store at all. */
  readonly backend: RedisBackend | undefined;
  readonly why: string;
  /** What was asked for and is not there: it serves with less until it is. */
  readonly degradedFrom?: RedisBackend;
}

/** Above it a gateway's share of memory and start-up grows past half a GB and half a minute. */
export const gatewayEntriesMaxDefault = 250_000;

const needs: Readonly<Record<RedisBackend, readonly string[]>> = {
  log: ['xadd', 'xread', 'scan'],
  ft: ['ft.search', 'ft.create'],
  vset: ['vadd', 'vsim'],
};

export function lacks(facts: Pick<ServerFacts, 'commands'>, backend: RedisBackend): readonly string[] {
  // Records and their stream are the log's in every backend; the others only search elsewhere.
  return [...needs.log, ...(backend === 'log' ? [] : needs[backend])].filter((name) => !facts.commands.has(name));
}

export function chooseBackend(facts: Pick<ServerFacts, 'commands'>, wish: BackendWish): BackendChoice {
  const { wanted, entriesMax } = wish;
  const room = wish.gatewayEntriesMax ?? gatewayEntriesMaxDefault;
  const basics = lacks(facts, 'log');
  if (basics.length > 0) {
    return {
      backend: undefined,
      why: `the server lacks ${basics.join(', ').toUpperCase()}, which every backend needs`,
    };
  }
  if (wanted !== 'auto') {
    const missing = lacks(facts, wanted);
    if (missing.length === 0) return { backend: wanted, why: `redis.backend is ${wanted}` };
    return {
      backend: 'log',
      why: `redis.backend is ${wanted}, but the server lacks ${missing.join(', ').toUpperCase()}; each gateway searches by itself until it is back`,
      degradedFrom: wanted,
    };
  }
  const hasFt = lacks(facts, 'ft').length === 0;
  if (entriesMax <= room) {
    const aside = hasFt ? '; the Query Engine is there and not needed: a search in the gateway asks no network' : '';
    return { backend: 'log', why: `${count(entriesMax)} entries fit into each gateway${aside}` };
  }
  if (hasFt)
    return {
      backend: 'ft',
      why: `${count(entriesMax)} entries are more than the ${count(room)} a gateway holds, and the Query Engine is there`,
    };
  return {
    backend: 'log',
    why: `the server has no Query Engine; with ${count(entriesMax)} entries a gateway needs about ${count(Math.ceil((entriesMax * gatewayBytes.log) / 1e6))} MB`,
  };
}

const count = (value: number): string => value.toLocaleString('en-US');
