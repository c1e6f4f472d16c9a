import { existsSync } from 'node:fs';
import type { Config } from '../../config/schema.ts';
import { labelPrefix } from '../../fleet/fleet-deps.ts';
import { instanceId } from '../../fleet/fleet-provider.ts';
import { openIntentStore, type Rental } from '../../fleet/intent-store.ts';
import type { Phase } from '../../fleet/lifecycle.ts';
import type { Market } from '../../doctor/checks/fleet.ts';
import type { DoctorDeps } from './deps.ts';
import { createProvider, intentStorePath } from '../fleet.ts';

const spare: ReadonlySet<Phase> = new Set(['stopping', 'stopped', 'restarting']);

export function lookAtMarket(config: Config, deps: DoctorDeps): Market {
  const prefix = labelPrefix(config.fleet.name);
  const alive = (): readonly Rental[] => {
    const path = intentStorePath(config.dataDir);
    if (!existsSync(path)) return [];
    const store = openIntentStore(path);
    try {
      return store.alive();
    } finally {
      store.close();
    }
  };
  // One each, so that its own pace is kept over all checks; they are few.
  const provider = createProvider(config, deps);
  return {
    async account(options) {
      const { balance, email } = await provider.account(options);
      return { balanceUsd: balance / 1e6, email };
    },
    async list(options) {
      const instances = await provider.list(prefix, options);
      return instances.map(({ id, label, gpuName, status, gpuBilled, pricePerHour, storagePerHour }) => ({
        id,
        label,
        gpu: gpuName,
        status,
        usdPerHour: (gpuBilled ? pricePerHour : storagePerHour) / 1e6,
      }));
    },
    known: async () => new Set(alive().map(({ label }) => label)),
    spares: async () => new Set(alive().flatMap(({ label, phase }) => (spare.has(phase) ? [label] : []))),
    destroy: (id, options) => provider.destroy(instanceId(id), options),
  };
}
