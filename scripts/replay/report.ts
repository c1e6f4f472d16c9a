/** The outcome of a replay as lines for a person and rows for a file. */
import { round, type Interval } from '../../bench/lib/stats.ts';
import type { Row } from '../../bench/lib/rows.ts';
import { basename } from 'node:path';
import type { EntryFacts } from './origins.ts';
import type { Query } from './read-rows.ts';
import { kindRows, summarise, type Outcome, type Verdict } from './score.ts';

export interface RunFacts {
  readonly file: string;
  readonly dialect: string;
  readonly model: string;
  readonly concurrency: number;
  readonly noCache: boolean;
  /** On a gateway of its own with an empty cache and a simulated thinker. */
  readonly started: boolean;
  readonly seconds: number;
}

export function reportRows(outcomes: readonly Outcome[], verdicts: readonly Verdict[], run: RunFacts): Row[] {
  const summary = summarise(outcomes, verdicts);
  const about = {
    file: basename(run.file),
    dialect: run.dialect,
    model: run.model,
    concurrency: run.concurrency,
    noCache: run.noCache,
    simulated: run.started,
  };
  const total: Row = {
    ...about,
    kind: 'all',
    queries: summary.queries,
    hits: summary.hits,
    hitShare: share(summary.hits, summary.queries),
    repeatShare: summary.repeatShare === undefined ? null : round(summary.repeatShare, 4),
    judgedHits: summary.judged,
    wrongHits: summary.wrong,
    wrongPerHit: round(summary.fhs, 4),
    wrongPerHitLow95: round(summary.fhsInterval.low, 4),
    wrongPerHitHigh95: round(summary.fhsInterval.high, 4),
    wrongPerQuery: round(summary.err, 5),
    wrongPerQueryLow95: round(summary.errInterval.low, 5),
    wrongPerQueryHigh95: round(summary.errInterval.high, 5),
    errors: summary.errors,
    tokensSaved: summary.tokensSaved,
    upstreamCallsSaved: summary.callsSaved,
    seconds: round(run.seconds, 2),
    queriesPerS: Math.round(summary.queries / run.seconds),
  };
  return [total, ...kindRows(outcomes, verdicts).map((row) => ({ ...about, ...row }))];
}

export function reportLines(
  outcomes: readonly Outcome[],
  verdicts: readonly Verdict[],
  run: RunFacts & { readonly stopped: boolean; readonly of: number },
): string[] {
  const summary = summarise(outcomes, verdicts);
  const asked = run.stopped ? `stopped after ${summary.queries} of ${run.of} queries` : `${summary.queries} queries`;
  const notes = [
    ...(run.noCache ? ['cache bypassed (no-store)'] : []),
    ...(run.started ? ['a gateway of its own, empty cache, simulated thinker'] : []),
  ];
  const facts = [`model ${run.model}`, run.dialect, `${run.concurrency} at a time`, ...notes];
  const lines = [
    `${asked} of ${basename(run.file)}, ${facts.join(', ')}`,
    '',
    ...table(kindRows(outcomes, verdicts)),
    '',
    `hits            ${summary.hits} of ${summary.queries} (${percent(summary.hits / summary.queries)})` +
      (summary.repeatShare === undefined ? '' : `; ${percent(summary.repeatShare)} of the queries repeat a group`),
  ];
  if (summary.judged > 0) {
    lines.push(
      `wrong hits      ${summary.wrong} of ${summary.judged} judged hits: ${withInterval(summary.fhs, summary.fhsInterval)} per hit`,
      `                ${withInterval(summary.err, summary.errInterval)} per query`,
    );
  }
  if (summary.hits > summary.judged)
    lines.push(`not judged      ${summary.hits - summary.judged} hits, whose group or origin is not known`);
  lines.push(
    `saved           ${summary.callsSaved} upstream calls, ${summary.tokensSaved} tokens`,
    `time            ${run.seconds.toFixed(1)} s, ${Math.round(summary.queries / run.seconds)} queries/s, ${summary.errors} errors`,
  );
  if (run.concurrency > 1 && !run.noCache)
    lines.push(
      `note            ${run.concurrency} queries are under way at a time, so a rewording may arrive before the first answer; --concurrency 1 keeps the order`,
    );
  return lines;
}

/** The first `count` wrong hits, nearest last: what was asked, and what the served answer was made for. */
export function wrongLines(
  found: {
    readonly outcomes: readonly Outcome[];
    readonly verdicts: readonly Verdict[];
    readonly asked: readonly Query[];
    readonly facts: ReadonlyMap<string, EntryFacts>;
  },
  count: number,
): string[] {
  const wrong = found.outcomes.flatMap((outcome, i) => (found.verdicts[i] === 'wrong' ? [{ outcome, i }] : []));
  return wrong.slice(0, count).flatMap(({ outcome, i }) => {
    const stored = outcome.entryId === undefined ? undefined : found.facts.get(outcome.entryId)?.text;
    const similarity = outcome.similarity === undefined ? '' : ` ${outcome.similarity}`;
    return [
      '',
      `wrong ${outcome.kind}${similarity}`,
      `  asked   ${found.asked[i]!.text}`,
      `  served  ${stored ?? '(not known)'}`,
    ];
  });
}

const share = (count: number, total: number): number => (total === 0 ? 0 : round(count / total, 4));
const percent = (value: number): string => `${(100 * value).toFixed(value < 0.01 ? 2 : 1)} %`;
const withInterval = (value: number, { low, high }: Interval): string =>
  `${percent(value)} (95 %: ${percent(low)} to ${percent(high)})`;

function table(rows: readonly Row[]): string[] {
  const columns = Object.keys(rows[0] ?? {});
  const cells = [
    columns,
    ...rows.map((row) => columns.map((column) => (row[column] === null ? '' : String(row[column])))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]!.length)));
  return cells.map((line) => line.map((cell, at) => cell.padStart(widths[at]!)).join('  '));
}
