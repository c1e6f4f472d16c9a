/** What the cache may do for one request, and under which keys. */
import type { AnswerRequest, Asker } from '../core/chat.ts';
import type { ExactKey, ModelName, RequestId } from '../core/ids.ts';
import { bypassReason, semanticText, userTexts, type CacheabilityOptions } from './cacheability.ts';
import type { BypassReason, CacheablePlan, CachePlan, Comparison } from './cache-types.ts';
import { NestingError } from './canonical.ts';
import { contextFacts, earlierTurns } from './conversation.ts';
import { exactKeyOf, semanticScopeOf, type KeyOwner } from './scope.ts';
import { isVolatile } from './volatility.ts';

export interface PlanContext extends CacheabilityOptions {
  readonly owner: KeyOwner;
  readonly secret: string;
  /** Whether this text may be compared by meaning; false for all when only the exact tier is on. */
  readonly comparable: (text: string) => boolean;
  /** `verbatim`: the history must be the same; `contextual`: it must point the same way. */
  readonly history: 'verbatim' | 'contextual';
  /** For questions whose answer is soon out of date: `short` keeps answers briefly, `bypass` also compares no wordings. */
  readonly volatile: 'short' | 'bypass' | 'off';
  readonly volatileTtlMs: number;
}

export function planRequest(request: AnswerRequest, asker: Asker, context: PlanContext): CachePlan {
  const reason = bypassReason(request, asker, context);
  if (reason !== undefined) return bypass(reason);
  try {
    return new CacheableRequest(request, asker, context);
  } catch (error) {
    if (error instanceof NestingError) return bypass('too-long');
    throw error;
  }
}

/** One object for each reason: a bypassed request allocates nothing. */
const bypasses = new Map<BypassReason, CachePlan>();

export function bypass(reason: BypassReason): CachePlan {
  let plan = bypasses.get(reason);
  if (plan === undefined) bypasses.set(reason, (plan = { kind: 'bypass', reason }));
  return plan;
}

/**
 * The plan of a cacheable request. `semantic` is worked out when first read, because an exact hit never
 * needs it; it is a getter, so a plan must be passed on as it is and not be spread.
 */
export class CacheableRequest implements CacheablePlan {
  readonly kind = 'cacheable';
  readonly exactKey: ExactKey;
  readonly digest: string;
  readonly read: boolean;
  readonly maxAgeS: number | undefined;
  readonly model: ModelName;
  readonly requestId: RequestId;
  readonly owner: KeyOwner;
  /** `SharedStore.generation` when it was looked up. */
  generation: number | undefined;
  /** Of the lookup's deadline, what the exact tier has used, milliseconds. */
  waitedMs = 0;
  readonly #request: AnswerRequest;
  readonly #asker: Asker;
  readonly #context: PlanContext;
  #semantic: Comparison | undefined | 'unread' = 'unread';
  #volatile: boolean | undefined;

  constructor(request: AnswerRequest, asker: Asker, context: PlanContext) {
    this.exactKey = exactKeyOf(context.owner, request);
    this.digest = context.owner.digest;
    this.read = asker.cache.mode === 'default';
    this.maxAgeS = asker.cache.maxAgeS;
    this.model = request.model;
    this.requestId = asker.requestId;
    this.owner = context.owner;
    this.#request = request;
    this.#asker = asker;
    this.#context = context;
  }

  /**
   * The same request of a model whose digest was not known yet: a machine that was rented for it has told it with
   * its answer.
   */
  withDigest(digest: string): CacheableRequest {
    const known = new CacheableRequest(this.#request, this.#asker, {
      ...this.#context,
      owner: { ...this.owner, digest },
    });
    known.generation = this.generation;
    return known;
  }

  /** Whether the answer is soon out of date, as far as the configuration cares. */
  get volatile(): boolean {
    this.#volatile ??= this.#context.volatile !== 'off' && userTexts(this.#request).some(isVolatile);
    return this.#volatile;
  }

  get semantic(): Comparison | undefined {
    if (this.#semantic === 'unread') this.#semantic = this.#comparison();
    return this.#semantic;
  }

  #comparison(): Comparison | undefined {
    const { comparable, history, secret, volatile, volatileTtlMs } = this.#context;
    const text = semanticText(this.#request);
    if (text === undefined || !comparable(text)) return undefined;
    if (this.volatile && volatile === 'bypass') return undefined;
    const earlier = history === 'contextual' ? earlierTurns(this.#request, text, comparable) : undefined;
    return {
      scope: semanticScopeOf(this.owner, this.#request, secret, earlier && contextFacts(earlier)),
      text,
      ...(earlier && { earlier }),
      ...(this.volatile && { ageMaxMs: volatileTtlMs }),
    };
  }
}

export const waitedOf = (plan: CacheablePlan): number => (plan instanceof CacheableRequest ? plan.waitedMs : 0);
