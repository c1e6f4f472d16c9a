/** The decision engine; see `engine-types.ts` for how to use it. No I/O: time and chance come in. */
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { Breaker } from './breaker.ts';
import {
  comparedTargets,
  decisionEngineDefaults,
  type Decision,
  type DecisionCandidate,
  type DecisionEngine,
  type DecisionEngineOptions,
  type DecisionEvent,
  type DecisionLabel,
  type DecisionQuery,
  type DecisionSample,
} from './engine-types.ts';
import { checkOptions } from './check-options.ts';
import { certificateStateOf, statusOf } from './engine-status.ts';
import { exportState, importState } from './engine-state.ts';
import type { EngineMemory } from './engine-memory.ts';
import { EntryRecords } from './entry-records.ts';
import { engineGuards, type EngineGuard } from './guard-set.ts';
import { Groups } from './groups.ts';
import { inputCount, inputsVersion } from './inputs.ts';
import { createJudge, pairKeyOf, type Scored } from './judge.ts';
import { LabelStore, type StoredLabel } from './label-store.ts';
import { logit } from './ridge-logistic.ts';
import { createScorer, foldCount, type GroupCertificates, type Scores } from './scorer.ts';

export interface DecisionEngineDeps {
  /** Labels taken with another embedder, other guards or another judge are not comparable and are dropped. */
  readonly embeddingModelId: string;
  readonly judgeId?: string;
  /** Default `engineGuards`; none at all leaves every decision to the score, which only a measurement wants. */
  readonly guards?: readonly EngineGuard[];
  /** Names of the inputs that count, for measurements; default all of `inputNames`. */
  readonly inputs?: readonly string[];
  readonly clock: Clock;
  /** Draws which hits are audited. */
  readonly random: Random;
  readonly options?: Partial<DecisionEngineOptions>;
}

/** Labels that come while a fit runs wait for it; a fit takes a second, so more than this is a flood. */
const waitingMax = 2_000;
const sliceMsDefault = 4;
/** Added to the pooled cut where a group has no certificate of its own, in probability. */
const pooledMargin = 0.01;

