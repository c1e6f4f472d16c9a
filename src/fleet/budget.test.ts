import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addMs, epochMs, usdMicros, type UsdMicros } from '../core/units.ts';
import {
  budgetDefaults,
  budgetVerdict,
  endOfDay,
  endOfMonth,
  mayRent,
  startOfDay,
  startOfMonth,
  type BudgetCaps,
  type BudgetPolicy,
  type RentalSpend,
} from './budget.ts';

const usd = (value: number): UsdMicros => usdMicros(value * 1e6);
const noon = epochMs(Date.UTC(2026, 1, 10, 12));
const policyOf = (caps: Partial<BudgetCaps>, more: Partial<BudgetPolicy> = {}): BudgetPolicy => ({
  ...budgetDefaults,
  ...more,
  caps: { ...budgetDefaults.caps, ...caps },
});
const rentals = (count: number, spent = 0): RentalSpend[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `i${i}`,
    pricePerHour: usd(0.4),
    kind: 'running',
    spent: usd(spent),
  }));
const ask = (policy: BudgetPolicy, day: number, running: RentalSpend[] = [], now = noon) =>
  budgetVerdict({
    policy,
    spend: { day: usd(day), month: usd(day), rentals: running },
    nextPricePerHour: usd(0.4),
    now,
  });
const workersMax = (...question: Parameters<typeof ask>) => {
  const verdict = ask(...question);
  return verdict.kind === 'open' ? verdict.workersMax : -1;
};

