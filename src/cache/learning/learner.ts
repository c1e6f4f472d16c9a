/**
 * Learns from what happens after a decision. A miss with a scored candidate has its fresh answer anyway; a
 * hit drawn for an audit gets one from an idle thinker. Both are compared with the stored answer, and the
 * verdict goes to the decision engine. Nothing here is on the way of an answer.
 */
import type { AnswerRequest } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import type { ModelName, TenantId } from '../../core/ids.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { AnswerComparator, ComparisonResult } from '../answer-comparator.ts';
import type { DecisionEngine, DecisionLabel, DecisionSample, DecisionStatus } from '../decision/engine-types.ts';
import { isKeepable } from '../entry-writer.ts';
import type { IdleThinker } from '../idle-thinker.ts';
import type { CaseVerdict, Decided, Holdout, Learner, LearnerStatus, OpenCase, Standing } from '../learner.ts';
import type { CacheableRequest } from '../plan.ts';
import { nextTurn } from '../time-slice.ts';
import type { CacheWitness } from '../witness.ts';
import { BoundedWork } from './bounded-work.ts';
import { FalseHitShares } from './false-hit-shares.ts';
import { OpenCases, rightOf } from './open-cases.ts';
import { RetrySignals } from './retry-signals.ts';
import { StateKeeper, type StateKeeperDeps } from './state-keeper.ts';

const shareSeries = ['estimate', 'low', 'high'].map((others) => ({ metric: 'cacheFalseHitRatio', others }));

export interface LearnerOptions {
  /** `auto`: not of simulated thinkers, which answer each wording differently, so that right hits would look wrong. */
  readonly audits: 'auto' | 'always' | 'off';
  /** Nothing is served before the certificate opens; said in the status. */
  readonly strict: boolean;
}

export interface LearnerDeps {
  readonly engine: DecisionEngine;
  readonly cascade: AnswerComparator;
  /** What the cascade cannot tell; without it those are discarded. */
  readonly judge?: (thinker: IdleThinker) => AnswerComparator;
  readonly store: StateKeeperDeps['store'];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly witness?: CacheWitness;
  readonly options: LearnerOptions;
}

export interface OperableLearner extends Learner {
  /** Takes over what was learned before; the certificate opens again some turns later. Call before the first lookup. */
  load(): Promise<void>;
  /** Labels have come from elsewhere. */
  refit(): void;
  /** Another share of wrong hits is allowed from now on. */
  retarget(target: number): void;
  /** From here on hits can be audited. */
  useThinker(thinker: IdleThinker, heldOut?: (holdout: Holdout) => void): void;
  status(): LearnerStatus;
  /** Comparisons that a person may settle, newest first. */
  openCases(): readonly OpenCase[];
  /** @returns false when the case is not open any more */
  decideCase(id: string, verdict: CaseVerdict): boolean;
  close(): Promise<void>;
}

/** A slice of refitting is shorter than a frame of a token stream is noticed. */
const sliceMs = 4;
/** One at a time: two texts at the embedder are in nobody's way. */
const comparisons = { runningMax: 1, waitingMax: 256 };
/** As many as may wait for an idle thinker; a request is some kilobytes. */
const audits = { runningMax: 64, waitingMax: 0 };
const judgements = { runningMax: 2, waitingMax: 64 };
/** Entries to be audited when they are next served. */
const suspectsMax = 1_000;
/** A thumb up is cheap and often means "nice"; a retry may have other reasons. */
const weights = { right: 0.25, retry: 0.5 } as const;

interface Task {
  readonly kind: 'grey' | 'audit' | 'suspect';
  readonly sample: DecisionSample;
  readonly question: string;
  /** To which the stored answer was given first. */
  readonly storedQuestion: string | undefined;
  readonly tenant: TenantId;
  readonly model: ModelName;
  readonly fresh: string;
  readonly stored: string;
}

