import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aMoneyReport } from '../../test/support/money-report.ts';
import { requestId } from '../core/ids.ts';
import { epochMs, usdMicros } from '../core/units.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { aCharge, anAnswer } from './ledger/conformance.ts';
import { createEmbeddedLedger } from './ledger/embedded.ts';
import { createMemoryLedger } from './ledger/memory.ts';
import { costComponents, type Ledger } from './ledger.ts';
import { fixedInHour } from './metering/fixed-costs.ts';
import { createMeter } from './metering/meter.ts';
import type { Prices } from './prices.ts';
import type { FalseHits, ReportOptions } from './report.ts';
import { createReports } from './reports.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** 1 June 2026, 00:00 UTC. */
const june = Date.parse('2026-06-01');
const month = { from: epochMs(june), to: epochMs(june + 30 * dayMs) };
const prices: Prices = {
  cloudGpu: {
    name: 'A10G',
    usdPerHour: 1.006,
    source: 'a list',
    pricedOn: '2026-05-15',
    speed: 1,
    hours: 'same-schedule',
  },
  tokenApi: {
    default: { inputUsdPerMillion: 0.15, outputUsdPerMillion: 0.6, source: 'a list', pricedOn: '2026-06-20' },
  },
};

/** A month with everything on the bill, written down as the product writes it: minute by minute. */
function writeMonth(ledger: Ledger): { readonly expectedUsd: number; readonly misses: number; readonly hits: number } {
  const meter = createMeter(ledger);
  const own = usdMicros(123_457);
  const rented = usdMicros(451_009);
  const storage = usdMicros(12_347);
  let hits = 0;
  let misses = 0;
  for (let day = 0; day < 30; day++) {
    const begin = june + day * dayMs;
    for (let minute = 1; minute <= 24 * 60; minute++) {
      const at = epochMs(begin + minute * 60_000);
      const busy = (minute * 7) % 60;
      const bill = { at, subject: 'attic', pricePerHour: own };
      meter.bill({ ...bill, component: 'gpu_busy', seconds: busy });
      meter.bill({ ...bill, component: 'gpu_idle', seconds: 60 - busy });
      // Rented in office hours: ten minutes of starting, then as the load has it.
      if (minute > 8 * 60 && minute <= 18 * 60) {
        const machine = { at, subject: `i${day}`, pricePerHour: rented };
        if (minute <= 8 * 60 + 10) meter.bill({ ...machine, component: 'gpu_cold', seconds: 60 });
        else {
          meter.bill({ ...machine, component: 'gpu_busy', seconds: 45 });
          meter.bill({ ...machine, component: 'gpu_idle', seconds: 15 });
        }
        meter.bill({ at, subject: `i${day}`, component: 'storage', seconds: 60, pricePerHour: storage });
      }
      if (minute % 60 === 0) {
        const hour = (begin + (minute - 60) * 60_000) / hourMs;
        ledger.append({
          kind: 'cost',
          at,
          component: 'fixed',
          subject: 'box',
          seconds: 3600,
          amount: fixedInHour(usdMicros(30e6), hour),
        });
      }
    }
    const noon = epochMs(begin + 12 * hourMs);
    ledger.append({
      kind: 'cost',
      at: noon,
      component: 'bandwidth',
      subject: `i${day}`,
      seconds: 0,
      amount: usdMicros(62_500),
    });
    ledger.append({
      kind: 'cost',
      at: noon,
      component: 'fallback',
      subject: 'api',
      seconds: 0,
      amount: usdMicros(1_234),
    });
    const gpu = usdMicros(rented * 10);
    ledger.append(aCharge({ at: epochMs(begin), subject: `i${day}`, amount: usdMicros(gpu * 1.004) }));
    ledger.append(
      aCharge({ at: epochMs(begin), subject: `i${day}`, component: 'storage', amount: usdMicros(storage * 10) }),
    );
    ledger.append(
      aCharge({ at: epochMs(begin), subject: `i${day}`, component: 'bandwidth', amount: usdMicros(62_500) }),
    );
    for (let i = 0; i < 40; i++) {
      const at = epochMs(begin + 9 * hourMs + i * 60_000);
      const id = requestId(`req_${day}_${i}`);
      if (i % 4 === 0) {
        ledger.append(anAnswer({ at, requestId: id, thinker: 'attic', gpuMs: 2000, ttftMs: 400 }));
        misses += 1;
      } else {
        const source = i % 4 === 1 ? 'semantic' : 'exact';
        ledger.append(
          anAnswer({ at, requestId: id, source, thinker: '', gpuMs: 0, avoidedGpuMs: 2000, totalMs: 3, ttftMs: 2 }),
        );
        hits += 1;
      }
    }
    ledger.append({
      kind: 'holdout',
      at: noon,
      requestId: requestId(`req_${day}_1`),
      tenant: anAnswer().tenant,
      model: 'qwen3:8b',
      promptTokens: 100,
      completionTokens: 20,
      gpuMs: 2000 + (day % 5) * 100,
      storedGpuMs: 2000,
    });
  }
  const fixed = (30 / 730) * 24 * 30;
  const expectedUsd = 30 * (24 * 0.123457 + 10 * 0.451009 + 10 * 0.012347 + 0.0625 + 0.001234) + fixed;
  return { expectedUsd, misses, hits };
}

