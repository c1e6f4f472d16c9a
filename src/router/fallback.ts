/** An API of somebody else that answers for money while no thinker of ours can. Stands before the router. */
import type { AnswerFlow, AnswerRequest, AnswerSink, ChatEvent, DispatchSink, EndEvent, Usage } from '../core/chat.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { AppError, ErrorCode } from '../core/errors.ts';
import type { ModelName, TenantId } from '../core/ids.ts';
import { LateFlow } from '../core/late-flow.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AnswerTimeouts, Thinker, ThinkerPool } from '../thinkers/thinker.ts';
import { serves } from './filters.ts';
import { guessTokens } from './answer-job.ts';
import type { DispatchOptions, Router } from './router-types.ts';
import type { Standby } from './standby.ts';
import type { WorkMeter } from './work-meter.ts';

export type FallbackCause = 'cold-start' | 'outage';

/** Port: money that was set aside for one answer. */
export interface SetAside {
  /** Exactly once; undefined: it cost nothing. */
  settle(usage: Usage | undefined): void;
}

export interface FallbackDeps {
  readonly thinker: Thinker;
  readonly pool: Pick<ThinkerPool, 'views'>;
  readonly standby: Pick<Standby, 'outlook'> | undefined;
  readonly work: WorkMeter | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeouts: AnswerTimeouts;
  readonly when: readonly FallbackCause[];
  readonly afterMs: number;
  readonly inFlightMax: number;
  /** Whether it can answer this at all, and may stand in for the model. */
  readonly fits: (request: AnswerRequest) => boolean;
  /** The operator has stopped all spending. */
  readonly stopped: () => boolean;
  /** @returns undefined where the cap could be passed */
  readonly setAside: (request: AnswerRequest) => Promise<SetAside | undefined>;
}

/** How often a held request is looked at again: its thinker may have come, or gone. */
const lookMs = 1_000;

/** Said when no thinker was there to answer, or none of those that were tried did. */
const outageCodes: ReadonlySet<ErrorCode> = new Set([
  'no_thinker_ready',
  'budget_exhausted',
  'upstream_failed',
  'timeout_connect',
]);

export interface FallbackRouter {
  readonly router: Router;
  close(): void;
}

/** Requests go to the router first; what it cannot place now, and the cap allows, goes to the fallback. */
export function withFallback(router: Router, deps: FallbackDeps): FallbackRouter {
  const shop: Shop = { running: 0, starts: new StartKeeper(deps) };
  return {
    router: {
      ...router,
      dispatch(request, sink, options) {
        // Nobody waits for an idle job: it is not worth money.
        if (options.priority === 'idle' || !deps.fits(request)) return router.dispatch(request, sink, options);
        return new FallbackFlow(router, deps, shop, request, sink, options);
      },
    },
    close: () => shop.starts.close(),
  };
}

/** What all requests share. */
interface Shop {
  running: number;
  readonly starts: StartKeeper;
}

const isColdStart = ({ pool, standby }: FallbackDeps, model: ModelName): boolean =>
  standby?.outlook(model)?.kind === 'coming' && !pool.views().some((view) => serves(view, model));

/**
 * A request that was answered elsewhere waits no more, and a fleet for which nobody waits gives up its start. One
 * request is said to wait on, as it would without a fallback, until the machine is there or would have been given up.
 */
class StartKeeper {
  readonly #deps: FallbackDeps;
  /** One for each model of a fleet. */
  readonly #waits = new Map<ModelName, Timer>();

  constructor(deps: FallbackDeps) {
    this.#deps = deps;
  }

