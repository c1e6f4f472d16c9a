/** What the facts of a request mean, in short sentences for people. */
import type { BypassReason, LookupTrace, SemanticLookup, TracedCandidate } from '../../cache/cache-types.ts';
import { formatDuration, formatMs } from '../../core/format.ts';
import type { RequestRecord, TierResult } from '../../telemetry/request-log.ts';
import type { StoryServed } from '../admin-types.ts';

export interface StoryFacts {
  readonly request: RequestRecord;
  readonly trace: LookupTrace | undefined;
  readonly served: StoryServed | undefined;
}

/** The reason, in one sentence. */
export function becauseOf({ request, trace, served }: StoryFacts): string {
  if (request.outcome === 'cancelled')
    return `The client left after ${formatMs(request.totalMs)}, before the answer was whole.`;
  if (request.outcome !== 'ok') return `It failed: ${request.error ?? request.outcome}.`;
  const age = served?.ageS === undefined ? '' : ` ${formatDuration(served.ageS)} ago`;
  switch (request.cache) {
    case 'exact':
      return `The same request was answered${age}, and that answer was given again.`;
    case 'semantic':
      return `A stored answer${age === '' ? '' : `, made${age},`} was given: ${servedBecause(request, trace)}.`;
    case 'coalesced':
      return isSimilarJoin(request)
        ? `The same question in other words was being answered at that moment${similarityOf(request)}, and this one waited for that answer.`
        : 'The same request was being answered at that moment, and this one shared the answer.';
    case 'miss':
      return `A thinker answered, because ${missBecause(request, trace)}.`;
    case 'bypass':
      return `A thinker answered, and the cache was not asked: ${bypassBecause(request)}.`;
    default:
      return 'It asked for no answer, so there was nothing to look up.';
  }
}

/** Who joins the same request does so before anything is compared. */
export const isSimilarJoin = ({ cache, steps }: RequestRecord): boolean =>
  cache === 'coalesced' && steps?.semantic !== undefined;

const similarityOf = ({ similarity }: RequestRecord): string =>
  similarity === undefined ? '' : ` (similarity ${similarity.toFixed(3)})`;

function servedBecause(request: RequestRecord, trace: LookupTrace | undefined): string {
  const cosine = similarityOf(request);
  const chosen = trace?.chosen;
  if (trace === undefined || chosen === undefined) return `its question is close enough to this one${cosine}`;
  if (trace.state === 'fixed') return `its question is close enough to this one${cosine}, and no guard objects`;
  if (trace.cut !== undefined && chosen.probability !== undefined && chosen.probability >= trace.cut)
    return `it is right for this question with probability ${share(chosen.probability)}, and ${share(trace.cut)} is enough`;
  return `its question says the same in the same content words${cosine}, which is served before anything is certified`;
}

function missBecause({ steps }: RequestRecord, trace: LookupTrace | undefined): string {
  if (steps?.exact === undefined) return 'it was told to ask afresh (Cache-Control: no-cache)';
  if (steps.exact === 'unavailable') return 'the cache had trouble looking up the same request';
  if (steps.semantic === undefined)
    return 'the same request is not stored, and only the same request may serve it (tools, or a text that cannot be compared)';
  if (steps.semantic === 'unavailable') return `the cache had trouble: ${steps.semanticReason ?? 'no reason was told'}`;
  const reason = steps.semanticReason as Extract<SemanticLookup, { kind: 'miss' }>['reason'] | undefined;
  const chosen = trace?.chosen ?? trace?.candidates[0];
  switch (reason) {
    case 'no-neighbour':
      return 'no stored question is close to this one';
    case 'not-eligible':
      return 'its text cannot be compared with others';
    case 'stale':
      return 'the close stored answers may not serve any more: too old for this request, or just removed';
    case 'other-context':
      return 'the close stored answers belong to conversations about something else';
    case 'vetoed': {
      const objection = chosen?.refusedBy[0];
      return `the closest stored question was refused${objection === undefined ? '' : `: ${refusalWords(objection)}`}`;
    }
    default:
      return belowBecause(trace, chosen);
  }
}

function belowBecause(trace: LookupTrace | undefined, chosen: TracedCandidate | undefined): string {
  if (trace === undefined || chosen === undefined) return 'the closest stored question is not close enough';
  if (trace.state === 'fixed')
    return `the closest stored question has a similarity of ${chosen.similarity.toFixed(3)}${trace.cut === undefined ? '' : `, and ${trace.cut.toFixed(3)} is needed`}`;
  const sure = chosen.probability === undefined ? '' : ` with probability ${share(chosen.probability)}`;
  if (trace.cut !== undefined) return `the best stored answer is right${sure}, and ${share(trace.cut)} is needed`;
  return `the best stored answer is right${sure}, and no probability is certified to be enough yet`;
}

