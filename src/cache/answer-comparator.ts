import type { CallOptions } from '../core/chat.ts';
import type { TenantId } from '../core/ids.ts';

export interface Comparison {
  /** The question that was asked now; the stored answer was given to another wording. */
  readonly question: string;
  /** What a thinker says to it. */
  readonly fresh: string;
  readonly stored: string;
  /** Whose question it is. */
  readonly tenant: TenantId;
}

export type ComparisonStage = 'rules' | 'embedding' | 'model';

export interface ComparisonResult {
  /** `unsure` is no label. */
  readonly verdict: 'same' | 'different' | 'unsure';
  /** The stage that decided, or gave up last. */
  readonly by: ComparisonStage;
}

/** Port: would the stored answer have served the question? Drivers in `answer-comparator/`. */
export interface AnswerComparator {
  /** Labels of another comparator are not comparable. */
  readonly id: string;
  /** Faults are `unsure`. Rejects only when the signal fires. */
  compare(comparison: Comparison, options: CallOptions): Promise<ComparisonResult>;
}
