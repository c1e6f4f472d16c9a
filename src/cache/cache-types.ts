/** What the cache offers to the gateway. */
import type { Answer } from '../core/answer.ts';
import type { AnswerFlow, AnswerOrigin, AnswerRequest, Asker, CallOptions, DispatchSink } from '../core/chat.ts';
import type { EntryId, ExactKey, RequestId, Scope, TenantId } from '../core/ids.ts';
import type { CacheEntry } from './cache-store.ts';
import type { GuardName } from './hit-policy.ts';

export type BypassReason =
  | 'disabled'
  | 'no-store'
  | 'load-request'
  | 'not-deterministic'
  | 'images'
  | 'logprobs'
  | 'too-long';

/** Keys of one request; computed without I/O. */
export type CachePlan =
  | { readonly kind: 'bypass'; readonly reason: BypassReason }
  | {
      readonly kind: 'cacheable';
      readonly exactKey: ExactKey;
      readonly digest: string;
      /** false on `Cache-Control: no-cache`: ask afresh, then replace the entry. */
      readonly read: boolean;
      readonly maxAgeS: number | undefined;
      /**
       * Absent when only the exact tier applies (tools, a text over the embedder's window, empty text, tier off).
       * A getter, worked out when first read: an exact hit never pays for it. Hand plans on whole, never spread.
       */
      readonly semantic: Comparison | undefined;
    };

/** Under what a request is compared by meaning. */
export interface Comparison {
  readonly scope: Scope;
  readonly text: string;
  /** The user's earlier turns, oldest first, when they are compared by their direction: `cache.history: contextual`. */
  readonly earlier?: readonly string[];
  /** Older entries do not serve: the answer is soon out of date. */
  readonly ageMaxMs?: number;
}

export type CacheablePlan = Extract<CachePlan, { kind: 'cacheable' }>;

/** What a semantic lookup saw and why it decided so; for `why`. Holds prompt text: memory only, never logged. */
export interface LookupTrace {
  readonly policy: string;
  readonly text: string;
  /** Milliseconds of each stage that was reached. */
  readonly stages: Readonly<Partial<Record<'embed' | 'search' | 'fetch' | 'verify', number>>>;
  /** Most similar first. */
  readonly candidates: readonly TracedCandidate[];
  /** The one that was served, or came closest. */
  readonly chosen: TracedCandidate | undefined;
  /** Whether the serving cut has been certified by audits; `fixed` for a policy that does not learn. */
  readonly state: 'learning' | 'certified' | 'closed' | 'fixed';
  /** Smallest probability (or cosine, for `fixed`) that is served; undefined while closed. */
  readonly cut: number | undefined;
  /** Labels still missing until the certificate may open, as estimated; undefined when it is open or does not apply. */
  readonly auditsMissing: number | undefined;
  /** Would this have been a hit at another target of wrong hits? */
  readonly atTargets: readonly { readonly target: number; readonly cut: number | undefined; readonly hit: boolean }[];
}

export interface TracedCandidate {
  readonly entryId: EntryId;
  readonly text: string;
  readonly ageS: number;
  readonly similarity: number;
  /** Guards and records that forbid reuse; empty when it was scored. */
  readonly refusedBy: readonly string[];
  readonly probability: number | undefined;
  readonly nearDuplicate: boolean;
  /** Inputs of the score by name; absent where nothing was scored. */
  readonly inputs?: Readonly<Record<string, number>>;
}

/** What a person says of an answer that came from the cache. */
export type FeedbackVerdict = 'right' | 'wrong';

export interface Feedback {
  readonly requestId: RequestId;
  /** Whose word it is; undefined for the operator, who may speak for every tenant. */
  readonly tenant?: TenantId;
  /** Whose stored answers its key sees, where those are not its tenant's own. */
  readonly cacheOwner?: TenantId | undefined;
  readonly verdict: FeedbackVerdict;
}

