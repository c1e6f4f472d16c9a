import assert from 'node:assert/strict';
import { it } from 'node:test';
import { entryId, exactKey, localTenant, modelName, requestId } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';
import { aChatRequest, anAnswer } from '../testing/builders.ts';
import type { CacheEntry } from './cache-store.ts';
import type { CacheablePlan } from './cache-types.ts';
import { servesNow } from './serves-now.ts';

const answer = anAnswer();
const entryOf = (storedAt: number, completionTokens = 5): CacheEntry => ({
  id: entryId('e'),
  exactKey: exactKey('k'),
  tenant: localTenant,
  model: modelName('m'),
  digest: 'd',
  answer: { ...answer, end: { ...answer.end, usage: { promptTokens: 1, completionTokens } } },
  storedAt: epochMs(storedAt),
  expiresAt: epochMs(storedAt + 1_000_000),
  origin: requestId('r'),
  gpuMs: 1,
});
const plan: CacheablePlan = {
  kind: 'cacheable',
  exactKey: exactKey('k'),
  digest: 'd',
  read: true,
  maxAgeS: undefined,
  semantic: undefined,
};
const request = aChatRequest();
const limited = { ...request, outputLimit: 5 };

it('an answer serves until the millisecond in which it expires', () => {
  assert.equal(servesNow(entryOf(0), plan, request, epochMs(999_999)), true);
  assert.equal(servesNow(entryOf(0), plan, request, epochMs(1_000_000)), false);
});

it('an answer stored in the future, before the clock was set back, serves nobody', () => {
  assert.equal(servesNow(entryOf(500_000), plan, request, epochMs(499_000)), true);
  assert.equal(servesNow(entryOf(500_000), plan, request, epochMs(400_000)), false);
});

it('an answer of unknown length serves only those without an output limit', () => {
  assert.equal(servesNow(entryOf(0, 0), plan, request, epochMs(1)), true);
  assert.equal(servesNow(entryOf(0, 0), plan, limited, epochMs(1)), false);
  assert.equal(servesNow(entryOf(0, 5), plan, limited, epochMs(1)), true);
  assert.equal(servesNow(entryOf(0, 6), plan, limited, epochMs(1)), false);
});
