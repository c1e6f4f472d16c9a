/** A running operator port over doubles, for the tests of this room. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CacheEntry, EntryFilter, EntrySummary } from '../../src/cache/cache-store.ts';
import type { Feedback, FeedbackResult } from '../../src/cache/cache-types.ts';
import type { OpenCase } from '../../src/cache/learner.ts';
import type { WhyRecord } from '../../src/cache/why-log.ts';
import { entryId, exactKey, modelName, requestId, scope, tenantId } from '../../src/core/ids.ts';
import { addMs, epochMs } from '../../src/core/units.ts';
import { toUnitVector } from '../../src/core/vector.ts';
import { createAlertDesk } from '../../src/telemetry/alerts/desk.ts';
import type { ChannelEntry } from '../../src/telemetry/alerts/delivery.ts';
import { createEvents } from '../../src/telemetry/events.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { createRequestLog, type RequestRecord } from '../../src/telemetry/request-log.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import type { Thinker, ThinkerView } from '../../src/thinkers/thinker.ts';
import type {
  CacheCommands,
  DashboardFiles,
  FleetCommands,
  MoneyFacts,
  StatusReport,
} from '../../src/admin/admin-types.ts';
import { moneyOf } from './admin-money.ts';
import { createAdmin } from '../../src/admin/app.ts';
import { createKeyRing } from '../../src/keys/key-ring.ts';
import { seededRandom } from '../../src/core/random.ts';
import { createAuditLog } from '../../src/admin/audit-log.ts';
import { createRunTimeSettings, type RunTimeSettings } from '../../src/compose/run-time-settings.ts';
import { resolveConfig } from '../../src/config/load.ts';
import { createSessions } from '../../src/admin/sessions.ts';

const notOurs = (): never => {
  throw new Error('not implemented: the operator port has no business with this');
};

function viewOf(thinker: Thinker): ThinkerView {
  const { id, name, kind, url, maxConcurrency, costPerHour } = thinker;
  return {
    id,
    name,
    kind,
    url,
    maxConcurrency,
    costPerHour,
    state: 'ready',
    version: '0.20.0',
    models: new Map(),
    loaded: new Set(),
    slot: 't1',
    vramUsedBytes: undefined,
    inFlight: 0,
    busyMs: 0,
    ttftMsEwma: 0,
    failuresInRow: 0,
    weight: 1,
    lastError: undefined,
  };
}

export function anEntry(overrides: Partial<CacheEntry> = {}): CacheEntry {
  const storedAt = epochMs(1_767_225_600_000);
  return {
    id: entryId('entry-1'),
    exactKey: exactKey('key-1'),
    tenant: tenantId('local'),
    model: modelName('llama3.2'),
    digest: 'sha256:aa',
    semantic: {
      scope: scope('scope-1'),
      text: 'How tall is the tower?',
      embeddingModel: 'lexical-1',
      vector: toUnitVector(new Float32Array([0.6, 0.8])),
    },
    answer: {
      model: 'llama3.2',
      createdAt: storedAt,
      thinking: '',
      text: 'Three hundred metres.',
      toolCalls: [],
      end: {
        type: 'end',
        finishReason: 'stop',
        usage: { promptTokens: 8, completionTokens: 4 },
        timings: { totalNs: 1e9, loadNs: 0, promptEvalNs: 1e8, evalNs: 9e8 },
      },
    },
    storedAt,
    expiresAt: addMs(storedAt, 86_400_000),
    origin: requestId('request-1'),
    gpuMs: 1000,
    ...overrides,
  };
}

function summaryOf(entry: CacheEntry): EntrySummary {
  return {
    id: entry.id,
    tenant: entry.tenant,
    model: entry.model,
    digest: entry.digest,
    text: entry.semantic?.text ?? '',
    scope: entry.semantic?.scope,
    embeddingModel: entry.semantic?.embeddingModel,
    storedAt: entry.storedAt,
    expiresAt: entry.expiresAt,
    hits: 3,
    bytes: 512,
  };
}

const matches = (entry: CacheEntry, { model, contains, olderThan }: EntryFilter): boolean =>
  (model === undefined || entry.model === model) &&
  (contains === undefined || (entry.semantic?.text ?? '').toLowerCase().includes(contains.toLowerCase())) &&
  (olderThan === undefined || entry.storedAt < olderThan);

/** Entries in an array, newest first. */
export function arrayOfEntries(entries: CacheEntry[]): CacheCommands & { readonly purged: EntryFilter[] } {
  const purged: EntryFilter[] = [];
  let epoch = 0;
  const drop = (gone: (entry: CacheEntry) => boolean): number => {
    const kept = entries.filter((entry) => !gone(entry));
    return entries.splice(0, entries.length, ...kept).length - kept.length;
  };
  return {
    purged,
    list: async (filter, { limit, before }) =>
      entries
        .filter((entry) => matches(entry, filter) && (before === undefined || entry.storedAt < before))
        .slice(0, limit)
        .map(summaryOf),
    show: async (id) => entries.find((entry) => entry.id === id),
    remove: async (id) => drop((entry) => entry.id === id) > 0,
    purge: async (filter) => {
      purged.push(filter);
      return drop((entry) => matches(entry, filter));
    },
    flush: async () => {
      drop(() => true);
      return (epoch += 1);
    },
  };
}

