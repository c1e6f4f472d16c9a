import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnswerOrigin, EndEvent } from '../core/chat.ts';
import { thinkerId } from '../core/ids.ts';
import { usdMicros } from '../core/units.ts';
import type { ThinkerView } from '../thinkers/thinker.ts';
import { createAnswerCost } from './answer-cost.ts';

const id = thinkerId('t1');
const origin = (source: AnswerOrigin['source'] = 'thinker'): AnswerOrigin => ({
  source,
  thinker: { id, name: 't1', kind: 'rented', digest: undefined, queuedMs: 1_000, cold: false },
});
const end = (totalNs: number): EndEvent => ({
  type: 'end',
  finishReason: 'stop',
  usage: { promptTokens: 1, completionTokens: 1 },
  timings: { totalNs, loadNs: 0, promptEvalNs: 0, evalNs: totalNs },
});
const costAt = (inFlight: number) =>
  createAnswerCost({ views: () => [{ id, costPerHour: usdMicros(360_000), inFlight } as ThinkerView] });

describe('createAnswerCost', () => {
  it('divides the time of a machine among the answers that ran beside each other', () => {
    // $0.36 an hour is 100 micro-dollars a second.
    assert.equal(costAt(1)(origin(), end(2e9), 9_999), 200);
    assert.equal(costAt(4)(origin(), end(2e9), 9_999), 50);
    assert.equal(costAt(0)(origin(), end(2e9), 9_999), 200);
  });

  it('counts an answer that was cut short by the time it took, without its wait', () => {
    assert.equal(costAt(1)(origin(), undefined, 3_000), 200);
    assert.equal(costAt(1)(origin(), undefined, 500), 0);
  });

  it('takes nothing for stored and joined answers, nor from a machine that is gone', () => {
    assert.equal(costAt(1)(origin('coalesced'), end(2e9), 1), 0);
    assert.equal(costAt(1)({ source: 'exact' }, end(2e9), 1), 0);
    assert.equal(createAnswerCost({ views: () => [] })(origin(), end(2e9), 1), 0);
  });
});
