/** The checks of the doctor, on this configuration, this machine and the gateway that runs. */
import { existsSync, readFileSync } from 'node:fs';
import { chmod, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { isLoopback, keysFile, sha256 } from '../config/load.ts';
import { readChanges, writtenOf } from '../config/run-time.ts';
import type { Config } from '../config/schema.ts';
import type { Check, DoctorReport } from '../doctor/check.ts';
import { checkFleet, checkPrices } from '../doctor/checks/fleet.ts';
import { checkDiskAndClock, checkPorts, checkRuntime, checkSecrets, checkVersion } from '../doctor/checks/machine.ts';
import { checkAlerts, checkAnswers, checkDoors, checkMetrics, checkThinkers } from '../doctor/checks/service.ts';
import { checkEmbedder, checkRedisStore } from '../doctor/checks/stores.ts';
import { runChecks } from '../doctor/run-checks.ts';
import { lookAtEmbedder, fetchEmbedder, lookAtRedis, stateOfDatabases } from './doctor/look-at-stores.ts';
import type { DoctorDeps } from './doctor/deps.ts';
import { createGatewayLook } from './doctor/look-at-gateway.ts';
import { lookAtMarket } from './doctor/look-at-market.ts';
import { lookAtThinkers, otherClocks } from './doctor/look-at-thinkers.ts';

export function createChecks(config: Config, deps: DoctorDeps): readonly Check[] {
  const { clock, version } = deps;
  const running = deps.running();
  const gateway = running && { ...createGatewayLook(running, deps), ...deps.own };
  const market = config.fleet.provider === 'off' ? undefined : lookAtMarket(config, deps);
  const keyed = config.apiKeys.length > 0 || config.keys.byAddress.length > 0 || existsSync(keysFile(config));
  return [
    checkRuntime({
      nodeVersion: process.versions.node,
      platform: `${process.platform}/${process.arch}`,
      openFilesMax: openFilesMax(),
    }),
    checkPorts(
      [
        { name: 'gateway', host: config.gateway.host, port: config.gateway.port, option: '--port' },
        { name: 'operator', host: config.admin.host, port: config.admin.port, option: '--admin-port' },
      ],
      running && [running.gatewayUrl, running.adminUrl],
      tryListen,
    ),
    checkDiskAndClock({
      freeBytes: () => freeBytes(config.dataDir),
      otherClocks: (options) => otherClocks(config, deps, options),
    }),
    checkRedisStore(config.redis.url === undefined ? undefined : (options) => lookAtRedis(config, deps, options)),
    checkEmbedder(
      (options) => lookAtEmbedder(config, deps, options),
      (options) => fetchEmbedder(config, deps, options),
    ),
    ...checkFleet(market, config.fleet.caps),
    checkThinkers(config.fleet.provider !== 'off', (options) => lookAtThinkers(config, { gateway, ...options })),
    checkAnswers(gateway && ((options) => gateway.askTwice(options))),
    checkMetrics(gateway && ((options) => gateway.scrape(options))),
    checkAlerts(
      gateway &&
        (async (options) =>
          (await gateway.channels(options)).map(({ name, last }) => ({
            name,
            lastError: last?.outcome === 'failed' ? (last.error ?? 'not delivered') : undefined,
          }))),
      config.alerts.channels.length,
      gateway && ((options) => gateway.testChannels(options)),
    ),
    checkPrices(pricesOf(config), () => clock.now()),
    checkSecrets({
      files: () => Promise.all(secretPaths(config).map(async (path) => ({ path, mode: await modeOf(path) }))),
      weak: weakKeys(config),
      restrict: (path) => chmod(path, 0o600),
    }),
    checkDoors({
      gatewayHost: config.gateway.host,
      gatewayOpen: !isLoopback(config.gateway.host),
      gatewayKeyed: keyed,
      adminHost: config.admin.host,
      adminOpen: !isLoopback(config.admin.host),
      adminKeyed: config.adminKeySha256 !== undefined,
      corsAny: config.gateway.corsOrigins.includes('*'),
    }),
    checkVersion({
      ownVersion: version,
      runningVersion: running?.version,
      databases: () => stateOfDatabases(config.dataDir),
      // As it stands now: the gateway may have been told more since it was started.
      overriding: () => overridingOf(config),
    }),
  ];
}

const overridingOf = (config: Config) =>
  readChanges(config.dataDir).map(({ name, value }) => ({ name, value, written: writtenOf(config, name) }));

const checkMaxMs = 20_000;

/** For the operator port. One look at a time: two of them would ask the market twice. */
export function createDoctor(config: Config, deps: DoctorDeps): () => Promise<DoctorReport> {
  let looking: Promise<DoctorReport> | undefined;
  return () => {
    looking ??= runChecks(createChecks(config, deps), {
      clock: deps.clock,
      version: deps.version,
      fix: false,
      deadlineMs: checkMaxMs,
    }).finally(() => (looking = undefined));
    return looking;
  };
}

/** Linux tells it; elsewhere it is not looked at. */
function openFilesMax(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return line === undefined || line === 'unlimited' ? undefined : Number(line);
  } catch {
    return undefined;
  }
}

