/**
 * What runs in a rented machine: an Ollama with the model, and in front of it, when the environment has a key
 * and a token, a TLS server with the rules of the proxy that our bootstrap script starts. Without them it is
 * the plain image: open to everybody.
 */
import { createPrivateKey, timingSafeEqual } from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Clock } from '../../core/clock.ts';
import { selfSigned } from '../../core/self-signed.ts';
import type { ThinkerProfile } from '../profiles.ts';
import { modelFromName } from '../thinker-server/models.ts';
import { createSimulatedThinker, type SimulatedThinker } from '../thinker-server/server.ts';
import { tokensPerSecondOf } from './gpu-classes.ts';
import type { Machine } from './machine.ts';

export interface ContainerOptions {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly env: ReadonlyMap<string, string>;
  readonly seed: number;
  /** `instant`: answers without waits, for tests of everything but speed. */
  readonly pace: 'real' | 'instant';
  /** Called at every request that the proxy lets through. */
  readonly onRequest: () => void;
}

export interface Container {
  /** Not listening: connections come through the door of the port. */
  readonly server: Server;
  readonly tls: boolean;
  /** Container port that leads here. */
  readonly port: number;
  readonly thinker: SimulatedThinker;
  /** The pull has ended. */
  addModel(): void;
  close(): Promise<void>;
}

export const proxyPort = 8443;
export const ollamaPort = 11_434;

const allowedPaths = new Set([
  '/api/chat',
  '/api/generate',
  '/api/embed',
  '/api/embeddings',
  '/api/tags',
  '/api/show',
  '/api/ps',
  '/api/version',
]);

export const modelOf = (env: ReadonlyMap<string, string>): string | undefined =>
  env.get('GW_MODEL') ?? env.get('OLLAMA_MODEL');

export const modelBytesOf = (env: ReadonlyMap<string, string>): number => {
  const name = modelOf(env);
  return name === undefined ? 0 : (modelFromName(name).sizeBytes ?? 4_000_000_000);
};

export function startContainer(options: ContainerOptions): Container {
  const { env, machine } = options;
  const thinker = createSimulatedThinker({
    clock: options.clock,
    seed: options.seed,
    faults: false,
    models: [],
    profile: options.pace === 'instant' ? 'instant' : profileOf(machine, slotsOf(env)),
    slots: slotsOf(env),
    maxQueue: wholeOf(env, 'OLLAMA_MAX_QUEUE', 512),
    ...(env.get('OLLAMA_KEEP_ALIVE') === '-1' && { keepAliveMs: Infinity }),
    vramShare: machine.flaw === 'cpu-only' ? 0 : 1,
    wits: machine.flaw === 'wrong-answers' ? 'garbled' : 'sound',
  });
  const key = env.get('GW_KEY');
  const token = env.get('GW_TOKEN');
  const guarded = key !== undefined && token !== undefined;
  const server = guarded
    ? createHttpsServer(certificateOf(key), guard(token, options.onRequest, thinker))
    : createHttpServer((request, response) => thinker.handle(request, response));
  // What the proxy does: idle connections stay for minutes, and a client that breaks off is nobody's fault.
  server.keepAliveTimeout = 300_000;
  server.requestTimeout = 0;
  server.on('tlsClientError', (_error, socket: { destroy(): void }) => socket.destroy());
  return {
    server,
    tls: guarded,
    port: guarded ? proxyPort : ollamaPort,
    thinker,
    addModel() {
      const name = modelOf(env);
      if (name !== undefined) thinker.addModel(modelFromName(name));
    },
    async close() {
      server.closeAllConnections();
      await thinker.close();
    },
  };
}

function guard(token: string, onRequest: () => void, thinker: SimulatedThinker) {
  const expected = Buffer.from(`Bearer ${token}`);
  return (request: IncomingMessage, response: ServerResponse): void => {
    const given = Buffer.from(request.headers.authorization ?? '');
    const path = request.url!.split('?')[0]!;
    const known = given.length === expected.length && timingSafeEqual(given, expected);
    if (!known || !allowedPaths.has(path)) {
      request.resume();
      response.writeHead(401, { 'content-length': 0 }).end();
      return;
    }
    onRequest();
    delete request.headers.authorization;
    request.headers.host = `127.0.0.1:${ollamaPort}`;
    thinker.handle(request, response);
  };
}

/** @throws Error when it is not a key: on the real machine, openssl ends the script */
function certificateOf(keyBase64: string): { key: string; cert: string } {
  return selfSigned(createPrivateKey({ key: Buffer.from(keyBase64, 'base64'), format: 'der', type: 'pkcs8' }));
}

const slotsOf = (env: ReadonlyMap<string, string>): number => wholeOf(env, 'OLLAMA_NUM_PARALLEL', 1);

function wholeOf(env: ReadonlyMap<string, string>, name: string, fallback: number): number {
  const value = Number(env.get(name));
  return Number.isInteger(value) && value > 0 ? value : fallback;
}

const slowShare = 0.25;

function profileOf(machine: Machine, slots: number): ThinkerProfile {
  const cpu = machine.flaw === 'cpu-only';
  const pace = machine.flaw === 'slow' ? slowShare : 1;
  return {
    name: machine.gpu.name,
    instant: false,
    ttftBaseMs: cpu ? 600 : 60,
    prefillTokensPerSecond: cpu ? 60 : (5_500 * pace * machine.gpu.memoryBandwidth) / 1_008,
    tokensPerSecond: cpu ? 7 : tokensPerSecondOf(machine.gpu) * pace,
    slotPenalty: 0.07,
    slots,
    coldLoadMs: 3_500,
    jitter: 0.1,
  };
}
