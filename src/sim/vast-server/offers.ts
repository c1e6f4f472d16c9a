/** Search: rows of offers, and the filters that the market understands. */
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { isJsonObject } from '../../core/json.ts';
import type { Economy } from '../world/economy.ts';
import { tokensPerSecondOf } from '../world/gpu-classes.ts';
import { round } from '../world/machine.ts';
import type { MarketOffer } from '../world/market.ts';
import { ApiError, numberOf, wordOf } from './http.ts';

type Row = Record<string, JsonValue>;

/** What a search leaves out when it does not say how much disk it wants, GB. */
const defaultStorageGb = 8;
const defaultLimit = 64;
const limitMax = 1_000;
const hoursPerMonth = 730;

export function searchOffers(economy: Economy, query: JsonObject): JsonObject {
  const storageGb = numberOf(query['allocated_storage']) ?? defaultStorageGb;
  const bids = query['type'] === 'bid' || query['type'] === 'interruptible';
  const rows = economy.offers().map((offer) => offerRow(economy, offer, { storageGb, bids }));
  const kept = rows.filter((row) => keeps(row, query));
  const limit = Math.min(limitMax, numberOf(query['limit']) ?? defaultLimit);
  return { offers: sorted(kept, query['order']).slice(0, limit) };
}

export function offerRow(
  economy: Economy,
  { machine, askId, usdPerHour, minBid }: MarketOffer,
  { storageGb, bids }: { readonly storageGb: number; readonly bids: boolean },
): Row {
  const { gpu, gpuCount } = machine;
  const storage = (machine.storageCost * storageGb) / hoursPerMonth;
  const base = bids ? minBid : usdPerHour;
  const total = round(base + storage, 6);
  const dlperf = round((tokensPerSecondOf(gpu) * gpuCount) / 1.1, 3);
  const endsAt = economy.leaseEndsAt(machine);
  return {
    id: askId,
    ask_contract_id: askId,
    bundle_id: machine.id * 31,
    machine_id: machine.id,
    host_id: machine.hostId,
    hostname: null,
    public_ipaddr: '203.0.113.7',
    gpu_name: gpu.name,
    num_gpus: gpuCount,
    gpu_frac: 1,
    gpu_ram: gpu.vramMib,
    gpu_total_ram: gpu.vramMib * gpuCount,
    gpu_mem_bw: gpu.memoryBandwidth,
    gpu_arch: gpu.arch,
    gpu_lanes: 16,
    gpu_max_power: 400,
    gpu_max_temp: 85,
    compute_cap: gpu.computeCap,
    cuda_max_good: machine.cudaMax,
    driver_version: '570.86.15',
    driver_vers: 570_086_015,
    cpu_name: machine.cpuName,
    cpu_cores: 32,
    cpu_cores_effective: 16,
    cpu_ram: 128_000,
    cpu_ghz: 3.2,
    mobo_name: 'ROMED8-2T',
    pci_gen: 4,
    pcie_bw: 24.1,
    disk_space: machine.diskGb,
    disk_bw: machine.diskMbS,
    disk_name: 'SAMSUNG MZQL21T9',
    inet_down: round(machine.inetDown, 1),
    inet_up: round(machine.inetUp, 1),
    inet_down_cost: machine.inetDownCost,
    inet_up_cost: machine.inetUpCost,
    internet_down_cost_per_tb: round(machine.inetDownCost * 1_000, 3),
    internet_up_cost_per_tb: round(machine.inetUpCost * 1_000, 3),
    storage_cost: machine.storageCost,
    storage_total_cost: round(storage, 8),
    dph_base: base,
    dph_total: total,
    dph_total_adj: total,
    discount_rate: null,
    discounted_dph_total: total,
    min_bid: minBid,
    is_bid: bids,
    dlperf,
    dlperf_per_dphtotal: round(dlperf / total, 2),
    total_flops: round(dlperf * 0.6, 2),
    flops_per_dphtotal: round((dlperf * 0.6) / total, 2),
    vram_costperhour: total / (gpu.vramMib * gpuCount),
    score: round((dlperf / total) * machine.reliability, 3),
    reliability: machine.reliability,
    reliability2: machine.reliability,
    expected_reliability: machine.reliability,
    reliability_mult: 0.98,
    verification: machine.verified ? 'verified' : 'unverified',
    vericode: machine.verified ? 1 : 0,
    hosting_type: machine.datacenter ? 1 : 0,
    static_ip: machine.staticIp,
    direct_port_count: machine.directPorts,
    geolocation: machine.geolocation,
    start_date: Math.round(economy.clock.now() / 1_000) - 864_000,
    end_date: Math.round(endsAt / 1_000),
    duration: Math.max(0, (endsAt - economy.clock.now()) / 1_000),
    rentable: true,
    rented: false,
    external: null,
    os_version: '22.04',
    resource_type: 'gpu',
    vms_enabled: false,
    cluster_id: null,
    credit_discount_max: 0.1,
    rn: 1,
    search: {
      gpuCostPerHour: base,
      diskHour: round(storage, 8),
      totalHour: total,
      discountTotalHour: 0,
      discountedTotalPerHour: total,
    },
    instance: {
      gpuCostPerHour: 0,
      diskHour: round(storage, 8),
      totalHour: round(storage, 8),
      discountTotalHour: 0,
      discountedTotalPerHour: round(storage, 8),
    },
  };
}

