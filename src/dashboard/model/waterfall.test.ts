import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MoneyReport } from '../../admin/admin-types.ts';
import { aMoneyReport } from '../../../test/support/money-report.ts';
import { waterfallOf } from './waterfall.ts';

describe('waterfall', () => {
  it('leads from the cloud to what was paid, and each part adds up', () => {
    const report = aMoneyReport();
    const steps = waterfallOf(report)!;
    const usd = (name: string) => steps.find((step) => step.name === name)!.usd;
    const gpu = usd('Cloud, no cache') + usd('Cheaper GPU') + usd('Cache');
    const close = (a: number, b: number, what: string) => assert.ok(Math.abs(a - b) < 1e-6, `${what}: ${a} and ${b}`);
    close(gpu, usd('Busy') + usd('Idle') + usd('Cold'), 'what is left of the cloud is the GPU part of the bill');
    close(gpu + usd('Other'), usd('Paid'), 'and with the rest it is the bill');
    close(usd('Paid'), report.costUsd!, 'which is what was paid');
  });

  it('is not there while a price is missing', () => {
    const report = aMoneyReport();
    const unpriced: MoneyReport[] = [
      { ...report, costUsd: undefined },
      { ...report, baselines: report.baselines.map((each) => ({ ...each, usd: undefined })) },
      { ...report, gpu: { ...report.gpu, usdPerHour: undefined } },
    ];
    for (const each of unpriced) assert.equal(waterfallOf(each), undefined);
  });
});
