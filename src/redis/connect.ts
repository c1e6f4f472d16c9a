import type { Redis } from 'ioredis';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { AdaptiveDeadline } from './adaptive-deadline.ts';
import { createBlocking } from './blocking.ts';
import {
  createClient,
  filesStamp,
  sendTo,
  type Client,
  type ClientOptions,
  type SentinelOptions,
  type TlsOptions,
} from './client.ts';
import { callError, connectFault, unavailable } from './faults.ts';
import {
  RedisReplyError,
  type RedisCallOptions,
  type RedisCommand,
  type RedisConnection,
  type RedisReply,
  type RedisState,
  type ServerFacts,
} from './redis-connection.ts';
import { askFacts } from './server-facts.ts';
import { createGuard, type Guard } from './guard.ts';
import { parseRedisUrl, printTarget } from './target.ts';
import { createWatchdog } from './watchdog.ts';

export interface RedisOptions {
  readonly url: string;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  /** The hosts of `url` are sentinels then. */
  readonly sentinel?: SentinelOptions | undefined;
  /** `auto` asks the server whether it is part of a cluster. */
  readonly shape?: 'auto' | 'single' | 'cluster' | undefined;
  /** Bounds of the wait for a reply; between them it follows the round trips. */
  readonly deadlineMinMs?: number | undefined;
  readonly deadlineMaxMs?: number | undefined;
  readonly connectTimeoutMs?: number | undefined;
}

export type RedisMetrics = Pick<
  Metrics,
  'redisUp' | 'redisCommands' | 'redisCommandDuration' | 'redisBreaker' | 'redisConnects'
>;

export interface RedisDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: RedisMetrics | undefined;
}

const connectTimeoutMsDefault = 2_000;
const deadlineMsDefaults = { min: 25, max: 150 };
/** Two tries in a row, with jitter, so that gateways do not come back in step. */
const retryMs = { first: 50, max: 1_000 };
/** What only a person can mend is not tried more often. */
const misconfiguredRetryMs = 30_000;
/** Looking at the server may take longer than a command: it happens beside the requests. */
const factsDeadlineMs = 2_000;
const saidAgainMs = 60_000;
/** Both connections of a healthy server are up within this. */
const writerWaitMs = 300;
/** Whether somebody has mended a password or a certificate. */
const mendedEveryMs = 1_000;