describe('budget', () => {
  it('allows any number where nothing is capped', () => {
    assert.deepEqual(ask(budgetDefaults, 1e6), {
      kind: 'open',
      workersMax: Infinity,
      bound: undefined,
      reason: 'no budget binds',
      alerts: [],
      rentalsOver: [],
    });
  });

  it('holds the rate per hour to its cap, whatever is spent', () => {
    assert.equal(workersMax(policyOf({ perHour: usd(1.3) }), 0), 3);
    assert.equal(workersMax(policyOf({ perHour: usd(1.2) }), 50, rentals(3)), 3);
    assert.equal(workersMax(policyOf({ perHour: usd(0.8) }), 0, rentals(3)), 2);
  });

  it('spends the day’s money as it is needed, or evenly over the hours that are left', () => {
    // Noon, $6 of $10 left: 15 machines for an hour, or one for twelve.
    assert.equal(workersMax(policyOf({ perDay: usd(10) }), 4), 15);
    assert.equal(workersMax(policyOf({ perDay: usd(10) }, { pacing: 'even' }), 4), 1);
    assert.equal(workersMax(policyOf({ perDay: usd(100) }, { pacing: 'even' }), 4), 20);
  });

  it('keeps one machine with the last of the money, and stops when the rest is needed to stop it', () => {
    const policy = policyOf({ perDay: usd(10) });
    assert.equal(workersMax(policy, 9.7, rentals(1)), 1);
    const verdict = ask(policy, 9.9, rentals(1));
    assert.equal(verdict.kind, 'stop');
    assert.equal(verdict.kind === 'stop' && verdict.until, Date.UTC(2026, 1, 11));
    assert.equal(verdict.reason, '$9.90 of $10.00 are spent this day, and stopping may cost another $0.10');
  });

  it('says when half, four fifths and nearly all is spent, the highest share only', () => {
    const policy = policyOf({ perDay: usd(10) });
    const shares = [4.9, 5, 8, 9.5].map((spent) => ask(policy, spent).alerts.map(({ share }) => share));
    assert.deepEqual(shares, [[], [0.5], [0.8], [0.95]]);
  });

  it('names rentals that have cost their cap', () => {
    const policy = policyOf({ perRental: usd(2) });
    assert.deepEqual(
      ask(policy, 5, [...rentals(1, 1.95), { id: 'young', pricePerHour: usd(0.4), kind: 'running', spent: usd(1) }])
        .rentalsOver,
      ['i0'],
    );
  });

  it('refuses the rental that would pass a cap, and says which', () => {
    const rent = (caps: Partial<BudgetCaps>, day: number, running: RentalSpend[] = []) =>
      mayRent({
        policy: policyOf(caps),
        spend: { day: usd(day), month: usd(day), rentals: running },
        pricePerHour: usd(0.4),
        launchCost: usd(0.05),
        now: noon,
      });
    assert.deepEqual(rent({}, 1000), { kind: 'allowed' });
    const bounds = [
      rent({ perHour: usd(1) }, 0, rentals(2)),
      rent({ perDay: usd(10) }, 9.9),
      rent({ perMonth: usd(10) }, 9.9),
      rent({ perRental: usd(0.1) }, 0),
      rent({ perDay: usd(0) }, 0),
    ].map((verdict) => verdict.kind === 'refused' && verdict.bound);
    assert.deepEqual(bounds, ['hour', 'day', 'month', 'rental', 'day']);
  });

  it('allows no more machines when more is spent', () => {
    const caps = fc.record({ perDay: amount(20), perMonth: amount(100) });
    fc.assert(
      fc.property(
        caps,
        fc.nat(20e6),
        fc.nat(20e6),
        fc.nat(8),
        fc.constantFrom('even', 'as-needed'),
        (each, spent, more, count, pacing) => {
          const policy = policyOf(each, { pacing });
          assert.ok(
            workersMax(policy, spent / 1e6, rentals(count)) >= workersMax(policy, (spent + more) / 1e6, rentals(count)),
          );
        },
      ),
    );
  });

  it('never lets spend pass a cap, though the provider does not answer for ten minutes at the worst time', () => {
    const scenario = fc.record({
      perDay: fc.integer({ min: 0, max: 20e6 }),
      price: fc.integer({ min: 50_000, max: 2_000_000 }),
      launchCost: fc.integer({ min: 0, max: 100_000 }),
      wishes: fc.array(fc.nat(6), { minLength: 40, maxLength: 40 }),
      pacing: fc.constantFrom('even' as const, 'as-needed' as const),
    });
    fc.assert(
      fc.property(scenario, ({ perDay, price, launchCost, wishes, pacing }) => {
        const policy = policyOf({ perDay: usdMicros(perDay) }, { pacing });
        const stepS = 30;
        const downS = 600;
        let spent = 0;
        let running = 0;
        for (let s = 0; s < 6 * 3600; s += stepS) {
          spent += (running * price * stepS) / 3600;
          assert.ok(spent <= perDay, `${spent} > ${perDay}`);
          const now = addMs(startOfDay(noon, 0), s * 1000);
          const list = () =>
            Array.from({ length: running }, (_, i): RentalSpend => ({
              id: `${i}`,
              pricePerHour: usdMicros(price),
              kind: 'running',
              spent: usdMicros(0),
            }));
          const spend = () => ({ day: usdMicros(spent), month: usdMicros(spent), rentals: list() });
          const verdict = budgetVerdict({ policy, spend: spend(), nextPricePerHour: usdMicros(price), now });
          if (verdict.kind === 'stop') {
            spent += (running * price * (downS + 120 + stepS)) / 3600;
            running = 0;
            assert.ok(spent <= perDay, `${spent} > ${perDay} after the stop`);
            continue;
          }
          running = Math.min(running, verdict.workersMax);
          for (let i = wishes[(s / stepS) % wishes.length]!; i > 0 && running < verdict.workersMax; i--) {
            if (
              mayRent({
                policy,
                spend: spend(),
                pricePerHour: usdMicros(price),
                launchCost: usdMicros(launchCost),
                now,
              }).kind === 'refused'
            )
              break;
            spent += launchCost;
            running += 1;
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('counts a stopped machine as the money of its disk, not as one that runs', () => {
    const disk = (id: string): RentalSpend => ({ id, pricePerHour: usd(0.05), kind: 'stopped', spent: usd(0) });
    const policy = policyOf({ perHour: usd(1) });
    assert.equal(workersMax(policy, 0, rentals(1)), 2);
    assert.equal(workersMax(policy, 0, [...rentals(1), disk('a')]), 2);
    // Disks of $0.25 an hour leave room for one at $0.40.
    assert.equal(workersMax(policy, 0, [...rentals(1), ...['a', 'b', 'c', 'd', 'e'].map(disk)]), 1);
    assert.equal(workersMax(policy, 0, [disk('a')]), 2);
    const restart = (disks: number) =>
      mayRent({
        policy,
        spend: {
          day: usd(0),
          month: usd(0),
          rentals: [...rentals(1), ...Array.from({ length: disks }, (_, i) => disk(`${i}`))],
        },
        pricePerHour: usd(0.35),
        launchCost: usd(0),
        now: noon,
      }).kind;
    assert.deepEqual([restart(5), restart(6)], ['allowed', 'refused']);
    // The money that is kept back pays their disks as well.
    const day = policyOf({ perDay: usd(10) });
    assert.equal(ask(day, 9.98, [disk('a')]).kind, 'open');
    assert.equal(ask(day, 9.99, [disk('a')]).kind, 'stop');
  });

  it('counts days and months in the zone of the budget', () => {
    const late = epochMs(Date.UTC(2026, 1, 28, 23, 30));
    assert.equal(startOfDay(late, 60), Date.UTC(2026, 1, 28, 23));
    assert.equal(endOfDay(late, 0), Date.UTC(2026, 2, 1));
    assert.equal(startOfMonth(late, 60), Date.UTC(2026, 1, 28, 23));
    assert.equal(endOfMonth(late, 0), Date.UTC(2026, 2, 1));
    assert.equal(endOfMonth(epochMs(Date.UTC(2026, 11, 31, 12)), -600), Date.UTC(2027, 0, 1, 10));
  });
});

function amount(max: number) {
  return fc.option(fc.nat(max * 1e6).map(usdMicros), { nil: undefined });
}
