import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WhatIfReport, WhatIfSide } from '../../admin/admin-types.ts';
import { effectOf, proposalOf, settingWords } from './run-time.ts';

const here = ['cache.ttlMs', 'fleet.idleTimeoutMs'].map((name) => ({
  name,
  value: 1,
  written: 1,
  changedAt: undefined,
}));

describe('settings that hold at once', () => {
  it('come from the knobs that are one, in its unit, and only where it is there', () => {
    assert.deepEqual(proposalOf({ ttlMs: 3_600_000, idleS: 600 }, here), {
      changes: [
        { name: 'cache.ttlMs', value: 3_600_000 },
        { name: 'fleet.idleTimeoutMs', value: 600_000 },
      ],
      others: [],
    });
    const certified = { name: 'cache.falseHitShareMax', value: 0.05, written: 0.05, changedAt: undefined };
    assert.deepEqual(proposalOf({ target: 0.02 }, [certified]).changes, [
      { name: 'cache.falseHitShareMax', value: 0.02 },
    ]);
    const spares = { name: 'fleet.spares.max', value: 2, written: 2, changedAt: undefined };
    assert.deepEqual(proposalOf({ sparesMax: 0 }, [spares]).changes, [{ name: 'fleet.spares.max', value: 0 }]);
    assert.deepEqual(proposalOf({ idleS: 0, threshold: 0.9, ttlMs: 5 }, here).others, ['idleS', 'threshold']);
    assert.deepEqual(proposalOf({ idleS: 600 }, here.slice(0, 1)), { changes: [], others: ['idleS'] });
  });

  it('are told in words, unset ones too', () => {
    assert.equal(settingWords('fleet.idleTimeoutMs', 600_000), '10 min');
    assert.equal(settingWords('cache.falseHitShareMax', 0.02), '2 %');
    assert.match(settingWords('fleet.idleTimeoutMs', undefined), /idling costs less than a start/);
    assert.deepEqual([settingWords('fleet.spares.max', 2), settingWords('x.y', 3)], ['2', '3']);
  });

  it('say what they come to, and on how many days that rests', () => {
    const side = { costUsd: 10, hitShare: 0.4, coldWaits: 4 } as WhatIfSide;
    const report = (recorded: Partial<WhatIfSide>, scenario: Partial<WhatIfSide>, days = 3.04) =>
      effectOf({
        recorded: { ...side, ...recorded },
        scenario: { ...side, ...scenario },
        days,
      } as WhatIfReport);
    assert.deepEqual(report({}, { costUsd: 7, coldWaits: 16, hitShare: 0.3 }), [
      'It costs about $30.00 a month less.',
      '30 % are answered from the cache instead of 40 %.',
      'Waits for a start: 3.9 more a day.',
      'So a replay of 3 days of traffic says, as if it went on as it was.',
    ]);
    assert.equal(report({}, { costUsd: 11 })[0], 'It costs about $10.00 a month more.');
    assert.equal(report({}, {})[0], 'It costs what it costs now.');
    assert.match(report({ costUsd: undefined }, {})[0]!, /not known/);
    // An hour is no month.
    assert.deepEqual(report({}, { costUsd: 9.5, coldWaits: 5 }, 1 / 24), [
      'It would have cost $0.50 less.',
      'Waits for a start: 1 more.',
      'So a replay of 1 h of traffic says, as if it went on as it was.',
    ]);
  });
});
