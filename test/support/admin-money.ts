/** Money as the operator port gets it, over a ledger in memory in which nothing has happened. */
import { createMemoryLedger } from '../../src/ledger/ledger/memory.ts';
import { createReports } from '../../src/ledger/reports.ts';
import type { FakeClock } from '../../src/testing/fake-clock.ts';

export function moneyOf(clock: FakeClock) {
  const ledger = createMemoryLedger();
  const cloudGpu = {
    name: 'A10G',
    usdPerHour: 1,
    source: 'a list',
    pricedOn: '2026-01-01',
    speed: 1,
    hours: 'same-schedule' as const,
  };
  const reports = createReports({
    ledger,
    clock,
    prices: { cloudGpu, tokenApi: {} },
    pricePerHourUsd: () => undefined,
    ownHosts: new Set(),
    falseHits: () => undefined,
    options: { baseline: 'cloud-gpu' },
  });
  const whatIf = {
    run: (): never => {
      throw new Error('not implemented: there is no traffic to replay');
    },
  };
  return { ledger, reports, whatIf, burnUsdPerHour: () => undefined };
}
