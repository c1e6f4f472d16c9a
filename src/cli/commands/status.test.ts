import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aStatus } from '../../../test/support/running-admin.ts';
import type { StatusReport } from '../../admin/admin-types.ts';
import { describeStatus } from './status.ts';

const semantic: NonNullable<StatusReport['cache']['semantic']> = {
  state: 'learning',
  summary: 'learning: about 340 more audits until 5 %',
  target: 0.05,
  confidence: 0.95,
  cut: undefined,
  labels: 12,
  labelsSinceFit: 12,
  missing: { atLeast: 59, estimate: 340 },
  certificates: [],
  groups: [],
  falseHitShare: { audited: 0, wrong: 0, estimate: undefined, corrected: undefined, low: 0, high: 1 },
  breaker: { open: false, firedAt: undefined, firings: 0 },
  requests: 100,
  hits: 3,
  quarantined: 0,
  deniedPairs: 0,
  auditsMissing: 340,
  audits: { state: 'off', why: 'simulated thinkers only', pending: 0, taken: 0, unsure: 0, dropped: 0 },
};

const told = (changes: Partial<typeof semantic> | undefined, mode = 'on'): string => {
  const status = aStatus();
  const cache = { ...status.cache, mode, ...(changes && { semantic: { ...semantic, ...changes } }) };
  return describeStatus({ ...status, cache });
};

describe('status', () => {
  it('says which settings hold instead of what the configuration says', () => {
    const setting = { name: 'fleet.idleTimeoutMs', value: 600_000, written: undefined, changedAt: 1 };
    assert.match(
      describeStatus(aStatus({ overriding: [setting] })),
      /^setting {3}fleet\.idleTimeoutMs is 600000, changed at run time; the configuration says nothing$/m,
    );
  });

  it('says how far the semantic tier has learned, and that nothing is measured yet', () => {
    assert.match(
      told({}),
      /^semantic {2}learning: about 340 more audits until 5 %\n {10}hits: none audited yet; audits off: simulated thinkers only$/m,
    );
  });

  it('gives a measured share with its counts and its interval', () => {
    const falseHitShare = { audited: 200, wrong: 4, estimate: 0.02, corrected: 0.02, low: 0.008, high: 0.05 };
    assert.match(told({ falseHitShare }), /hits: 4 of 200 audited ones wrong \(95 %: 0\.8 % to 5 %\)/);
  });

  it('leaves it out where nothing is learned', () => {
    assert.doesNotMatch(told(undefined), /^semantic/m);
    assert.doesNotMatch(told({}, 'exact-only'), /^semantic/m);
  });
});
