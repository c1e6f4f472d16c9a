/** After how long machines should sleep: recorded traffic replayed with a few times, and the best of them. */
import type { WhatIfChange, WhatIfReport } from '../../admin/admin-types.ts';
import { daysPerMonth } from '../../core/units.ts';

export type IdleAdvice =
  | {
      readonly kind: 'sooner' | 'later';
      readonly idleS: number;
      readonly usdPerMonth: number;
      /** Questions that wait for a start; negative: fewer. */
      readonly waitsPerDay: number;
      /** Of recorded traffic. */
      readonly days: number;
    }
  /** No other time is worth a change. */
  | { readonly kind: 'stay' };

const candidatesS = [60, 120, 300, 600, 1_200, 1_800, 3_600] as const;

/** The first one is as it is. */
export const idleChanges: readonly WhatIfChange[] = [{}, ...candidatesS.map((idleS) => ({ idleS }))];

/** What the law takes a waiting person for: 0.000083 USD a second, for four minutes. */
const waitUsd = 0.02;
/** Below this, a month of it is not worth a person's minute. */
const usdMin = 1;
/** A day is a sample of one. */
const daysMin = 1;

/** @param reports of `idleChanges`. @returns undefined while too little is recorded */
export function idleAdvice(reports: readonly WhatIfReport[], nowMs: number | undefined): IdleAdvice | undefined {
  const [base, ...others] = reports;
  if (base === undefined || base.days < daysMin || base.scenario.costUsd === undefined) return undefined;
  const { days } = base;
  const found = others.flatMap(({ scenario }, i) => {
    if (scenario.costUsd === undefined) return [];
    const usdPerMonth = ((base.scenario.costUsd! - scenario.costUsd) / days) * daysPerMonth;
    const waitsPerDay = (scenario.coldWaits - base.scenario.coldWaits) / days;
    return [{ idleS: candidatesS[i]!, usdPerMonth, waitsPerDay }];
  });
  const worth = (each: (typeof found)[number]) => each.usdPerMonth - waitUsd * daysPerMonth * each.waitsPerDay;
  const best = found.toSorted((a, b) => worth(b) - worth(a))[0];
  if (best === undefined || best.usdPerMonth < usdMin || worth(best) < usdMin || best.idleS * 1000 === nowMs)
    return { kind: 'stay' };
  const kind = nowMs !== undefined && best.idleS * 1000 > nowMs ? 'later' : 'sooner';
  return { kind, ...best, days };
}
