/** Instances in our words; what they tell of our secrets is learnt so that it can be removed elsewhere. */
import { epochMs, usdMicros } from '../../../core/units.ts';
import { instanceId, type GpuUse, type Instance, type InstanceStatus } from '../../fleet-provider.ts';
import { secretValues, type Redactor } from './redact.ts';
import { instanceSchema, type WireInstance } from './wire.ts';

const microsPerUsd = 1e6;
const hoursPerMonth = 730;

/** @returns undefined for a row without an id, which is no row */
export function decodeInstance(row: unknown, redactor: Redactor): Instance | undefined {
  const parsed = instanceSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const wire = parsed.data;
  redactor.learn(wire.id, secretsOf(wire));
  const storage = wire.storage_total_cost ?? ((wire.storage_cost ?? 0) * (wire.disk_space ?? 0)) / hoursPerMonth;
  return {
    id: instanceId(wire.id),
    label: wire.label ?? '',
    status: statusOf(wire),
    statusText: redactor.words(wire.status_msg ?? wire.actual_status ?? '', { instance: wire.id }),
    machineId: wire.machine_id ?? '',
    hostId: wire.host_id ?? '',
    gpuName: wire.gpu_name ?? '',
    endpoints: endpointsOf(wire),
    pricePerHour: usdMicros((wire.dph_total ?? 0) * microsPerUsd),
    storagePerHour: usdMicros(storage * microsPerUsd),
    gpuBilled: wire.actual_status === 'running',
    gpuUse: gpuUseOf(wire),
    startedAt: wire.start_date === undefined ? undefined : epochMs(wire.start_date * 1_000),
  };
}

function statusOf({ actual_status: actual, cur_state: current }: WireInstance): InstanceStatus {
  switch (actual) {
    case undefined:
    case 'created':
      return 'creating';
    case 'loading':
    case 'rebooting':
      return 'loading';
    case 'running':
      return 'running';
    // None of these turns into `running` alone.
    case 'stopped':
    case 'exited':
    case 'frozen':
      return 'stopped';
    case 'scheduling':
      return 'waiting';
    case 'unknown':
    case 'offline':
      return 'lost';
    default:
      return current === 'running' ? 'loading' : 'lost';
  }
}

const bytesPerMib = 2 ** 20;
const bytesPerGb = 1e9;
/** A card's marketed size is a little less than what its driver counts. */
const vramSlack = 1.1;

/** A machine that does not run still shows what it showed last. */
function gpuUseOf({ actual_status: status, gpu_util: percent, vmem_usage: used, ...wire }: WireInstance): GpuUse {
  const vramMib = wire.gpu_totalram ?? wire.gpu_ram;
  const vramBytes = vramMib === undefined || vramMib <= 0 ? undefined : vramMib * bytesPerMib;
  const running = status === 'running';
  return {
    utilizationRatio: running && percent !== undefined && percent >= 0 && percent <= 100 ? percent / 100 : undefined,
    vramUsedBytes: running ? vramUsedBytesOf(used, vramBytes) : undefined,
    vramBytes,
  };
}

/**
 * The documents give no unit. GB have been seen, and MB: what would be more than the card has in GB is MB, and what is
 * more than it has in MB is nothing we understand.
 */
function vramUsedBytesOf(used: number | undefined, vramBytes: number | undefined): number | undefined {
  if (used === undefined || used < 0 || vramBytes === undefined) return undefined;
  const most = vramBytes * vramSlack;
  return [used * bytesPerGb, used * bytesPerMib].map(Math.round).find((bytes) => bytes <= most);
}

/** `{"8443/tcp":[{"HostIp":"0.0.0.0","HostPort":"33526"}]}` and an address with blanks around it. */
function endpointsOf(wire: WireInstance): Instance['endpoints'] {
  const endpoints = new Map<number, { host: string; port: number }>();
  const host = wire.public_ipaddr?.trim() ?? '';
  if (wire.actual_status !== 'running' || host === '') return endpoints;
  for (const [name, rows] of Object.entries(wire.ports ?? {})) {
    const inside = Number(/^(\d+)\/tcp$/.exec(name)?.[1]);
    const outside = Number(rows?.find((row) => row?.HostPort !== undefined)?.HostPort);
    if (isPort(inside) && isPort(outside)) endpoints.set(inside, { host, port: outside });
  }
  return endpoints;
}

const isPort = (value: number): boolean => Number.isInteger(value) && value > 0 && value < 65_536;

function secretsOf(wire: WireInstance): string[] {
  const secrets = [wire.jupyter_token ?? '', wire.onstart ?? ''];
  const { extra_env: env, image_args: args } = wire;
  const pairs: readonly unknown[] = Array.isArray(env) ? env : Object.entries((env as object | null | undefined) ?? {});
  secrets.push(...secretValues(pairs.filter(isPair)));
  if (Array.isArray(args)) for (const arg of args as unknown[]) if (typeof arg === 'string') secrets.push(arg);
  return secrets;
}

const isPair = (pair: unknown): pair is readonly [string, string] =>
  Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'string';
