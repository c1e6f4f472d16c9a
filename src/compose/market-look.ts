/** What a key is good for and what the market has, before anything is configured. Nothing is rented here. */
import type { Config } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { toAppError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import { epochMs, usdMicros } from '../core/units.ts';
import type { FleetProvider, Offer } from '../fleet/fleet-provider.ts';
import { createVastProvider } from '../fleet/fleet-provider/vast.ts';
import { createLogger } from '../telemetry/logger.ts';

export interface KeyReport {
  readonly email: string;
  readonly balanceUsd: number;
  /** List instances, which the fleet needs to know what bills. */
  readonly instances: 'may' | 'may-not';
  /** Read charges, which the ledger is reconciled with. */
  readonly billing: 'may' | 'may-not';
  /** Manage keys of the account: more than a gateway should be able to. */
  readonly keys: 'may' | 'may-not' | 'unknown';
}

export interface GpuOffers {
  readonly gpu: string;
  readonly offers: number;
  readonly minUsd: number;
  readonly medianUsd: number;
  /** Median, in [0, 1]. */
  readonly reliability: number;
  readonly datacenters: number;
  /** Of the median offer, USD per GB downloaded. */
  readonly downUsdPerGb: number;
}

export interface MarketAsk {
  readonly gpuNames: readonly string[];
  readonly vramGb: number;
  readonly diskGb: number;
}

export interface MarketLook {
  key(): Promise<KeyReport>;
  /** Cheapest kind first. */
  offers(ask: MarketAsk): Promise<readonly GpuOffers[]>;
  close(): Promise<void>;
}

export interface MarketLookOptions {
  readonly url: string | undefined;
  readonly key: string;
  readonly hosts: Config['fleet']['vast']['hosts'];
  readonly datacenterOnly: boolean;
  readonly machines: Config['fleet']['machines'];
}

const microsPerUsd = 1e6;
const dayMs = 86_400_000;
const offersMax = 500;
/** Dearer ones are somebody's mistake, or not for one model of one team. */
const pricePerHourMaxUsd = 20;
const keyListTimeoutMs = 10_000;
const defaultUrl = 'https://console.vast.ai';

/** @throws config_invalid when the URL or the key cannot be one */
export function openMarketLook(options: MarketLookOptions): MarketLook {
  const { url = defaultUrl, key, machines } = options;
  const { signal } = new AbortController();
  const provider = createVastProvider({
    url,
    key,
    hosts: options.hosts,
    datacenterOnly: options.datacenterOnly,
    clock: systemClock,
    random: systemRandom,
    logger: createLogger('silent'),
  });
  return {
    async key() {
      // First alone: a wrong key gets one clear answer instead of three.
      const { balance, email } = await provider.account({ signal });
      const now = systemClock.now();
      const [instances, billing, keys] = await Promise.all([
        mayI(() => provider.list('gw-', { signal })),
        mayI(() => provider.charges({ from: epochMs(now - dayMs), to: now }, { signal })),
        managesKeys(url, key),
      ]);
      return { email, balanceUsd: balance / microsPerUsd, instances, billing, keys };
    },
    offers: async (ask) => summarize(await search(provider, ask, machines, signal)),
    close: () => provider.close(),
  };
}

function search(
  provider: FleetProvider,
  { gpuNames, vramGb, diskGb }: MarketAsk,
  machines: MarketLookOptions['machines'],
  signal: AbortSignal,
): Promise<readonly Offer[]> {
  return provider.searchOffers(
    {
      gpuNames,
      vramMibMin: Math.round(vramGb * 1000),
      pricePerHourMax: usdMicros(pricePerHourMaxUsd * microsPerUsd),
      reliabilityMin: machines.reliabilityMin,
      downloadMbpsMin: machines.downloadMbpsMin,
      diskGb,
      cudaMin: machines.cudaMin,
      durationSMin: machines.leaseHoursMin * 3600,
      limit: offersMax,
    },
    { signal },
  );
}

/** Only a refusal is a no; a market that is down has said nothing, and throws. */
async function mayI(act: () => Promise<unknown>): Promise<'may' | 'may-not'> {
  try {
    await act();
    return 'may';
  } catch (error) {
    if (toAppError(error).code === 'provider_refused') return 'may-not';
    throw error;
  }
}

/** Asked of the list of keys: whoever reads it is not limited to instances and billing. */
async function managesKeys(url: string, key: string): Promise<KeyReport['keys']> {
  try {
    const reply = await fetch(`${url.replace(/\/+$/, '')}/api/v0/auth/apikeys/`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(keyListTimeoutMs),
    });
    await reply.body?.cancel();
    if (reply.ok) return 'may';
    return reply.status === 401 || reply.status === 403 ? 'may-not' : 'unknown';
  } catch {
    // It is a hint, not a condition.
    return 'unknown';
  }
}

function summarize(offers: readonly Offer[]): readonly GpuOffers[] {
  return [...Map.groupBy(offers, ({ gpuName }) => gpuName)]
    .map(([gpu, group]) => {
      const byPrice = group.toSorted((a, b) => a.pricePerHour - b.pricePerHour);
      const middle = byPrice[Math.floor((byPrice.length - 1) / 2)]!;
      return {
        gpu,
        offers: group.length,
        minUsd: byPrice[0]!.pricePerHour / microsPerUsd,
        medianUsd: middle.pricePerHour / microsPerUsd,
        reliability: median(group.map(({ reliability }) => reliability)),
        datacenters: group.filter(({ datacenter }) => datacenter).length,
        downUsdPerGb: middle.downUsdPerGb,
      };
    })
    .toSorted((a, b) => a.medianUsd - b.medianUsd);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