export function createLearner(deps: LearnerDeps): OperableLearner {
  const { engine, cascade, clock, logger, metrics, options } = deps;
  const stop = new AbortController();
  const failed = (error: unknown): void => {
    if (!stop.signal.aborted) logger.error({ err: error }, 'a comparison of answers failed by a bug');
  };
  const comparing = new BoundedWork({ ...comparisons, failed });
  const auditing = new BoundedWork({ ...audits, failed });
  const judging = new BoundedWork({ ...judgements, failed });
  const retries = new RetrySignals(clock);
  const shares = new FalseHitShares();
  const keeper = new StateKeeper({
    ...deps,
    name: 'decision',
    read: () => ({ version: 1, engine: engine.export(), shares: shares.export() }),
  });
  /** Gone with the request, should its answer never land. */
  const greyMisses = new WeakMap<CacheableRequest, Decided>();
  const suspects = new Set<string>();
  const cases = new OpenCases<Task>(clock);
  const counts = { taken: 0, unsure: 0, dropped: 0 };
  let thinker: IdleThinker | undefined;
  let judge: AnswerComparator | undefined;
  let heldOut: ((holdout: Holdout) => void) | undefined;
  let ticking: Promise<void> | undefined;
  let standing = standingOf(engine.status());
  metrics.cacheThreshold.set(1);
  watchEvents();

  return {
    get standing() {
      return standing;
    },

    asked(plan) {
      if (!retries.armed || plan.semantic === undefined) return;
      const sample = retries.repeated(plan.semantic.scope, plan.semantic.text);
      if (sample === undefined) return;
      metrics.cacheLabels.inc({ source: 'user', verdict: 'wrong' });
      take({ sample, right: false, source: 'user', weight: weights.retry });
    },

    served(decided, request) {
      const { plan, text, decision } = decided;
      const sample = decision.sample!;
      retries.served(plan.semantic!.scope, text, sample);
      keeper.changed();
      const suspect = suspects.has(sample.entryId);
      if ((suspect || decision.audit.wanted) && auditsNow().on) audit(decided, request, suspect);
    },

    missed(decided) {
      greyMisses.set(decided.plan, decided);
    },

    landed(plan, answer, { simulated }) {
      const decided = greyMisses.get(plan);
      if (decided === undefined) return;
      greyMisses.delete(plan);
      if (options.audits === 'off' || (simulated && options.audits !== 'always')) return;
      if (!isKeepable(answer)) return drop('unfinished');
      compareLater(taskOf('grey', decided, answer.text));
    },

    judged(sample, right, neighbours) {
      metrics.cacheLabels.inc({ source: 'user', verdict: right ? 'correct' : 'wrong' });
      take(right ? { sample, right, source: 'user', weight: weights.right } : { sample, right, source: 'thumbs-down' });
      for (const id of neighbours) {
        if (suspects.size >= suspectsMax) suspects.delete(suspects.values().next().value!);
        suspects.add(id);
      }
    },

    quarantine(id) {
      engine.quarantine(id);
      keeper.changed();
    },

    async load() {
      const state = (await keeper.load()) as { version?: number; engine?: unknown; shares?: unknown } | undefined;
      if (state === undefined) return;
      try {
        const { labels, dropped } = engine.import(state.engine);
        shares.import(state.shares);
        logger.info({ labels, ...(dropped !== undefined && { dropped }) }, 'what was learned about hits is taken over');
      } catch (error) {
        logger.warn({ err: error }, 'what was learned about hits cannot be taken over; it is learned anew');
      }
      // The certificate is counted again from the labels, behind the first answers.
      tickSoon();
    },

    refit() {
      keeper.changed();
      tickSoon();
    },

    retarget(target) {
      engine.retarget(target);
      tickSoon();
    },

    useThinker(given, tell) {
      thinker = given;
      heldOut = tell;
      judge = deps.judge?.(given);
    },

    status() {
      const { on, why } = auditsNow();
      const status = engine.status();
      const pending = comparing.size + auditing.size + judging.size;
      return {
        ...status,
        summary: status.summary + untilThen(status),
        auditsMissing: standing.auditsMissing,
        audits: { state: on ? 'on' : 'off', why, pending, ...counts },
      };
    },

    openCases: () => cases.list(),

    decideCase(id, verdict) {
      const task = cases.take(id);
      if (task === undefined) return false;
      const right = rightOf(verdict);
      if (task.kind !== 'grey') metrics.cacheAudits.inc({ verdict, judge: 'human' });
      if (right === undefined) return true;
      learn(task, right);
      // It was given to somebody, and a person has read that it was wrong.
      if (!right && task.sample.served) engine.quarantine(task.sample.entryId);
      return true;
    },

    async close() {
      stop.abort();
      await Promise.all([comparing.close(), auditing.close(), judging.close()]);
      await ticking;
      await keeper.close();
    },
  };

  function auditsNow(): { readonly on: boolean; readonly why: string } {
    if (options.audits === 'off') return { on: false, why: 'cache.audits is off' };
    if (thinker === undefined) return { on: false, why: 'no thinker is connected' };
    if (options.audits === 'always') return { on: true, why: 'cache.audits is always' };
    return thinker.simulated
      ? { on: false, why: 'thinkers are simulated: they answer each wording differently' }
      : { on: true, why: 'on idle thinkers' };
  }

  /** What is served while the certificate is not open. */
  function untilThen({ cut, breaker }: DecisionStatus): string {
    if (cut !== undefined && !breaker.open) return '';
    return options.strict || breaker.open
      ? '; until then no other words are served'
      : '; until then near duplicates are served';
  }

  function audit(decided: Decided, request: AnswerRequest, suspect: boolean): void {
    const { plan } = decided;
    const taken = auditing.offer(async () => {
      const reply = await thinker!.ask(request, { signal: stop.signal, tenant: plan.owner.tenant });
      if (reply.kind === 'dropped') return drop(reply.reason);
      if (reply.simulated && options.audits !== 'always') return drop('unfinished');
      if (reply.digest !== plan.digest) return drop('model_changed');
      if (!isKeepable(reply.answer)) return drop('unfinished');
      // A suspect was not drawn by chance, and says nothing about hits in general.
      if (!suspect) heldOut?.({ plan, fresh: reply.answer.end, stored: decided.entry });
      if (suspect) suspects.delete(decided.decision.sample!.entryId);
      compareLater(taskOf(suspect ? 'suspect' : 'audit', decided, reply.answer.text));
    });
    if (!taken) drop('full');
  }

  function compareLater(task: Task): void {
    if (!comparing.offer(() => compare(task))) drop('full');
  }

  async function compare(task: Task): Promise<void> {
    const first = await cascade.compare(task, stop);
    if (first.verdict !== 'unsure' || judge === undefined) return settle(task, first);
    const second = judge;
    if (!judging.offer(async () => settle(task, await second.compare(task, stop)))) drop('full');
  }

  function settle(task: Task, { verdict, by }: ComparisonResult): void {
    if (stop.signal.aborted) return;
    const { kind, sample } = task;
    const word = verdict === 'same' ? 'correct' : verdict === 'different' ? 'wrong' : 'unsure';
    metrics.cacheLabels.inc({ source: kind === 'grey' ? 'grey' : 'audit', verdict: word });
    if (kind !== 'grey') metrics.cacheAudits.inc({ verdict: word, judge: by });
    if (verdict === 'unsure') {
      counts.unsure += 1;
      const { probability, served, entryId } = sample;
      const { question, storedQuestion, stored, fresh, model, tenant } = task;
      cases.add(task, { probability, served, entryId, question, storedQuestion, stored, fresh, model, tenant });
      return;
    }
    learn(task, verdict === 'same');
  }

  function learn({ kind, sample, model }: Task, right: boolean): void {
    if (kind === 'audit') shares.audited(model, right);
    const { probability, served, auditProbability } = sample;
    if (kind !== 'suspect') deps.witness?.labelled({ score: probability, served, right, drawnWith: auditProbability });
    // A suspect was not drawn by chance: it teaches, but it must not certify.
    take({ sample, right, source: kind === 'suspect' ? 'user' : 'audit' });
  }

  function take(label: DecisionLabel): void {
    if (!engine.label(label)) return drop('not_taken');
    counts.taken += 1;
    keeper.changed();
    tickSoon();
  }

  function tickSoon(): void {
    ticking ??= work().finally(() => (ticking = undefined));
  }

  function drop(reason: string): void {
    counts.dropped += 1;
    metrics.cacheAuditDrops.inc({ reason });
  }

  /** Refits in slices, one per turn, so that no request waits for more than one of them. */
  async function work(): Promise<void> {
    try {
      do await nextTurn();
      while (!stop.signal.aborted && engine.tick(sliceMs));
    } catch (error) {
      logger.error({ err: error }, 'the decision engine could not learn from new labels');
    }
    refresh();
  }

  function refresh(): void {
    const status = engine.status();
    standing = standingOf(status);
    metrics.cacheThreshold.set(status.cut ?? 1);
    for (const { model: name, ...share } of shares.shares()) {
      const model = metrics.modelLabels.claim(name, shareSeries);
      // The share of `other` is its own; that of a name without a label shows nowhere.
      if (model !== name) continue;
      for (const stat of ['estimate', 'low', 'high'] as const) {
        metrics.cacheFalseHitRatio.set({ model, stat }, share[stat]);
      }
    }
  }

  function watchEvents(): void {
    engine.onEvent((event) => {
      switch (event.kind) {
        case 'breaker-fired':
          metrics.cacheBreakerFirings.inc();
          logger.warn({ why: event.why }, 'the semantic tier is closed: audits found too many wrong hits');
          return refresh();
        case 'entry-quarantined':
          return logger.info({ entryId: event.entryId }, 'an answer serves no other wording any more');
        case 'certificate-closed':
          return logger.warn({}, 'the certificate of the semantic tier is lost; near duplicates alone are served');
        default:
          return logger.info(
            { change: event.kind, cut: event.cut },
            'the certificate of the semantic tier has changed',
          );
      }
    });
  }
}

const taskOf = (kind: Task['kind'], { plan, text, decision, entry }: Decided, fresh: string): Task => ({
  kind,
  sample: decision.sample!,
  question: text,
  storedQuestion: entry.semantic?.text,
  tenant: plan.owner.tenant,
  model: plan.model,
  fresh,
  stored: entry.answer.text,
});

function standingOf({ state, missing, target }: DecisionStatus): Standing {
  if (state !== 'learning') return { state, auditsMissing: undefined, note: `${state}; target=${target}` };
  const auditsMissing = missing.estimate ?? missing.atLeast;
  return { state, auditsMissing, note: `learning; audits-missing=${auditsMissing}` };
}
