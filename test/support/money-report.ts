/** A month of money, as a report tells it: one GPU, half of its questions answered from the cache. */
import type { MoneyReport } from '../../src/admin/admin-types.ts';
import type { CostComponent, LedgerBuckets, LedgerEntry } from '../../src/ledger/ledger.ts';
import { BucketFolder } from '../../src/ledger/sums.ts';
import { moneyReport } from '../../src/ledger/report.ts';
import { seededRandom, type Random } from '../../src/core/random.ts';
import { tenantId, requestId } from '../../src/core/ids.ts';
import { epochMs, usdMicros } from '../../src/core/units.ts';

const dayMs = 86_400_000;
export const monthDays = 30;

const gauss = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());

/** Everything that happened in a month that ends at `to`: repeatable, with a quiet weekend. */
export function aMonthOfEntries(to: number): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  const random = seededRandom(20_260_615);
  for (let day = 0; day < monthDays; day++) {
    const at = to - (monthDays - day) * dayMs + dayMs / 2;
    const busyShare = day % 7 < 5 ? 0.3 : 0.05;
    const hours = day % 7 < 5 ? 10 : 3;
    const cost = (component: CostComponent, seconds: number, usd: number): LedgerEntry => ({
      kind: 'cost',
      at: epochMs(at),
      component,
      subject: component === 'fixed' ? 'gateway' : `machine-${(day % 3) + 1}`,
      seconds,
      amount: usdMicros(Math.round(usd * 1e6)),
    });
    const perHour = 0.45;
    entries.push(
      cost('gpu_busy', hours * busyShare * 3600, hours * busyShare * perHour),
      cost('gpu_idle', hours * (0.95 - busyShare) * 3600, hours * (0.95 - busyShare) * perHour),
      cost('gpu_cold', hours * 0.05 * 3600, hours * 0.05 * perHour),
      cost('storage', hours * 3600, 0.12),
      cost('bandwidth', 0, 0.03),
      cost('fixed', 86_400, 1),
    );
    const questions = day % 7 < 5 ? 120 : 20;
    for (let i = 0; i < questions; i++) {
      const source = i % 4 === 0 ? 'semantic' : i % 4 === 1 ? 'exact' : 'thinker';
      const isHit = source !== 'thinker';
      entries.push({
        kind: 'answer',
        at: epochMs(at + i * 1000),
        requestId: requestId(`r-${day}-${i}`),
        tenant: tenantId('local'),
        model: 'llama3.2',
        source,
        outcome: i % 97 === 96 ? 'timeout' : 'ok',
        thinker: isHit ? '' : 'machine-1',
        promptTokens: 400,
        completionTokens: 180,
        ttftMs: isHit ? 4 : 600 + (i % 7) * 90,
        totalMs: isHit ? 9 : 4_000,
        queuedMs: 0,
        loadMs: 0,
        gpuMs: isHit ? 0 : 3_000,
        avoidedGpuMs: isHit ? 3_000 : 0,
        question: `q-${i % 40}`,
        answerOf: isHit ? `r-${day}-0` : '',
      });
      if (source === 'semantic' && i % 12 === 0)
        entries.push({
          kind: 'holdout',
          at: epochMs(at + i * 1000),
          requestId: requestId(`r-${day}-${i}`),
          tenant: tenantId('local'),
          model: 'llama3.2',
          promptTokens: 400,
          completionTokens: 190,
          // Fresh answers take as long as they are, which is about as long as the stored one was.
          gpuMs: Math.round(3_000 * Math.exp(0.5 * gauss(random))),
          storedGpuMs: 3_000,
        });
    }
    entries.push({
      kind: 'charge',
      at: epochMs(Math.floor(at / dayMs) * dayMs),
      component: 'gpu',
      subject: `machine-${(day % 3) + 1}`,
      amount: usdMicros(Math.round((hours * perHour + 0.15) * 1.01e6)),
    });
  }
  return entries;
}

function bucketsOf(entries: readonly LedgerEntry[]): LedgerBuckets {
  const folder = new BucketFolder(dayMs);
  for (const entry of entries) folder.add(entry);
  return folder.buckets();
}

export function aMoneyReport(overrides: Partial<MoneyReport> = {}): MoneyReport {
  const now = epochMs(1_767_225_600_000);
  const entries = aMonthOfEntries(now);
  const range = { from: epochMs(now - monthDays * dayMs), to: now };
  return {
    ...moneyReport({
      range,
      now,
      buckets: bucketsOf(entries),
      holdouts: entries.filter((entry) => entry.kind === 'holdout'),
      prices: {
        cloudGpu: {
          name: 'A10G 24 GB',
          usdPerHour: 1.006,
          source: 'public price list',
          pricedOn: '2025-12-15',
          speed: 1,
          hours: 'same-schedule',
        },
        tokenApi: {},
      },
      pricePerHourUsd: 0.45,
      ownHosts: new Set(),
      falseHits: { audited: 300, estimate: 0.007, low: 0.002, high: 0.024 },
      options: {
        baseline: 'same-fleet',
        cachePerMonthUsd: 15,
        wrongAnswerUsd: 0.01,
        operator: { usdPerHour: 75, setupHours: 2, hoursPerMonth: 0, investmentUsd: 20 },
      },
    }),
    ...overrides,
  };
}
