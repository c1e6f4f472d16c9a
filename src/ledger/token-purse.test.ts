import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs, usdMicros } from '../core/units.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { createMemoryLedger } from './ledger/memory.ts';
import { createTokenPurse, tokensCost } from './token-purse.ts';

const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 4 };
/** 500 micro-dollars. */
const most = { promptTokens: 100, completionTokens: 100 };

function aPurse() {
  const clock = new FakeClock();
  const ledger = createMemoryLedger({ answersMax: 100 });
  const deps = { ledger, clock, price, perDay: usdMicros(1_000), utcOffsetMinutes: 0, subject: 'gpt-small' };
  const total = async () =>
    (await ledger.totals({ from: epochMs(0), to: epochMs(clock.now() + 1) })).costs.fallback as number;
  return { clock, ledger, purse: createTokenPurse(deps), total, deps };
}

describe('createTokenPurse', () => {
  it('counts a dollar a million as a micro-dollar a token', () => {
    assert.equal(tokensCost({ promptTokens: 120, completionTokens: 30 }, price), 240);
  });

  it('writes down what an answer cost, and gives back what was not needed', async () => {
    const { purse, total } = aPurse();
    (await purse.reserve(most))!.settle({ promptTokens: 100, completionTokens: 10 });
    assert.equal(await total(), 140);
    (await purse.reserve(most))!.settle(undefined);
    assert.equal(await total(), 140);
  });

  it('never sets aside more than the cap of the day, with all that is in flight', async () => {
    const { purse, total } = aPurse();
    const asked = await Promise.all(Array.from({ length: 5 }, () => purse.reserve(most)));
    const given = asked.filter((money) => money !== undefined);
    assert.ok(given.length <= 2, `${given.length} of 5 fit the cap`);
    for (const money of given) money.settle(most);
    for (let i = 0; i < 20; i++) (await purse.reserve(most))?.settle(most);
    assert.equal(await total(), 1_000);
    assert.equal(await purse.reserve({ promptTokens: 1, completionTokens: 0 }), undefined);
  });

  it('knows what was spent before it was made, and begins anew with the day', async () => {
    const { clock, deps } = aPurse();
    const first = createTokenPurse(deps);
    (await first.reserve(most))!.settle(most);
    (await first.reserve(most))!.settle(most);
    const second = createTokenPurse(deps);
    assert.equal(await second.reserve(most), undefined);
    await clock.advance(86_400_000);
    assert.notEqual(await second.reserve(most), undefined);
  });

  it('sets nothing aside while the ledger cannot be read', async () => {
    const { deps } = aPurse();
    const blind = { append: () => {}, totals: () => Promise.reject(new Error('locked')) };
    assert.equal(await createTokenPurse({ ...deps, ledger: blind }).reserve(most), undefined);
  });
});