const controls = new Set(['order', 'type', 'limit', 'allocated_storage', 'disable_bundling', 'select_cols', 'q']);

/** Names under which the client asks for other columns. */
const aliases: Readonly<Record<string, (row: Row) => JsonValue>> = {
  verified: (row) => row['vericode'] === 1,
  datacenter: (row) => row['hosting_type'] === 1,
  external: (row) => row['external'] === true,
  cuda_vers: (row) => row['cuda_max_good']!,
  dph: (row) => row['dph_total']!,
  dlperf_usd: (row) => row['dlperf_per_dphtotal']!,
  flops_usd: (row) => row['flops_per_dphtotal']!,
  target_reliability: (row) => row['expected_reliability']!,
  display_active: () => false,
  /** Two letters on input; the place with them at its end on output. */
  geolocation: (row) => wordOf(row['geolocation']).slice(-2),
};

function keeps(row: Row, query: JsonObject): boolean {
  return Object.entries(query).every(([field, condition]) => {
    if (controls.has(field)) return true;
    const value = valueOf(row, field);
    if (value === undefined) throw new ApiError(400, 'invalid_args', `Invalid search field: ${field}`);
    if (!isJsonObject(condition)) throw new ApiError(400, 'invalid_args', `Invalid filter on ${field}`);
    return Object.entries(condition).every(([op, wanted]) => holds(value, op, wanted, field));
  });
}

function valueOf(row: Row, field: string): JsonValue | undefined {
  return aliases[field]?.(row) ?? row[field];
}

/** A condition, with `"1"` as good as 1 and `"true"` as true. */
export function holds(value: JsonValue, op: string, wanted: JsonValue, field: string): boolean {
  const same = (one: JsonValue) => looseText(one) === looseText(value);
  const left = numberOf(value);
  const right = numberOf(wanted);
  const compare = (test: (a: number, b: number) => boolean) =>
    left !== undefined && right !== undefined && test(left, right);
  switch (op) {
    case 'eq':
      return same(wanted);
    case 'neq':
      return !same(wanted);
    case 'gt':
      return compare((a, b) => a > b);
    case 'gte':
      return compare((a, b) => a >= b);
    case 'lt':
      return compare((a, b) => a < b);
    case 'lte':
      return compare((a, b) => a <= b);
    case 'in':
      return listOf(wanted, field).some(same);
    case 'notin':
      return !listOf(wanted, field).some(same);
    default:
      throw new ApiError(400, 'invalid_args', `Invalid operator ${op} on ${field}`);
  }
}

function looseText(value: JsonValue): string {
  if (value === null) return 'null';
  const number = numberOf(value);
  return number === undefined
    ? typeof value === 'object'
      ? JSON.stringify(value)
      : String(value).toLowerCase()
    : String(number);
}

function listOf(wanted: JsonValue, field: string): readonly JsonValue[] {
  if (Array.isArray(wanted)) return wanted as readonly JsonValue[];
  throw new ApiError(400, 'invalid_args', `Invalid list for ${field}`);
}

function sorted(rows: Row[], order: JsonValue | undefined): Row[] {
  const keys = (Array.isArray(order) ? order : [['score', 'desc']]) as readonly JsonValue[];
  const parsed = keys.flatMap((key) =>
    Array.isArray(key) ? [[wordOf(key[0]), wordOf(key[1] ?? 'asc')] as const] : [],
  );
  return rows.toSorted((a, b) => {
    for (const [field, direction] of parsed) {
      const difference = (numberOf(valueOf(a, field)) ?? 0) - (numberOf(valueOf(b, field)) ?? 0);
      if (difference !== 0) return direction === 'desc' ? -difference : difference;
    }
    return 0;
  });
}
