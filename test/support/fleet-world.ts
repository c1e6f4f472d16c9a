/** A gateway that rents from a simulated market, both in one accelerated time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetReport } from '../../src/admin/admin-types.ts';
import { resolveConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/main.ts';
import type { RunningGateway } from '../../src/running-gateway.ts';
import type { VastWorld, VastWorldOptions } from '../../src/sim/world.ts';
import { createLogger, silentLogger } from '../../src/telemetry/logger.ts';
import { until } from './until.ts';

export const fleetModel = 'qwen2:7b-instruct-q6_K';
/** Seconds of the world in a second of ours. */
export const timeScale = 60;
/** A deadline that is generous in our time: machines are busy, and simulated seconds are short. */
const generousMs = 20_000 * timeScale;

export interface FleetWorld {
  readonly world: VastWorld;
  readonly gateway: RunningGateway;
  readonly dataDir: string;
  report(): Promise<FleetReport>;
  admin(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Response>;
  /** @param ms of our time */
  until(what: string, holds: (report: FleetReport) => boolean, ms?: number): Promise<FleetReport>;
  ask(text: string, options?: { readonly stream?: boolean }): Promise<Response>;
  /** The gateway alone; the market goes on. */
  close(): Promise<void>;
}

export const worldOptions = (seed: number): VastWorldOptions => ({
  seed,
  timeScale,
  badShare: 0,
  takenShare: 0,
  mtbfHours: Infinity,
  occupiedShare: 0,
});

export function fleetConfig(world: VastWorld, fleet: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    discovery: 'off',
    fleet: {
      provider: 'vast',
      model: fleetModel,
      caps: { perHourUsd: 5, perDayUsd: 20, perMonthUsd: 100, perRentalUsd: 10 },
      idleTimeoutMs: 120_000,
      ...fleet,
      machines: { gpuNames: [], ...(fleet['machines'] as object | undefined) },
      vast: { url: world.url, timeoutMs: 600_000, tokensPerSMin: 1, ...(fleet['vast'] as object | undefined) },
    },
    timeouts: {
      connectMs: generousMs,
      firstTokenWarmMs: generousMs,
      firstTokenColdMs: generousMs,
      stallMs: generousMs,
      totalMs: 4 * generousMs,
    },
    router: { probeTimeoutMs: generousMs },
    cache: { lookupDeadlineMs: 10_000 },
    telemetry: { logLevel: process.env['FLEET_TEST_LOG'] ?? 'silent' },
  };
}

export async function startFleetGateway(
  world: VastWorld,
  options: {
    readonly fleet?: Readonly<Record<string, unknown>>;
    /** Sections beside `fleet`. */
    readonly config?: Readonly<Record<string, unknown>>;
    readonly dataDir?: string;
  } = {},
): Promise<FleetWorld> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'selfhost-fleet-')));
  const gateway = await startGateway(
    resolveConfig(
      { ...fleetConfig(world, options.fleet), ...options.config },
      {
        SELFHOST_PORT: '0',
        SELFHOST_ADMIN_PORT: '0',
        SELFHOST_DATA_DIR: dataDir,
        SELFHOST_VAST_API_KEY: world.key,
      },
    ),
    {
      clock: world.clock,
      logger:
        process.env['FLEET_TEST_LOG'] === undefined
          ? silentLogger
          : createLogger(process.env['FLEET_TEST_LOG'] as 'info'),
    },
  );
  const admin = (method: 'GET' | 'POST', path: string, body?: unknown) =>
    fetch(`${gateway.adminUrl}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  const report = async () => (await (await admin('GET', '/api/fleet')).json()) as FleetReport;
  return {
    world,
    gateway,
    dataDir,
    report,
    admin,
    async until(what, holds, ms = 30_000) {
      let last = await report();
      await until(what, async () => holds((last = await report())), ms).catch((error: unknown) => {
        throw new Error(`${String(error)}; the fleet says ${JSON.stringify(last, undefined, 1).slice(0, 3_000)}`);
      });
      return last;
    },
    ask: (text, { stream = false } = {}) =>
      fetch(`${gateway.gatewayUrl}/api/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: fleetModel, stream, messages: [{ role: 'user', content: text }] }),
      }),
    async close() {
      await gateway.close({ graceMs: 1_000 });
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
