/** Costs of each day in their components. */
import type { LedgerBucketsView } from '../../admin/admin-types.ts';

export const components = ['gpu_busy', 'gpu_idle', 'gpu_cold', 'storage', 'bandwidth', 'fixed', 'fallback'] as const;

export const componentWords: Readonly<Record<(typeof components)[number], string>> = {
  gpu_busy: 'GPU busy',
  gpu_idle: 'GPU idle',
  gpu_cold: 'GPU starting',
  storage: 'storage',
  bandwidth: 'bandwidth',
  fixed: 'fixed',
  fallback: 'paid fallback',
};

export interface SpendByDay {
  readonly series: readonly string[];
  /** Oldest first; USD in the order of the series. */
  readonly bars: readonly { readonly name: string; readonly parts: readonly number[] }[];
  readonly total: number;
}

export function spendByDay({ costs }: Pick<LedgerBucketsView, 'costs'>): SpendByDay {
  const days = new Map<number, number[]>();
  for (const { at, component, amount } of costs) {
    let parts = days.get(at);
    if (parts === undefined) days.set(at, (parts = components.map(() => 0)));
    parts[components.indexOf(component)]! += amount;
  }
  const bars = [...days]
    .toSorted(([a], [b]) => a - b)
    .map(([at, parts]) => ({
      name: new Date(at).toISOString().slice(5, 10),
      parts: parts.map((micros) => micros / 1e6),
    }));
  return {
    series: components.map((component) => componentWords[component]),
    bars,
    total: costs.reduce((sum, { amount }) => sum + amount, 0) / 1e6,
  };
}
