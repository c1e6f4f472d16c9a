/** How the semantic tier decides: scores of hits and misses, near misses, and what waits for a person's word. */
import { z } from 'zod';
import type { LookupTrace, TracedCandidate } from '../cache/cache-types.ts';
import { caseVerdicts } from '../cache/learner.ts';
import { AppError } from '../core/errors.ts';
import { requestId } from '../core/ids.ts';
import type { AdminContext, AdminDeps } from './admin-deps.ts';
import type { CacheAuditsView, CacheDecisionsView, CaseRequest, NearMissView } from './admin-types.ts';
import { parseJson, readBody, sendJson, type Exchange } from './http.ts';
import { candidateWords } from './why/words.ts';

/** Shown in full; more are only counted. */
const nearMissesMax = 50;

export const showDecisions = (exchange: Exchange, context: AdminContext): void =>
  sendJson(exchange, decisionsOf(context));

/** From the traces that are still remembered: the last requests that the semantic tier was asked about. */
export function decisionsOf({ facts }: Pick<AdminDeps, 'facts'>): CacheDecisionsView {
  const scores: CacheDecisionsView['scores'][number][] = [];
  const nearMisses: NearMissView[] = [];
  let last: LookupTrace | undefined;
  for (const record of facts.requests(facts.requestsMax)) {
    const trace = facts.why(requestId(record.id))?.trace;
    if (trace === undefined) continue;
    // Newest first: how it decides now.
    last ??= trace;
    const hit = record.cache === 'semantic';
    const closest = closestOf(trace);
    scores.push({ hit, similarity: closest?.similarity, probability: closest?.probability });
    if (hit || closest === undefined) continue;
    nearMisses.push({
      requestId: record.id,
      at: record.at,
      model: record.model,
      question: trace.text,
      closest: {
        entryId: closest.entryId,
        text: closest.text,
        similarity: closest.similarity,
        probability: closest.probability,
        says: candidateWords(closest, trace),
      },
    });
  }
  const byProbability = last !== undefined && last.state !== 'fixed';
  const closeness = ({ closest }: NearMissView) => (byProbability ? (closest.probability ?? -1) : closest.similarity);
  return {
    policy: last?.policy,
    state: last?.state,
    decidesBy: byProbability ? 'probability' : 'similarity',
    cut: last?.cut,
    scores,
    nearMisses: nearMisses.toSorted((a, b) => closeness(b) - closeness(a)).slice(0, nearMissesMax),
    nearMissesFound: nearMisses.length,
  };
}

const closestOf = ({ chosen, candidates }: LookupTrace): TracedCandidate | undefined => chosen ?? candidates[0];

export const showAudits = (exchange: Exchange, context: AdminContext): void => sendJson(exchange, auditsOf(context));

export function auditsOf({ facts }: Pick<AdminDeps, 'facts'>): CacheAuditsView {
  const { semantic, mode } = facts.status().cache;
  return {
    state: semantic?.audits.state ?? 'off',
    why:
      semantic?.audits.why ??
      (mode === 'on' ? 'a fixed threshold decides, and learns nothing' : `cache.mode is ${mode}`),
    pending: semantic?.audits.pending ?? 0,
    cases: facts.openCases(),
  };
}

export const caseSchema = z.strictObject({ verdict: z.enum(caseVerdicts) }) satisfies z.ZodType<CaseRequest>;

export async function decideCase(exchange: Exchange, { facts, options }: AdminContext, id: string): Promise<void> {
  const parsed = caseSchema.safeParse(parseJson(await readBody(exchange.request, options.bodyBytesMax)));
  if (!parsed.success) throw new AppError('bad_request', `expected {"verdict": one of ${caseVerdicts.join(', ')}}`);
  const { verdict } = parsed.data;
  if (!facts.decideCase(id, verdict))
    throw new AppError(
      'entry_not_found',
      `no open case \`${id.slice(0, 100)}\`; it was settled, or made room for newer ones`,
    );
  exchange.audit.detail = verdict;
  sendJson(exchange, { id, verdict });
}
