/** A person's word on an answer, brought to the tier of the cache that gave it. */
import type { Feedback, FeedbackResult } from '../cache/cache-types.ts';
import type { OperableCache } from '../cache/semantic-cache.ts';
import { entryId, requestId } from '../core/ids.ts';
import type { RequestLog } from '../telemetry/request-log.ts';

export interface FeedbackDeps {
  readonly requestLog: Pick<RequestLog, 'get'>;
  readonly cache: Pick<OperableCache, 'remove'> & {
    readonly feedback?: (given: Feedback) => FeedbackResult | Promise<FeedbackResult>;
  };
}

/**
 * The semantic tier judges what it served by a similar question. An exact hit is known to the request log
 * alone: where it was wrong it is wrong for its own question, so the entry is removed.
 */
export function createFeedback({ requestLog, cache }: FeedbackDeps): (given: Feedback) => Promise<FeedbackResult> {
  return async function feedback(given) {
    const record = requestLog.get(given.requestId);
    if (record === undefined) return { kind: 'refused', reason: 'unknown-request' };
    if (given.tenant !== undefined && record.tenant !== given.tenant)
      return { kind: 'refused', reason: 'other-tenant' };
    if (record.outcome !== 'ok' || record.entryId === undefined) return { kind: 'refused', reason: 'not-a-hit' };
    if (record.cache === 'exact') {
      if (given.verdict === 'right') return { kind: 'taken', effect: 'counted' };
      // Already gone is as good.
      await cache.remove(entryId(record.entryId), 'disputed');
      return { kind: 'taken', effect: 'removed' };
    }
    // Who joined a running answer speaks about the decision of the one that led it.
    const leader = record.cache === 'coalesced' ? record.steps?.answerOf : undefined;
    if (cache.feedback === undefined) return { kind: 'refused', reason: 'not-a-hit' };
    return cache.feedback(leader === undefined ? given : { ...given, requestId: requestId(leader) });
  };
}
