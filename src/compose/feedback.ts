/** A person's word on an answer, brought to the request whose decision it was. */
import type { Feedback, FeedbackResult } from '../cache/cache-types.ts';
import type { OperableCache } from '../cache/semantic-cache.ts';
import { requestId } from '../core/ids.ts';
import type { RequestLog } from '../telemetry/request-log.ts';

export interface FeedbackDeps {
  readonly requestLog: Pick<RequestLog, 'get'>;
  readonly cache: Pick<OperableCache, 'feedback'>;
}

/** Who joined a running answer speaks about the decision of the one that led it; both are of one tenant. */
export function createFeedback({ requestLog, cache }: FeedbackDeps): (given: Feedback) => FeedbackResult {
  return function feedback(given) {
    const record = requestLog.get(given.requestId);
    const leader = record?.cache === 'coalesced' ? record.steps?.answerOf : undefined;
    return cache.feedback(leader === undefined ? given : { ...given, requestId: requestId(leader) });
  };
}
