import type { Expression } from './expression.ts';

/** `page`: wakes somebody. `ticket`: can wait for the morning. */
export type Severity = 'page' | 'ticket';

export interface AlertRule {
  readonly name: string;
  readonly severity: Severity;
  /** Fires while this holds for something. */
  readonly when: Expression;
  /** Told earlier, as `warn`, while this holds and `when` does not. */
  readonly warnWhen?: Expression;
  /** It must have held for this long. */
  readonly forMs: number;
  /**
   * What silence of its series means. `ok`: nothing is configured or nothing happens, which is no fault.
   * `fires`: the silence is the fault; only somebody outside can hear it, so it is for Prometheus alone.
   */
  readonly noData: 'ok' | 'fires';
  /** One line: what is wrong. */
  readonly summary: string;
  /** One line: what to do first. */
  readonly action: string;
}

/** An expression that is worked out at every evaluation and kept, to be looked back at. */
export interface Recording {
  readonly name: string;
  readonly of: Expression;
}

/** Of its section in docs/runbook.md, as a Markdown reader makes it from the heading. */
export const runbookAnchor = (rule: Pick<AlertRule, 'name'>): string => rule.name.toLowerCase();

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