export function aStatus(overrides: Partial<StatusReport> = {}): StatusReport {
  return {
    name: 'llm-self-host',
    version: '0.1.0',
    startedAt: 1_767_225_600_000,
    uptimeS: 75,
    gatewayUrl: 'http://127.0.0.1:11435',
    adminUrl: 'http://127.0.0.1:11436',
    dataDir: '/home/ada/.local/share/llm-self-host',
    embedding: {
      id: 'lexical-1',
      kind: 'lexical',
      why: 'the MiniLM files are not there',
      remedy: 'run `llm-self-host embedder fetch`',
      reembedding: undefined,
    },
    cache: { mode: 'on', store: 'answers.db', entries: 12, bytes: 34_000, vectors: 11 },
    thinkers: [
      {
        name: 'attic',
        kind: 'static',
        url: 'http://127.0.0.1:11434',
        state: 'ready',
        version: '0.20.0',
        models: ['nomic-embed-text:latest', 'llama3.2:latest'],
        loaded: ['llama3.2:latest'],
        vramUsedBytes: 2_000_000_000,
        inFlight: 1,
        maxConcurrency: 4,
        lastError: undefined,
      },
    ],
    traffic: {
      requests: 40,
      hits: { exact: 10, semantic: 5, coalesced: 1 },
      misses: 20,
      bypasses: 4,
      errors: 0,
      hitShare: 0.444,
      tokensSaved: 3210,
      inFlight: 1,
      open: 1,
      waiting: 0,
      latency: { hit: { n: 16, p50Ms: 1.25, p95Ms: 3, p99Ms: 4 }, thinker: undefined },
    },
    overriding: [],
    memory: { rssBytes: 90_000_000, heapUsedBytes: 30_000_000 },
    ...overrides,
  };
}

export function aRecord(overrides: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: 'request-1',
    at: epochMs(1_767_225_600_000),
    route: '/api/chat',
    tenant: 'local',
    model: 'llama3.2',
    stream: true,
    cache: 'semantic',
    thinker: 'attic',
    entryId: 'entry-1',
    similarity: 0.953,
    outcome: 'ok',
    status: 200,
    error: undefined,
    totalMs: 12.3,
    ttftMs: 3,
    promptTokens: 8,
    completionTokens: 21,
    steps: undefined,
    ...overrides,
  };
}

const aFleet = {
  provider: 'vast',
  model: 'llama3.2',
  caps: { perHourUsd: 1, perDayUsd: 5, perMonthUsd: 100, perRentalUsd: 5 },
  idleTimeoutMs: 1_800_000,
} as const;

export interface RunningAdmin {
  readonly url: string;
  readonly port: number;
  readonly cache: ReturnType<typeof arrayOfEntries>;
  readonly requests: ReturnType<typeof createRequestLog>;
  readonly clock: FakeClock;
  readonly metrics: Metrics;
  /** What `/api/status` tells; a test may replace it. */
  status: StatusReport;
  /** What the semantic tier remembers, by request. */
  readonly why: Map<string, WhyRecord>;
  /** What becomes of a word; a test may replace it. */
  feedback: (given: Feedback) => FeedbackResult;
  /** Comparisons that wait for a person, and what was said of them. */
  readonly cases: OpenCase[];
  readonly decided: string[];
  readonly runTime: RunTimeSettings;
  close(): Promise<void>;
}

