import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entryId, exactKey, localTenant, modelName, requestId, scope } from '../../core/ids.ts';
import { epochMs } from '../../core/units.ts';
import { toUnitVector } from '../../core/vector.ts';
import { anAnswer } from '../../testing/builders.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import type { Candidate } from '../hit-policy.ts';
import { createFixedThresholdPolicy } from './fixed-threshold.ts';

const random = testRandom('fixed-threshold');
const asked = 'What is the capital of France?';

function aCandidate(text: string, similarity: number): Candidate {
  return {
    similarity,
    entry: {
      id: entryId(text),
      exactKey: exactKey(text),
      tenant: localTenant,
      model: modelName('m'),
      digest: 'd',
      semantic: { scope: scope('s'), text, embeddingModel: 'e', vector: toUnitVector(new Float32Array([1])) },
      answer: anAnswer(),
      storedAt: epochMs(0),
      expiresAt: epochMs(1),
      origin: requestId('r'),
      gpuMs: 1,
    },
  };
}

describe('fixed threshold policy', () => {
  const policy = createFixedThresholdPolicy({ similarityMin: 0.9 });

  it('asks when there is nothing near enough', () => {
    assert.deepEqual(policy.decide(asked, [], random), { kind: 'ask', reason: 'no-neighbour' });
    const far = aCandidate(asked, 0.899);
    assert.deepEqual(policy.decide(asked, [far], random), { kind: 'ask', reason: 'below-threshold', best: far });
  });

  it('reuses the nearest candidate that no guard speaks against, and names the guards on the way', () => {
    const candidates = [
      aCandidate('What is the capital of Germany?', 0.99),
      aCandidate('What is not the capital of France?', 0.98),
      aCandidate("what's the capital of France", 0.97),
    ];
    assert.deepEqual(policy.decide(asked, candidates, random), {
      kind: 'reuse',
      candidate: candidates[2],
      vetoes: ['entity', 'negation'],
    });
  });

  it('tries no candidate below the threshold after a veto', () => {
    const wrong = aCandidate('What is the capital of Germany?', 0.95);
    const decision = policy.decide(asked, [wrong, aCandidate(asked, 0.85)], random);
    assert.deepEqual(decision, { kind: 'ask', reason: 'vetoed', best: wrong, guard: 'entity', vetoes: ['entity'] });
  });

  it('reuses other content words only when told so', () => {
    const near = aCandidate('what is the main city of france', 0.99);
    assert.equal(policy.decide('what is the capital of france', [near], random).kind, 'ask');
    const loose = createFixedThresholdPolicy({ similarityMin: 0.9, contentWordsMustMatch: false });
    assert.equal(loose.decide('what is the capital of france', [near], random).kind, 'reuse');
  });

  it('asks the given guards only', () => {
    const unguarded = createFixedThresholdPolicy({ similarityMin: 0.9, guards: [], contentWordsMustMatch: false });
    assert.equal(unguarded.decide(asked, [aCandidate('List 5 cities', 0.95)], random).kind, 'reuse');
  });

  it('reuses no entry without a text, and always one with the very same', () => {
    const { semantic: _gone, ...entry } = aCandidate('x', 1).entry;
    assert.equal(policy.decide(asked, [{ entry, similarity: 1 }], random).kind, 'ask');
    assert.equal(policy.decide(asked, [aCandidate(asked, 1)], random).kind, 'reuse');
  });
});
