/** The account, what was charged, and what the market costs. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Economy } from '../world/economy.ts';
import type { MarketOffer } from '../world/market.ts';
import { round } from '../world/machine.ts';
import { ApiError, numberOf, parseObject } from './http.ts';

const pageMax = 500;
const usd = (nano: number): number => Number((nano / 1e9).toFixed(9));

export function account(economy: Economy): JsonObject {
  const balance = round(economy.balanceUsd, 6);
  return {
    id: 424_242,
    email: 'operator@example.org',
    username: 'operator',
    balance,
    credit: balance,
    balance_threshold: 0,
    balance_threshold_enabled: false,
    has_billing: true,
    billaddress_country: 'US',
    ssh_key: null,
  };
}

interface Charge {
  readonly dayAt: number;
  readonly instanceId: number;
  readonly row: JsonObject;
}

/** One row per instance and day; their amounts are the bill. */
export function charges(economy: Economy, search: URLSearchParams): JsonObject {
  const filters = parseObject(search.get('select_filters') ?? '{}');
  const day = isJsonObject(filters['day']) ? filters['day'] : {};
  const from = (numberOf(day['gte']) ?? 0) * 1_000;
  const to = (numberOf(day['lte']) ?? Infinity) * 1_000;
  const types = isJsonObject(filters['type']) ? filters['type']['in'] : undefined;
  const wanted = !Array.isArray(types) || (types as readonly JsonValue[]).includes('instance');
  const found = wanted ? chargeRows(economy).filter(({ dayAt }) => dayAt >= from && dayAt <= to) : [];
  const rows = search.get('latest_first') === 'true' ? found.toReversed() : found;
  const limit = numberOf(search.get('limit') ?? pageMax) ?? pageMax;
  if (limit < 1 || limit > pageMax) throw new ApiError(400, 'invalid_args', `limit is at most ${pageMax}`);
  const start = Number(search.get('after_token') ?? 0);
  if (!Number.isInteger(start) || start < 0) throw new ApiError(400, 'invalid_args', 'Invalid after_token');
  const page = rows.slice(start, start + limit);
  return {
    success: true,
    count: page.length,
    total: rows.length,
    results: page.map(({ row }) => row),
    next_token: start + limit < rows.length ? String(start + limit) : null,
  };
}

function chargeRows(economy: Economy): Charge[] {
  const groups = Map.groupBy(economy.bill().items, ({ instanceId, dayAt }) => `${dayAt} ${instanceId}`);
  const rows = [...groups.values()].map((items): Charge => {
    const { dayAt, instanceId, label } = items[0]!;
    return {
      dayAt,
      instanceId,
      row: {
        start: dayAt / 1_000,
        end: dayAt / 1_000 + 86_400,
        type: 'instance',
        source: `instance-${instanceId}`,
        description: `Instance ${instanceId} charges`,
        amount: usd(items.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0)),
        metadata: { label },
        items: items.map(({ type, nanoUsd }) => ({
          type,
          amount: usd(nanoUsd),
          description: `Instance ${instanceId} ${type}`,
        })),
      },
    };
  });
  return rows.toSorted((a, b) => a.dayAt - b.dayAt || a.instanceId - b.instanceId);
}

/** Per kind of GPU, USD per GPU and hour. */
export function gpuMarket(economy: Economy, search: URLSearchParams): JsonObject {
  const { verified = 'all', hosting_type: hosting = 'all', num_gpus: count = 'all' } = Object.fromEntries(search);
  economy.offers();
  const all = economy.market
    .everything()
    .filter(({ machine }) => verified === 'all' || machine.verified === (verified === 'yes'))
    .filter(({ machine }) => hosting === 'all' || machine.datacenter === (hosting === 'secure_cloud'))
    .filter(({ machine }) => count === 'all' || machine.gpuCount === Number(count));
  const free = new Set(economy.market.offers().map(({ machine }) => machine.id));
  const groups = Map.groupBy(all, ({ machine }) => machine.gpu.name);
  const gpus = [...groups].map(([name, offers]) => {
    const prices = offers.map((offer) => perGpu(offer)).toSorted((a, b) => a - b);
    const available = offers.filter(({ machine }) => free.has(machine.id)).length;
    const at = (share: number) => round(prices[Math.min(prices.length - 1, Math.floor(share * prices.length))]!, 4);
    return {
      gpu_name: name,
      price_p10: at(0.1),
      price_p25: at(0.25),
      price_median: at(0.5),
      price_p75: at(0.75),
      price_p90: at(0.9),
      available,
      usage: round(1 - available / offers.length, 3),
    };
  });
  return { success: true, gpus };
}

const perGpu = ({ usdPerHour, machine }: MarketOffer): number => usdPerHour / machine.gpuCount;
