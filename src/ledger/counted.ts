/** A ledger whose costs, and what hits avoid, are also counted for Prometheus, at the moment they are written down. */
import type { CostComponent, Ledger } from './ledger.ts';
import { avoidedUsd, type AvoidedUsd, type Prices } from './prices.ts';

export interface Adder {
  inc(value: number): void;
}

export interface MoneyCounters {
  readonly cost: (component: CostComponent) => Adder;
  readonly avoided: Readonly<Record<keyof AvoidedUsd, Adder>>;
}

/** Ids known to be counted: those of some months of fixed costs. */
const idsMax = 10_000;

export function createCountedLedger(
  ledger: Ledger,
  counters: MoneyCounters,
  prices: Prices,
  pricePerHourUsd: () => number | undefined,
): Ledger {
  const seenIds = new Set<string>();

  return {
    name: ledger.name,
    get lost() {
      return ledger.lost;
    },
    append(entry) {
      ledger.append(entry);
      switch (entry.kind) {
        case 'answer': {
          if (entry.avoidedGpuMs <= 0 || entry.outcome !== 'ok') return;
          const { model, promptTokens, completionTokens, avoidedGpuMs: gpuMs } = entry;
          const avoided = avoidedUsd(prices, pricePerHourUsd(), { model, promptTokens, completionTokens, gpuMs });
          if (avoided.marginal !== undefined) counters.avoided.marginal.inc(avoided.marginal);
          if (avoided.cloudGpu !== undefined) counters.avoided.cloudGpu.inc(avoided.cloudGpu);
          if (avoided.tokenApi !== undefined) counters.avoided.tokenApi.inc(avoided.tokenApi);
          return;
        }
        case 'cost':
          if (entry.id !== undefined) {
            if (seenIds.has(entry.id)) return;
            if (seenIds.size >= idsMax) seenIds.delete(seenIds.values().next().value!);
            seenIds.add(entry.id);
          }
          // A refund is in the ledger; a counter cannot go down.
          if (entry.amount > 0) counters.cost(entry.component).inc(entry.amount / 1e6);
          return;
        default:
      }
    },
    flush: () => ledger.flush(),
    totals: (range) => ledger.totals(range),
    buckets: (range, bucketMs) => ledger.buckets(range, bucketMs),
    entries: (range, kinds) => ledger.entries(range, kinds),
    close: () => ledger.close(),
  };
}
