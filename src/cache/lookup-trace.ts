/** Turns a decision into what `why` tells. Keeps texts and numbers only: entries with their answers stay free to go. */
import type { EntryId } from '../core/ids.ts';
import type { EpochMs } from '../core/units.ts';
import type { LookupTrace, TracedCandidate } from './cache-types.ts';
import type { JudgedCandidate } from './decision/engine-types.ts';
import { inputNames } from './decision/inputs.ts';
import type { Candidate, HitDecision, HitPolicy } from './hit-policy.ts';
import type { Standing } from './learner.ts';

export interface TraceFacts {
  readonly policy: HitPolicy;
  readonly text: string;
  readonly stages: LookupTrace['stages'];
  readonly standing: Standing | undefined;
  readonly now: EpochMs;
  /** Absent where there was nothing to decide about. */
  readonly decided?: { readonly decision: HitDecision; readonly candidates: readonly Candidate[] };
}

export function traceOf({ policy, text, stages, standing, now, decided }: TraceFacts): LookupTrace {
  const detail = decided?.decision.detail;
  const candidates =
    decided === undefined
      ? []
      : detail === undefined
        ? fixedCandidates(decided.candidates, decided.decision, now)
        : detail.judged.map((each) => judgedCandidate(each, now));
  const chosenId = detail?.chosen?.candidate.entryId ?? (decided && chosenOf(decided.decision));
  return {
    policy: policy.name,
    text,
    stages,
    candidates,
    chosen: candidates.find(({ entryId }) => entryId === chosenId),
    state: detail?.state ?? standing?.state ?? 'fixed',
    cut: detail === undefined ? policy.cut : detail.cut,
    auditsMissing: standing?.auditsMissing,
    atTargets: detail?.atTargets ?? [],
  };
}

const ageOf = (storedAt: EpochMs, now: EpochMs): number => Math.max(0, Math.floor((now - storedAt) / 1000));

function judgedCandidate({ candidate, refusedBy, probability, nearDuplicate, inputs }: JudgedCandidate, now: EpochMs) {
  const traced: TracedCandidate = {
    entryId: candidate.entryId as EntryId,
    text: candidate.text,
    ageS: ageOf(candidate.storedAt, now),
    similarity: candidate.similarity,
    refusedBy,
    probability,
    nearDuplicate,
  };
  if (inputs === undefined) return traced;
  // Named when somebody looks: few decisions are ever explained.
  return Object.defineProperty(traced, 'inputs', { enumerable: true, get: () => named(inputs) });
}

const named = (inputs: Float32Array): Readonly<Record<string, number>> =>
  Object.fromEntries(inputNames.map((name, i) => [name, inputs[i]!]));

/** A fixed threshold refuses in the order of candidates, one guard each, until it serves one or they are too far. */
function fixedCandidates(
  candidates: readonly Candidate[],
  decision: HitDecision,
  now: EpochMs,
): readonly TracedCandidate[] {
  const vetoes = decision.vetoes ?? [];
  return candidates.map(({ entry, similarity }, i) => ({
    entryId: entry.id,
    text: entry.semantic?.text ?? '',
    ageS: ageOf(entry.storedAt, now),
    similarity,
    refusedBy: vetoes[i] === undefined ? [] : [vetoes[i]],
    probability: undefined,
    nearDuplicate: false,
  }));
}

const chosenOf = (decision: HitDecision): EntryId | undefined =>
  (decision.kind === 'reuse' ? decision.candidate : decision.best)?.entry.id;
