/**
 * A test that stays valid however often one looks: a bet against "the wrong share exceeds the target" whose
 * fortune, if that were true, would ever reach 1/alpha with probability at most alpha (Ville's inequality).
 * The bet is a mixture over smaller shares; each is a likelihood ratio, so their mean is a martingale at the target
 * and falls on average above it.
 */
import type { ShareTest } from './certificate.ts';

/** Shares bet on, as parts of the target, with the part of the stake: mostly on a clean or nearly clean top. */
const bets = [
  { part: 0, stake: 0.25 },
  { part: 0.1, stake: 0.2 },
  { part: 0.25, stake: 0.2 },
  { part: 0.5, stake: 0.2 },
  { part: 0.7, stake: 0.15 },
] as const;

/** Fortune after these counts, from 1. */
export function eValue(labels: number, wrong: number, target: number): number {
  const right = labels - wrong;
  let sum = 0;
  for (const { part, stake } of bets) {
    if (part === 0 && wrong > 0) continue;
    const gain = right * Math.log((1 - part * target) / (1 - target)) + (wrong === 0 ? 0 : wrong * Math.log(part));
    sum += stake * Math.exp(Math.min(gain, 700));
  }
  return sum;
}

export const eProcessTest: ShareTest = (labels, wrong, target, alpha) => eValue(labels, wrong, target) >= 1 / alpha;
