/** What people are told about their word on an answer, on either port. */
import { AppError } from '../core/errors.ts';
import type { Feedback, FeedbackResult, FeedbackVerdict } from './cache-types.ts';

export interface FeedbackReply {
  readonly requestId: string;
  readonly verdict: FeedbackVerdict;
  readonly effect: Extract<FeedbackResult, { kind: 'taken' }>['effect'];
  /** The effect in words. */
  readonly message: string;
}

export const verdicts = ['right', 'wrong'] as const satisfies readonly FeedbackVerdict[];

/** One word per stored answer and tenant in this time; see `feedback.ts`. */
const retryAfterMs = 3_600_000;

/** @throws request_not_found, also for the request of another tenant | not_a_hit | rate_limited */
export function feedbackReply(
  { requestId, verdict }: Feedback,
  result: FeedbackResult,
  remembered: number,
): FeedbackReply {
  if (result.kind === 'taken')
    return { requestId, verdict, effect: result.effect, message: effectWords[result.effect] };
  switch (result.reason) {
    case 'not-a-hit':
      throw new AppError(
        'not_a_hit',
        `the answer to \`${requestId}\` did not come from the cache, so there is no stored answer to judge`,
      );
    case 'too-often':
      throw new AppError(
        'rate_limited',
        'this stored answer has been judged within the last hour; one word per hour and answer counts',
        { retryAfterMs },
      );
    default:
      // A stranger does not learn that the request exists.
      throw unknownRequest(requestId, remembered);
  }
}

export function unknownRequest(requestId: string, remembered: number): AppError {
  return new AppError(
    'request_not_found',
    `no request \`${requestId.slice(0, 100)}\` among the last ${remembered}; older ones are forgotten, and all at a restart`,
  );
}

const effectWords = {
  quarantined:
    'the stored answer serves no other wording any more, these two questions are remembered as different, and the answers close to them are audited when they are next served, where audits run',
  removed: 'the stored answer is gone: whoever asks next gets a new one',
  counted: 'noted: it counts for this stored answer and teaches the score',
} as const satisfies Record<FeedbackReply['effect'], string>;
