/**
 * The words of the decision engine: may this stored answer be reused for this text, how sure are we,
 * and what has been measured about that?
 *
 * How to use it:
 *
 *   const engine = createDecisionEngine({ embeddingModelId, clock, random, options: { target: 0.05 } });
 *   const decision = engine.decide({ text, group: tenant }, candidates);
 *   if (decision.kind === 'reuse') serve(decision.chosen.candidate);
 *   // Grey miss: the fresh answer exists anyway, so it is always compared (`audit.wanted`, probability 1).
 *   // Hit: `audit.wanted` says whether to generate a fresh answer in the background and compare.
 *   if (decision.audit.wanted && decision.sample) {
 *     const right = await compare(fresh, stored);
 *     engine.label({ sample: decision.sample, right, source: 'audit' });
 *   }
 *   // After labels: run slices off the request path until nothing is left to do.
 *   while (engine.tick()) await nextTurn();
 *   // Persistence: what `export()` gives is JSON; `import()` takes it back and says what it kept.
 *
 * `decision.sample` is plain data: it may wait in a queue, or travel as JSON, until its label is known.
 */
import type { EpochMs } from '../../core/units.ts';
import type { GuardName } from '../guard-name.ts';

/** Shares at which every decision is also judged, so that `why` can say what another target would have done. */
export const comparedTargets = [0.01, 0.02, 0.05, 0.1, 0.2] as const;

export interface DecisionQuery {
  /** The last user text. */
  readonly text: string;
  /** Whose traffic this is, such as a tenant: certificates are per group where it has enough labels. */
  readonly group?: string;
}

export interface DecisionCandidate {
  readonly entryId: string;
  /** The text that the stored answer was given to. */
  readonly text: string;
  /** Cosine, [-1, 1]. */
  readonly similarity: number;
  readonly storedAt: EpochMs;
}

export type Refusal = GuardName | 'quarantined' | 'denied-pair';

export interface JudgedCandidate<C extends DecisionCandidate = DecisionCandidate> {
  readonly candidate: C;
  /** What forbids reuse whatever the probability says; empty for a candidate that was scored. */
  readonly refusedBy: readonly Refusal[];
  /** Probability that the stored answer is right for this text; undefined when refused. */
  readonly probability: number | undefined;
  /** Same content and question words, every guard clean: the only class that is served uncertified. */
  readonly nearDuplicate: boolean;
  /** Inputs of the score, in the order of `inputNames`; undefined when refused. */
  readonly inputs: Float32Array | undefined;
}

/** What a label needs to know of the decision it belongs to. Plain data. */
export interface DecisionSample {
  readonly entryId: string;
  /** Of query and entry text; denies the pair when it turns out wrong by a person's word. */
  readonly pairKey: string;
  readonly group: string;
  readonly inputs: readonly number[];
  /** As decided, before this label was known. */
  readonly probability: number;
  readonly served: boolean;
  readonly nearDuplicate: boolean;
  /** With which this decision was chosen for a label. */
  readonly auditProbability: number;
  /** Feature code, guards and embedder that made `inputs`; a label of another space is dropped. */
  readonly space: string;
}

export interface Decision<C extends DecisionCandidate = DecisionCandidate> {
  readonly kind: 'reuse' | 'ask';
  readonly reason: 'certified' | 'near-duplicate' | 'no-candidate' | 'refused' | 'below-cut' | 'closed';
  /** The scored candidate with the largest probability; for `reuse` the one to serve. */
  readonly chosen: JudgedCandidate<C> | undefined;
  /** Most similar first, as given. */
  readonly judged: readonly JudgedCandidate<C>[];
  /** Smallest probability that is served; undefined while closed. */
  readonly cut: number | undefined;
  readonly state: CertificateState;
  /** Whether to get a label for this decision, and the probability with which that was drawn. */
  readonly audit: { readonly wanted: boolean; readonly probability: number };
  /** To be handed back with the label; undefined when no candidate was scored. */
  readonly sample: DecisionSample | undefined;
  /** Would a certified cut at these targets serve `chosen`? */
  readonly atTargets: readonly { readonly target: number; readonly cut: number | undefined; readonly hit: boolean }[];
}

