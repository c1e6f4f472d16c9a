/** What no law can go below, however much it knows. */
import type { Requests } from './workload.ts';
import { promptWeight } from './workers.ts';

export interface BoundOptions {
  readonly requests: Requests;
  readonly days: number;
  /** A request must begin within this time. */
  readonly waitS: number;
  /** $ per hour of a machine by its tokens per second: the least of the market. */
  readonly usdPerHourByTokenPerS: number;
  /** $ of bringing one token per second of speed into service. */
  readonly startUsdByTokenPerS: number;
}

const blockS = 300;
/** Speed in steps of this many tokens per second, rounded in favour of the bound. */
const stepPerS = 20;
/** The longest that an answer may still run after it has begun. */
const serviceS = 60;

/**
 * Work that arrives in a block must be done in it or shortly after; speed may be any number, machines are
 * perfect, prices are the least there are. Dynamic programme over blocks of five minutes and levels of mean speed. A rise of the mean
 * by one costs half a start, because one start may raise the means of two neighbouring blocks.
 */
export function lowerBoundUsd({
  requests,
  days,
  waitS,
  usdPerHourByTokenPerS,
  startUsdByTokenPerS,
}: BoundOptions): number {
  const blocks = (days * 86_400) / blockS;
  const work = new Float64Array(blocks);
  for (let i = 0; i < requests.count; i++)
    work[Math.floor(requests.atS[i]! / blockS)]! +=
      requests.completionTokens[i]! + promptWeight * requests.promptTokens[i]!;
  const levels = Math.ceil(Math.max(...work) / blockS / stepPerS) + 2;
  const usdPerStep = (usdPerHourByTokenPerS * stepPerS * blockS) / 3600;
  const startPerStep = (startUsdByTokenPerS * stepPerS) / 2;
  const after = Math.min(blockS, waitS + serviceS);
  let best = Float64Array.from({ length: levels }, (_, level) => level * (usdPerStep + startPerStep));
  for (let block = 1; block <= blocks; block++) {
    const next = new Float64Array(levels).fill(Infinity);
    for (let level = 0; level < levels; level++) {
      for (let before = 0; before < levels; before++) {
        // One step is given away, so that the grid cannot lift the bound.
        if ((before + 1) * stepPerS * blockS + (level + 1) * stepPerS * after < work[block - 1]!) continue;
        const usd =
          best[before]! + (block === blocks ? 0 : level * usdPerStep) + Math.max(0, level - before) * startPerStep;
        if (usd < next[level]!) next[level] = usd;
      }
    }
    best = next;
  }
  return Math.min(...best);
}
