/** What things would cost elsewhere: dated, editable, and absent where nobody has said. */
import type { EpochMs } from '../core/units.ts';

export interface TokenPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
  readonly source: string;
  readonly pricedOn?: string | undefined;
}

export interface CloudGpuPrice {
  readonly name: string;
  readonly usdPerHour: number;
  readonly source: string;
  readonly pricedOn: string;
  /** Its tokens a second over those of the GPU it is compared with. */
  readonly speed: number;
  readonly hours: 'same-schedule' | 'always-on' | 'same-work';
}

export interface Prices {
  readonly cloudGpu: CloudGpuPrice;
  /** By model; `default` for the others. */
  readonly tokenApi: Readonly<Record<string, TokenPrice>>;
}

export const baselines = ['cloud-gpu', 'token-api', 'same-fleet'] as const;
export type Baseline = (typeof baselines)[number];

/** Prices of rented GPUs and APIs move within weeks. */
export const staleAfterDays = 30;
const dayMs = 86_400_000;

/** Days since a price was looked up; undefined when nobody said when. */
export function ageDays(pricedOn: string | undefined, now: EpochMs): number | undefined {
  return pricedOn === undefined ? undefined : Math.floor((now - Date.parse(pricedOn)) / dayMs);
}

export function tokenPriceOf({ tokenApi }: Pick<Prices, 'tokenApi'>, model: string): TokenPrice | undefined {
  // Asked for every hit, and most gateways have no such prices.
  if (Object.keys(tokenApi).length === 0) return undefined;
  const own = (name: string) => (Object.hasOwn(tokenApi, name) ? tokenApi[name] : undefined);
  return own(model) ?? own(model.replace(/:latest$/, '')) ?? own('default');
}

export function tokensUsd(price: TokenPrice, promptTokens: number, completionTokens: number): number {
  return (promptTokens * price.inputUsdPerMillion + completionTokens * price.outputUsdPerMillion) / 1e6;
}

/** Work of our GPU, done there. */
export function cloudGpuUsd({ usdPerHour, speed }: CloudGpuPrice, gpuMs: number): number {
  return (gpuMs / 3.6e6 / speed) * usdPerHour;
}

/** What one answer from the cache would have cost; undefined where that is unpriced. */
export interface AvoidedUsd {
  /** The time of a thinker of ours, at its price while it runs. */
  readonly marginal: number | undefined;
  readonly cloudGpu: number | undefined;
  readonly tokenApi: number | undefined;
}

export interface AvoidedWork {
  readonly model: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly gpuMs: number;
}

/**
 * @param pricePerHourUsd of a thinker of ours; undefined where none is priced, as a simulated one: against a cloud's GPU
 * there is then nothing to compare
 */
export function avoidedUsd(prices: Prices, pricePerHourUsd: number | undefined, work: AvoidedWork): AvoidedUsd {
  const tokenPrice = tokenPriceOf(prices, work.model);
  return {
    marginal: pricePerHourUsd === undefined ? undefined : (work.gpuMs / 3.6e6) * pricePerHourUsd,
    cloudGpu: pricePerHourUsd === undefined ? undefined : cloudGpuUsd(prices.cloudGpu, work.gpuMs),
    tokenApi: tokenPrice && tokensUsd(tokenPrice, work.promptTokens, work.completionTokens),
  };
}
