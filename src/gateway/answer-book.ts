/** What the gateway tells the ledger of each answer, and the client of what it cost and saved. */
import type { AnswerOrigin, EndEvent } from '../core/chat.ts';
import type { AnswerEntry } from '../ledger/ledger.ts';
import type { AvoidedWork } from '../ledger/prices.ts';
import type { ExactKey } from '../core/ids.ts';
import type { AnswerCost } from './answer-cost.ts';
import type { Exchange } from './exchange.ts';
import type { FinishedRequest } from './request-metrics.ts';

/** Port of the gateway to the ledger: calls return at once and never throw. */
export interface AnswerBook {
  record(entry: AnswerEntry): void;
  /** What an answer from the cache would have cost on the basis that reports show first; undefined while unpriced. */
  savedUsd(work: AvoidedWork): number | undefined;
}

export interface AnswerFacts {
  readonly exchange: Pick<Exchange, 'requestId' | 'tenant' | 'receivedAt'>;
  readonly finished: FinishedRequest;
  readonly origin: AnswerOrigin | undefined;
  readonly end: EndEvent | undefined;
  readonly question: ExactKey | undefined;
}

/** undefined for what reached neither the cache nor a thinker by the client's doing: it is no answer, and cost nothing. */
export function entryOf({ exchange, finished, origin, end, question }: AnswerFacts): AnswerEntry | undefined {
  const { outcome, totalMs } = finished;
  if (origin === undefined && (outcome === 'client_error' || outcome === 'cancelled')) return undefined;
  const source = origin?.source ?? 'thinker';
  const shared = isShared(source);
  const thinker = origin?.thinker;
  const queuedMs = thinker?.queuedMs ?? 0;
  // Cut short, it took what it took until then.
  // What is bought by the token takes no thinker's time.
  const tookMs =
    source === 'fallback'
      ? 0
      : end !== undefined
        ? workMs(end)
        : thinker !== undefined && !shared
          ? totalMs - queuedMs
          : 0;
  return {
    kind: 'answer',
    at: exchange.receivedAt,
    requestId: exchange.requestId,
    tenant: exchange.tenant,
    model: finished.model,
    source,
    outcome,
    thinker: shared ? '' : (thinker?.name ?? ''),
    promptTokens: finished.promptTokens,
    completionTokens: finished.completionTokens,
    ttftMs: finished.ttftMs,
    totalMs,
    queuedMs,
    loadMs: thinker?.cold && end !== undefined ? end.timings.loadNs / 1e6 : 0,
    gpuMs: shared ? 0 : tookMs,
    avoidedGpuMs: shared ? tookMs : 0,
    question: question?.slice(0, questionChars) ?? '',
    answerOf: (source === 'coalesced' ? origin?.ledBy : origin?.hit?.askedBy) ?? '',
  };
}

/** Nothing is said where it is not known: a stream begins before its cost is there, and what has no price is not $0. */
export function tellMoney(
  headers: Record<string, string | number>,
  { book, answerCost }: { readonly book: AnswerBook; readonly answerCost: AnswerCost },
  model: string,
  origin: AnswerOrigin,
  end: EndEvent,
): void {
  if (isShared(origin.source)) {
    const saved = book.savedUsd({ model, ...end.usage, gpuMs: workMs(end) });
    if (saved === undefined) return;
    headers['x-selfhost-cost-usd'] = '0';
    headers['x-selfhost-saved-usd'] = usdHeader(saved);
    return;
  }
  const cost = answerCost(origin, end, 0);
  if (cost > 0) headers['x-selfhost-cost-usd'] = usdHeader(cost / 1e6);
}

/** 132 bits of the key's hash tell questions apart, and half as much is written for each answer. */
const questionChars = 22;

/** A stored answer, or one that is shared while it is made: no thinker worked for this request alone. */
const isShared = (source: AnswerOrigin['source']): boolean =>
  source === 'exact' || source === 'semantic' || source === 'coalesced';

/** Reading and writing, as the thinker reports them; loading is counted apart. */
const workMs = ({ timings }: EndEvent): number => (timings.promptEvalNs + timings.evalNs) / 1e6;

const usdHeader = (usd: number): string => (usd === 0 ? '0' : usd.toFixed(usd < 0.001 ? 8 : 6));