function reportsOf(
  ledger: Ledger,
  { options = {}, falseHits }: { readonly options?: Partial<ReportOptions>; readonly falseHits?: FalseHits } = {},
) {
  const clock = new FakeClock();
  Object.assign(clock, { now: () => month.to });
  return createReports({
    ledger,
    clock,
    prices,
    pricePerHourUsd: () => undefined,
    ownHosts: new Set(['attic']),
    falseHits: () => falseHits,
    options: { baseline: 'cloud-gpu', ...options },
  });
}

describe('cost identity', () => {
  for (const driver of ['memory', 'embedded'] as const) {
    it(`adds a month with every component up to the cent, and to the millionth: ${driver}`, async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'selfhost-month-'));
      const ledger =
        driver === 'memory'
          ? createMemoryLedger()
          : await createEmbeddedLedger({
              dataDir,
              clock: new FakeClock(),
              logger: silentLogger,
              options: { waitingMax: 1_000_000 },
            });
      try {
        const { expectedUsd } = writeMonth(ledger);
        const totals = await ledger.totals(month);
        const sum = costComponents.reduce((micros, component) => micros + totals.costs[component], 0);
        assert.equal(totals.total, sum);
        assert.equal((totals.total / 1e6).toFixed(2), expectedUsd.toFixed(2));
        assert.ok(costComponents.every((component) => totals.costs[component] > 0));
        // Each line of the bill is rounded once: less than a millionth of a dollar a line and day.
        assert.ok(Math.abs(totals.total - expectedUsd * 1e6) < 200, `${totals.total} ${expectedUsd}`);
        // The days add up to the month, and every entry to its day.
        const { costs } = await ledger.buckets(month, dayMs);
        assert.equal(
          costs.reduce((micros, { amount }) => micros + amount, 0),
          totals.total,
        );
        let entries = 0;
        for await (const entry of ledger.entries(month, ['cost'])) if (entry.kind === 'cost') entries += entry.amount;
        assert.equal(entries, totals.total);
      } finally {
        await ledger.close();
        rmSync(dataDir, { recursive: true });
      }
    });
  }
});

