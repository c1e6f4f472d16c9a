/** One thing that can be wrong, how to see it, and what to do about it. */
import type { CallOptions } from '../core/chat.ts';

export const checkTitles = {
  D01: 'Node and this machine',
  D02: 'ports',
  D03: 'disk and clock',
  D04: 'Redis',
  D05: 'embedder',
  D06: 'key of the GPU market',
  D07: 'credit at the GPU market',
  D08: 'caps on spending',
  D09: 'machines that nobody knows',
  D10: 'stopped machines that bill',
  D11: 'thinkers',
  D12: 'a question, asked twice',
  D13: 'metrics',
  D14: 'alerts',
  D15: 'age of the prices',
  D16: 'files with secrets',
  D17: 'doors to the network',
  D18: 'version and stored data',
} as const;

export type CheckId = keyof typeof checkTitles;

/** `skipped`: there is nothing to look at here, and it says why. */
export type CheckStatus = 'ok' | 'warn' | 'fail' | 'skipped';

export interface Finding {
  readonly status: CheckStatus;
  /** What was seen, with its figures. */
  readonly evidence: string;
  /** What to do; with every warn and fail. */
  readonly fix?: string;
  /** Does it, where a program can; says what it did. Called on `--fix` alone. */
  readonly mend?: (options: CallOptions) => Promise<string>;
}

export interface Check {
  readonly id: CheckId;
  look(options: CallOptions): Promise<Finding>;
}

export interface CheckResult {
  readonly id: CheckId;
  readonly title: string;
  readonly status: CheckStatus;
  readonly evidence: string;
  readonly fix: string | undefined;
  /** `--fix` can mend it. */
  readonly mendable: boolean;
  /** What `--fix` did. */
  readonly mended: string | undefined;
  /** Section that explains it. */
  readonly anchor: string;
  readonly ms: number;
}

export interface DoctorReport {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly version: string;
  readonly worst: CheckStatus;
  readonly checks: readonly CheckResult[];
}

export const ok = (evidence: string): Finding => ({ status: 'ok', evidence });
export const skipped = (evidence: string): Finding => ({ status: 'skipped', evidence });
export const warn = (evidence: string, fix: string, mend?: Finding['mend']): Finding => ({
  status: 'warn',
  evidence,
  fix,
  ...(mend && { mend }),
});
export const fail = (evidence: string, fix: string, mend?: Finding['mend']): Finding => ({
  status: 'fail',
  evidence,
  fix,
  ...(mend && { mend }),
});
