import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aStatus } from '../../../test/support/running-admin.ts';
import { epochMs } from '../../core/units.ts';
import type { StatusReport } from '../admin-types.ts';
import { semanticTier } from './semantic-tier.ts';

type Semantic = NonNullable<StatusReport['cache']['semantic']>;

const learning: Semantic = {
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
  quarantined: 2,
  deniedPairs: 1,
  auditsMissing: 340,
  audits: { state: 'on', why: 'thinkers are idle at times', pending: 2, taken: 12, unsure: 1, dropped: 0 },
};

const shown = (semantic: Semantic | undefined, mode = 'on'): string => {
  const status = aStatus();
  return semanticTier({ ...status, cache: { ...status.cache, mode, ...(semantic && { semantic }) } })
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
};

describe('the card of the semantic tier', () => {
  it('says how many audits are missing while nothing is certified', () => {
    const text = shown(learning);
    assert.match(text, /State learning learning: about 340 more audits until 5 %/);
    assert.match(text, /at most 5 % of its hits wrong, with 95 % confidence/);
    assert.match(text, /Wrong hits not measured yet: no hit was audited/);
    assert.match(
      text,
      /Audits 12 so far; about 340 more are missing, at least 59 on: thinkers are idle at times; 2 under way/,
    );
    assert.match(text, /2 answers, 1 pairs of questions/);
    assert.match(
      shown({ ...learning, missing: { atLeast: 59, estimate: undefined } }),
      /12 so far; at least 59 more, and fewer wrong ones than until now/,
    );
    assert.match(
      shown({ ...learning, labels: 0, missing: { atLeast: 59, estimate: undefined } }),
      /0 so far; at least 59 more on:/,
    );
  });

  it('shows a measured share only with its interval and its count', () => {
    const falseHitShare = { audited: 200, wrong: 4, estimate: 0.02, corrected: 0.013, low: 0.008, high: 0.05 };
    assert.match(
      shown({ ...learning, state: 'certified', falseHitShare }),
      /measured 1\.3 % \(95 %: 0\.8 % to 5 %\), 4 of 200 audited hits/,
    );
  });

  it('says when audits closed it', () => {
    const { startedAt, uptimeS } = aStatus();
    const firedAt = epochMs(startedAt + (uptimeS - 30) * 1000);
    const text = shown({ ...learning, state: 'closed', breaker: { open: true, firedAt, firings: 1 } });
    assert.match(text, /Closed by audits 30 s ago, 1 in all/);
  });

  it('promises nothing where nothing is learned', () => {
    assert.match(shown(undefined), /A fixed cosine threshold with guards decides\. Nothing is learned/);
    assert.match(shown(undefined, 'exact-only'), /Not used: cache\.mode is exact-only/);
  });
});
