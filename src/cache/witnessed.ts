/** A decision, as a witness is told of it. */
import type { RequestId } from '../core/ids.ts';
import type { Candidate, HitDecision, HitPolicy } from './hit-policy.ts';
import type { WitnessedCandidate, WitnessedComparison } from './witness.ts';

export function witnessed(
  requestId: RequestId,
  policy: HitPolicy,
  decision: HitDecision,
  candidates: readonly Candidate[],
): WitnessedComparison {
  const servedId = decision.kind === 'reuse' ? decision.candidate.entry.id : undefined;
  const { detail } = decision;
  return {
    requestId,
    cut: detail === undefined ? policy.cut : detail.cut,
    cuts: detail?.atTargets.map(({ target, cut }) => ({ target, cut })) ?? [],
    candidates: candidates.map(({ entry, similarity }, i): WitnessedCandidate => {
      const judged = detail?.judged.find(({ candidate }) => candidate.entryId === entry.id);
      // A fixed threshold refuses candidates in their order until it serves one.
      const refused = detail === undefined && i < (decision.vetoes?.length ?? 0);
      return {
        answerOf: entry.origin,
        score: detail === undefined ? (refused ? undefined : similarity) : judged?.probability,
        nearDuplicate: judged?.nearDuplicate ?? false,
        served: entry.id === servedId,
      };
    }),
  };
}
