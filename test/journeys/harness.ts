/** A whole gateway in this process, in front of a simulated thinker, over real HTTP on loopback. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/main.ts';
import type { RunningGateway } from '../../src/running-gateway.ts';
import { createSimulatedThinker } from '../../src/sim/thinker-server/server.ts';
import { until } from '../support/until.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

export const model = 'qwen2:7b-instruct-q6_K';

export type SimOptions = NonNullable<Parameters<typeof createSimulatedThinker>[0]>;
export type Sim = ReturnType<typeof createSimulatedThinker>;

export interface Rig {
  readonly sim: Sim;
  readonly gateway: RunningGateway;
  readonly url: string;
  readonly adminUrl: string;
  readonly dataDir: string;
  close(): Promise<void>;
}

export interface RigOptions {
  /** Over the defaults, as in a config file. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly sim?: SimOptions;
  /** What an hour of the thinker costs, USD. */
  readonly price?: number;
  /** Reuse a folder of an earlier rig. */
  readonly dataDir?: string;
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const sim = createSimulatedThinker({ profile: 'instant', cancelNotice: 'at-once', ...options.sim });
  await sim.listen(0, '127.0.0.1');
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'selfhost-journey-')));
  // A refused start must not leave the simulator listening: the test would hang instead of failing.
  const gateway = await (async () =>
    startGateway(
      resolveConfig(
        {
          thinkers: [{ url: sim.url, name: 'sim', maxConcurrency: 64, costPerHourUsd: options.price ?? 0 }],
          telemetry: { logLevel: 'silent' },
          ...options.config,
          // On a busy machine the first lookup after a start takes longer than users are made to wait, and would miss.
          cache: { lookupDeadlineMs: 10_000, ...(options.config?.['cache'] as object | undefined) },
        },
        { SELFHOST_PORT: '0', SELFHOST_ADMIN_PORT: '0', SELFHOST_DATA_DIR: dataDir, ...options.environment },
      ),
      { logger: silentLogger },
    ))().catch(async (error: unknown) => {
    await sim.close();
    throw error;
  });
  // On a busy machine the first probe may take longer than the start waits for it; what is asked before is not kept.
  await until(
    'the thinkers are known',
    () => gateway.status().thinkers.every(({ state }) => state !== 'loading'),
    15_000,
  );
  return {
    sim,
    gateway,
    url: gateway.gatewayUrl,
    adminUrl: gateway.adminUrl,
    dataDir,
    async close() {
      await gateway.close({ graceMs: 1000 });
      await sim.close();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A start answers before every stored question is in the index again; until then other words miss. */
export const indexFilled = (rig: Rig): Promise<void> =>
  until('stored questions are in the index', () => {
    const { entries, vectors } = rig.gateway.status().cache;
    return entries > 0 && vectors === entries;
  });

export const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

export { until };
