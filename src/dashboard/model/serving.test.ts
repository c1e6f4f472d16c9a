import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aStatus } from '../../../test/support/running-admin.ts';
import { servingState } from './serving.ts';

const [attic] = aStatus().thinkers;
const cache = aStatus().cache;
const with_ = (...states: readonly string[]) => states.map((state) => ({ ...attic!, state }));

describe('whether it serves', () => {
  it('is never good when no thinker is ready', () => {
    for (const state of ['loading', 'ejected', 'unreachable', 'draining'])
      for (const entries of [0, 12])
        assert.notEqual(servingState({ thinkers: with_(state), cache: { ...cache, entries } }).tone, 'good', state);
    assert.notEqual(servingState({ thinkers: [], cache }).tone, 'good');
  });

  it('counts who is ready and who is not', () => {
    const { kind, tone, why } = servingState({ thinkers: with_('ready', 'ready', 'unreachable'), cache });
    assert.deepEqual({ kind, tone, why }, { kind: 'serving', tone: 'good', why: '2 thinkers ready, 1 not' });
  });

  it('says that made-up answers are made up, also with a real thinker that is not ready', () => {
    const simulated = { ...attic!, kind: 'simulated' as const };
    const state = servingState({ thinkers: [simulated, ...with_('unreachable')], cache });
    assert.deepEqual([state.kind, state.tone], ['simulated', 'warn']);
  });

  it('serves from the cache alone while it has answers, and is down without', () => {
    assert.equal(servingState({ thinkers: with_('loading'), cache }).word, 'Degraded (cache only)');
    assert.equal(servingState({ thinkers: with_('loading'), cache: { ...cache, entries: 0 } }).word, 'Down');
    assert.equal(servingState({ thinkers: with_('loading'), cache: { ...cache, mode: 'off' } }).word, 'Down');
  });
});