/** Connects in the background: a server that is away, now or later, shows in `health()` and in the errors of calls. */
export function createRedisConnection(options: RedisOptions, deps: RedisDeps): RedisConnection {
  const { clock, random, logger, metrics } = deps;
  const target = parseRedisUrl(options.url);
  const address = printTarget({ ...target, username: options.username ?? target.username });
  const guard = createGuard({
    ...deps,
    address,
    deadline: new AdaptiveDeadline(
      options.deadlineMinMs ?? deadlineMsDefaults.min,
      options.deadlineMaxMs ?? deadlineMsDefaults.max,
    ),
    notReady: () => (state.kind === 'ready' ? undefined : 'why' in state ? state.why : `it is ${state.kind}`),
    onBreaker: () => report(),
  });
  const { breakers, deadline } = guard;
  const guarded: Guard['guarded'] = (start, callOptions) => guard.guarded(start, callOptions);
  const readyListeners = new Set<(facts: ServerFacts) => void>();
  const stateListeners = new Set<(state: RedisState) => void>();
  const blockers = new Set<{ close(): void }>();
  let state: RedisState = { kind: 'connecting', since: clock.now() };
  let facts: ServerFacts | undefined;
  let shape: ClientOptions['shape'] = options.shape === 'cluster' ? 'cluster' : 'single';
  let lastFault: ReturnType<typeof connectFault> | undefined;
  let saidAtMs = -Infinity;
  let generation = 0;

  const clientOptions = (name: string, own: Pick<ClientOptions, 'onReady' | 'onLost'>): ClientOptions => ({
    target,
    shape,
    username: options.username,
    passwordFile: options.passwordFile,
    tls: options.tls,
    sentinel: options.sentinel,
    connectTimeoutMs: options.connectTimeoutMs ?? connectTimeoutMsDefault,
    name,
    retryAfterMs,
    onError: noteFault,
    onTopology: () => void (shape === 'cluster' && client.isReady() && lookAgain()),
    ...own,
  });

  /** A write that the server holds back holds back everything behind it on its connection: reads have their own. */
  let writer: Client;
  let client = openClients();
  const watchdog = createWatchdog({
    clock,
    nodes: () => [...client.nodes(), ...writer.nodes()],
    onAnswer: () => {
      if (breakers.read.state === 'half-open') breakers.read.succeeded();
      report();
    },
  });

  let stamp = filesStamp(options);
  const mending = clock.every(mendedEveryMs, () => {
    if (client.hasEnded() || writer.hasEnded()) return reopen();
    if (state.kind !== 'misconfigured') return;
    const now = filesStamp(options);
    if (now === stamp) return;
    stamp = now;
    reopen();
  });

  function openClients(): Client {
    const quiet = { onError: () => undefined, onTopology: () => undefined, onLost: () => undefined };
    const opened = createClient(
      clientOptions('llm-self-host', { onReady: () => void becomeReady(), onLost: becomeDown }),
    );
    writer = createClient({
      ...clientOptions('llm-self-host:write', {
        onReady: () => void (opened.isReady() && becomeReady()),
        onLost: quiet.onLost,
      }),
      ...quiet,
    });
    return opened;
  }

  function reopen(): void {
    generation += 1;
    lastFault = undefined;
    client.end();
    writer.end();
    client = openClients();
  }

  function retryAfterMs(tries: number): number {
    if (lastFault?.kind === 'misconfigured') return misconfiguredRetryMs;
    const ms = Math.min(retryMs.max, retryMs.first * 2 ** Math.min(tries - 1, 10));
    return Math.round(ms * (0.5 + random.float() / 2));
  }

  function noteFault(error: unknown): void {
    if (state.kind === 'closed') return;
    // Ours say either that the server went away while it was looked at, or that a file cannot be read.
    const isOurs = error instanceof AppError && error.code !== 'redis_unavailable';
    const fault = isOurs ? undefined : connectFault(error);
    // Most often a TLS port that was spoken to in plain words.
    const hung = fault?.kind === 'down' && facts === undefined && !target.tls && /RESET|EPIPE|closed/.test(fault.why);
    lastFault =
      (hung ? { ...fault, why: `${fault.why}; a TLS port needs rediss://` } : fault) ??
      ({ kind: 'misconfigured', why: (error as Error).message, remedy: 'mend the configuration' } as const);
    if (state.kind === 'ready' && client.isReady()) return;
    moveTo({ ...lastFault, since: clock.now() });
  }

  function becomeDown(): void {
    if (state.kind === 'closed') return;
    if (state.kind !== 'ready') {
      // A server that hangs up before a word: most often the other kind of port.
      if (lastFault === undefined) noteFault(new Error('the server closed the connection'));
      return;
    }
    lastFault = undefined;
    moveTo({ kind: 'down', since: clock.now(), why: 'the connection was lost' });
  }

  async function becomeReady(): Promise<void> {
    const mine = ++generation;
    lastFault = undefined;
    try {
      const found = await askFacts((command) => raw(command, factsDeadlineMs));
      if (mine !== generation) return;
      if (found.cluster && shape === 'single' && (options.shape ?? 'auto') === 'auto' && !options.sentinel) {
        shape = 'cluster';
        return reopen();
      }
      facts = found;
      // Its twin is told apart later, if it does not come: then writes alone have trouble.
      if (!writer.isReady() && state.kind !== 'ready') await clock.sleep(writerWaitMs);
      if (mine !== generation) return;
      breakers.read.reset();
      breakers.write.reset();
      metrics?.redisConnects.inc();
      moveTo({ kind: 'ready', since: clock.now() });
      tell(readyListeners, found);
    } catch (error) {
      if (mine !== generation) return;
      noteFault(error);
      // Connected and not answering: the watchdog cuts the connection if that lasts.
      clock.after(retryMs.max, () => {
        if (mine === generation && state.kind !== 'ready' && client.isReady()) void becomeReady();
      });
    }
  }

  function lookAgain(): void {
    if (facts) tell(readyListeners, facts);
  }

  function moveTo(next: RedisState): void {
    const changed = state.kind !== next.kind;
    if (!changed && next.kind !== 'misconfigured') return;
    const why = 'why' in next ? next.why : undefined;
    const remedy = 'remedy' in next ? next.remedy : undefined;
    const now = clock.monotonicMs();
    if (changed || now - saidAtMs > saidAgainMs) {
      saidAtMs = now;
      if (next.kind === 'misconfigured')
        logger.error({ redis: address, why, remedy }, 'Redis is misconfigured; serving without it');
      else if (next.kind === 'down') logger.warn({ redis: address, why }, 'Redis is away; serving without it');
      else if (next.kind === 'ready') logger.info({ redis: address, version: facts?.version }, 'Redis is ready');
    }
    state = next;
    report();
    tell(stateListeners, next);
  }

  function tell<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
    for (const listener of listeners) {
      try {
        listener(value);
      } catch (error) {
        logger.error({ err: error }, 'a listener of the Redis connection failed');
      }
    }
  }

  function report(): void {
    metrics?.redisUp.set(state.kind === 'ready' ? 1 : 0);
    for (const direction of ['read', 'write'] as const) {
      metrics?.redisBreaker.set({ direction }, breakers[direction].state === 'closed' ? 0 : 1);
    }
  }

  /** Without breaker and statistics. */
  function raw(command: RedisCommand, ms: number): Promise<RedisReply> {
    return guard.within(client.send(command) as Promise<RedisReply>, ms);
  }

  function clientFor({ as }: RedisCallOptions): Client {
    return as === 'write' ? writer : client;
  }

  return {
    address,
    get facts() {
      return facts;
    },

    health: () => ({
      state,
      breakers: { read: breakers.read.state, write: breakers.write.state },
      roundTripMs: deadline.roundTripMs,
      deadlineMs: deadline.ms,
      tooFarAway: deadline.tooFarAway,
    }),

    ready(deadlineMs) {
      if (state.kind === 'ready' && facts) return Promise.resolve(facts);
      return new Promise((resolve, reject) => {
        const settle = () => {
          timer.clear();
          readyListeners.delete(onReady);
        };
        const timer = clock.after(deadlineMs, () => {
          settle();
          reject(unavailable(address, 'why' in state ? state.why : 'no connection yet'));
        });
        const onReady = (found: ServerFacts) => {
          settle();
          resolve(found);
        };
        readyListeners.add(onReady);
      });
    },

    call: (command, callOptions) =>
      guarded(() => clientFor(callOptions).send(command) as Promise<RedisReply>, callOptions),

    pipeline: (commands, callOptions) =>
      guarded(
        () =>
          Promise.all(
            commands.map((command) =>
              (clientFor(callOptions).send(command) as Promise<RedisReply>).catch((error: unknown) => {
                const known = callError(error, address);
                if (known instanceof RedisReplyError) return known;
                throw known;
              }),
            ),
          ),
        { ...callOptions, late: undefined },
      ),

    async transaction(commands, callOptions) {
      return guarded(
        async () => {
          const replies = await clientFor(callOptions).transaction(commands);
          if (!Array.isArray(replies)) throw unavailable(address, 'the transaction was dropped');
          const refused: unknown = replies.find((each) => each instanceof Error);
          if (refused instanceof Error) throw callError(Object.assign(refused, { name: 'ReplyError' }), address);
          return replies as readonly RedisReply[];
        },
        { ...callOptions, late: undefined },
      );
    },

    nodes: () =>
      client.nodes().map((node: Redis) => ({
        address: `${node.options.host}:${node.options.port}`,
        call: (command, callOptions) => guarded(() => sendTo(node, command) as Promise<RedisReply>, callOptions),
      })),

    blocking(name) {
      const blocking = createBlocking({
        clock,
        address,
        open: (own) =>
          createClient({
            ...clientOptions(`llm-self-host:${name}`, own),
            onError: () => undefined,
            onTopology: () => undefined,
          }),
        shape: () => shape,
      });
      blockers.add(blocking);
      return {
        call: (command, ms) => blocking.call(command, ms),
        close() {
          blockers.delete(blocking);
          blocking.close();
        },
      };
    },

    onReady(listener) {
      readyListeners.add(listener);
      return () => void readyListeners.delete(listener);
    },

    onStateChange(listener) {
      stateListeners.add(listener);
      return () => void stateListeners.delete(listener);
    },

    async close() {
      if (state.kind === 'closed') return;
      generation += 1;
      moveTo({ kind: 'closed' });
      watchdog.stop();
      mending.clear();
      for (const blocker of blockers) blocker.close();
      blockers.clear();
      client.end();
      writer.end();
    },
  };
}