  keep(request: AnswerRequest, tenant: TenantId): void {
    const { clock, standby, work } = this.#deps;
    const { model, outputLimit } = request;
    const outlook = standby?.outlook(model);
    if (work === undefined || outlook?.kind !== 'coming' || this.#waits.has(model)) return;
    const untilMs = clock.monotonicMs() + outlook.holdMs.streamed;
    work.arrived({ id: idOf(model), tenant, model, outputLimit, promptTokens: guessTokens(request) });
    const look = () => {
      if (clock.monotonicMs() >= untilMs || !isColdStart(this.#deps, model)) this.#end(model);
    };
    this.#waits.set(model, clock.every(lookMs, look));
  }

  close(): void {
    for (const model of this.#waits.keys()) this.#end(model);
  }

  #end(model: ModelName): void {
    this.#waits.get(model)?.clear();
    this.#waits.delete(model);
    this.#deps.work?.ended(idOf(model), undefined);
  }
}

const idOf = (model: ModelName): string => `fallback:${model}`;

class FallbackFlow implements AnswerFlow {
  readonly #router: Router;
  readonly #deps: FallbackDeps;
  readonly #shop: Shop;
  readonly #request: AnswerRequest;
  readonly #sink: DispatchSink;
  readonly #options: DispatchOptions;
  readonly #beganMs: number;
  /**
   * `own`: the router's; `asking`: also its, while money is set aside; `bought`: the fallback answers; `done`: nothing
   * more is bought.
   */
  #state: 'own' | 'asking' | 'bought' | 'done' = 'own';
  readonly #hand = new LateFlow();
  /** Of the router, while money is set aside. */
  #failure: AppError | undefined;
  #timer: Timer | undefined;
  #abandon: (() => void) | undefined;

  constructor(
    router: Router,
    deps: FallbackDeps,
    shop: Shop,
    request: AnswerRequest,
    sink: DispatchSink,
    options: DispatchOptions,
  ) {
    this.#router = router;
    this.#deps = deps;
    this.#shop = shop;
    this.#request = request;
    this.#sink = sink;
    this.#options = options;
    this.#beganMs = deps.clock.monotonicMs();
    this.#hand.attach(router.dispatch(request, this.#ownSink, options));
    if (deps.when.includes('cold-start')) this.#timer = deps.clock.after(deps.afterMs, this.#look);
  }

  pause(): void {
    this.#hand.pause();
  }

  resume(): void {
    this.#hand.resume();
  }

  cancel(): void {
    this.#end();
    this.#hand.cancel();
    this.#abandon?.();
  }

  readonly #ownSink: DispatchSink = {
    origin: (origin) => {
      // What is being set aside is given back: it was not needed.
      this.#end();
      this.#sink.origin(origin);
    },
    event: (event) => this.#sink.event(event),
    fail: (error) => {
      if (this.#state === 'asking') this.#failure = error;
      else if (this.#state === 'own' && this.#standsIn(error)) this.#buy(error);
      else {
        this.#end();
        this.#sink.fail(error);
      }
    },
  };

  #end(): void {
    this.#state = 'done';
    this.#timer?.clear();
  }

  readonly #look = (): void => {
    if (this.#state !== 'own') return;
    if (isColdStart(this.#deps, this.#request.model)) this.#buy(undefined);
    else this.#timer = this.#deps.clock.after(lookMs, this.#look);
  };

  #standsIn({ code }: AppError): boolean {
    const { when, stopped } = this.#deps;
    if (!outageCodes.has(code) || stopped()) return false;
    return when.includes(isColdStart(this.#deps, this.#request.model) ? 'cold-start' : 'outage');
  }

  /** @param failure the router's, where it has given up; else it goes on until the money is there */
  #buy(failure: AppError | undefined): void {
    const { setAside, inFlightMax, logger } = this.#deps;
    this.#state = 'asking';
    this.#timer?.clear();
    this.#failure = failure;
    const asked = this.#shop.running < inFlightMax ? setAside(this.#request) : Promise.resolve(undefined);
    this.#shop.running += 1;
    asked
      .catch((error: unknown) => {
        logger.error({ err: error }, 'the fallback could not be paid');
        return undefined;
      })
      .then((money) => {
        if (money !== undefined && this.#state === 'asking') return this.#ask(money);
        this.#shop.running -= 1;
        money?.settle(undefined);
        if (this.#state === 'asking') this.#stay();
      })
      .catch((error: unknown) => logger.error({ err: error }, 'the fallback failed by a bug'));
  }

  /** As without a fallback. */
  #stay(): void {
    this.#state = 'own';
    if (this.#failure === undefined) return;
    this.#end();
    this.#sink.fail(this.#failure);
  }

  #ask(money: SetAside): void {
    const { thinker, timeouts, clock, logger } = this.#deps;
    this.#shop.starts.keep(this.#request, this.#options.tenant);
    if (this.#failure === undefined) this.#hand.drop();
    this.#state = 'bought';
    const queuedMs = clock.monotonicMs() - this.#beganMs;
    let deltas = 0;
    let begun = false;
    let open = true;
    const close = (usage: Usage | undefined): void => {
      if (!open) return;
      open = false;
      this.#shop.running -= 1;
      money.settle(usage);
    };
    // Cut short it is billed all the same: one delta is about one token.
    const made = (): Usage => ({ promptTokens: guessTokens(this.#request), completionTokens: deltas });
    this.#abandon = () => close(made());
    const sink: AnswerSink = {
      event: (event: ChatEvent) => {
        if (this.#state !== 'bought') return;
        if (!begun) {
          begun = true;
          const { id, name, kind } = thinker;
          this.#sink.origin({
            source: 'fallback',
            thinker: { id, name, kind, digest: undefined, queuedMs, cold: false },
          });
          // The reader may have left on hearing where the answer comes from.
          if (!open) return;
        }
        if (event.type === 'end') {
          close(told(event) ?? made());
          this.#end();
        } else if (event.type !== 'start') deltas += 1;
        this.#sink.event(event);
      },
      fail: (error) => {
        if (this.#state !== 'bought') return;
        logger.warn({ code: error.code, reason: error.message }, 'the fallback failed');
        // It may have worked and been slow to tell; refused or not reached, it did nothing.
        close(begun || error.code === 'timeout_first_token' ? made() : undefined);
        this.#end();
        if (begun || this.#failure !== undefined) return this.#sink.fail(begun ? error : this.#failure!);
        // The machine is still coming: the request waits for it as if there were no fallback.
        this.#hand.attach(this.#router.dispatch(this.#request, this.#sink, this.#options));
        this.#state = 'own';
      },
    };
    this.#hand.attach(thinker.answer(this.#request, sink, timeouts));
  }
}

/** undefined where the server counts nothing. */
const told = ({ usage }: EndEvent): Usage | undefined =>
  usage.promptTokens + usage.completionTokens > 0 ? usage : undefined;
