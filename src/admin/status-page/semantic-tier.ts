import { formatDuration } from '../../core/format.ts';
import type { StatusReport } from '../admin-types.ts';
import { count, escape, list } from '../html.ts';

/** Whether other wordings are served, and what has been measured about that. */
export function semanticTier({ cache, startedAt, uptimeS }: StatusReport): string {
  const { semantic } = cache;
  if (cache.mode !== 'on') return `<p>Not used: <code>cache.mode</code> is ${escape(cache.mode)}.</p>`;
  if (semantic === undefined)
    return '<p>A fixed cosine threshold with guards decides. Nothing is learned, and wrong hits are not measured.</p>';
  const { state, summary, target, confidence, falseHitShare, breaker } = semantic;
  const tone = state === 'certified' ? 'good' : state === 'learning' ? 'warn' : 'bad';
  const firedS = breaker.firedAt === undefined ? undefined : (startedAt + uptimeS * 1000 - breaker.firedAt) / 1000;
  return list([
    ['State', `<span class="${tone}">${escape(state)}</span><br><span class="soft">${escape(summary)}</span>`],
    ['Target', `at most ${share(target)} of its hits wrong, with ${share(confidence)} confidence`],
    ['Wrong hits', measured(falseHitShare)],
    ['Audits', audits(semantic)],
    ['Said to be wrong', `${count(semantic.quarantined)} answers, ${count(semantic.deniedPairs)} pairs of questions`],
    ...(firedS === undefined
      ? []
      : ([
          ['Closed by audits', `${formatDuration(Math.max(0, firedS))} ago, ${count(breaker.firings)} in all`],
        ] as const)),
  ]);
}

type Semantic = NonNullable<StatusReport['cache']['semantic']>;

function measured({ audited, wrong, estimate, corrected, low, high }: Semantic['falseHitShare']): string {
  if (audited === 0 || estimate === undefined) return 'not measured yet: no hit was audited';
  return `measured ${share(corrected ?? estimate)} (95 %: ${share(low)} to ${share(high)}), ${count(wrong)} of ${count(audited)} audited hits`;
}

function audits({ state, labels, missing, audits: { state: running, why, pending } }: Semantic): string {
  const rest =
    state === 'certified'
      ? ''
      : missing.estimate === undefined
        ? `; at least ${count(missing.atLeast)} more${labels === 0 ? '' : ', and fewer wrong ones than until now'}`
        : `; about ${count(missing.estimate)} more are missing, at least ${count(missing.atLeast)}`;
  return `${count(labels)} so far${rest}<br><span class="soft">${running}: ${escape(why)}; ${count(pending)} under way</span>`;
}

const share = (value: number): string => `${Number((value * 100).toFixed(1))} %`;
