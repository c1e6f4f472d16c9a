/** Puts the ledger together: where it is kept, what is billed by the clock, and what answers are worth. */
import { readAtScrape } from '../telemetry/read-at-scrape.ts';
import type { Config } from '../config/schema.ts';
import type { Holdout } from '../cache/learner.ts';
import type { AnswerBook } from '../gateway/answer-book.ts';
import { usdMicros } from '../core/units.ts';
import { createCountedLedger } from '../ledger/counted.ts';
import { costComponents, type CostComponent, type Ledger } from '../ledger/ledger.ts';
import { createEmbeddedLedger } from '../ledger/ledger/embedded.ts';
import { createMemoryLedger } from '../ledger/ledger/memory.ts';
import { createRedisLedger } from '../ledger/ledger/redis.ts';
import { createFixedCosts, hoursPerMonth } from '../ledger/metering/fixed-costs.ts';
import { createHostMeter } from '../ledger/metering/host-meter.ts';
import { avoidedUsd, type Prices } from '../ledger/prices.ts';
import type { FalseHits } from '../ledger/report.ts';
import { createReports, type Reports } from '../ledger/reports.ts';
import { createMemoryFacts, type FactLog } from '../ledger/facts.ts';
import { createRecorder } from '../whatif/recorder.ts';
import { createWhatIf, type WhatIfRunner } from '../whatif/run.ts';
import type { WhatIfSettings } from '../whatif/what-if.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';
import type { Rememberer } from './rememberer.ts';
import type { RunTimeSettings } from './run-time-settings.ts';
import type { Shared } from './shared.ts';
import type { ComposeDeps } from './thinkers.ts';

export interface Money {
  /** Every room appends here: what is written is also counted. */
  readonly ledger: Ledger;
  readonly book: AnswerBook;
  readonly prices: Prices;
  readonly reports: Reports;
  readonly whatIf: WhatIfRunner;
  /** Machines are rented under this policy: replays decide by it. */
  readonly replayFleetWith: (fleet: () => Pick<WhatIfSettings, 'fleet' | 'starts'>) => void;
  /** An audit of a hit has brought a fresh answer. */
  readonly heldOut: (holdout: Holdout) => void;
  /** Of a thinker while it runs, USD; the last known one while none is there, undefined when none has a price. */
  pricePerHourUsd(): number | undefined;
  /** Of everything that is paid for now; undefined while nothing has a price. */
  burnUsdPerHour(): number | undefined;
  /** Bills what is left, and closes. */
  close(): Promise<void>;
}

/** Prices of thinkers change when one comes or goes; looked at this often. */
const priceMs = 5_000;

export interface Books {
  readonly ledger: Ledger;
  readonly facts: FactLog;
}

/** Some 20 MB. */
const memoryFactsMax = 50_000;

export interface MoneyParts {
  readonly pool: Pick<ThinkerPool, 'views'>;
  readonly books: Books;
  readonly rememberer: Pick<Rememberer, 'stats' | 'listen'>;
  readonly settings: Pick<RunTimeSettings, 'cacheTtlMs'>;
}

/** @throws config_invalid when another process keeps its ledger there */
export async function openLedger(
  config: Config,
  { clock, logger }: ComposeDeps,
  { redis, gateway }: Pick<Shared, 'redis' | 'gateway'>,
): Promise<Books> {
  const { ledger: kept, whatIf } = config.money;
  const options = { answersMax: kept.answersMax, factsMax: whatIf.factsMax };
  const own = kept.persist
    ? await createEmbeddedLedger({ dataDir: config.dataDir, clock, logger, options })
    : Object.assign(createMemoryLedger(options), {
        facts: createMemoryFacts(Math.min(whatIf.factsMax, memoryFactsMax)),
      });
  const { facts } = own;
  if (redis === undefined) return { ledger: own, facts };
  const shared = { own, connection: redis, clock, logger, prefix: config.redis.prefix, gateway };
  return { ledger: createRedisLedger(shared), facts };
}

