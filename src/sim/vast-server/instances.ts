/** Rows of instances, and the keyset pages of their list. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Economy } from '../world/economy.ts';
import type { Instance } from '../world/instance.ts';
import { round } from '../world/machine.ts';
import { ApiError, numberOf, parseObject, wordOf } from './http.ts';
import { holds } from './offers.ts';

type Row = Record<string, JsonValue>;

const pageMax = 25;
/** Computed, so neither filtered nor sorted by. */
const computed = new Set(['dph_total', 'num_gpus']);

export function instanceRow(economy: Economy, instance: Instance): Row {
  const { rental, status } = instance;
  const { machine, request } = rental;
  const now = economy.clock.now();
  const running = status === 'running';
  const gpu = instance.gpuUse;
  const endsAt = economy.leaseEndsAt(machine);
  const storage = instance.storageUsdPerHour;
  const ports: Record<string, JsonValue> = {};
  for (const [inside, outside] of instance.ports) {
    ports[`${inside}/tcp`] = [
      { HostIp: '0.0.0.0', HostPort: String(outside) },
      { HostIp: '::', HostPort: String(outside) },
    ];
  }
  return {
    id: rental.id,
    machine_id: machine.id,
    host_id: machine.hostId,
    label: instance.label,
    actual_status: status,
    cur_state: running ? 'running' : status === 'exited' || status === 'stopped' ? 'stopped' : 'unloaded',
    next_state: instance.intended,
    intended_status: instance.intended,
    status_msg: instance.statusMsg === '' ? null : instance.statusMsg,
    image_uuid: request.image,
    image_args: request.args === null ? [] : [...request.args],
    image_runtype: request.runtype,
    // Everything that was sent comes back, secrets too.
    extra_env: [
      ...request.env.map(([name, text]) => [name, text]),
      ...request.ports.map((port) => [`-p ${port}:${port}`, '1']),
    ],
    onstart: request.onstart,
    template_id: null,
    template_hash_id: null,
    jupyter_token: rental.jupyterToken,
    // With the blanks that have been seen.
    public_ipaddr: instance.host === '' ? null : `${instance.host} \n`,
    local_ipaddrs: '10.0.0.12 172.17.0.1 \n',
    ssh_host: 'ssh5.example.net',
    ssh_idx: '5',
    ssh_port: 10_000 + (rental.id % 50_000),
    machine_dir_ssh_port: 22,
    direct_port_start: 33_000,
    direct_port_end: 33_000 + machine.directPorts,
    direct_port_count: machine.directPorts,
    ports: running ? ports : null,
    static_ip: machine.staticIp,
    geolocation: machine.geolocation,
    country_code: machine.geolocation.slice(-2),
    verification: machine.verified ? 'verified' : 'unverified',
    start_date: instance.startedAt / 1_000,
    end_date: endsAt / 1_000,
    duration: Math.max(0, (endsAt - now) / 1_000),
    time_remaining: '',
    uptime_mins: running ? Math.floor((now - instance.startedAt) / 60_000) : null,
    gpu_name: machine.gpu.name,
    num_gpus: machine.gpuCount,
    gpu_util: gpu?.percent ?? null,
    gpu_temp: running ? 54 : null,
    gpu_ram: machine.gpu.vramMib,
    gpu_totalram: machine.gpu.vramMib * machine.gpuCount,
    gpu_frac: 1,
    mem_usage: running ? 7.1 : null,
    mem_limit: 64,
    vmem_usage: gpu ? round(gpu.vramGb, 3) : null,
    cpu_util: running ? 3.4 : null,
    disk_space: request.diskGb,
    disk_usage: running ? 9.3 : -1,
    disk_util: -1,
    inet_up: machine.inetUp,
    inet_down: machine.inetDown,
    inet_up_cost: machine.inetUpCost,
    inet_down_cost: machine.inetDownCost,
    is_bid: request.bid !== undefined,
    min_bid: economy.market.minBid(machine),
    dph_base: round(instance.usdPerHour, 6),
    dph_total: round(instance.usdPerHour + storage, 6),
    search: {
      gpuCostPerHour: round(instance.usdPerHour, 6),
      diskHour: round(storage, 8),
      totalHour: round(instance.usdPerHour + storage, 6),
    },
    instance: {
      gpuCostPerHour: running ? round(instance.usdPerHour, 6) : 0,
      diskHour: round(storage, 8),
      totalHour: round((running ? instance.usdPerHour : 0) + storage, 6),
    },
    storage_cost: machine.storageCost,
    storage_total_cost: round(storage, 8),
    credit_balance: null,
    reliability2: machine.reliability,
    cuda_max_good: machine.cudaMax,
    driver_version: '570.86.15',
    client_run_time: 1.1,
    host_run_time: machine.leaseS,
    volume_info: null,
  };
}

