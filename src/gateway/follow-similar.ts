/** The leader of a flight that asks a thinker, or waits for a thinker's running answer to the same question in other words. */
import type { Answer } from '../core/answer.ts';
import type { AnswerFlow, AnswerOrigin, AnswerRequest, DispatchSink } from '../core/chat.ts';
import { LateFlow } from '../core/late-flow.ts';
import type { Coalescer, SimilarFlight } from '../cache/coalescer.ts';
import type { CacheablePlan, SingleFlight } from '../cache/cache-types.ts';
import { isKeepable } from '../cache/entry-writer.ts';

export interface Following {
  readonly plan: CacheablePlan;
  readonly request: AnswerRequest;
  readonly sink: DispatchSink;
  /** Asks a thinker for this request. */
  readonly ask: () => AnswerFlow;
  /** Takes what must be called when this request's own flight has settled. */
  readonly onSettled: (leave: () => void) => void;
}

export type FollowOrAsk = (following: Following) => AnswerFlow;

/**
 * Followers are held back until the answer is whole, so that one whose leader fails, is cut or calls a
 * tool has sent nothing yet and asks for itself. Only requests that ask are followed, never followers: no
 * chain leads away from what was asked, and no circle can wait for itself.
 */
export function createFollowOrAsk(coalescer: Coalescer, singleFlight: SingleFlight): FollowOrAsk {
  return function followOrAsk(following) {
    const { plan, request } = following;
    const similar = coalescer.similar(plan, request);
    return (similar && follow(following, similar)) ?? askSeen(following);
  };

  function follow(following: Following, { key, similarity }: SimilarFlight): AnswerFlow | undefined {
    const { plan, request, sink } = following;
    const flow = new LateFlow();
    const joined = singleFlight.join(key, withSimilarity(sink, similarity), {
      outputLimit: request.outputLimit,
      accepts: (answer, origin) => isFor(plan, request, answer, origin),
      declined: () => flow.attach(askSeen(following)),
    });
    if (joined === undefined) return undefined;
    flow.attach(joined, { unlessAttached: true });
    return flow;
  }

  function askSeen({ plan, request, ask, onSettled }: Following): AnswerFlow {
    onSettled(coalescer.announce(plan, request));
    return ask();
  }
}

/** What the cache would have kept and then served to this request. */
function isFor(
  plan: CacheablePlan,
  { outputLimit }: AnswerRequest,
  answer: Answer,
  origin: AnswerOrigin | undefined,
): boolean {
  if (!isKeepable(answer) || (origin?.thinker?.digest ?? '') !== plan.digest) return false;
  return outputLimit === undefined || answer.end.usage.completionTokens <= outputLimit;
}

function withSimilarity(sink: DispatchSink, similarity: number): DispatchSink {
  return {
    origin: (origin) => sink.origin({ ...origin, similarity }),
    event: (event) => sink.event(event),
    fail: (error) => sink.fail(error),
  };
}