function bypassBecause({ route, steps }: RequestRecord): string {
  if (steps?.bypass === undefined)
    return route === 'embeddings' ? 'embeddings go straight to a thinker' : 'it does not apply';
  return bypassWords[steps.bypass as BypassReason] ?? steps.bypass;
}

const bypassWords: Readonly<Record<BypassReason, string>> = {
  disabled: 'it is switched off, or still starting',
  'no-store': 'the request said Cache-Control: no-store',
  'load-request': 'the request only loads or unloads a model',
  'not-deterministic': 'the request wants variety: a high temperature and no seed',
  images: 'the request has images',
  logprobs: 'the request asks for log probabilities',
  'too-long': 'the request is too long to be kept',
};

/** Of a guard or a record that forbids reuse. A name without words is told as it is. */
export const refusalWords = (name: string): string => refusals[name] ?? name;

const refusals: Readonly<Record<string, string>> = {
  number: 'numbers, units, dates or versions differ',
  negation: 'one of them is negated',
  antonym: 'one says the opposite of the other',
  entity: 'they are about different names',
  order: 'the same words in an order that means something else',
  content: 'the words that carry the content differ',
  wh: 'they ask for different things (who, when, where, …)',
  language: 'they are in different languages',
  format: 'they want a different form of answer',
  code: 'code, identifiers or flags differ',
  quarantined: 'a person said that this stored answer is wrong',
  'denied-pair': 'a person said that these two are different questions',
};

/** What a tier of the cache said. */
export function tierWords(result: TierResult, what: string, reason?: string): string {
  switch (result) {
    case 'hit':
      return `a stored answer to ${what}`;
    case 'miss':
      return reason === undefined ? `no stored answer to ${what}` : (missWords[reason] ?? reason);
    default:
      return `trouble${reason === undefined ? '' : `: ${reason}`}; counted as a miss`;
  }
}

const missWords: Readonly<Record<string, string>> = {
  'no-neighbour': 'no stored question is close enough to look at',
  'below-threshold': 'no close stored question is sure enough to serve',
  vetoed: 'every close stored question was refused',
  'not-eligible': 'this text cannot be compared with others',
  stale: 'the close stored answers may not serve any more',
};

export function candidateWords(candidate: TracedCandidate, trace: LookupTrace): string {
  if (candidate.refusedBy.length > 0) return `refused: ${candidate.refusedBy.map(refusalWords).join('; ')}`;
  const duplicate = candidate.nearDuplicate ? 'near-duplicate; ' : '';
  if (candidate.probability === undefined) {
    if (trace.state !== 'fixed') return `${duplicate}not scored`;
    if (trace.cut === undefined) return 'not refused';
    return candidate.similarity >= trace.cut ? 'close enough' : 'not close enough';
  }
  if (trace.cut === undefined) return `${duplicate}scored; no cut is certified yet`;
  return `${duplicate}${candidate.probability >= trace.cut ? 'above' : 'below'} the cut`;
}

export function decisionWords({ state, cut, auditsMissing }: LookupTrace): string {
  switch (state) {
    case 'fixed':
      return cut === undefined
        ? 'A fixed cosine threshold with guards decides.'
        : `A fixed cosine threshold of ${cut.toFixed(3)} with guards decides.`;
    case 'certified':
      return cut === undefined
        ? 'Certified by audits.'
        : `Certified by audits: a stored answer is served from a probability of ${share(cut)}.`;
    case 'closed':
      return 'Closed: audited answers were wrong too often, so no probability is enough until audits say otherwise.';
    default:
      return `Learning: ${
        auditsMissing === undefined ? 'more audits are' : `about ${auditsMissing} more audits are`
      } needed before other wordings than near-duplicates are served.`;
  }
}

/** Targets at which nothing is certified share one sentence. */
export function whatIfWords(atTargets: LookupTrace['atTargets']): string[] {
  const shut = atTargets.filter(({ cut }) => cut === undefined).map(({ target }) => share(target));
  return [
    ...(shut.length === 0 ? [] : [`At a target of ${either(shut)} nothing is certified yet.`]),
    ...atTargets.flatMap(({ target, cut, hit }) =>
      cut === undefined
        ? []
        : [`At a target of ${share(target)} this would ${hit ? '' : 'not '}be a hit (cut ${share(cut)}).`],
    ),
  ];
}

const either = (names: readonly string[]): string =>
  names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

/** A share as people say it: 5 %, 97.3 %. */
const share = (value: number): string => `${Number((value * 100).toFixed(1))} %`;