export type FeedbackResult =
  /**
   * `quarantined`: the entry serves no other wording any more. `removed`: the entry is gone, because it was
   * wrong for its own question. `counted`: taken as a label.
   */
  | { readonly kind: 'taken'; readonly effect: 'quarantined' | 'removed' | 'counted' }
  | { readonly kind: 'refused'; readonly reason: 'unknown-request' | 'not-a-hit' | 'other-tenant' | 'too-often' };

export type ExactLookup =
  | { readonly kind: 'hit'; readonly entry: CacheEntry; readonly ageS: number }
  | { readonly kind: 'miss' }
  | { readonly kind: 'unavailable'; readonly cause: Error };

export type SemanticLookup =
  | {
      readonly kind: 'hit';
      readonly entry: CacheEntry;
      readonly similarity: number;
      readonly ageS: number;
      readonly trace?: LookupTrace;
      readonly note?: string;
    }
  | {
      readonly kind: 'miss';
      readonly trace?: LookupTrace;
      /** How far the tier has learned, in one line for a response; absent when it does not learn. */
      readonly note?: string;
      readonly reason: 'no-neighbour' | 'below-threshold' | 'vetoed' | 'not-eligible' | 'stale' | 'other-context';
      readonly similarity?: number;
      readonly guard?: GuardName;
    }
  /** Counted apart: an outage is not a miss. */
  | { readonly kind: 'unavailable'; readonly cause: Error };

export interface SemanticCache {
  /** @param digest of the model that would answer now; '' when unknown. */
  plan(request: AnswerRequest, asker: Asker, digest: string): CachePlan;
  exact(plan: CacheablePlan, request: AnswerRequest, options: CallOptions): Promise<ExactLookup>;
  semantic(plan: CacheablePlan, request: AnswerRequest, options: CallOptions): Promise<SemanticLookup>;
  /** Keeps a complete answer if it may be kept. Never throws and never makes the caller wait. */
  keep(
    plan: CacheablePlan,
    answer: Answer,
    facts: {
      readonly digest: string;
      readonly requestId: RequestId;
      readonly tenant: Asker['tenant'];
      /** The answer is made up by a simulated thinker, which answers each wording differently. */
      readonly simulated?: boolean;
    },
  ): void;
}

/**
 * One upstream call for identical requests in flight. Late joiners get the buffered prefix, then
 * live events; upstream is cancelled when the last subscriber leaves.
 */
export interface SingleFlight {
  /**
   * Joins the running answer of this key; undefined when there is none to join.
   * A higher `outputLimit` than the leader's is held back until the leader ends: on `stop` it gets the
   * whole answer, on `length` `declined` is called and the sink hears nothing. A lower limit is cut
   * there and ends with `length`.
   */
  join(
    key: ExactKey,
    sink: DispatchSink,
    want: {
      readonly outputLimit: number | undefined;
      readonly declined: () => void;
      /**
       * Of a joiner that asked something else: it is held back until the leader ends, whatever the limits,
       * and gets the whole answer if this says so. Otherwise, also when the leader fails, `declined` is
       * called and the sink hears nothing.
       */
      readonly accepts?: (answer: Answer, origin: AnswerOrigin | undefined) => boolean;
    },
  ): AnswerFlow | undefined;
  /**
   * Opens a flight with `sink` as its first subscriber, then calls `start` with the flight's own sink.
   * `landed` gets the complete answer, once, also when every subscriber but none cancelled it has gone.
   */
  open(
    key: ExactKey,
    sink: DispatchSink,
    want: {
      readonly outputLimit: number | undefined;
      /** Called once, when the answer has ended or failed, or nobody waits for it any more. */
      readonly settled?: () => void;
    },
    start: (sink: DispatchSink) => AnswerFlow,
    landed: (answer: Answer) => void,
  ): AnswerFlow;
  /** Running flights and their subscribers. */
  stats(): { readonly flights: number; readonly subscribers: number };
}

export interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly vectors: number;
  readonly vectorBytes: number;
  readonly epoch: number;
  readonly kept: number;
  /** Answers that may not be kept: cut, tool calls, too large, another digest. */
  readonly notKept: number;
  /** Answers not kept because too many writes were running. */
  readonly dropped: number;
  readonly writesFailed: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
}
