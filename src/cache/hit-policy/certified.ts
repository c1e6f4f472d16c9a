/**
 * The learning policy: guards first, then a probability, then a cut that audits have certified.
 * Everything it knows is in the decision engine; see `decision/engine-types.ts`.
 */
import type { GuardName } from '../guard-name.ts';
import type { Candidate, HitDecision, HitPolicy } from '../hit-policy.ts';
import type { Decision, DecisionCandidate, DecisionEngine, Refusal } from '../decision/engine-types.ts';

export interface CertifiedPolicy extends HitPolicy {
  readonly engine: DecisionEngine;
  /** Decides without counting, for explanations. */
  preview(text: string, candidates: readonly Candidate[], asker?: { readonly group?: string }): HitDecision;
}

interface StoredCandidate extends DecisionCandidate {
  readonly stored: Candidate;
}

/** Chance is drawn by the engine's own source, so that decisions can be replayed from the engine alone. */
export function createCertifiedPolicy(engine: DecisionEngine): CertifiedPolicy {
  return {
    name: 'certified',
    engine,
    decide: (text, candidates, _random, asker) =>
      toHitDecision(engine.decide(queryOf(text, asker), storedOf(candidates)), candidates),
    preview: (text, candidates, asker) =>
      toHitDecision(engine.preview(queryOf(text, asker), storedOf(candidates)), candidates),
  };
}

const queryOf = (text: string, asker: { readonly group?: string } | undefined) => ({ text, ...asker });

/** An entry without its text cannot be compared by words. */
const storedOf = (candidates: readonly Candidate[]): readonly StoredCandidate[] =>
  candidates.flatMap((stored) => {
    const { entry, similarity } = stored;
    if (entry.semantic === undefined) return [];
    return [{ entryId: entry.id, text: entry.semantic.text, similarity, storedAt: entry.storedAt, stored }];
  });

function toHitDecision(detail: Decision<StoredCandidate>, candidates: readonly Candidate[]): HitDecision {
  const refused = detail.judged.flatMap(({ refusedBy }) => refusedBy[0] ?? []);
  const vetoes = refused.filter(isGuard);
  if (detail.kind === 'reuse') return { kind: 'reuse', candidate: detail.chosen!.candidate.stored, vetoes, detail };
  const best = detail.chosen?.candidate.stored ?? candidates[0];
  if (best === undefined) return { kind: 'ask', reason: 'no-neighbour', detail };
  if (detail.chosen !== undefined) return { kind: 'ask', reason: 'below-threshold', best, vetoes, detail };
  const [guard] = vetoes;
  return { kind: 'ask', reason: 'vetoed', best, vetoes, detail, ...(guard !== undefined && { guard }) };
}

const isGuard = (refusal: Refusal): refusal is GuardName => refusal !== 'quarantined' && refusal !== 'denied-pair';
