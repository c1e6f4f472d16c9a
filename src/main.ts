/** The composition root: configuration → drivers → rooms → listening. The only file that knows everyone. */
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdmin } from './admin/app.ts';
import type { StatusReport } from './admin/admin-types.ts';
import { configHash, isLoopback, keysFile } from './config/load.ts';
import { createThinkers } from './compose/thinkers.ts';
import { createAlerting } from './compose/alerts.ts';
import { createFallback } from './compose/fallback.ts';
import { createFeedback } from './compose/feedback.ts';
import { createGpuGauges } from './compose/gpu-gauges.ts';
import { createIdleThinker } from './compose/idle-thinker.ts';
import { createLateDoctor } from './compose/late-doctor.ts';
import { createOperatorPage } from './compose/operator-page.ts';
import { createMoney, openLedger } from './compose/money.ts';
import { connectRedis } from './compose/redis.ts';
import { createRememberer } from './compose/rememberer.ts';
import { createRunTimeSettings } from './compose/run-time-settings.ts';
import { createSettings } from './compose/settings.ts';
import { createShared } from './compose/shared.ts';
import { createTracing } from './compose/traces.ts';
import { createStatus } from './compose/status.ts';
import type { Config } from './config/schema.ts';
import { systemClock, type Clock } from './core/clock.ts';
import { AppError } from './core/errors.ts';
import { modelName } from './core/ids.ts';
import { systemRandom } from './core/random.ts';
import { createAdmission } from './gateway/admission.ts';
import type { AnswerBook } from './gateway/answer-book.ts';
import { createAnswerCost } from './gateway/answer-cost.ts';
import { createGateway } from './gateway/app.ts';
import { createPinner } from './gateway/effective-request.ts';
import { createOriginPolicy } from './gateway/http/origin-policy.ts';
import { answerBrokenRequest } from './gateway/http/broken-request.ts';
import { createRequestMetrics } from './gateway/request-metrics.ts';
import { createServeAnswer } from './gateway/serve-answer.ts';
import { createKeyRing } from './keys/key-ring.ts';
import { createRouter } from './router/router.ts';
import type { RunningGateway } from './running-gateway.ts';
import { createEvents } from './telemetry/events.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { createRequestLog, type RequestLog } from './telemetry/request-log.ts';
import { version, commit } from './version.ts';