export function createDecisionEngine(deps: DecisionEngineDeps): DecisionEngine {
  const { clock, random } = deps;
  let options = checkOptions({ ...decisionEngineDefaults, ...deps.options });
  const guards = deps.guards ?? engineGuards;
  let scorer = createScorer(options);
  const state: EngineMemory = {
    space: [inputsVersion, deps.embeddingModelId, guards.map(({ name }) => name).join('+'), deps.judgeId ?? ''].join(
      '|',
    ),
    options,
    labels: new LabelStore(inputCount, options.labelsMax),
    entries: new EntryRecords(options),
    groups: new Groups(options.groupsMax, () => new Breaker()),
    scores: scorer.untaught,
    requests: 0,
    hits: 0,
    auditsOfHits: 0,
    firedAt: undefined,
  };
  const judge = createJudge({ guards, entries: state.entries, textsMax: options.textsMax, inputs: deps.inputs });
  const listeners: ((event: DecisionEvent) => void)[] = [];
  const waiting: StoredLabel[] = [];
  let work: Generator<void, Scores> | undefined;

  return {
    space: state.space,

    decide(query, candidates) {
      state.requests += 1;
      const decision = decideOn(query, candidates);
      if (decision.kind !== 'reuse') return decision;
      state.hits += 1;
      state.entries.served(decision.chosen!.candidate.entryId);
      const usual = state.hits <= options.auditedFirst ? options.auditFirst : options.auditLater;
      const probability = isSuspect(query) ? Math.max(usual, options.auditSuspect) : usual;
      const wanted = random.float() < probability;
      if (wanted) state.auditsOfHits += 1;
      return {
        ...decision,
        audit: { wanted, probability },
        sample: { ...decision.sample!, auditProbability: probability },
      };
    },

    preview: decideOn,

    label(label) {
      const { sample, right } = label;
      if (sample.space !== state.space || sample.inputs.length !== inputCount) return false;
      if (waiting.length >= waitingMax) return false;
      const weight = label.source === 'audit' ? 1 : (label.weight ?? 1);
      learnOfEntry(label, weight);
      const group = state.groups.numberOf(sample.group);
      const stored: StoredLabel = {
        inputs: sample.inputs,
        right,
        weight,
        certifies: label.source === 'audit',
        auditProbability: sample.auditProbability,
        nearDuplicate: sample.nearDuplicate,
        fold: foldOf(sample.pairKey),
        group,
        request: state.requests,
      };
      if (work === undefined) state.labels.add(stored);
      else waiting.push(stored);
      if (sample.served && label.source === 'audit') watch(sample, right, group);
      return true;
    },

    tick(budgetMs = sliceMsDefault) {
      if (work === undefined && !isRefitDue()) return false;
      const untilMs = clock.monotonicMs() + budgetMs;
      work ??= startRefit();
      do {
        const step = work.next();
        if (step.done !== true) continue;
        publish(step.value);
        return isRefitDue();
      } while (clock.monotonicMs() < untilMs);
      return true;
    },

    deny(queryText, entryId, entryText) {
      state.entries.deny(pairKeyOf(queryText, entryId, entryText));
    },
    quarantine(entryId) {
      if (state.entries.quarantine(entryId)) emit({ kind: 'entry-quarantined', entryId });
    },
    absolve: (entryId) => state.entries.absolve(entryId),

    discardLabels() {
      work = undefined;
      waiting.length = 0;
      state.labels.clear();
      state.scores = scorer.untaught;
      state.groups.resetBreakers(state.labels.taken);
    },

    retarget(target) {
      options = checkOptions({ ...options, target });
      scorer = createScorer(options);
      state.options = options;
      const { pooled, groups } = state.scores;
      state.scores = {
        ...state.scores,
        pooled: retargeted(pooled, target),
        groups: new Map([...groups].map(([group, each]) => [group, retargeted(each, target)])),
      };
      // One that runs counts for the target of before.
      work = startRefit();
    },

    status: () => statusOf(state, scorer.targets),
    export: () => exportState(state),

    import(given) {
      work = undefined;
      waiting.length = 0;
      const report = importState(state, given, scorer.untaught);
      // Certificates are never taken on trust: they are counted again from the labels, by the next ticks.
      if (report.labels > 0) work = startRefit();
      return report;
    },

    onEvent: (listener) => void listeners.push(listener),
  };

  function decideOn<C extends DecisionCandidate>(query: DecisionQuery, candidates: readonly C[]): Decision<C> {
    const groupName = query.group ?? '';
    const group = state.groups.find(groupName);
    const judged = judge(query.text, candidates, state.scores.weights, clock.now());
    const cuts = cutsOf(group);
    const open = !(group !== undefined && state.groups.breaker(group).open);
    const cut = open ? cuts[0] : undefined;
    let best: Scored<C> | undefined;
    let bestNear: Scored<C> | undefined;
    for (const each of judged) {
      if (each.score === undefined) continue;
      if (best === undefined || each.score > best.score!) best = each;
      if (each.nearDuplicate && (bestNear === undefined || each.score > bestNear.score!)) bestNear = each;
    }
    const servesNear = cut === undefined && open && servesUncertified(options);
    const certified = best !== undefined && cut !== undefined && best.score! >= cut;
    const near = !certified && servesNear && bestNear !== undefined;
    const chosen = near ? bestNear : best;
    const served = certified || near;
    const sample = chosen === undefined ? undefined : sampleOf(query.text, groupName, chosen, served, state.space);
    return {
      kind: served ? 'reuse' : 'ask',
      reason: certified
        ? 'certified'
        : near
          ? 'near-duplicate'
          : judged.length === 0
            ? 'no-candidate'
            : chosen === undefined
              ? 'refused'
              : cut === undefined
                ? 'closed'
                : 'below-cut',
      chosen,
      judged,
      cut: cut === undefined ? undefined : 1 / (1 + Math.exp(-cut)),
      state: certificateStateOf(state, open),
      audit: { wanted: chosen !== undefined && !served, probability: served ? 0 : 1 },
      sample,
      atTargets: scorer.targets.slice(1).map((target, i) => {
        const other = cuts[i + 1];
        return {
          target,
          cut: other === undefined ? undefined : 1 / (1 + Math.exp(-other)),
          hit: other !== undefined && chosen?.score !== undefined && chosen.score >= other,
        };
      }),
    };
  }

  function isSuspect(query: DecisionQuery): boolean {
    const group = state.groups.find(query.group ?? '');
    return group !== undefined && state.groups.breaker(group).suspects;
  }

  /** Cut in log-odds per target: the group's own, or the pooled one with a margin where there are several groups. */
  function cutsOf(group: number | undefined): readonly (number | undefined)[] {
    const { pooled, groups } = state.scores;
    const own = group === undefined ? undefined : groups.get(group);
    if (own !== undefined) return own.byTarget.map((each) => each?.cut);
    const margin = state.groups.size > 1;
    return pooled.byTarget.map((each) => (each === undefined ? undefined : margin ? stricter(each.cut) : each.cut));
  }

  function learnOfEntry(label: DecisionLabel, weight: number): void {
    const { sample, right, source } = label;
    if (state.entries.labelled(sample.entryId, right, weight)) {
      emit({ kind: 'entry-quarantined', entryId: sample.entryId });
    }
    if (source !== 'thumbs-down') return;
    state.entries.deny(sample.pairKey);
    if (state.entries.quarantine(sample.entryId)) emit({ kind: 'entry-quarantined', entryId: sample.entryId });
  }

  function watch(sample: DecisionSample, right: boolean, group: number): void {
    const why = state.groups.breaker(group).audited(right, allowedShare());
    if (why === undefined) return;
    // Labels from before say what was true before: only later ones certify this group again.
    state.groups.distrust(group, state.labels.taken + waiting.length);
    state.firedAt = clock.now();
    emit({ kind: 'breaker-fired', group: sample.group, why });
  }

  /** Of wrong ones among hits. A target per request allows the more of them, the fewer requests are hits. */
  function allowedShare(): number {
    if (options.measure === 'false-hit-share') return options.target;
    return Math.min(0.5, (options.target * Math.max(1, state.requests)) / Math.max(1, state.hits));
  }

  function isRefitDue(): boolean {
    const fresh = state.labels.taken - state.scores.fittedOn;
    return fresh >= Math.max(options.refitEvery, Math.floor(state.labels.rows * 0.05));
  }

  function startRefit(): Generator<void, Scores> {
    return scorer.refit(state.labels, state.scores, {
      usable: (row) => state.labels.numbers[row]! >= state.groups.trustedFrom(state.labels.groups[row]!),
      requests: state.requests,
    });
  }

  function publish(scores: Scores): void {
    const before = state.scores.pooled.byTarget[0]?.cut;
    state.scores = scores;
    work = undefined;
    for (const label of waiting) state.labels.add(label);
    waiting.length = 0;
    const cut = scores.pooled.byTarget[0]?.cut;
    for (let group = 0; group < state.groups.size; group++) {
      const own = scores.groups.get(group) ?? scores.pooled;
      if (own.byTarget[0] !== undefined && state.groups.breaker(group).open) state.groups.breaker(group).reset();
    }
    if (cut === before) return;
    const kind =
      before === undefined ? 'certificate-opened' : cut === undefined ? 'certificate-closed' : 'certificate-moved';
    emit({ kind, cut: cut === undefined ? undefined : 1 / (1 + Math.exp(-cut)) });
  }

  function emit(event: DecisionEvent): void {
    for (const listener of listeners) listener(event);
  }
}

