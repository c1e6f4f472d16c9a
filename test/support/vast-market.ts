/** For tests of the vast driver: a market that says what it is told to say, and the simulated one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { systemClock } from '../../src/core/clock.ts';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import { seededRandom } from '../../src/core/random.ts';
import { scaledClock } from '../../src/core/scaled-clock.ts';
import { usdMicros } from '../../src/core/units.ts';
import { createVastProvider } from '../../src/fleet/fleet-provider/vast.ts';
import type { FleetProvider, LaunchSpec, OfferQuery } from '../../src/fleet/fleet-provider.ts';
import { startVastWorld, type VastWorld, type VastWorldOptions } from '../../src/sim/world.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

export const call = { signal: new AbortController().signal };
export const key = 'a'.repeat(32) + 'b'.repeat(32);
export const secret = 'correct-horse-battery-staple';
const timeScale = 2_000;
export const query: OfferQuery = {
  gpuNames: ['RTX 4090', 'RTX 3090'],
  vramMibMin: 1,
  pricePerHourMax: usdMicros(2_000_000),
  reliabilityMin: 0,
  downloadMbpsMin: 0,
  diskGb: 16,
  cudaMin: 0,
  durationSMin: 0,
  limit: 40,
};
export const spec: LaunchSpec = {
  label: 'gw-a-1',
  image: 'ollama/ollama:latest',
  diskGb: 16,
  env: { GW_TOKEN: secret, OLLAMA_HOST: '127.0.0.1:11434' },
  ports: [8443],
  script: `echo ${secret}`,
};

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export const providerOf = (url: string, own = key): FleetProvider =>
  createVastProvider({
    url,
    key: own,
    clock: scaledClock(systemClock, timeScale),
    random: seededRandom(2),
    logger: silentLogger,
    timeoutMs: 20_000 * timeScale,
    triesMax: 3,
  });

/** A market that says what it is told to say. */
export async function withMarket(
  reply: (asked: Asked, response: ServerResponse, nth: number) => void,
  act: (provider: FleetProvider, asked: Asked[]) => Promise<void>,
): Promise<void> {
  const heard: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const asked = { method: request.method!, url: request.url!, headers: request.headers, body };
      heard.push(asked);
      reply(asked, response, heard.length);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const provider = providerOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  try {
    await act(provider, heard);
  } finally {
    await provider.close();
    server.closeAllConnections();
    server.close();
  }
}

export async function withWorld(
  options: Partial<VastWorldOptions>,
  act: (provider: FleetProvider, world: VastWorld) => Promise<void>,
): Promise<void> {
  const world = await startVastWorld({
    seed: 4,
    timeScale,
    badShare: 0,
    takenShare: 0,
    mtbfHours: Infinity,
    thinkers: 'none',
    rateLimits: 'off',
    ...options,
  });
  const provider = providerOf(world.url, world.key);
  try {
    await act(provider, world);
  } finally {
    await provider.close();
    await world.close();
  }
}

export const send = (response: ServerResponse, status: number, body: unknown, type = 'application/json'): void => {
  const bytes = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': type }).end(bytes);
};

export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<AppError> {
  const error = await promise.then(
    () => assert.fail(`expected ${code}, and it worked`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}