describe('money report', () => {
  it('says what a month cost, saved and would have cost elsewhere', async () => {
    const ledger = createMemoryLedger();
    const { expectedUsd, hits, misses } = writeMonth(ledger);
    const report = await reportsOf(ledger).report(month);
    assert.equal(report.days, 30);
    assert.equal(report.costUsd!.toFixed(2), expectedUsd.toFixed(2));
    assert.deepEqual([report.hits, report.queries, report.hitShare], [hits, hits + misses, 0.75]);
    assert.equal(Math.round(report.gpu.billedHours), 30 * 34);
    const [cloud, api, fleet] = report.baselines;
    assert.equal(cloud!.usd!.toFixed(2), (30 * 34 * 1.006).toFixed(2));
    assert.equal(cloud!.savedShare!.toFixed(6), (1 - report.costUsd! / cloud!.usd!).toFixed(6));
    // The price was looked up 47 days before the end of the month, that of the API 11.
    assert.deepEqual([cloud!.priceIsOld, cloud!.priceAgeDays, api!.priceIsOld], [true, 47, false]);
    assert.equal(api!.usd!.toFixed(6), ((1200 * (100 * 0.15 + 20 * 0.6)) / 1e6).toFixed(6));
    assert.ok(fleet!.usd! > report.costUsd!);
    const { estimate } = report.cacheSaved;
    assert.ok(estimate.kind === 'estimate');
    // 600 hits of the same question at 2 s, 300 in other words whose fresh answers took a tenth more.
    const hour = 1.006 / 3600;
    assert.equal(estimate.correction.toFixed(3), '1.100');
    assert.ok(Math.abs(estimate.usd - hour * 2 * (600 + 300 * 1.1)) < 1e-9);
    assert.ok(estimate.low! < estimate.usd && estimate.usd < estimate.high!);
  });

  it('gives the month that pictures and pages show an interval that one can see', () => {
    const { estimate } = aMoneyReport().cacheSaved;
    assert.ok(estimate.kind === 'estimate');
    const width = (estimate.high! - estimate.low!) / estimate.usd;
    assert.ok(width > 0.01 && width < 0.3, `${width}`);
  });

  it('compares what it metered with what the provider charged, day by day', async () => {
    const ledger = createMemoryLedger();
    writeMonth(ledger);
    const { drift } = await reportsOf(ledger).report(month);
    assert.equal(drift.length, 30);
    assert.ok(
      drift.every((day) => day.drift! < 0 && day.drift! > -0.005),
      JSON.stringify(drift[0]),
    );
  });

  it('subtracts what wrong hits cost, and says when hits pay', async () => {
    const ledger = createMemoryLedger();
    writeMonth(ledger);
    const falseHits = { audited: 300, estimate: 0.01, low: 0.003, high: 0.03 };
    const options = { wrongAnswerUsd: 0.01, cachePerMonthUsd: 0.05 };
    const report = await reportsOf(ledger, { options, falseHits }).report(month);
    const { estimate } = report.cacheSaved;
    assert.ok(estimate.kind === 'estimate');
    assert.ok(
      Math.abs(report.qualityAdjustedUsd!.estimate - (estimate.usd - 300 * 0.01 * 0.01 - (0.05 * 30) / 30.4)) < 1e-9,
    );
    assert.ok(report.qualityAdjustedUsd!.low < report.qualityAdjustedUsd!.estimate);
    const perMonth = (1200 / 30) * 30.4;
    assert.ok(Math.abs(report.breakEven.share! - 0.05 / perMonth / (report.hitUsd! - 0.0001)) < 1e-9);
  });

  it('calls unpriced what nobody has priced, and never $0', async () => {
    const ledger = createMemoryLedger();
    for (let i = 0; i < 300; i++)
      ledger.append(anAnswer({ at: epochMs(june + i * hourMs), source: 'exact', avoidedGpuMs: 5 }));
    const report = await createReports({
      ledger,
      clock: new FakeClock(),
      prices: { ...prices, tokenApi: {} },
      pricePerHourUsd: () => undefined,
      ownHosts: new Set(),
      falseHits: () => undefined,
      options: { baseline: 'same-fleet' },
    }).report(month);
    assert.deepEqual([report.costUsd, report.perQueryUsd, report.hitUsd], [undefined, undefined, undefined]);
    assert.ok(report.baselines.every(({ usd, savedUsd }) => usd === undefined && savedUsd === undefined));
    assert.equal(report.cacheSaved.estimate.kind, 'unpriced');
    assert.ok(report.baselines.every(({ says }) => says.includes('unpriced')));
  });
});

describe('claims', () => {
  it('says "not enough data" to every promise before there is any', async () => {
    const { claims } = await reportsOf(createMemoryLedger()).claims(month);
    assert.deepEqual(
      claims.map(({ id }) => id),
      [
        'saved-81',
        'bill-590',
        'break-even-15',
        'hit-ratio-70',
        'hit-100ms',
        'miss-5s',
        'gpu-80',
        'uptime-99.5',
        'query-0.001',
        'setup-30min',
        'roi-400',
      ],
    );
    for (const { verdict, measured, condition, definition } of claims) {
      assert.deepEqual([verdict, measured], ['not enough data', undefined]);
      assert.ok(condition.length > 10 && definition.length > 10);
    }
  });

  it('measures each promise, and says under which condition it is true', async () => {
    const ledger = createMemoryLedger();
    writeMonth(ledger);
    for (let i = 0; i < 20; i++)
      ledger.append(anAnswer({ at: epochMs(june + i * hourMs), outcome: 'timeout', totalMs: 60_000 }));
    const options = {
      cachePerMonthUsd: 5,
      operator: { usdPerHour: 75, setupHours: 0.4, hoursPerMonth: 2, investmentUsd: 600 },
    };
    const { claims } = await reportsOf(ledger, { options }).claims(month);
    const verdicts = Object.fromEntries(claims.map(({ id, verdict }) => [id, verdict]));
    assert.deepEqual(verdicts, {
      'saved-81': 'conditional',
      'bill-590': 'conditional',
      'break-even-15': 'conditional',
      'hit-ratio-70': 'met',
      'hit-100ms': 'met',
      'miss-5s': 'met',
      'gpu-80': 'not met',
      'uptime-99.5': 'not met',
      'query-0.001': 'not met',
      'setup-30min': 'met',
      'roi-400': 'conditional',
    });
    const saying = (id: string) => claims.find((claim) => claim.id === id)!;
    assert.match(saying('uptime-99.5').measured!, /98\.36 %: 20 of 1220 failed/);
    assert.match(saying('saved-81').condition, /at least \$1\.\d\d per GPU hour/);
    assert.match(saying('hit-ratio-70').measured!, /75\.0 %; no hit in other words has been audited/);
    assert.match(saying('bill-590').measured!, /^\$\d+\.\d\d against \$\d+\.\d\d$/);
    assert.match(saying('query-0.001').condition, /from [\d,]+ questions a month; you are at 1,216/);
  });
});
