/** What an answer cost, while it is fresh. */
import type { AnswerOrigin, EndEvent } from '../core/chat.ts';
import { usdMicros, type UsdMicros } from '../core/units.ts';
import { tokensCost, type TokenPrice } from '../ledger/token-purse.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';

/** @param elapsedMs since the request came: what is counted where the answer was cut short */
export type AnswerCost = (origin: AnswerOrigin, end: EndEvent | undefined, elapsedMs: number) => UsdMicros;

const nsPerHour = 3.6e12;

/**
 * Its share of the thinker's hourly price: the time it took there, divided among the answers that ran beside
 * it. Idle time is in no answer's cost; that is the operator's. Stored and joined answers cost nothing.
 */
export function createAnswerCost(pool: Pick<ThinkerPool, 'views'>, fallback?: TokenPrice): AnswerCost {
  return ({ source, thinker }, end, elapsedMs) => {
    if (source === 'fallback' && fallback !== undefined && end !== undefined) return tokensCost(end.usage, fallback);
    if (source !== 'thinker' || thinker === undefined) return usdMicros(0);
    const view = pool.views().find(({ id }) => id === thinker.id);
    if (view === undefined || view.costPerHour === 0) return usdMicros(0);
    // Its own lease may have ended just now.
    const tookNs = end?.timings.totalNs ?? Math.max(0, elapsedMs - thinker.queuedMs) * 1e6;
    return usdMicros((view.costPerHour * tookNs) / nsPerHour / Math.max(1, view.inFlight));
  };
}
