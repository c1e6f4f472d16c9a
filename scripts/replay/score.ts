/** What came of a replay: hits by kind, wrong hits, latencies. Pure. */
import { percentile, round, wilson95, type Interval } from '../../bench/lib/stats.ts';
import type { Row } from '../../bench/lib/rows.ts';

export const kinds = ['exact', 'semantic', 'coalesced', 'miss', 'bypass', 'error'] as const;
export type Kind = (typeof kinds)[number];

/** One query and what was answered. */
export interface Outcome {
  readonly kind: Kind;
  readonly group: string | undefined;
  readonly ms: number;
  readonly requestId: string | undefined;
  /** The stored answer that was served. */
  readonly entryId: string | undefined;
  readonly similarity: number | undefined;
  /** Hash of the answer's text. */
  readonly answerHash: string | undefined;
  readonly tokens: number;
}

/** The request that made a stored answer, by the id of the entry; from the operator port. */
export type Origins = ReadonlyMap<string, string>;

export type Verdict = 'right' | 'wrong' | 'unknown';

/**
 * Whether each hit served an answer made for a query of its own group. The entry names the request that
 * made it, and that request's group is known when it was part of this replay. Where the entry is gone,
 * or the hit shared a running call and so has no entry, the text of the answer tells: it belongs to the
 * group of the miss that got it first, unless misses of two groups got the same text.
 * O(outcomes).
 */
export function judge(outcomes: readonly Outcome[], origins: Origins): Verdict[] {
  const groupOfRequest = new Map<string, string>();
  const groupOfAnswer = new Map<string, string | undefined>();
  for (const { kind, group, requestId, answerHash } of outcomes) {
    if (group === undefined || kind !== 'miss') continue;
    if (requestId !== undefined) groupOfRequest.set(requestId, group);
    if (answerHash === undefined) continue;
    const other = groupOfAnswer.has(answerHash) && groupOfAnswer.get(answerHash) !== group;
    groupOfAnswer.set(answerHash, other ? undefined : group);
  }
  return outcomes.map(({ kind, group, entryId, answerHash }) => {
    if (!isHit(kind) || group === undefined) return 'unknown';
    const origin = entryId === undefined ? undefined : origins.get(entryId);
    const made =
      (origin === undefined ? undefined : groupOfRequest.get(origin)) ??
      (answerHash === undefined ? undefined : groupOfAnswer.get(answerHash));
    return made === undefined ? 'unknown' : made === group ? 'right' : 'wrong';
  });
}

export const isHit = (kind: Kind): boolean => kind === 'exact' || kind === 'semantic' || kind === 'coalesced';

export interface Summary {
  readonly queries: number;
  readonly hits: number;
  readonly judged: number;
  readonly wrong: number;
  /** Wrong hits per judged hit: the share of false hits. */
  readonly fhs: number;
  readonly fhsInterval: Interval;
  /** Wrong hits per query whose group is known. */
  readonly err: number;
  readonly errInterval: Interval;
  /** Share of queries whose group came before: no cache could rightly hit more. Undefined without groups. */
  readonly repeatShare: number | undefined;
  readonly errors: number;
  readonly tokensSaved: number;
  readonly callsSaved: number;
}

export function summarise(outcomes: readonly Outcome[], verdicts: readonly Verdict[]): Summary {
  const seen = new Set<string>();
  let grouped = 0;
  let repeats = 0;
  let hits = 0;
  let judged = 0;
  let wrong = 0;
  let errors = 0;
  let tokensSaved = 0;
  outcomes.forEach(({ kind, group, tokens }, i) => {
    if (group !== undefined) {
      grouped++;
      if (seen.has(group)) repeats++;
      seen.add(group);
    }
    if (kind === 'error') errors++;
    if (!isHit(kind)) return;
    hits++;
    tokensSaved += tokens;
    if (verdicts[i] !== 'unknown') judged++;
    if (verdicts[i] === 'wrong') wrong++;
  });
  return {
    queries: outcomes.length,
    hits,
    judged,
    wrong,
    fhs: judged === 0 ? 0 : wrong / judged,
    fhsInterval: wilson95(wrong, judged),
    err: grouped === 0 ? 0 : wrong / grouped,
    errInterval: wilson95(wrong, grouped),
    repeatShare: grouped === 0 ? undefined : repeats / grouped,
    errors,
    tokensSaved,
    callsSaved: hits,
  };
}

/** One row for each kind that occurred. */
export function kindRows(outcomes: readonly Outcome[], verdicts: readonly Verdict[]): Row[] {
  return kinds.flatMap((kind) => {
    const at = outcomes.flatMap((outcome, i) => (outcome.kind === kind ? [i] : []));
    if (at.length === 0) return [];
    const ms = at.map((i) => outcomes[i]!.ms);
    const count = (verdict: Verdict) => at.filter((i) => verdicts[i] === verdict).length;
    return [
      {
        kind,
        queries: at.length,
        share: round(at.length / outcomes.length, 4),
        wrong: isHit(kind) ? count('wrong') : null,
        unjudged: isHit(kind) ? count('unknown') : null,
        p50Ms: round(percentile(ms, 0.5), 2),
        p95Ms: round(percentile(ms, 0.95), 2),
        p99Ms: round(percentile(ms, 0.99), 2),
      },
    ];
  });
}
