import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aRecord } from '../../test/support/running-admin.ts';
import type { Feedback } from '../cache/cache-types.ts';
import { requestId, tenantId } from '../core/ids.ts';
import { createRequestLog, type RequestSteps } from '../telemetry/request-log.ts';
import { createFeedback } from './feedback.ts';

describe('feedback about a shared answer', () => {
  it('goes to the decision of the request that led, with the word of the one that speaks', () => {
    const requestLog = createRequestLog();
    const heard: Feedback[] = [];
    const feedback = createFeedback({
      requestLog,
      cache: {
        feedback: (given) => {
          heard.push(given);
          return { kind: 'taken', effect: 'quarantined' };
        },
      },
    });
    const steps = { answerOf: 'leader' } as RequestSteps;
    requestLog.add(aRecord({ id: 'joiner', cache: 'coalesced', steps }));
    // Of a stored answer this names the one that a thinker made it for, whose decision is not in question.
    requestLog.add(aRecord({ id: 'hit', cache: 'semantic', steps }));
    const tenant = tenantId('red');
    for (const id of ['joiner', 'hit', 'nobody']) feedback({ requestId: requestId(id), tenant, verdict: 'wrong' });
    assert.deepEqual(
      heard,
      ['leader', 'hit', 'nobody'].map((id) => ({ requestId: id, tenant, verdict: 'wrong' })),
    );
  });
});