export interface StartOptions {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Where log lines go; standard error when absent. */
  readonly logFile?: string;
  /** Counted here instead; with `book`, for measurements of what counting costs. */
  readonly metrics?: Metrics;
  readonly book?: AnswerBook;
  /** Told of slow steps of starting, such as a download. */
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

/** @throws AppError config_invalid when it cannot run as configured; nothing is left running then. */
export async function startGateway(config: Config, options: StartOptions = {}): Promise<RunningGateway> {
  const clock = options.clock ?? systemClock;
  const random = systemRandom;
  const logger = options.logger ?? createLogger(config.telemetry.logLevel, options.logFile);
  const metrics = options.metrics ?? createMetrics();
  metrics.buildInfo.set({ version, commit: commit() }, 1);
  metrics.configInfo.set({ hash: configHash(config) }, 1);
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async () => {
    for (const close of closers.toReversed()) await close();
  };

  try {
    makeDataDir(config.dataDir);
    const base = { clock, random, logger, metrics };
    const settings = createRunTimeSettings(config, base);
    const tracing = await createTracing(config, base);
    if (tracing) closers.push(() => tracing.close());
    const records = createRequestLog();
    const requestLog: RequestLog = tracing?.traced(records, (id) => rememberer.cache.why(id)) ?? records;
    const redis = await connectRedis(config, base);
    if (redis) closers.push(() => redis.close());
    const events = createEvents((error) => logger.error({ err: error }, 'an event was not heard to its end'));
    const alerts = createAlerting(config, { ...base, events });
    closers.push(() => alerts.close());
    const shared = createShared(config, base, redis);
    closers.push(() => shared.close());
    const [thinkers, rememberer, books] = await Promise.all([
      createThinkers(config, base).then((made) => {
        closers.push(() => made.close());
        return made;
      }),
      createRememberer(config, { ...base, requestLog, shared, settings }, options.onProgress).then((made) => {
        closers.push(() => made.close());
        return made;
      }),
      openLedger(config, base, shared).then((made) => {
        closers.push(() => made.ledger.close());
        return made;
      }),
    ]);
    const { pool } = thinkers;
    const money = createMoney(config, base, { pool, books, rememberer, settings });
    closers.push(() => money.close());
    rememberer.rememberDigests(pool);
    // Loaded where machines are rented: 200 kB of program are megabytes of memory.
    const room = config.fleet.provider === 'off' ? undefined : await import('./compose/fleet-room.ts');
    const fleet = room?.createFleet(config, base, {
      pool,
      ledger: money.ledger,
      events,
      lease: shared.lease,
      settings,
    });
    createGpuGauges({ metrics, pool, gpuUse: (thinker) => fleet?.gpuUse(thinker) });
    if (room && fleet) {
      money.replayFleetWith(() => ({ fleet: fleet.options.policy, starts: fleet.startTimes() }));
      const fleetMoney = room.createFleetMoney(fleet, base, money.ledger);
      closers.push(() => fleetMoney.close());
      closers.push(async () => void (await fleet.close()));
    }
    const ownRouter = createRouter({
      pool,
      ...base,
      standby: fleet?.standby,
      work: fleet?.work,
      options: {
        queueMax: config.admission.queueMax,
        queueWaitMaxMs: config.admission.queueWaitMaxMs,
        triesMax: config.router.triesMax,
        ...config.timeouts,
      },
    });
    const fallback = createFallback(config, base, {
      router: ownRouter,
      pool,
      ledger: money.ledger,
      standby: fleet?.standby,
      work: fleet?.work,
      stopped: () => fleet?.loop.halted() !== undefined,
    });
    if (fallback) closers.push(() => fallback.close());
    const router = fallback?.router ?? ownRouter;
    rememberer.auditOn(createIdleThinker({ router, pool, random }), money.heldOut);
    const requestMetrics = createRequestMetrics(metrics, (model) =>
      pool.models().some((known) => known.name === modelName(model)),
    );
    const admission = createAdmission({ ...config.admission, elsewhere: (tenant) => shared.elsewhere(tenant) });
    shared.follow(() => admission.perTenant);
    const keys = createKeyRing({
      ...base,
      shared: shared.usage,
      options: {
        file: keysFile(config),
        configured: config.apiKeys,
        byAddress: config.keys.byAddress,
        keysMax: config.keys.keysMax,
      },
    });
    closers.push(() => keys.close());
    refuseOpenGateway(config, keys.required);
    const feedback = createFeedback({ requestLog, cache: rememberer.cache });
    let adminUrl = '';
    const gateway = createGateway({
      serveAnswer: createServeAnswer({
        cache: rememberer.cache,
        singleFlight: rememberer.singleFlight,
        coalescer: rememberer.cache.coalescer,
        sharedFlight: rememberer.sharedFlight,
        router,
        digestOf: (model) => rememberer.digestOf(model),
        clock,
      }),
      router,
      pool,
      pinner: createPinner(config.models),
      identify: (headers, address) => keys.identify(headers, address),
      origins: createOriginPolicy({ keysRequired: () => keys.required, corsOrigins: config.gateway.corsOrigins }),
      admission,
      requestMetrics,
      requestLog,
      book: options.book ?? money.book,
      feedback,
      answerCost: createAnswerCost(pool, config.fallback),
      ...base,
      adminUrl: () => adminUrl,
      options: config.gateway,
    });

    const gatewayServer = httpServer(config, config.gateway.bodyTimeoutMs, (request, response) =>
      gateway.handle(request, response),
    );
    const gatewayUrl = await listen(gatewayServer, 'gateway', config.gateway.host, config.gateway.port);
    closers.push(() => closeServer(gatewayServer, clock, 0));

    const status: () => StatusReport = createStatus({
      config,
      ...base,
      pool,
      router,
      rememberer,
      requestMetrics,
      requestLog,
      admission,
      settings,
      urls: () => ({ gatewayUrl, adminUrl }),
    });
    const operatorPage = await createOperatorPage(config, base);
    closers.push(() => operatorPage.close());
    const admin = createAdmin({
      facts: {
        status,
        requests: (limit) => requestLog.list(limit),
        request: (id) => requestLog.get(id),
        requestsMax: requestLog.capacity,
        requestsSeen: () => requestLog.added,
        ...rememberer.cases,
        settings: createSettings(config, settings),
        changeSetting: (name, value) => settings.change(name, value),
        undoSetting: (name) => settings.undo(name),
        why: (id) => rememberer.cache.why(id),
        feedback,
      },
      cache: rememberer.commands,
      money,
      fleet: fleet?.commands,
      keys,
      doctor: createLateDoctor(config, {
        ...base,
        version,
        running: () => ({ gatewayUrl, adminUrl, version }),
        // Its own operator port may ask for a key that is kept as a hash alone.
        own: {
          status: () => Promise.resolve(status()),
          scrape: () => metrics.registry.metrics(),
          channels: () => Promise.resolve(alerts.channels()),
        },
        apiKey: undefined,
        adminKey: undefined,
      }),
      alerts,
      pool,
      onModelsChanged: () => pool.refresh(),
      metrics,
      clock,
      logger,
      adminKeySha256: config.adminKeySha256,
      metricsTokenSha256: config.metricsTokenSha256,
      viewerKeySha256: config.viewerKeySha256,
      ...operatorPage,
    });
    closers.push(() => admin.close());
    // A model's blob takes as long to upload as it takes.
    const adminServer = httpServer(config, 0, (request, response) => admin.handle(request, response));
    adminUrl = await listen(adminServer, 'admin', config.admin.host, config.admin.port);
    closers.push(() => closeServer(adminServer, clock, 0));

    // The market may take its time, and those who ask others need not wait for it.
    fleet?.start().catch((error: unknown) => logger.error({ err: error }, 'the fleet could not be started'));
    let closing: Promise<void> | undefined;
    return {
      gatewayUrl,
      adminUrl,
      get keyRequired() {
        return keys.required;
      },
      status,
      loginUrl() {
        const path = operatorPage.createLoginPath();
        return path === undefined ? undefined : adminUrl + path;
      },
      close({ graceMs = config.gateway.shutdownGraceMs } = {}) {
        // Stop accepting, finish streams, then stop the rooms in the reverse order of their making.
        closing ??= (async () => {
          gateway.drain();
          await closeServer(gatewayServer, clock, graceMs);
          await closeAll();
        })();
        return closing;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The file of keys may be there and hold none that still works. */
function refuseOpenGateway(config: Config, keyRequired: boolean): void {
  if (isLoopback(config.gateway.host) || keyRequired) return;
  throw new AppError(
    'config_invalid',
    `gateway.host is ${config.gateway.host}, which others can reach, and no API key works any more (${keysFile(config)}); ` +
      'create one with `llm-self-host keys create` while it listens on 127.0.0.1, or set SELFHOST_API_KEYS=tenant:key',
  );
}

function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AppError(
      'config_invalid',
      `cannot make the data folder ${dataDir}: ${(error as Error).message}; choose another with --data-dir or SELFHOST_DATA_DIR`,
      { cause: error },
    );
  }
}

// An `import` would read all it exports, `WebSocket` among it, for which Node loads its `fetch`: 10 MB.
const { createServer } = process.getBuiltinModule('node:http');

function httpServer(
  config: Config,
  requestTimeout: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer(
    {
      requestTimeout,
      headersTimeout: Math.min(20_000, config.gateway.bodyTimeoutMs),
      keepAliveTimeout: config.gateway.keepAliveTimeoutMs,
      // How often Node looks for requests past their time: a slow sender is told within a second of it.
      connectionsCheckingInterval: 1000,
      keepAlive: true,
      noDelay: true,
    },
    handle,
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerBrokenRequest(error, socket));
  server.maxConnections = config.gateway.connectionsMax;
  return server;
}

function listen(server: Server, section: 'gateway' | 'admin', host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const option = section === 'gateway' ? '--port' : '--admin-port';
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is in use`
          : `cannot listen on ${host}:${port} (${error.code ?? error.message})`;
      reject(
        new AppError(
          'config_invalid',
          `${why}; choose another with ${option} (0 picks a free one), or stop what uses it`,
          { cause: error },
        ),
      );
    });
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
      resolve(`http://${name}:${address.port}`);
    });
  });
}

/** Stops accepting, waits for running answers up to the grace period, then cuts what is left. */
function closeServer(server: Server, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const deadline = clock.after(graceMs, () => server.closeAllConnections());
    // A connection whose last answer has just ended is idle from then on, not from the start.
    const sweep = clock.every(50, () => server.closeIdleConnections());
    server.close(() => {
      deadline.clear();
      sweep.clear();
      resolve();
    });
    server.closeIdleConnections();
  });
}
