/**
 * The whole journey of one request: plan → exact → join a running answer → semantic → thinker.
 * Right is the way on; every fault of the cache leads to a thinker, never to an error.
 */
import { replayEvents } from '../core/answer.ts';
import type { AnswerFlow, AnswerOrigin, AnswerRequest, Asker, DispatchSink } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { toAppError } from '../core/errors.ts';
import { exactKey, type ExactKey, type ModelName, type RequestId } from '../core/ids.ts';
import { LateFlow } from '../core/late-flow.ts';
import type { Answer } from '../core/answer.ts';
import type {
  BypassReason,
  CacheablePlan,
  ExactLookup,
  SemanticCache,
  SemanticLookup,
  SingleFlight,
} from '../cache/cache-types.ts';
import type { CacheEntry } from '../cache/cache-store.ts';
import type { Coalescer } from '../cache/coalescer.ts';
import type { SharedFlight } from '../cache/shared-flight.ts';
import type { Router } from '../router/router-types.ts';
import { createFollowOrAsk } from './follow-similar.ts';

/** Where the gateway wants the answer. */
export interface JourneySink extends DispatchSink {
  /** How the request stands to the cache, before anything else: what a thinker's answer will be labelled as. */
  planned(status: 'miss' | 'bypass', reason: BypassReason | undefined, question: ExactKey | undefined): void;
  /** What the exact tier said. */
  looked(exact: ExactLookup['kind'], ms: number): void;
  /** What the semantic tier said. Told to the one that leads, not to those that join. */
  compared(lookup: SemanticLookup, ms: number): void;
  /** A stored answer in one piece, in place of events. */
  whole(origin: AnswerOrigin, answer: Answer): void;
}

export interface ServeAnswerDeps {
  readonly cache: SemanticCache;
  readonly singleFlight: SingleFlight;
  /** Absent: only identical requests share a running answer. */
  readonly coalescer?: Coalescer | undefined;
  /** Absent: other gateways ask for themselves. */
  readonly sharedFlight?: SharedFlight | undefined;
  readonly router: Router;
  readonly digestOf: (model: ModelName) => string;
  readonly clock: Clock;
}

export type ServeAnswer = (request: AnswerRequest, asker: Asker, sink: JourneySink) => AnswerFlow;

