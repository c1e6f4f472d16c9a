import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testRandom } from '../../testing/seeded-random.ts';
import { calculate, calculatorDefaults, promisedMonth, type CostInputs } from './calculator.ts';

const elastic = (changes: Partial<CostInputs>): CostInputs => ({
  ...calculatorDefaults,
  schedule: 'elastic',
  fixedUsd: 30,
  ...changes,
});

describe('cost calculator', () => {
  it('reproduces the promised month: $590 against $3,240 is 81.79 %', () => {
    const { monthUsd, baselines } = calculate(promisedMonth);
    const cloud = baselines.find(({ name }) => name === 'cloud-gpu')!;
    assert.equal(monthUsd, 590);
    assert.equal(cloud.monthUsd, 3240);
    assert.equal((cloud.savedShare! * 100).toFixed(2), '81.79');
  });

  it('gives the costs per question that the guide has, in dollars per thousand', () => {
    // Questions a month, utilisation, hit share, price → dollars per 1,000.
    for (const [queries, utilisation, hitShare, gpuUsdPerHour, wanted] of [
      [22_000, 0.1, 0, 0.5, 4.69],
      [22_000, 0.3, 0.3, 0.78, 2.83],
      [100_000, 0.3, 0.3, 0.5, 1.07],
      [100_000, 0.8, 0.7, 0.78, 0.56],
      [1_000_000, 0.3, 0.5, 0.78, 0.8],
      [1_000_000, 0.8, 0.7, 0.5, 0.15],
    ] as const) {
      const { perQueryUsd } = calculate(elastic({ queries, utilisation, hitShare, gpuUsdPerHour }));
      assert.equal((perQueryUsd * 1000).toFixed(2), wanted.toFixed(2), `${queries} ${utilisation} ${hitShare}`);
    }
  });

  it('finds the break-even of the guide: fixed cost over worth of a hit', () => {
    const { breakEvenHitShare } = calculate(elastic({ queries: 100_000, utilisation: 0.3, cacheUsd: 15 }));
    assert.equal((breakEvenHitShare! * 100).toFixed(1), '15.4');
    const idle = calculate({ ...calculatorDefaults, cacheUsd: 15 });
    assert.equal(idle.breakEvenHitShare, undefined);
    assert.match(idle.breakEvenWhy, /saves nothing/);
    const wrong = calculate(elastic({ cacheUsd: 15, wrongShare: 0.05, wrongUsd: 0.1 }));
    assert.match(wrong.breakEvenWhy, /wrong answers cost more/);
  });

  it('says what hits must not be: wrong more often than they are worth', () => {
    const { wrongShareMax } = calculate(elastic({ utilisation: 1, gpuUsdPerHour: 0.634, wrongUsd: 0.1 }));
    assert.equal((wrongShareMax! * 100).toFixed(2), '0.37');
  });

  it('counts a return with and without your time', () => {
    const { roi } = calculate({
      ...calculatorDefaults,
      gpuUsdPerHour: 0.78,
      fixedUsd: 0,
      diskGb: 0,
      cloudFixedUsd: 0,
      investmentUsd: 600,
      operatorHours: 2,
      operatorUsdPerHour: 75,
    });
    assert.equal(roi!.withOperator.toFixed(2), '-0.34');
    assert.equal(roi!.withoutOperator.toFixed(2), '0.65');
  });

  it('adds up to the millionth whatever it is given', () => {
    const random = testRandom('calculator');
    for (let i = 0; i < 500; i++) {
      const { components, monthUsd } = calculate({
        ...calculatorDefaults,
        schedule: random.float() < 0.5 ? 'elastic' : 'always-on',
        queries: random.int(3_000_000),
        hitShare: random.float(),
        gpuUsdPerHour: random.float() * 5,
        diskGb: random.float() * 500,
        fixedUsd: random.float() * 100,
        fallbackUsd: random.float() * 10,
      });
      const micros = Object.values(components).reduce((sum, usd) => sum + Math.round(usd * 1e6), 0);
      assert.equal(micros, Math.round(monthUsd * 1e6));
    }
  });

  it('leaves an API without prices unpriced', () => {
    const api = calculate(calculatorDefaults).baselines.find(({ name }) => name === 'token-api')!;
    assert.deepEqual([api.monthUsd, api.savedUsd, api.what], [undefined, undefined, 'unpriced']);
  });
});
