/** From what a cloud would have asked for the same answers, step by step, to what was paid. */
import type { MoneyReport } from '../../admin/admin-types.ts';

export interface WaterfallStep {
  readonly name: string;
  /** `level`: a sum so far; `change`: what leads to the next. */
  readonly kind: 'level' | 'change';
  /** USD: of the level, or of the change with its sign. */
  readonly usd: number;
  readonly says: string;
}

/** undefined while one of its prices is not known. The levels and changes add up to what was paid, exactly. */
export function waterfallOf({ baselines, gpu, costUsd, totals }: MoneyReport): readonly WaterfallStep[] | undefined {
  const cloud = baselines.find(({ baseline }) => baseline === 'cloud-gpu')?.usd;
  const sameFleet = baselines.find(({ baseline }) => baseline === 'same-fleet')?.usd;
  const { billedHours, usdPerHour } = gpu;
  if (cloud === undefined || costUsd === undefined || usdPerHour === undefined || usdPerHour === 0 || billedHours === 0)
    return undefined;
  const gpuUsd = usdPerHour * billedHours;
  const avoidedUsd = sameFleet === undefined ? 0 : sameFleet - costUsd;
  const avoidedHours = avoidedUsd / usdPerHour;
  const cloudPrice = cloud / billedHours;
  const dollars = (micros: number) => micros / 1e6;
  const { gpu_busy: busy, gpu_idle: idle, gpu_cold: cold } = totals.costs;
  const rest = costUsd - gpuUsd;
  return [
    {
      name: 'Cloud, no cache',
      kind: 'level',
      usd: cloudPrice * (billedHours + avoidedHours),
      says: `${(billedHours + avoidedHours).toFixed(1)} h at $${cloudPrice.toFixed(3)}`,
    },
    {
      name: 'Cheaper GPU',
      kind: 'change',
      usd: -(cloudPrice - usdPerHour) * (billedHours + avoidedHours),
      says: `$${usdPerHour.toFixed(3)} an hour in place of $${cloudPrice.toFixed(3)}`,
    },
    { name: 'Cache', kind: 'change', usd: -avoidedUsd, says: `${avoidedHours.toFixed(2)} h of GPU not needed` },
    { name: 'Busy', kind: 'level', usd: dollars(busy), says: 'GPUs that answered' },
    { name: 'Idle', kind: 'change', usd: dollars(idle), says: 'GPUs that waited for questions' },
    { name: 'Cold', kind: 'change', usd: dollars(cold), says: 'GPUs that were starting' },
    { name: 'Other', kind: 'change', usd: rest, says: 'storage, bandwidth, fixed costs, paid fallback' },
    { name: 'Paid', kind: 'level', usd: costUsd, says: 'the whole bill' },
  ];
}