export function createMoney(
  config: Config,
  { clock, logger, metrics }: ComposeDeps,
  { pool, books, rememberer, settings }: MoneyParts,
): Money {
  const { money } = config;
  const prices: Prices = { cloudGpu: money.cloudGpu, tokenApi: money.tokenApi };
  const pricePerHourUsd = createPriceMemory(pool, () => clock.monotonicMs());
  const adders = new Map(costComponents.map((component) => [component, metrics.costUsd.labels({ component })]));
  const ledger = createCountedLedger(
    books.ledger,
    {
      cost: (component: CostComponent) => adders.get(component)!,
      avoided: {
        marginal: metrics.avoidedUsd.labels({ basis: 'marginal' }),
        cloudGpu: metrics.avoidedUsd.labels({ basis: 'cloud_gpu' }),
        tokenApi: metrics.avoidedUsd.labels({ basis: 'token_api' }),
      },
    },
    prices,
    pricePerHourUsd,
  );
  const fixed = createFixedCosts({
    ledger,
    clock,
    logger,
    costs: money.fixedPerMonth.map(({ name, usd }) => ({ name, perMonth: usdMicros(usd * 1e6) })),
  });
  // Rented machines are billed by the fleet, which knows when they came and went.
  const hosts = createHostMeter({
    ledger,
    clock,
    hosts: () =>
      pool
        .views()
        .filter(({ kind, costPerHour }) => kind === 'static' && costPerHour > 0)
        .map(({ name, costPerHour, busyMs }) => ({ name, pricePerHour: costPerHour, busyMs })),
  });
  const fixedPerHour = money.fixedPerMonth.reduce((sum, { usd }) => sum + usd / hoursPerMonth, 0);
  const burnUsdPerHour = (): number | undefined => {
    const running = pool.views().reduce((sum, { costPerHour }) => sum + costPerHour / 1e6, 0);
    return running + fixedPerHour > 0 || pricePerHourUsd() !== undefined ? running + fixedPerHour : undefined;
  };
  readAtScrape(metrics.burnUsdPerHour, () => {
    const perHour = burnUsdPerHour();
    if (perHour !== undefined) metrics.burnUsdPerHour.set(perHour);
  });

  const basis = { 'cloud-gpu': 'cloudGpu', 'token-api': 'tokenApi', 'same-fleet': 'marginal' } as const;
  let replayedFleet: () => Pick<WhatIfSettings, 'fleet' | 'starts'> = () => ({ fleet: undefined });
  const ownHosts = new Set(config.thinkers.map(({ name, url }) => name ?? new URL(url).host));
  if (money.whatIf.record) rememberer.listen(createRecorder({ facts: books.facts, clock }));
  const whatIf = createWhatIf({
    ledger,
    facts: books.facts,
    settings: () => ({
      ttlMs: settings.cacheTtlMs(),
      gpuUsdPerHour: pricePerHourUsd(),
      ...replayedFleet(),
      ownHosts,
    }),
  });
  const reports = createReports({
    ledger,
    clock,
    prices,
    pricePerHourUsd,
    ownHosts,
    falseHits: () => falseHitsOf(rememberer),
    options: {
      baseline: money.baseline,
      cachePerMonthUsd: money.cachePerMonthUsd,
      wrongAnswerUsd: money.wrongAnswerUsd,
      operator: money.operator,
    },
  });
  return {
    ledger,
    reports,
    whatIf,
    replayFleetWith: (fleet) => void (replayedFleet = fleet),
    prices,
    pricePerHourUsd,
    burnUsdPerHour,
    heldOut: ({ plan, fresh, stored }) =>
      ledger.append({
        kind: 'holdout',
        at: clock.now(),
        requestId: plan.requestId,
        tenant: plan.owner.tenant,
        model: plan.model,
        ...fresh.usage,
        gpuMs: (fresh.timings.promptEvalNs + fresh.timings.evalNs) / 1e6,
        storedGpuMs: stored.gpuMs,
      }),
    book: {
      record: (entry) => ledger.append(entry),
      savedUsd: (work) => avoidedUsd(prices, pricePerHourUsd(), work)[basis[money.baseline]],
    },
    async close() {
      hosts.close();
      fixed.close();
      await fixed.started;
      await ledger.close();
    },
  };
}

/** What audits have shown; undefined before the first, and where a fixed threshold decides. */
function falseHitsOf(rememberer: Pick<Rememberer, 'stats'>): FalseHits | undefined {
  const share = rememberer.stats().semantic?.falseHitShare;
  if (share === undefined || share.audited === 0) return undefined;
  return { ...share, estimate: share.estimate ?? share.wrong / share.audited };
}

/** The mean over thinkers that have a price. */
function createPriceMemory(pool: Pick<ThinkerPool, 'views'>, nowMs: () => number): () => number | undefined {
  let known: number | undefined;
  let readAtMs = -Infinity;
  return () => {
    if (nowMs() - readAtMs < priceMs) return known;
    readAtMs = nowMs();
    const priced = pool.views().filter(({ costPerHour }) => costPerHour > 0);
    if (priced.length > 0) known = priced.reduce((sum, { costPerHour }) => sum + costPerHour, 0) / priced.length / 1e6;
    return known;
  };
}
