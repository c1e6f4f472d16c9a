/** What one metric is; the tables beside this file are made of it. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  /** By label, which values it can have. Never a request, a key, a prompt or an instance. */
  readonly labels: Readonly<Record<string, LabelValues>>;
  readonly buckets?: readonly number[];
  /**
   * `zero`: every label set is there from the start, because an absent series silences an alert on it.
   * `absent`: there once it is known; what is not configured has no value, which is not the value 0.
   */
  readonly start: 'zero' | 'absent';
  readonly help: string;
}

/** The values themselves, or the most there can be of those that are only known at run time. */
export type LabelValues = readonly string[] | { readonly max: number };

/** Names of models with a label of their own, and `other`: names of strangers must not grow the metrics. */
export const modelValues = { max: 21 } as const;
/** `t1`, `t2`, …: used again by the next thinker. As many as `thinkers` in the configuration may list. */
export const slotValues = { max: 64 } as const;

export const latencyBucketsS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const;
export const stageBucketsS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1] as const;

/** Who made an answer. */
export const sourceValues = ['exact', 'semantic', 'coalesced', 'thinker', 'fallback'] as const;
