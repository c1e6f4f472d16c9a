import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entryId, requestId, tenantId, type EntryId } from '../core/ids.ts';
import { epochMs } from '../core/units.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createRequestLog, type RequestRecord } from '../telemetry/request-log.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import type { LookupTrace } from './cache-types.ts';
import type { DecisionSample } from './decision/engine-types.ts';
import { createFeedback } from './feedback.ts';
import type { Learner } from './learner.ts';
import { createWhyLog } from './why-log.ts';

const red = tenantId('red');
const blue = tenantId('blue');

const aTrace = (ids: readonly string[]): LookupTrace => ({
  policy: 'certified',
  text: 'a question',
  stages: {},
  candidates: ids.map((id) => ({
    entryId: entryId(id),
    text: id,
    ageS: 1,
    similarity: 0.9,
    refusedBy: [],
    probability: 0.9,
    nearDuplicate: true,
  })),
  chosen: undefined,
  state: 'learning',
  cut: undefined,
  auditsMissing: 1,
  atTargets: [],
});

const aSample = (id: string, served = true): DecisionSample => ({
  entryId: id,
  pairKey: 'pair',
  group: 'red',
  inputs: [],
  probability: 0.9,
  served,
  nearDuplicate: true,
  auditProbability: 1,
  space: 's',
});

const aRecord = (id: string, changes: Partial<RequestRecord>): RequestRecord => ({
  id,
  at: epochMs(0),
  route: 'chat',
  tenant: 'red',
  model: 'm',
  stream: false,
  cache: 'miss',
  thinker: undefined,
  entryId: undefined,
  similarity: undefined,
  outcome: 'ok',
  status: 200,
  error: undefined,
  totalMs: 1,
  ttftMs: undefined,
  promptTokens: 0,
  completionTokens: 0,
  steps: undefined,
  ...changes,
});

function aDesk({ learns = true }: { learns?: boolean } = {}) {
  const whyLog = createWhyLog();
  const requests = createRequestLog();
  const clock = new FakeClock();
  const removed: EntryId[] = [];
  const judged: { entryId: string; right: boolean; neighbours: readonly string[] }[] = [];
  const notAsked = (): never => {
    throw new Error('not implemented: feedback has no business with this');
  };
  const learner: Learner = {
    standing: { state: 'learning', auditsMissing: 1, note: '' },
    asked: notAsked,
    served: notAsked,
    missed: notAsked,
    landed: notAsked,
    judged: (sample, right, neighbours) => judged.push({ entryId: sample.entryId, right, neighbours }),
    quarantine: notAsked,
  };
  const feedback = createFeedback({
    whyLog,
    learner: learns ? learner : undefined,
    requests,
    remove: async (id) => removed.push(id) > 0,
    clock,
    logger: silentLogger,
  });
  whyLog.remember(requestId('semantic'), red, aTrace(['e', 'near']), aSample('e'));
  whyLog.remember(requestId('grey'), red, aTrace(['e']), aSample('e', false));
  requests.add(aRecord('semantic', { cache: 'semantic', entryId: 'e' }));
  requests.add(aRecord('grey', {}));
  requests.add(aRecord('exact', { cache: 'exact', entryId: 'x' }));
  const say = (id: string, verdict: 'right' | 'wrong', tenant?: typeof red) =>
    feedback({ requestId: requestId(id), verdict, ...(tenant && { tenant }) });
  return { say, removed, judged, clock };
}

describe('feedback about answers from the cache', () => {
  it('teaches the pair, keeps the entry from other questions and marks its neighbours', () => {
    const { say, judged, removed } = aDesk();
    assert.deepEqual(say('semantic', 'wrong', red), { kind: 'taken', effect: 'quarantined' });
    assert.deepEqual(judged, [{ entryId: 'e', right: false, neighbours: ['near'] }]);
    assert.deepEqual(removed, []);
  });

  it('removes what is wrong for its own question, and what no learner can keep from others', () => {
    const { say, removed } = aDesk();
    assert.deepEqual(say('exact', 'wrong', red), { kind: 'taken', effect: 'removed' });
    assert.deepEqual(removed, ['x']);
    const fixed = aDesk({ learns: false });
    assert.deepEqual(fixed.say('semantic', 'wrong', red), { kind: 'taken', effect: 'removed' });
    assert.deepEqual(fixed.removed, ['e']);
  });

  it('hears nobody about the requests of others, and nothing about what a thinker answered', () => {
    const { say, judged, removed } = aDesk();
    const refused = (reason: string) => ({ kind: 'refused', reason });
    for (const id of ['semantic', 'exact', 'grey']) assert.deepEqual(say(id, 'wrong', blue), refused('other-tenant'));
    assert.deepEqual(say('grey', 'wrong', red), refused('not-a-hit'));
    assert.deepEqual(say('nobody', 'wrong', red), refused('unknown-request'));
    assert.deepEqual([...judged, ...removed], []);
  });

  it('counts one word an hour of a tenant about an entry, and every word of the operator', async () => {
    const { say, judged, clock } = aDesk();
    assert.equal(say('semantic', 'right', red).kind, 'taken');
    assert.deepEqual(say('semantic', 'wrong', red), { kind: 'refused', reason: 'too-often' });
    assert.equal(say('semantic', 'right').kind, 'taken');
    assert.equal(say('semantic', 'wrong').kind, 'taken');
    await clock.advance(3_600_000);
    assert.equal(say('semantic', 'wrong', red).kind, 'taken');
    assert.deepEqual(
      judged.map(({ right }) => right),
      [true, true, false, false],
    );
  });
});
