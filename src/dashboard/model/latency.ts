/** How fast it is, from the requests that the page knows. Percentiles, never averages. */
import type { RequestRecord } from '../../telemetry/request-log.ts';

export interface Pace {
  readonly n: number;
  readonly p95Ms: number | undefined;
  /** p95 of each of a few equal parts, oldest first; undefined for a part with nothing in it. */
  readonly parts: readonly (number | undefined)[];
  /** Of the oldest one counted. */
  readonly since: number | undefined;
}

const partsShown = 24;

export const isHit = ({ cache, outcome }: RequestRecord): boolean =>
  outcome === 'ok' && (cache === 'exact' || cache === 'semantic');

/** First words of a thinker, a wait in the queue and a cold model included. */
export const isAnswer = ({ cache, outcome, ttftMs }: RequestRecord): boolean =>
  outcome === 'ok' && (cache === 'miss' || cache === 'bypass') && ttftMs !== undefined;

export const hitPace = (records: readonly RequestRecord[]): Pace =>
  paceOf(records.filter(isHit).map(({ at, totalMs }) => ({ at, ms: totalMs })));

export const firstTokenPace = (records: readonly RequestRecord[]): Pace =>
  paceOf(records.filter(isAnswer).map(({ at, ttftMs }) => ({ at, ms: ttftMs! })));

function paceOf(newestFirst: readonly { readonly at: number; readonly ms: number }[]): Pace {
  const oldestFirst = newestFirst.toReversed();
  const size = Math.max(1, Math.ceil(oldestFirst.length / partsShown));
  const parts = [];
  for (let start = 0; start < oldestFirst.length; start += size)
    parts.push(
      quantile(
        oldestFirst.slice(start, start + size).map(({ ms }) => ms),
        0.95,
      ),
    );
  return {
    n: oldestFirst.length,
    p95Ms: quantile(
      oldestFirst.map(({ ms }) => ms),
      0.95,
    ),
    parts,
    since: oldestFirst[0]?.at,
  };
}

/** The smallest value that at least this share of all does not exceed; undefined of nothing. */
export function quantile(values: readonly number[], at: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(at * sorted.length) - 1)];
}
