/** All checks at once: one that hangs or breaks holds up none of the others. */
import type { Clock } from '../core/clock.ts';
import { toAppError } from '../core/errors.ts';
import {
  checkTitles,
  type Check,
  type CheckResult,
  type CheckStatus,
  type DoctorReport,
  type Finding,
} from './check.ts';

export interface RunOptions {
  readonly clock: Clock;
  readonly version: string;
  /** Mends what a program can mend, and looks again. */
  readonly fix: boolean;
  /** One check, its mending included. */
  readonly deadlineMs: number;
  readonly onResult?: (result: CheckResult) => void;
}

const severity: readonly CheckStatus[] = ['skipped', 'ok', 'warn', 'fail'];

export async function runChecks(checks: readonly Check[], options: RunOptions): Promise<DoctorReport> {
  const { clock, version, onResult } = options;
  const results = await Promise.all(
    checks.map(async (check) => {
      const result = await runOne(check, options);
      onResult?.(result);
      return result;
    }),
  );
  const worst = results.reduce<CheckStatus>(
    (worst, { status }) => (severity.indexOf(status) > severity.indexOf(worst) ? status : worst),
    'skipped',
  );
  return { at: clock.now(), version, worst, checks: results };
}

async function runOne(check: Check, { clock, fix, deadlineMs }: RunOptions): Promise<CheckResult> {
  const beganMs = clock.monotonicMs();
  const stop = new AbortController();
  const timer = clock.after(deadlineMs, () => stop.abort(new Error(`no answer within ${deadlineMs / 1000} s`)));
  const call = { signal: stop.signal };
  const guarded = <T>(act: () => Promise<T>): Promise<T> =>
    Promise.race([
      act(),
      new Promise<never>((_, reject) =>
        stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error), { once: true }),
      ),
    ]);
  const look = async (): Promise<Finding> => {
    try {
      return await guarded(() => check.look(call));
    } catch (error) {
      return broken(error);
    }
  };
  let finding = await look();
  let mended: string | undefined;
  if (fix && finding.mend) {
    const { mend } = finding;
    try {
      mended = await guarded(() => mend(call));
      finding = await look();
    } catch (error) {
      mended = `could not be mended: ${wordsOf(error)}`;
    }
  }
  timer.clear();
  return {
    id: check.id,
    title: checkTitles[check.id],
    status: finding.status,
    evidence: finding.evidence,
    fix: finding.fix,
    mendable: finding.mend !== undefined,
    mended,
    anchor: `docs/doctor.md#${check.id.toLowerCase()}`,
    ms: Math.round(clock.monotonicMs() - beganMs),
  };
}

/** What a check cannot look at is not well. */
const broken = (error: unknown): Finding => ({
  status: 'fail',
  evidence: wordsOf(error),
  fix: 'see what it says, and run the doctor again',
});

function wordsOf(error: unknown): string {
  const known = toAppError(error);
  return known.code === 'internal' && error instanceof Error ? error.message : known.message;
}