export type CertificateState = 'learning' | 'certified' | 'closed';

export type LabelSource =
  /** From a comparison of answers, drawn with `auditProbability`: teaches and certifies. */
  | 'audit'
  /** From a person or a retry: biased, so it teaches and counts for the entry, but never certifies. */
  | 'user'
  /** Thumbs-down: as `user`, and quarantines the entry and denies the pair at once. */
  | 'thumbs-down';

export interface DecisionLabel {
  readonly sample: DecisionSample;
  readonly right: boolean;
  readonly source: LabelSource;
  /** Of a user signal, (0, 1]; default 1. */
  readonly weight?: number;
}

export interface DecisionEngineOptions {
  /** Largest share of wrong answers among hits (or among all requests, see `measure`), (0, 0.5]. */
  readonly target: number;
  /** Of the certificate, in [0.5, 1). */
  readonly confidence: number;
  /**
   * `measured`: exact binomial test at scheduled looks. `strict`: an e-process that stays valid however often
   * one looks, at about half the hits, and nothing is served before it opens.
   */
  readonly mode: 'measured' | 'strict';
  /** What `target` bounds: wrong share of hits, or wrong answers per request (conformal risk control). */
  readonly measure: 'false-hit-share' | 'error-rate';
  /** What is served before the certificate opens; `auto`: near duplicates, unless `target` is below 3 %. */
  readonly coldStart: 'auto' | 'near-duplicates' | 'nothing';
  /** Share of hits audited: the first `auditedFirst` hits, then all later ones. */
  readonly auditFirst: number;
  readonly auditLater: number;
  readonly auditedFirst: number;
  /** Share of hits audited after a wrong one, until right ones make up for it: a drift is found while it is small. */
  readonly auditSuspect: number;
  /** Labels kept; older ones are forgotten. */
  readonly labelsMax: number;
  /** New labels before the next fit; grows with 5 % of the labels kept, as each label then moves less. */
  readonly refitEvery: number;
  /** Labels of one group before it may have a certificate of its own. */
  readonly groupLabelsMin: number;
  /** Groups told apart; further ones share the pooled certificate. */
  readonly groupsMax: number;
  /** Entries whose counts are kept; the longest unused is forgotten first. */
  readonly entriesMax: number;
  /** Pairs known to be different. */
  readonly deniedPairsMax: number;
  /** Texts whose features are kept. */
  readonly textsMax: number;
  /** Pr(judged wrong | right) and Pr(judged right | wrong) of the labels; only the reported share is corrected. */
  readonly labelNoise: { readonly wrongWhenRight: number; readonly rightWhenWrong: number };
}

export const decisionEngineDefaults: DecisionEngineOptions = {
  target: 0.05,
  confidence: 0.95,
  mode: 'measured',
  measure: 'false-hit-share',
  coldStart: 'auto',
  auditFirst: 0.1,
  auditLater: 0.02,
  auditedFirst: 1_000,
  // Ten audits in some thirty hits tell an accident from a drift.
  auditSuspect: 0.3,
  // 200 bytes each, 4 MB in all; a fit over all of them takes about a second in slices.
  labelsMax: 20_000,
  refitEvery: 50,
  // Ten times what a faultless top needs at 10 %; a certificate on less is mostly luck.
  groupLabelsMin: 300,
  // A gateway with more tenants than this has few with 300 labels.
  groupsMax: 64,
  // 100 bytes each.
  entriesMax: 50_000,
  deniedPairsMax: 10_000,
  // Some 3 KB each, 12 MB in all; a text not kept costs 30 µs to read again.
  textsMax: 4_096,
  labelNoise: { wrongWhenRight: 0, rightWhenWrong: 0 },
};