/** Of the compared targets the counts are there. */
function retargeted({ labels, byTarget }: GroupCertificates, target: number): GroupCertificates {
  const [, ...compared] = byTarget;
  const known = (comparedTargets as readonly number[]).indexOf(target);
  return { labels, byTarget: [known === -1 ? undefined : compared[known], ...compared] };
}

function sampleOf<C extends DecisionCandidate>(
  text: string,
  group: string,
  chosen: Scored<C>,
  served: boolean,
  space: string,
): DecisionSample {
  const { entryId, text: entryText } = chosen.candidate;
  return {
    entryId,
    pairKey: pairKeyOf(text, entryId, entryText),
    group,
    inputs: Array.from(chosen.inputs!),
    probability: chosen.probability!,
    served,
    nearDuplicate: chosen.nearDuplicate,
    auditProbability: 1,
    space,
  };
}

/** By labels 3 to 5 % of near duplicates are wrong on public questions: a stricter target must not trust them. */
const uncertifiedTargetMin = 0.03;

function servesUncertified({ mode, coldStart, target }: DecisionEngineOptions): boolean {
  if (mode === 'strict') return false;
  return coldStart === 'near-duplicates' || (coldStart === 'auto' && target >= uncertifiedTargetMin);
}

function stricter(cut: number): number {
  const probability = 1 / (1 + Math.exp(-cut)) + pooledMargin;
  return probability >= 1 ? Infinity : Math.max(cut, logit(probability));
}

/** The same pair always falls into the same fold. FNV-1a. */
function foldOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % foldCount;
}