export function listInstances(economy: Economy, search: URLSearchParams): JsonObject {
  const now = economy.clock.now();
  const { faults } = economy;
  const rows = faults.holds('list-empty', now) ? [] : economy.alive().map((instance) => instanceRow(economy, instance));
  const filters = parseObject(search.get('select_filters') ?? '{}');
  const matching = rows.filter((row) => matches(row, filters));
  const limit = Math.min(pageMax, numberOf(search.get('limit') ?? pageMax) ?? pageMax);
  if (limit < 1) throw new ApiError(400, 'invalid_args', 'Invalid limit');
  const { column, descending } = readOrder(search.get('order_by'), rows[0]);
  const keyOf = (row: Row) => [numberOf(row[column]) ?? wordOf(row[column]), Number(row['id'])] as const;
  const ordered = matching.toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)) * (descending ? -1 : 1));
  const after = search.get('after_token');
  const start = after === null || after === '' ? 0 : startAfter(ordered, keyOf, readToken(after), descending);
  const page = ordered.slice(start, start + limit);
  const more = start + limit < ordered.length;
  const shown = faults.holds('list-short', now) ? page.slice(1) : page;
  const answer: JsonObject = {
    instances_found: shown.length,
    label_counts: labelCounts(matching),
    next_token: more ? writeToken(keyOf(page.at(-1)!)) : null,
    instances: selected(shown, search.get('select_cols')),
  };
  if (faults.holds('list-doubtful', now)) return answer;
  return { success: true, total_instances: matching.length, ...answer };
}

function matches(row: Row, filters: JsonObject): boolean {
  return Object.entries(filters).every(([column, condition]) => {
    if (computed.has(column) || !(column in row) || !isJsonObject(condition))
      throw new ApiError(400, 'invalid_args', `Invalid filter column: ${column}`);
    return Object.entries(condition).every(([op, wanted]) => holds(row[column]!, op, wanted, column));
  });
}

function readOrder(text: string | null, sample: Row | undefined): { column: string; descending: boolean } {
  if (text === null || text === '') return { column: 'id', descending: false };
  let first: unknown;
  try {
    first = (JSON.parse(text) as unknown[])[0];
  } catch {
    first = undefined;
  }
  const column = isJsonObject(first) ? wordOf(first['col']) : '';
  if (column === '' || computed.has(column) || (sample !== undefined && !(column in sample)))
    throw new ApiError(400, 'invalid_args', `Invalid order_by: ${text}`);
  return { column, descending: isJsonObject(first) && first['dir'] === 'desc' };
}

type Key = readonly [number | string, number];

function compareKeys([a, aId]: Key, [b, bId]: Key): number {
  if (a !== b) return a < b ? -1 : 1;
  return aId - bId;
}

function startAfter(ordered: readonly Row[], keyOf: (row: Row) => Key, token: Key, descending: boolean): number {
  const found = ordered.findIndex((row) => compareKeys(keyOf(row), token) * (descending ? -1 : 1) > 0);
  return found === -1 ? ordered.length : found;
}

const writeToken = (key: Key): string => Buffer.from(JSON.stringify(key)).toString('base64url');

function readToken(text: string): Key {
  try {
    const key = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Key;
    if (Array.isArray(key) && key.length === 2 && typeof key[1] === 'number') return key;
  } catch {
    // What is no token is told below.
  }
  throw new ApiError(400, 'invalid_args', 'Invalid after_token');
}

function labelCounts(rows: readonly Row[]): JsonObject {
  const counts: Record<string, number> = {};
  for (const row of rows) {
    const label = wordOf(row['label'] ?? '');
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

function selected(rows: readonly Row[], text: string | null): JsonObject[] {
  if (text === null || text === '') return [...rows];
  let columns: unknown;
  try {
    columns = JSON.parse(text);
  } catch {
    columns = undefined;
  }
  if (!Array.isArray(columns)) throw new ApiError(400, 'invalid_args', 'Invalid select_cols');
  const wanted = columns.map(String);
  if (wanted.includes('*')) return [...rows];
  return rows.map((row) =>
    Object.fromEntries(wanted.flatMap((column) => (column in row ? [[column, row[column]!]] : []))),
  );
}
