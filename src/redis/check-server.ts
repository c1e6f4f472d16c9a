/** Connects to a server, asks what it can do, and leaves: for people, who wait longer than a request may. */
import { AppError } from '../core/errors.ts';
import type { CallOptions } from '../core/chat.ts';
import { checkRedis, type CheckDeps, type CheckReport } from './check.ts';
import { createRedisConnection, type RedisDeps, type RedisOptions } from './connect.ts';
import type { RedisConnection, RedisState } from './redis-connection.ts';

/** A server far away, through TLS and a proxy. */
const connectDeadlineMs = 10_000;
const patience = { deadlineMinMs: 1_000, deadlineMaxMs: 5_000, connectTimeoutMs: 5_000 };

/** @throws redis_unavailable when it cannot be reached, with a remedy where a person can mend that */
export async function checkServer(
  options: RedisOptions,
  deps: RedisDeps,
  { prefix, wish, signal }: Pick<CheckDeps, 'prefix' | 'wish'> & Partial<CallOptions>,
): Promise<CheckReport> {
  const { clock, random } = deps;
  const connection = createRedisConnection({ ...options, ...patience }, deps);
  try {
    await reachable(connection);
    signal?.throwIfAborted();
    const tls = options.url.startsWith('rediss:');
    return await checkRedis({ connection, clock, tls, prefix, token: random.id(8), wish });
  } finally {
    await connection.close();
  }
}

/** Waits for a server that starts; what only a person can mend is said at once. */
async function reachable(connection: RedisConnection): Promise<void> {
  const { promise: hopeless, reject } = Promise.withResolvers<never>();
  const notice = (state: RedisState): void => {
    if (state.kind !== 'misconfigured') return;
    reject(new AppError('redis_unavailable', `${connection.address}: ${state.why}; ${state.remedy}`));
  };
  const stop = connection.onStateChange(notice);
  notice(connection.health().state);
  try {
    await Promise.race([connection.ready(connectDeadlineMs), hopeless]);
  } finally {
    stop();
  }
}
