import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WhatIfReport, WhatIfSide } from '../../admin/admin-types.ts';
import { changeOf, rowsOf } from './what-if-form.ts';

const side: WhatIfSide = {
  queries: 100,
  hits: 40,
  hitShare: 0.4,
  exact: 30,
  semantic: 10,
  coalesced: 0,
  misses: 60,
  costUsd: 12,
  gpuHours: 20,
  missP95Ms: 1500,
  coldWaits: 3,
  falseHits: undefined,
};
const report = (scenario: Partial<WhatIfSide>): WhatIfReport => ({
  from: 0,
  to: 1,
  days: 7,
  asks: 100,
  recorded: side,
  scenario: { ...side, ...scenario },
  agreement: 1,
  fleetModelError: undefined,
  reach: [],
});

describe('what-if', () => {
  it('asks for what was moved, in the units of the port', () => {
    const query = new URLSearchParams(
      'threshold=0.95&ttlMs=48&idleS=10&machinesMax=&gpuSpeed=nonsense&gpuUsdPerHour=99',
    );
    assert.deepEqual(changeOf(new URLSearchParams('target=0.02')), { target: 0.02 });
    assert.deepEqual(changeOf(new URLSearchParams('target=0.03')), {}, 'no decision was judged at that');
    assert.deepEqual(changeOf(query), { threshold: 0.95, ttlMs: 172_800_000, idleS: 600 });
  });

  it('compares, and knows which way is better', () => {
    const rows = rowsOf(report({ costUsd: 9, hitShare: 0.3, coldWaits: 7 }));
    const find = (name: string) => rows.find((row) => row.name === name)!;
    assert.deepEqual(find('Cost'), {
      name: 'Cost',
      recorded: '$12.00',
      scenario: '$9.00',
      difference: '−$3.00',
      better: true,
    });
    assert.deepEqual(
      [find('Answered from the cache').difference, find('Answered from the cache').better],
      ['−10 %', false],
    );
    assert.equal(find('Waits for a start').better, false);
    assert.deepEqual([find('GPU hours').difference, find('GPU hours').better], ['', undefined]);
  });

  it('writes what is not known as a dash, and compares nothing with it', () => {
    const [cost] = rowsOf(report({ costUsd: undefined }));
    assert.deepEqual([cost!.scenario, cost!.difference, cost!.better], ['–', '', undefined]);
  });
});
