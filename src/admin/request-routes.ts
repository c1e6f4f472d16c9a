/** Why a request was answered as it was, and what a person says about that; as JSON and as a page. */
import { z } from 'zod';
import { feedbackReply, verdicts } from '../cache/feedback-reply.ts';
import type { Feedback, FeedbackVerdict } from '../cache/cache-types.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { requestId } from '../core/ids.ts';
import type { AdminContext } from './admin-deps.ts';
import type { FeedbackReply, FeedbackRequest } from './admin-types.ts';
import { parseJson, readBody, sendJson, sendText, type Exchange } from './http.ts';
import { storyOf } from './why.ts';
import { renderConfirmPage, renderRefusalPage, renderWhyPage, whyPagePolicy } from './why-page.ts';

export async function showWhy(exchange: Exchange, context: AdminContext, id: string): Promise<void> {
  sendJson(exchange, await storyOf(context, id));
}

export const feedbackSchema = z.strictObject({ verdict: z.enum(verdicts) }) satisfies z.ZodType<FeedbackRequest>;

export async function judge(exchange: Exchange, context: AdminContext, id: string): Promise<void> {
  const parsed = feedbackSchema.safeParse(parseJson(await readBody(exchange.request, context.options.bodyBytesMax)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError(
      'bad_request',
      `${issue?.path.join('.') || 'the body'}: ${issue?.message}; expected {"verdict": "right" or "wrong"}`,
    );
  }
  sendJson(exchange, take(context, id, parsed.data.verdict));
}

/** @throws request_not_found | not_a_hit | rate_limited */
function take({ facts }: AdminContext, id: string, verdict: FeedbackVerdict): FeedbackReply {
  // The operator speaks for every tenant.
  const given: Feedback = { requestId: requestId(id), verdict };
  return feedbackReply(given, facts.feedback(given), facts.requestsMax);
}

export function showWhyPage(exchange: Exchange, context: AdminContext, id: string): Promise<void> {
  return asPage(exchange, async () => {
    const said = effects.find((effect) => effect === exchange.query.get('said'));
    return renderWhyPage(await storyOf(context, id), said);
  });
}

const effects = ['quarantined', 'removed', 'counted'] as const satisfies readonly FeedbackReply['effect'][];

/**
 * What the buttons of the page send. A page of another origin could send such a form as well, with the operator's
 * password repeated by the browser, so here a request must say where it comes from, and it must be from here:
 * the guard has refused every foreign Origin before.
 */
export function judgeByForm(exchange: Exchange, context: AdminContext, id: string): Promise<void> {
  return asPage(exchange, async () => {
    const { request } = exchange;
    if (request.headers.origin === undefined) {
      throw new AppError(
        'forbidden',
        `this form is for the page of the operator port; programs send JSON to /api/requests/${encodeURIComponent(id)}/feedback`,
      );
    }
    const form = new URLSearchParams((await readBody(request, context.options.bodyBytesMax)).toString('utf8'));
    const verdict = verdicts.find((each) => each === form.get('verdict'));
    if (verdict === undefined) throw new AppError('bad_request', 'verdict is missing; expected right or wrong');
    if (verdict === 'wrong' && form.get('confirmed') !== 'yes') return renderConfirmPage(await storyOf(context, id));
    const { effect } = take(context, id, verdict);
    // A reload of the page that follows sends nothing again.
    sendText(exchange, {
      status: 303,
      contentType: 'text/plain; charset=utf-8',
      body: `${effect}\n`,
      headers: { location: `/requests/${encodeURIComponent(id)}?said=${effect}` },
    });
    return undefined;
  });
}

/** A person gets a page also where something is refused. */
async function asPage(exchange: Exchange, make: () => Promise<string | undefined>): Promise<void> {
  let status = 200;
  let body: string | undefined;
  try {
    body = await make();
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'aborted' || error.code === 'internal') throw thrown;
    status = error.status;
    body = renderRefusalPage(error);
  }
  if (body === undefined) return;
  sendText(exchange, {
    status,
    contentType: 'text/html; charset=utf-8',
    body,
    headers: {
      'content-security-policy': whyPagePolicy,
      // Under `no-referrer` a browser sends `Origin: null` with a form, which says nothing and is refused.
      'referrer-policy': 'same-origin',
    },
  });
}
