/** What the cache may do for one request, and under which keys. */
import type { AnswerRequest, Asker } from '../core/chat.ts';
import type { ExactKey, ModelName, RequestId, Scope } from '../core/ids.ts';
import { bypassReason, semanticText, type CacheabilityOptions } from './cacheability.ts';
import type { BypassReason, CacheablePlan, CachePlan } from './cache-types.ts';
import { NestingError } from './canonical.ts';
import { exactKeyOf, semanticScopeOf, type KeyOwner } from './scope.ts';

export interface PlanContext extends CacheabilityOptions {
  readonly owner: KeyOwner;
  readonly secret: string;
  /** Whether this text may be compared by meaning; false for all when only the exact tier is on. */
  readonly comparable: (text: string) => boolean;
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
  readonly #request: AnswerRequest;
  readonly #context: PlanContext;
  #semantic: { readonly scope: Scope; readonly text: string } | undefined | 'unread' = 'unread';

  constructor(request: AnswerRequest, asker: Asker, context: PlanContext) {
    this.exactKey = exactKeyOf(context.owner, request);
    this.digest = context.owner.digest;
    this.read = asker.cache.mode === 'default';
    this.maxAgeS = asker.cache.maxAgeS;
    this.model = request.model;
    this.requestId = asker.requestId;
    this.owner = context.owner;
    this.#request = request;
    this.#context = context;
  }

  get semantic(): { readonly scope: Scope; readonly text: string } | undefined {
    if (this.#semantic === 'unread') this.#semantic = this.#comparison();
    return this.#semantic;
  }

  #comparison(): { readonly scope: Scope; readonly text: string } | undefined {
    const text = semanticText(this.#request);
    if (text === undefined || !this.#context.comparable(text)) return undefined;
    return { scope: semanticScopeOf(this.owner, this.#request, this.#context.secret), text };
  }
}
