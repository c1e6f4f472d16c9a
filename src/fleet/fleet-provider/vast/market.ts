/** What kinds of GPU cost: as the market says it, or as its offers show it. */
import { usdMicros } from '../../../core/units.ts';
import type { MarketPrice, Offer, OfferQuery } from '../../fleet-provider.ts';
import type { WireMarketRow } from './wire.ts';

const microsPerUsd = 1e6;

/** A search for machines of any kind. */
export const anything: OfferQuery = {
  gpuNames: [],
  vramMibMin: 0,
  pricePerHourMax: usdMicros(1_000 * microsPerUsd),
  reliabilityMin: 0,
  downloadMbpsMin: 0,
  diskGb: 8,
  cudaMin: 0,
  durationSMin: 0,
  limit: 500,
};

/** Nothing for a row without a price, or of a kind that was not asked for. */
export function decodeMarket(row: WireMarketRow, gpuNames: readonly string[]): MarketPrice[] {
  const { gpu_name, name, price_p10: p10, price_median: median, available } = row;
  const gpuName = gpu_name ?? name ?? '';
  if (median === undefined || (gpuNames.length > 0 && !gpuNames.includes(gpuName))) return [];
  return [
    {
      gpuName,
      p10: usdMicros((p10 ?? median) * microsPerUsd),
      median: usdMicros(median * microsPerUsd),
      available: available ?? 0,
    },
  ];
}

export function pricesOf(offers: readonly Offer[]): MarketPrice[] {
  return [...Map.groupBy(offers, ({ gpuName }) => gpuName)].map(([gpuName, group]) => {
    const prices = group.map(({ pricePerHour }) => pricePerHour).toSorted((a, b) => a - b);
    const at = (share: number) => prices[Math.floor(share * (prices.length - 1))]!;
    return { gpuName, p10: at(0.1), median: at(0.5), available: group.length };
  });
}