export interface CertificateReport {
  readonly target: number;
  /** Smallest probability served; undefined = not certified. */
  readonly cut: number | undefined;
  /** Labels at or above the cut, and how many of them were wrong. */
  readonly labels: number;
  readonly wrong: number;
}

export interface DecisionStatus {
  readonly state: CertificateState;
  /** In words for people, such as `learning: about 340 more audits until 5 %`. */
  readonly summary: string;
  readonly target: number;
  readonly confidence: number;
  readonly cut: number | undefined;
  readonly labels: number;
  readonly labelsSinceFit: number;
  /**
   * Labels missing until the certificate can open: `atLeast` if none of them is wrong, `estimate` at the
   * wrong share seen so far; undefined when that share lies above the target, so that more labels alone will not do.
   */
  readonly missing: { readonly atLeast: number; readonly estimate: number | undefined };
  readonly certificates: readonly CertificateReport[];
  readonly groups: readonly { readonly group: string; readonly labels: number; readonly cut: number | undefined }[];
  /** Audited hits in the breaker's window: wrong share as judged, corrected for label noise, 95 % interval. */
  readonly falseHitShare: {
    readonly audited: number;
    readonly wrong: number;
    readonly estimate: number | undefined;
    readonly corrected: number | undefined;
    readonly low: number;
    readonly high: number;
  };
  readonly breaker: { readonly open: boolean; readonly firedAt: EpochMs | undefined; readonly firings: number };
  readonly requests: number;
  readonly hits: number;
  readonly quarantined: number;
  readonly deniedPairs: number;
}

export type DecisionEvent =
  | {
      readonly kind: 'certificate-opened' | 'certificate-closed' | 'certificate-moved';
      readonly cut: number | undefined;
    }
  | { readonly kind: 'breaker-fired'; readonly group: string; readonly why: 'cusum' | 'interval' }
  | { readonly kind: 'entry-quarantined'; readonly entryId: string };

export interface ImportReport {
  readonly labels: number;
  /** Why nothing or less was taken over. */
  readonly dropped: string | undefined;
}

export interface DecisionEngine {
  /** Of the inputs: labels of another space cannot be compared and are dropped. */
  readonly space: string;
  /**
   * Deterministic but for the draw of audits. Counts the request, and the hit when it reuses.
   * @param candidates most similar first, all of one scope and unexpired; at most 32 are looked at.
   */
  decide<C extends DecisionCandidate>(query: DecisionQuery, candidates: readonly C[]): Decision<C>;
  /** The same without counting or drawing: for explanations and tests. */
  preview<C extends DecisionCandidate>(query: DecisionQuery, candidates: readonly C[]): Decision<C>;
  /** @returns whether the label was taken: false for a sample of another space. */
  label(label: DecisionLabel): boolean;
  /**
   * One slice of refitting. @param budgetMs longest time taken, default 4 ms.
   * @returns whether work is left, so that a caller can come back in a later turn.
   */
  tick(budgetMs?: number): boolean;
  /** Known to be different: never served to this text again, and the entry keeps serving others. */
  deny(queryText: string, entryId: string, entryText: string): void;
  quarantine(entryId: string): void;
  /** Lifts a quarantine and forgets the entry's counts. */
  absolve(entryId: string): void;
  /** Forgets every label of the embedder, the guards or the judge that changed. Entry quarantines stay. */
  discardLabels(): void;
  /**
   * Another share of wrong hits is allowed from now on. Where it is one of `comparedTargets` what was counted for it
   * holds at once; else nothing is certified until the next ticks have counted the labels again.
   */
  retarget(target: number): void;
  status(): DecisionStatus;
  /** @returns JSON-safe; sizes of a few MB at `labelsMax`. */
  export(): unknown;
  /**
   * Takes over what `export` gave, checked; anything unusable is left out and named. Call `tick` afterwards: the
   * certificate opens when the labels have been counted again.
   */
  import(state: unknown): ImportReport;
  onEvent(listener: (event: DecisionEvent) => void): void;
}