export function createServeAnswer(deps: ServeAnswerDeps): ServeAnswer {
  const { cache, singleFlight, coalescer, sharedFlight, router, digestOf, clock } = deps;
  const followOrAsk = coalescer && createFollowOrAsk(coalescer, singleFlight);

  return function serveAnswer(request, asker, sink) {
    const plan = cache.plan(request, asker, digestOf(request.model));
    if (plan.kind === 'bypass') {
      sink.planned('bypass', plan.reason, undefined);
      return ask(request, sink, asker);
    }
    sink.planned('miss', undefined, plan.exactKey);
    const flow = new LateFlow();
    if (plan.read)
      throughCache(plan, request, asker, sink, flow).catch((error: unknown) => sink.fail(toAppError(error)));
    else flow.attach(askAndKeep(plan, request, asker, sink));
    return flow;
  };

  async function throughCache(
    plan: CacheablePlan,
    request: AnswerRequest,
    asker: Asker,
    sink: JourneySink,
    flow: LateFlow,
  ): Promise<void> {
    const beganMs = clock.monotonicMs();
    const found = await cache.exact(plan, request, flow);
    if (flow.cancelled) return;
    sink.looked(found.kind, clock.monotonicMs() - beganMs);
    if (found.kind === 'hit') return sink.whole(hitOrigin('exact', found.entry, 1, found.ageS), found.entry.answer);
    // A store that let one deadline pass is asked nothing more for this request.
    flow.attach(joinOrLead(plan, request, asker, sink, { storeAnswers: found.kind !== 'unavailable', beganMs }));
  }

  function joinOrLead(
    plan: CacheablePlan,
    request: AnswerRequest,
    asker: Asker,
    sink: JourneySink,
    { storeAnswers, beganMs }: { readonly storeAnswers: boolean; readonly beganMs: number },
  ): AnswerFlow {
    const flow = new LateFlow();
    const want = { outputLimit: request.outputLimit };
    // The leader stopped at a lower limit than ours: its answer is not ours, so we ask ourselves.
    const declined = () => flow.attach(askAndKeep(plan, request, asker, sink));
    const joined = singleFlight.join(plan.exactKey, sink, { ...want, declined });
    if (joined) {
      // `declined` may already have been called and attached what replaces this.
      flow.attach(joined, { unlessAttached: true });
      return flow;
    }
    const keeper = new OriginKeeper(asker.requestId);
    // One that may not ask leads nobody: its refusal is its own.
    const key = asker.spent === undefined ? plan.exactKey : exactKey(`${plan.exactKey}#${asker.requestId}`);
    return singleFlight.open(
      key,
      sink,
      { ...want, settled: () => keeper.settled() },
      (flightSink) => {
        const kept = keeper.watch(flightSink);
        return storeAnswers
          ? nearOrAsk(plan, request, asker, { leader: sink, sink: kept, keeper, beganMs })
          : ask(request, kept, asker);
      },
      (answer) => keep(plan, answer, keeper, asker),
    );
  }

  /** What the leader of a flight does: a semantic hit if there is one, else a thinker. */
  function nearOrAsk(
    plan: CacheablePlan,
    request: AnswerRequest,
    asker: Asker,
    {
      leader,
      sink,
      keeper,
      beganMs,
    }: {
      readonly leader: JourneySink;
      readonly sink: DispatchSink;
      readonly keeper: OriginKeeper;
      /** Of the first wait for the store. */
      readonly beganMs: number;
    },
  ): AnswerFlow {
    const askNow = () => askOnce(plan, request, sink, asker, clock.monotonicMs() - beganMs);
    if (plan.semantic === undefined) return askNow();
    const flow = new LateFlow();
    const comparedFromMs = clock.monotonicMs();
    cache
      .semantic(plan, request, flow)
      .then((found) => {
        if (flow.cancelled) return;
        leader.compared(found, clock.monotonicMs() - comparedFromMs);
        if (found.kind === 'unavailable') return flow.attach(ask(request, sink, asker));
        if (found.kind !== 'hit') {
          const onSettled = (leave: () => void) => void (keeper.leave = leave);
          return flow.attach(followOrAsk ? followOrAsk({ plan, request, sink, ask: askNow, onSettled }) : askNow());
        }
        sink.origin(hitOrigin('semantic', found.entry, found.similarity, found.ageS));
        for (const event of replayEvents(found.entry.answer, clock.now())) sink.event(event);
      })
      .catch((error: unknown) => sink.fail(toAppError(error)));
    return flow;
  }

  /** Once among all gateways, where they can agree. One that may not ask leads nobody, here or elsewhere. */
  function askOnce(
    plan: CacheablePlan,
    request: AnswerRequest,
    sink: DispatchSink,
    asker: Asker,
    waitedMs: number,
  ): AnswerFlow {
    if (sharedFlight === undefined || asker.spent !== undefined) return ask(request, sink, asker);
    const { outputLimit } = request;
    return sharedFlight.run(plan.exactKey, { outputLimit, waitedMs }, sink, (own) => ask(request, own, asker));
  }

  /** The only way to a thinker. */
  function ask(request: AnswerRequest, sink: DispatchSink, asker: Asker): AnswerFlow {
    const { spent } = asker;
    if (spent === undefined) return router.dispatch(request, sink, asker);
    const flow = new LateFlow();
    // The asker hears nothing before this has returned.
    queueMicrotask(() => {
      if (!flow.cancelled) sink.fail(spent);
    });
    return flow;
  }

  /** Asks a thinker for this request alone and keeps what it says. */
  function askAndKeep(plan: CacheablePlan, request: AnswerRequest, asker: Asker, sink: DispatchSink): AnswerFlow {
    const keeper = new OriginKeeper(asker.requestId);
    // A key of its own: nobody joins an answer that was asked for afresh.
    return singleFlight.open(
      exactKey(`${plan.exactKey}#${asker.requestId}`),
      sink,
      { outputLimit: request.outputLimit },
      (flightSink) => ask(request, keeper.watch(flightSink), asker),
      (answer) => keep(plan, answer, keeper, asker),
    );
  }

  function keep(plan: CacheablePlan, answer: Answer, keeper: OriginKeeper, asker: Asker): void {
    const thinker = keeper.origin?.thinker;
    // Replayed from the cache, or the answer to another wording: it is there under its own.
    // And what another model said in our model's place is not our model's answer.
    if (thinker === undefined || keeper.origin?.source !== 'thinker') return;
    cache.keep(plan, answer, {
      digest: thinker.digest ?? '',
      requestId: asker.requestId,
      tenant: asker.cacheOwner ?? asker.tenant,
      simulated: thinker.kind === 'simulated',
    });
  }
}

function hitOrigin(source: 'exact' | 'semantic', entry: CacheEntry, similarity: number, ageS: number): AnswerOrigin {
  return { source, hit: { entryId: entry.id, similarity, ageS, askedBy: entry.origin } };
}

/** Remembers who answered, for the cache, and tells those who join whose answer it is. */
class OriginKeeper {
  readonly #requestId: RequestId;
  origin: AnswerOrigin | undefined;
  /** Takes the question out of those that others may wait for. */
  leave: (() => void) | undefined;

  constructor(requestId: RequestId) {
    this.#requestId = requestId;
  }

  settled(): void {
    this.leave?.();
  }

  watch(sink: DispatchSink): DispatchSink {
    return {
      origin: (origin) => {
        this.origin = { ...origin, ledBy: origin.ledBy ?? this.#requestId };
        sink.origin(this.origin);
      },
      event: (event) => sink.event(event),
      fail: (error) => sink.fail(error),
    };
  }
}
