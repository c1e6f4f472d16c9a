/** The story of one request, put together when somebody asks for it: nothing of this is made while answering. */
import type { CacheEntry } from '../cache/cache-store.ts';
import type { LookupTrace } from '../cache/cache-types.ts';
import { unknownRequest } from '../cache/feedback-reply.ts';
import { entryId, requestId } from '../core/ids.ts';
import type { RequestRecord } from '../telemetry/request-log.ts';
import type { AdminContext } from './admin-deps.ts';
import type { RequestStory, StoryServed, StoryStep } from './admin-types.ts';
import { becauseOf, candidateWords, decisionWords, isSimilarJoin, tierWords, whatIfWords } from './why/words.ts';

/** @throws request_not_found | cache_unavailable */
export async function storyOf(
  { facts, cache }: Pick<AdminContext, 'facts' | 'cache'>,
  id: string,
): Promise<RequestStory> {
  const request = facts.request(id);
  if (request === undefined) throw unknownRequest(id, facts.requestsMax);
  const { steps } = request;
  // Who joined the same request got what its lookup found; who joined a similar one had a lookup of its own.
  const decider = request.cache === 'coalesced' && steps?.semantic === undefined ? (steps?.answerOf ?? id) : id;
  const trace = facts.why(requestId(decider))?.trace;
  const entry = request.entryId === undefined ? undefined : await cache.show(entryId(request.entryId));
  const served = servedOf(request, entry);
  return {
    requestId: id,
    because: becauseOf({ request, trace, served }),
    request,
    steps: stepsOf(request, trace),
    question: trace?.text ?? (request.cache === 'exact' ? served?.question : undefined),
    decision: trace && {
      policy: trace.policy,
      state: trace.state,
      cut: trace.cut,
      auditsMissing: trace.auditsMissing,
      says: decisionWords(trace),
    },
    candidates: (trace?.candidates ?? []).map((candidate) => ({
      ...candidate,
      // A getter of the trace: named inputs are made when looked at.
      ...(candidate.inputs !== undefined && { inputs: candidate.inputs }),
      chosen: candidate.entryId === trace!.chosen?.entryId,
      says: candidateWords(candidate, trace!),
    })),
    whatIf: trace?.atTargets ?? [],
    otherTargets: whatIfWords(trace?.atTargets ?? []),
    served,
    canBeJudged: request.outcome === 'ok' && request.entryId !== undefined,
  };
}

function servedOf(request: RequestRecord, entry: CacheEntry | undefined): StoryServed | undefined {
  if (request.entryId === undefined) return undefined;
  return {
    entryId: request.entryId,
    ageS: request.steps?.ageS,
    askedBy: entry?.origin ?? (request.cache === 'coalesced' ? undefined : request.steps?.answerOf),
    question: entry?.semantic?.text,
    stillStored: entry !== undefined,
  };
}

/** In the order in which they happened; a step that was not reached is not told. */
function stepsOf(request: RequestRecord, trace: LookupTrace | undefined): StoryStep[] {
  const { steps, totalMs, ttftMs, thinker } = request;
  const told: StoryStep[] = [];
  if (steps?.exact !== undefined)
    told.push({ name: 'same request', ms: steps.exactMs, says: tierWords(steps.exact, 'the same request') });
  const similar = isSimilarJoin(request);
  const joined = {
    name: 'running answers',
    ms: undefined,
    says: `${similar ? 'a similar' : 'the same'} request was being answered${steps?.answerOf === undefined ? '' : ` for ${steps.answerOf}`}; joined it`,
  };
  if (request.cache === 'coalesced' && !similar) told.push(joined);
  if (steps?.semantic !== undefined) {
    told.push({
      name: 'similar requests',
      ms: steps.semanticMs,
      says: tierWords(steps.semantic, 'another wording', steps.semanticReason),
    });
    for (const [stage, what] of stages) {
      const ms = trace?.stages[stage];
      if (ms !== undefined) told.push({ name: `· ${stage}`, ms, says: what });
    }
  }
  if (similar) told.push(joined);
  if (thinker !== undefined) {
    // A wait below a millisecond is no wait, only the way through the code.
    const waitedMs = steps?.queuedMs !== undefined && steps.queuedMs >= 1 ? steps.queuedMs : undefined;
    told.push({
      name: 'thinker',
      ms: waitedMs,
      says: `${thinker} answered${waitedMs === undefined ? '' : ' after this wait in the queue'}${steps?.cold ? '; it had to load the model' : ''}`,
    });
  }
  if (ttftMs !== undefined) told.push({ name: 'first token', ms: ttftMs, says: 'since the request came' });
  told.push({ name: 'whole request', ms: totalMs, says: `status ${request.status}, ${request.outcome}` });
  return told;
}

const stages = [
  ['embed', 'the question as a vector'],
  ['search', 'the nearest stored questions'],
  ['fetch', 'their entries, from the store'],
  ['verify', 'guards, then score'],
] as const satisfies readonly (readonly [keyof LookupTrace['stages'], string])[];
