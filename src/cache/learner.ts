import type { Answer } from '../core/answer.ts';
import type { EntryId, ModelName, TenantId } from '../core/ids.ts';
import type { EpochMs } from '../core/units.ts';
import type { AnswerRequest, EndEvent } from '../core/chat.ts';
import type { CacheEntry } from './cache-store.ts';
import type { LookupTrace } from './cache-types.ts';
import type { Decision, DecisionSample, DecisionStatus } from './decision/engine-types.ts';
import type { CacheableRequest } from './plan.ts';

/** How far the semantic tier has learned; kept ready, so that a lookup pays for a read. */
export interface Standing {
  readonly state: LookupTrace['state'];
  readonly auditsMissing: number | undefined;
  /** In one line for a response, such as `learning; audits-missing=340`. */
  readonly note: string;
}

/** A decision on its way to a label. */
export interface Decided {
  readonly plan: CacheableRequest;
  readonly text: string;
  readonly decision: Decision;
  /** The entry that was served, or came closest. */
  readonly entry: CacheEntry;
}

/** A hit that a thinker answered as well: what it would have taken, measured. */
export interface Holdout {
  readonly plan: CacheableRequest;
  readonly fresh: EndEvent;
  readonly stored: CacheEntry;
}

/**
 * Port: what becomes of decisions after they were made. Calls return at once and never throw; the work they
 * cause is bounded and runs later. Driver in `learning/`.
 */
export interface Learner {
  readonly standing: Standing;
  /** A question is about to be looked up, or asked afresh: soon after a hit that says the hit was wrong. */
  asked(plan: CacheableRequest): void;
  served(decided: Decided, request: AnswerRequest): void;
  /** Not served, though an entry was scored: compared when the fresh answer lands. */
  missed(decided: Decided): void;
  landed(plan: CacheableRequest, answer: Answer, facts: { readonly simulated: boolean }): void;
  /** The word of a person about an answer that was served. */
  judged(sample: DecisionSample, right: boolean, neighbours: readonly EntryId[]): void;
  /** Serves no other wording any more. */
  quarantine(id: EntryId): void;
}

/** A person's word on an open case: the stored answer serves the question, does not, or cannot be told. */
export const caseVerdicts = ['correct', 'wrong', 'unsure'] as const;
export type CaseVerdict = (typeof caseVerdicts)[number];

/** Two answers that nothing but a person can compare. */
export interface OpenCase {
  readonly id: string;
  readonly at: EpochMs;
  /** Whether the stored answer was given to the one who asked. */
  readonly served: boolean;
  readonly model: ModelName;
  readonly tenant: TenantId;
  readonly entryId: string;
  readonly question: string;
  /** What the stored answer was given to first; undefined when it is not known. */
  readonly storedQuestion: string | undefined;
  readonly stored: string;
  readonly fresh: string;
  /** That the stored answer is right, as the score has it; in [0, 1]. */
  readonly probability: number;
}

export interface LearnerStatus extends DecisionStatus {
  /** Estimated; undefined when the certificate is open, or more audits alone will not open it. */
  readonly auditsMissing: number | undefined;
  readonly audits: {
    readonly state: 'on' | 'off';
    readonly why: string;
    /** Waiting or running, comparisons included. */
    readonly pending: number;
    /** Since start. */
    readonly taken: number;
    readonly unsure: number;
    readonly dropped: number;
  };
}
