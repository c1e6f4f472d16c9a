/** @param share in [0, 1]. @returns the smallest value that at least this share of `values` does not exceed; NaN when empty. */
export function percentile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? NaN : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** For tables: three figures are enough to compare by. */
export function round(value: number, digits = 3): number {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : value;
}

/**
 * CPU time of the calling thread, microseconds. The call before it makes Linux bring the running
 * thread's account up to date; without it the figure moves in timer ticks of 4 ms.
 */
export function threadCpuUs(): number {
  process.cpuUsage();
  const used = process.threadCpuUsage();
  return used.user + used.system;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** 95 % quantile of the normal distribution, two-sided. */
const z95 = 1.959963984540054;

/**
 * Wilson score interval of a share at 95 % confidence: honest also for few cases and for shares
 * near 0 or 1. @returns bounds in [0, 1]; all of it when there are no cases.
 */
export function wilson95(count: number, total: number): Interval {
  if (total === 0) return { low: 0, high: 1 };
  const share = count / total;
  const z2 = z95 * z95;
  const centre = (share + z2 / (2 * total)) / (1 + z2 / total);
  const half = (z95 / (1 + z2 / total)) * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total * total));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
