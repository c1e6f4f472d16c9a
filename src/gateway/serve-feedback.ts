/** `POST /cache/feedback`: a client says of an answer from the cache that it was right, or wrong. */
import type { Feedback, FeedbackResult } from '../cache/cache-types.ts';
import { feedbackReply, verdicts } from '../cache/feedback-reply.ts';
import { AppError } from '../core/errors.ts';
import { requestId } from '../core/ids.ts';
import { isJsonObject, type JsonValue } from '../core/json.ts';
import { json, sendBody, type Exchange } from './exchange.ts';

export interface ServeFeedbackDeps {
  readonly feedback: (feedback: Feedback) => FeedbackResult;
  readonly requestLog: { readonly capacity: number };
}

/** @throws bad_request | request_not_found | not_a_hit | rate_limited */
export function serveFeedback({ feedback, requestLog }: ServeFeedbackDeps, exchange: Exchange, body: JsonValue): void {
  const given = { ...decodeFeedback(body), tenant: exchange.tenant, cacheOwner: exchange.caller.cacheOwner };
  const reply = feedbackReply(given, feedback(given), requestLog.capacity);
  sendBody(exchange, 200, json, JSON.stringify(reply));
}

/** Strict, as it is ours alone: a misspelt field would be a word that nobody hears. */
function decodeFeedback(body: JsonValue): Pick<Feedback, 'requestId' | 'verdict'> {
  if (!isJsonObject(body)) throw new AppError('bad_request', `the body is not an object; ${expected}`);
  const { requestId: id, verdict: given, ...others } = body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new AppError('bad_request', `${unknown.slice(0, 100)} is not known here; ${expected}`, { param: unknown });
  if (typeof id !== 'string' || id === '')
    throw new AppError('bad_request', `requestId is missing; ${expected}`, { param: 'requestId' });
  const verdict = verdicts.find((each) => each === given);
  if (verdict === undefined)
    throw new AppError('bad_request', `verdict is ${JSON.stringify(given)?.slice(0, 100)}; ${expected}`, {
      param: 'verdict',
    });
  return { requestId: requestId(id), verdict };
}

const expected =
  'expected {"requestId": "req_…", "verdict": "right" or "wrong"}, with the id from x-selfhost-request-id';
