import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WhatIfReport } from '../../admin/admin-types.ts';
import { idleAdvice, idleChanges } from './idle-advice.ts';

/** As if each idle time came to so much, and let so many wait. */
const reports = (of: (idleS: number | undefined) => readonly [usd: number | undefined, waits: number], days = 7) =>
  idleChanges.map(({ idleS }): WhatIfReport => {
    const [costUsd, coldWaits] = of(idleS);
    return { days, scenario: { costUsd, coldWaits } } as WhatIfReport;
  });

describe('after how long machines should sleep', () => {
  it('is what saves most when those who wait are counted', () => {
    // Each minute less saves, and below ten minutes many more wait.
    const found = idleAdvice(
      reports((idleS = 1_800) => [20 + idleS / 100, idleS < 600 ? 3_000 : (1_800 - idleS) / 60]),
      1_800_000,
    );
    assert.ok(found?.kind === 'sooner');
    assert.deepEqual([found.idleS, found.days], [600, 7]);
    assert.equal(found.usdPerMonth.toFixed(2), ((12 / 7) * 30.4).toFixed(2));
    assert.equal(found.waitsPerDay.toFixed(2), (20 / 7).toFixed(2));
  });

  it('is as it is where nothing else is worth a change', () => {
    assert.deepEqual(
      idleAdvice(
        reports(() => [20, 5]),
        1_800_000,
      ),
      { kind: 'stay' },
    );
    assert.deepEqual(
      idleAdvice(
        reports((idleS = 60) => [20 + idleS, 0]),
        60_000,
      ),
      { kind: 'stay' },
    );
    // Saves three dollars a month, and five more wait each day.
    assert.deepEqual(
      idleAdvice(
        reports((idleS) => [idleS === undefined ? 20 : 19.3, idleS === undefined ? 0 : 35]),
        undefined,
      ),
      { kind: 'stay' },
    );
  });

  it('is longer where a start costs more than it saves', () => {
    const found = idleAdvice(
      reports((idleS = 60) => [80 - idleS / 60, 100 - idleS / 60]),
      60_000,
    );
    assert.ok(found?.kind === 'later' && found.idleS === 3_600 && found.waitsPerDay < 0);
  });

  it('is not known of less than a day, nor of what has no price', () => {
    assert.equal(
      idleAdvice(
        reports((idleS = 0) => [idleS, 0], 0.5),
        undefined,
      ),
      undefined,
    );
    assert.equal(
      idleAdvice(
        reports(() => [undefined, 0]),
        undefined,
      ),
      undefined,
    );
  });
});
