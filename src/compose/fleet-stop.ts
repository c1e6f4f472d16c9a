/** The kill switch for the day when the gateway is not there: the market itself is asked for what carries our label. */
import { existsSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import { labelPrefix } from '../fleet/fleet-deps.ts';
import type { FleetProvider, Instance } from '../fleet/fleet-provider.ts';
import { openIntentStore } from '../fleet/intent-store.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createProvider, intentStorePath } from './fleet.ts';

export interface DirectStop {
  readonly destroyed: readonly { readonly instanceId: string; readonly label: string; readonly gpu: string }[];
  /** Still listed when the time was over. */
  readonly left: readonly string[];
}

/** Longer than a market that answers ever needs, shorter than anybody's patience. */
const withinMs = 300_000;
const pauseMs = 2_000;
/** An empty list is believed when it was empty this often in a row. */
const emptyListsMin = 2;

/**
 * Also tells a gateway that runs on this data folder, or is started there, to rent nothing until `fleet start`.
 * @throws config_invalid where no fleet is configured
 */
export async function stopFleetDirectly(config: Config, onStep: (says: string) => void): Promise<DirectStop> {
  if (config.fleet.provider === 'off')
    throw new AppError('config_invalid', 'no fleet is configured; set fleet.provider, or give --config');
  haltOnDisk(config);
  const provider = createProvider(config, {
    clock: systemClock,
    random: systemRandom,
    logger: createLogger('silent'),
  });
  try {
    return await destroyAll(provider, labelPrefix(config.fleet.name), onStep);
  } finally {
    await provider.close();
  }
}

/** Machines that the folder still has as rented, after its gateway has ended. */
export function machinesLeft({ dataDir }: Pick<Config, 'dataDir'>): readonly string[] {
  const path = intentStorePath(dataDir);
  if (!existsSync(path)) return [];
  const store = openIntentStore(path);
  try {
    return store.alive().map(({ instanceId, label }) => instanceId ?? label);
  } finally {
    store.close();
  }
}

function haltOnDisk(config: Config): void {
  const path = intentStorePath(config.dataDir);
  if (!existsSync(path)) return;
  const store = openIntentStore(path);
  store.setFact('halt', JSON.stringify({ at: systemClock.now(), reason: 'stopped by the operator' }));
  store.close();
}

async function destroyAll(
  provider: FleetProvider,
  prefix: string,
  onStep: (says: string) => void,
): Promise<DirectStop> {
  const untilMs = systemClock.monotonicMs() + withinMs;
  const { signal } = new AbortController();
  const destroyed = new Map<string, DirectStop['destroyed'][number]>();
  let left: readonly Instance[] = [];
  for (let empty = 0; empty < emptyListsMin;) {
    try {
      left = await provider.list(prefix, { signal });
      empty = left.length === 0 ? empty + 1 : 0;
      for (const { id, label, gpuName } of left) {
        onStep(`destroying ${id} (${gpuName}, ${label})`);
        await provider.destroy(id, { signal });
        destroyed.set(id, { instanceId: id, label, gpu: gpuName });
      }
    } catch (error) {
      const { code, message } = toAppError(error);
      if (code === 'provider_refused') throw error;
      onStep(`${message}; trying again`);
      empty = 0;
    }
    if (systemClock.monotonicMs() > untilMs) break;
    if (empty < emptyListsMin) await systemClock.sleep(pauseMs);
    else left = [];
  }
  return { destroyed: [...destroyed.values()], left: left.map(({ id }) => id) };
}
