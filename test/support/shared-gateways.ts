/** Several gateways in this process, in front of one simulated thinker and one Redis. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/main.ts';
import type { RunningGateway } from '../../src/running-gateway.ts';
import { createSimulatedThinker } from '../../src/sim/thinker-server/server.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { until } from './until.ts';

export const model = 'qwen2:7b-instruct-q6_K';

export interface SharedGateways {
  readonly sim: ReturnType<typeof createSimulatedThinker>;
  readonly gateways: readonly RunningGateway[];
  /** The same with no Redis: what the machine does to it, it does to all of them. */
  readonly control: RunningGateway | undefined;
  close(): Promise<void>;
}

export interface SharedOptions {
  /** Of each gateway's `redis` section. */
  readonly redis: readonly Readonly<Record<string, unknown>>[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly profile?: 'instant' | 'demo';
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether there is also one with no Redis. */
  readonly control?: 'with' | 'without';
  /** Do not wait for Redis: it is away. */
  readonly withoutRedis?: boolean;
}

export async function startSharedGateways(options: SharedOptions): Promise<SharedGateways> {
  const sim = createSimulatedThinker({ profile: options.profile ?? 'instant', cancelNotice: 'at-once' });
  await sim.listen(0, '127.0.0.1');
  const folders: string[] = [];
  const started: RunningGateway[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((each) => each.close({ graceMs: 500 })));
    await sim.close();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  };
  const start = async (redis: Readonly<Record<string, unknown>>): Promise<RunningGateway> => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-shared-'));
    folders.push(dataDir);
    const gateway = await startGateway(
      resolveConfig(
        {
          thinkers: [{ url: sim.url, name: 'sim', maxConcurrency: 256 }],
          telemetry: { logLevel: 'silent' },
          // The thinker shares this process: on a busy machine its probes are late.
          router: { ejectAfterFailures: 100 },
          redis,
          ...options.config,
        },
        { SELFHOST_PORT: '0', SELFHOST_ADMIN_PORT: '0', SELFHOST_DATA_DIR: dataDir, ...options.environment },
      ),
      { logger: silentLogger },
    );
    started.push(gateway);
    return gateway;
  };
  const gateways: RunningGateway[] = [];
  let control: RunningGateway | undefined;
  try {
    for (const redis of options.redis) gateways.push(await start(redis));
    if (options.control === 'with') control = await start({});
    for (const gateway of started) {
      await until(
        'the gateway is whole',
        () => {
          const { thinkers, cache } = gateway.status();
          const joined = cache.shared?.state === 'ready' && !cache.shared.stale;
          const alone = gateway === control || options.withoutRedis === true;
          return thinkers.every(({ state }) => state !== 'loading') && (alone || joined);
        },
        20_000,
      );
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { sim, gateways, control, close };
}

export interface Asked {
  readonly status: number;
  /** `x-selfhost-cache`. */
  readonly cache: string;
  readonly text: string;
  /** `x-selfhost-entry` of a hit. */
  readonly entry: string;
  readonly tookMs: number;
}

/** One question, not streamed. */
export async function askOf(url: string, question: string, headers: Record<string, string> = {}): Promise<Asked> {
  const beganMs = performance.now();
  const response = await fetch(`${url}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: question }], stream: false }),
  });
  const reply = (await response.json()) as { message?: { content: string } };
  return {
    status: response.status,
    cache: response.headers.get('x-selfhost-cache') ?? '',
    text: reply.message?.content ?? '',
    entry: response.headers.get('x-selfhost-entry') ?? '',
    tookMs: performance.now() - beganMs,
  };
}
