import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entryId, requestId, tenantId, type EntryId } from '../core/ids.ts';
import { silentLogger } from '../telemetry/logger.ts';
import type { RequestRecord } from '../telemetry/request-log.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { createFeedback } from './feedback.ts';
import type { Learner } from './learner.ts';
import { createWhyLog } from './why-log.ts';

/** As the request log keeps it; feedback looks at these alone. */
const record = (parts: Pick<RequestRecord, 'cache' | 'entryId'>) => ({ tenant: 'local', ...parts }) as RequestRecord;

function aFeedback(records: Readonly<Record<string, RequestRecord>>, learns = true) {
  const removed: EntryId[] = [];
  const quarantined: EntryId[] = [];
  const learner = { quarantine: (id: EntryId) => void quarantined.push(id) } as unknown as Learner;
  const feedback = createFeedback({
    whyLog: createWhyLog(),
    learner: learns ? learner : undefined,
    requests: { get: (id) => records[id] },
    remove: async (id) => removed.push(id) > 0,
    clock: new FakeClock(),
    logger: silentLogger,
  });
  const say = (id: string, verdict: 'right' | 'wrong') =>
    feedback({ requestId: requestId(id), tenant: tenantId('local'), verdict });
  return { say, removed, quarantined };
}

const id = entryId('e');

describe('feedback about requests of which only the log knows', () => {
  it('removes an entry that was wrong for its own question', () => {
    const { say, removed, quarantined } = aFeedback({ r: record({ cache: 'exact', entryId: id }) });
    assert.deepEqual(say('r', 'wrong'), { kind: 'taken', effect: 'removed' });
    assert.deepEqual([removed, quarantined], [[id], []]);
  });

  it('quarantines an entry that was wrong for other words, also for those who joined', () => {
    const { say, removed, quarantined } = aFeedback({ r: record({ cache: 'coalesced', entryId: id }) });
    assert.deepEqual(say('r', 'wrong'), { kind: 'taken', effect: 'quarantined' });
    assert.deepEqual([removed, quarantined], [[], [id]]);
  });

  it('removes it where the policy does not learn, as nothing else keeps it from other words', () => {
    const { say, removed } = aFeedback({ r: record({ cache: 'semantic', entryId: id }) }, false);
    assert.deepEqual(say('r', 'wrong'), { kind: 'taken', effect: 'removed' });
    assert.deepEqual(removed, [id]);
  });

  it('refuses a thinker’s own answer, which is no hit', () => {
    const { say } = aFeedback({ r: record({ cache: 'miss', entryId: undefined }) });
    assert.deepEqual(say('r', 'wrong'), { kind: 'refused', reason: 'not-a-hit' });
  });
});

describe('why log', () => {
  it('forgets the oldest beyond its bound', () => {
    const log = createWhyLog(2);
    const trace = {
      policy: 'p',
      text: '',
      stages: {},
      candidates: [],
      chosen: undefined,
      state: 'fixed' as const,
      cut: undefined,
      auditsMissing: undefined,
      atTargets: [],
    };
    for (const name of ['a', 'b', 'c']) log.remember(requestId(name), tenantId('t'), trace, undefined);
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => log.get(requestId(name))?.requestId),
      [undefined, 'b', 'c'],
    );
  });
});
