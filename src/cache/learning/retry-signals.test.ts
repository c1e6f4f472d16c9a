import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Scope } from '../../core/ids.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { DecisionSample } from '../decision/engine-types.ts';
import { RetrySignals } from './retry-signals.ts';

const scope = 'a' as Scope;
const sampleOf = (entryId: string): DecisionSample => ({
  entryId,
  pairKey: 'p',
  group: '',
  inputs: [],
  probability: 1,
  served: true,
  nearDuplicate: true,
  auditProbability: 1,
  space: 's',
});
const question = 'how do i freeze my card before i travel to another country';

describe('retry signals', () => {
  it('tell of a question asked again soon after its hit, in its scope, also in nearly the same words', async () => {
    const clock = new FakeClock();
    const retries = new RetrySignals(clock);
    assert.equal(retries.armed, false);
    const sample = sampleOf('p');
    retries.served(scope, question, sample);
    await clock.advance(89_000);
    assert.equal(retries.armed, true);
    assert.equal(retries.repeated('b' as Scope, question), undefined);
    assert.equal(retries.repeated(scope, 'how do i order a new card'), undefined);
    assert.equal(retries.repeated(scope, `${question.toUpperCase()}??`), sample);
  });

  it('count against an entry once, however many ask', async () => {
    const clock = new FakeClock();
    const retries = new RetrySignals(clock);
    for (let i = 0; i < 5; i++) {
      retries.served(scope, question, sampleOf('p'));
      assert.equal(retries.repeated(scope, question) !== undefined, i === 0);
    }
    await clock.advance(3_600_000);
    retries.served(scope, question, sampleOf('p'));
    assert.notEqual(retries.repeated(scope, question), undefined);
  });

  it('forget hits after a minute and a half', async () => {
    const clock = new FakeClock();
    const retries = new RetrySignals(clock);
    retries.served(scope, question, sampleOf('p'));
    await clock.advance(90_001);
    assert.equal(retries.armed, false);
    assert.equal(retries.repeated(scope, question), undefined);
  });

  it('keep no more scopes than their bound', () => {
    const retries = new RetrySignals(new FakeClock());
    for (let i = 0; i <= 1_024; i++) retries.served(`s${i}` as Scope, question, sampleOf(`p${i}`));
    assert.equal(retries.repeated('s0' as Scope, question), undefined);
    assert.notEqual(retries.repeated('s1' as Scope, question), undefined);
  });
});