/** @returns why not */
function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'in use' : (error.code ?? error.message)),
    );
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

async function freeBytes(dataDir: string): Promise<{ path: string; bytes: number }> {
  let path = dataDir;
  // Before the first start the folder is not there; its file system is.
  while (!existsSync(path)) path = dirname(path);
  const { bavail, bsize } = await statfs(path);
  return { path, bytes: bavail * bsize };
}

async function modeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mode;
  } catch {
    return undefined;
  }
}

function secretPaths(config: Config): string[] {
  const named = [
    config.gateway.apiKeysFile,
    config.admin.keyFile,
    config.admin.viewerKeyFile,
    config.telemetry.metricsTokenFile,
    config.fleet.vast.keyFile,
    config.redis.passwordFile,
    config.embedding.endpoint?.bearerFile,
    ...config.thinkers.map((thinker) => thinker.bearerFile),
    ...config.alerts.channels.map((channel) => channel.secretFile),
  ].flatMap((path) => path ?? []);
  return [
    ...new Set([...named, keysFile(config), ...['fleet.db', 'gateway.json'].map((name) => join(config.dataDir, name))]),
  ];
}

/** What people type when a key is asked for, long enough to be accepted. */
const triedFirst = [
  'changeme',
  'change-me',
  'password',
  'secret',
  'admin',
  'operator',
  'test',
  'default',
  '123456',
  '1234567890123456',
  '0123456789abcdef',
  'changemechangeme',
  'passwordpassword',
  'changeme12345678',
  'your-api-key-here',
  'any',
].map(sha256);

function weakKeys(config: Config): string[] {
  const isWeak = (hash: string | undefined): boolean => hash !== undefined && triedFirst.includes(hash);
  return [
    ...(isWeak(config.adminKeySha256) ? ['the operator key'] : []),
    ...(isWeak(config.viewerKeySha256) ? ['the viewer key'] : []),
    ...(isWeak(config.metricsTokenSha256) ? ['the metrics token'] : []),
    ...config.apiKeys.filter((key) => isWeak(key.sha256)).map((key) => `the API key of ${key.tenant}`),
  ];
}

function pricesOf({ money }: Config): { name: string; pricedAt: number | undefined }[] {
  const at = (day: string | undefined) => (day === undefined ? undefined : Date.parse(day));
  return [
    { name: money.cloudGpu.name, pricedAt: at(money.cloudGpu.pricedOn) },
    ...Object.entries(money.tokenApi).map(([model, price]) => ({
      name: `API price of ${model}`,
      pricedAt: at(price.pricedOn),
    })),
  ];
}
