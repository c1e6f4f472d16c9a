import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../core/errors.ts';
import { epochMs, usdMicros } from '../core/units.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import type { LedgerEntry } from './ledger.ts';
import { createMemoryLedger } from './ledger/memory.ts';
import { createReconciliation, type ChargingMarket } from './reconcile.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const ever = { from: epochMs(0), to: epochMs(Number.MAX_SAFE_INTEGER) };

/** A market that books by day. */
function aMarket(clock: FakeClock) {
  const byDay = new Map<
    number,
    { instanceId: string; component: 'gpu' | 'storage'; amount: ReturnType<typeof usdMicros> }[]
  >();
  const state = { isDown: false, asked: 0 };
  const market: ChargingMarket = {
    charges: async ({ from }) => {
      state.asked += 1;
      if (state.isDown) throw new AppError('provider_unavailable', 'no answer');
      return byDay.get(from) ?? [];
    },
    account: async () => ({ balance: usdMicros(12_340_000) }),
  };
  const today = () => Math.floor(clock.now() / dayMs) * dayMs;
  const book = (day: number, instanceId: string, amount: number, component: 'gpu' | 'storage' = 'gpu') =>
    byDay.set(day, [...(byDay.get(day) ?? []), { instanceId, component, amount: usdMicros(amount) }]);
  return { market, book, today, state, byDay };
}

function open(clock: FakeClock, market: ChargingMarket, ledger = createMemoryLedger()) {
  const told = { charged: 0, balance: 0 };
  const reconciliation = createReconciliation({
    market,
    ledger,
    clock,
    logger: silentLogger,
    onCharged: (usd) => (told.charged += usd),
    onBalance: (usd) => (told.balance = usd),
  });
  return { reconciliation, ledger, told };
}

describe('reconciliation with the market', () => {
  it('writes down what was charged of each day, and adds up what a day has in several lines', async () => {
    const clock = new FakeClock();
    const { market, book, today } = aMarket(clock);
    book(today(), 'i1', 100_000);
    book(today(), 'i1', 20_000);
    book(today(), 'i1', 7_000, 'storage');
    book(today() - dayMs, 'i1', 900_000);
    const { reconciliation, ledger, told } = open(clock, market);
    await reconciliation.look();
    assert.equal((await ledger.totals(ever)).charged, 1_027_000);
    assert.equal(told.charged.toFixed(6), '1.027000');
    assert.equal(told.balance, 12.34);
    await reconciliation.close();
  });

  it('takes a day that went on in place of what it was, and writes nothing that has not changed', async () => {
    const clock = new FakeClock();
    const { market, book, today, byDay } = aMarket(clock);
    book(today(), 'i1', 100_000);
    const { reconciliation, ledger, told } = open(clock, market);
    await reconciliation.look();
    await clock.advance(hourMs);
    await reconciliation.look();
    byDay.clear();
    book(today(), 'i1', 150_000);
    await reconciliation.look();
    const entries: LedgerEntry[] = [];
    for await (const entry of ledger.entries(ever)) entries.push(entry);
    assert.equal(entries.length, 2);
    assert.equal((await ledger.totals(ever)).charged, 150_000);
    assert.equal(told.charged.toFixed(6), '0.150000');
    await reconciliation.close();
  });

  it('counts nothing twice after a restart', async () => {
    const clock = new FakeClock();
    const { market, book, today } = aMarket(clock);
    book(today(), 'i1', 100_000);
    const first = open(clock, market);
    await first.reconciliation.look();
    await first.reconciliation.close();
    const second = open(clock, market, first.ledger);
    await second.reconciliation.look();
    assert.equal(second.told.charged, 0);
    assert.equal((await first.ledger.totals(ever)).charged, 100_000);
    await second.reconciliation.close();
  });

  it('goes on when the market does not answer', async () => {
    const clock = new FakeClock();
    const { market, book, today, state } = aMarket(clock);
    book(today(), 'i1', 100_000);
    state.isDown = true;
    const { reconciliation, ledger } = open(clock, market);
    await reconciliation.look();
    assert.equal((await ledger.totals(ever)).charged, 0);
    state.isDown = false;
    await reconciliation.look();
    assert.equal((await ledger.totals(ever)).charged, 100_000);
    await reconciliation.close();
  });
});
