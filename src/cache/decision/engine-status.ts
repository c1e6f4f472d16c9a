import { wilsonInterval } from './breaker.ts';
import type { EngineMemory } from './engine-memory.ts';
import type { CertificateReport, CertificateState, DecisionStatus } from './engine-types.ts';
import { sigmoid } from './ridge-logistic.ts';

/** What is known, in numbers and in one sentence. */
export function statusOf(state: EngineMemory, targets: readonly number[]): DecisionStatus {
  const { options, scores, groups, labels } = state;
  const names = groups.names();
  let audited = 0;
  let wrong = 0;
  let anyOpen = false;
  let firings = 0;
  for (let group = 0; group < groups.size; group++) {
    const breaker = groups.breaker(group);
    const counts = breaker.counts();
    audited += counts.audited;
    wrong += counts.wrong;
    anyOpen ||= breaker.open;
    firings += breaker.firings;
  }
  const own = certificateStateOf(state, !anyOpen);
  const cut = scores.pooled.byTarget[0]?.cut;
  const estimate = audited === 0 ? undefined : wrong / audited;
  return {
    state: own,
    summary: summaryOf(state, own, anyOpen),
    target: options.target,
    confidence: options.confidence,
    cut: cut === undefined ? undefined : sigmoid(cut),
    labels: labels.rows,
    labelsSinceFit: labels.taken - scores.fittedOn,
    missing: scores.missing,
    certificates: targets.map((target, i): CertificateReport => {
      const certificate = scores.pooled.byTarget[i];
      return {
        target,
        cut: certificate === undefined ? undefined : sigmoid(certificate.cut),
        labels: certificate?.labels ?? 0,
        wrong: certificate?.wrong ?? 0,
      };
    }),
    groups: [...scores.groups].map(([number, group]) => ({
      group: names[number] ?? '',
      labels: group.labels,
      cut: group.byTarget[0] === undefined ? undefined : sigmoid(group.byTarget[0].cut),
    })),
    falseHitShare: {
      audited,
      wrong,
      estimate,
      corrected: estimate === undefined ? undefined : correctedShare(estimate, options.labelNoise),
      ...wilsonInterval(wrong, audited),
    },
    breaker: { open: anyOpen, firedAt: state.firedAt, firings },
    requests: state.requests,
    hits: state.hits,
    ...state.entries.stats(),
  };
}

/** `learning` while more labels may open it, `closed` when the breaker fired or the shares seen will not do. */
export function certificateStateOf(state: EngineMemory, open: boolean): CertificateState {
  if (!open) return 'closed';
  if (state.scores.pooled.byTarget[0] !== undefined) return 'certified';
  const enough = state.labels.rows >= 10 * state.scores.missing.atLeast && state.labels.rows >= closedAfter;
  return enough && state.scores.missing.estimate === undefined ? 'closed' : 'learning';
}

/** Below this many labels the shares seen are no ground to give up hope. */
const closedAfter = 1_000;

/** Share of truly wrong ones, given how often the judge errs. Source: Rogan and Gladen (1978). */
export function correctedShare(
  judged: number,
  noise: { readonly wrongWhenRight: number; readonly rightWhenWrong: number },
): number {
  const corrected = (judged - noise.wrongWhenRight) / (1 - noise.wrongWhenRight - noise.rightWhenWrong);
  return Math.min(1, Math.max(0, corrected));
}

function summaryOf(state: EngineMemory, own: CertificateState, breakerOpen: boolean): string {
  const target = `${Number((state.options.target * 100).toFixed(2))} %`;
  if (own === 'certified') {
    const { labels, wrong } = state.scores.pooled.byTarget[0]!;
    return `certified: ${wrong} of ${labels} audited answers above the cut were wrong, measured against ${target}`;
  }
  if (breakerOpen) return `closed: audits found more wrong hits than ${target} allows; it opens on new audits`;
  if (own === 'closed') return `closed: no score separates right from wrong well enough for ${target}`;
  const { atLeast, estimate } = state.scores.missing;
  return estimate === undefined
    ? `learning: at least ${atLeast} more audits until ${target} can be certified`
    : `learning: about ${estimate} more audits until ${target} can be certified`;
}