export async function startAdmin({
  thinkers = [],
  entries = [],
  key,
  metricsToken,
  viewerKey,
  dashboard,
  channels = [],
  rents = false,
  fleet,
  money,
}: {
  readonly thinkers?: readonly Thinker[];
  readonly entries?: CacheEntry[];
  readonly key?: string;
  readonly metricsToken?: string;
  readonly viewerKey?: string;
  readonly dashboard?: DashboardFiles;
  readonly channels?: readonly ChannelEntry[];
  /** Settings of a fleet can be changed. */
  readonly rents?: boolean;
  readonly fleet?: FleetCommands;
  readonly money?: Partial<MoneyFacts>;
} = {}): Promise<RunningAdmin> {
  const clock = new FakeClock();
  const auditLog = await createAuditLog(undefined, { clock, logger: silentLogger });
  const requests = createRequestLog();
  const folder = mkdtempSync(join(tmpdir(), 'selfhost-admin-'));
  const cache = arrayOfEntries(entries);
  const running = {
    status: aStatus(),
    why: new Map<string, WhyRecord>(),
    feedback: notOurs as (given: Feedback) => FeedbackResult,
    cases: [] as OpenCase[],
    decided: [] as string[],
    runTime: createRunTimeSettings(
      resolveConfig(rents ? { fleet: aFleet } : {}, { SELFHOST_DATA_DIR: folder, SELFHOST_VAST_API_KEY: 'key' }),
      { clock, logger: silentLogger },
    ),
  };
  const metrics = createMetrics();
  const desk = createAlertDesk({
    channels,
    metrics,
    events: createEvents(() => {}),
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    options: { intervalMs: 30_000, renotifyMs: 3_600_000, settleMs: 0, quietHours: undefined, source: 'test' },
  });
  const admin = createAdmin({
    facts: {
      status: () => running.status,
      requests: (limit) => requests.list(limit),
      request: (id) => requests.get(id),
      requestsMax: requests.capacity,
      requestsSeen: () => requests.added,
      openCases: () => running.cases,
      settings: () => ({ source: undefined, settings: [], runTime: running.runTime.view() }),
      changeSetting: (name, value) => running.runTime.change(name, value),
      undoSetting: (name) => running.runTime.undo(name),
      decideCase: (id, verdict) => {
        const index = running.cases.findIndex((each) => each.id === id);
        if (index === -1) return false;
        running.decided.push(`${id} ${verdict}`);
        running.cases.splice(index, 1);
        return true;
      },
      why: (id) => running.why.get(id),
      feedback: (given) => running.feedback(given),
    },
    cache,
    money: { ...moneyOf(clock), ...money },
    fleet,
    alerts: desk,
    doctor: notOurs,
    keys: createKeyRing({
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      options: { file: join(folder, 'keys.json'), configured: [], byAddress: [], keysMax: 10 },
    }),
    pool: { views: () => thinkers.map(viewOf), get: (id) => thinkers.find((thinker) => thinker.id === id) },
    metrics,
    clock,
    logger: silentLogger,
    adminKeySha256: hashOf(key),
    metricsTokenSha256: hashOf(metricsToken),
    viewerKeySha256: hashOf(viewerKey),
    sessions: createSessions({ clock }),
    auditLog,
    ...(dashboard && { dashboard }),
  });
  const server: Server = createServer((request, response) => admin.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(running, {
    url: `http://127.0.0.1:${port}`,
    port,
    cache,
    requests,
    clock,
    metrics,
    close: () =>
      new Promise<void>((resolve) => {
        admin.close();
        server.close(() => resolve());
        rmSync(folder, { recursive: true, force: true });
        server.closeAllConnections();
      }),
  });
}

const hashOf = (key: string | undefined): string | undefined =>
  key === undefined ? undefined : createHash('sha256').update(key).digest('hex');
