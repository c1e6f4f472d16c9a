/** What the store remembers of machines, as the score of offers reads it. */
import { addMs, type EpochMs } from '../core/units.ts';
import type { IntentStore, Rental } from './intent-store.ts';
import type { HostHistory, MachineRecord } from './offers/host-history.ts';

/** Older starts say little about a host of today. */
const memoryMs = 30 * 86_400_000;

export function hostHistoryOf(store: Pick<IntentStore, 'since'>, now: EpochMs): HostHistory {
  const rentals = store.since(addMs(now, -memoryMs)).filter(({ outcome }) => outcome !== 'cancelled');
  const byMachine = Map.groupBy(rentals, ({ machineId }) => machineId);
  const byHost = Map.groupBy(rentals, ({ hostId }) => hostId);
  const byGpu = Map.groupBy(rentals, ({ gpuName }) => gpuName);
  return {
    machine: (id) => recordOf(byMachine.get(id), now),
    host: (id) => recordOf(byHost.get(id), now),
    gpuTokensPerS: (name) => meanSpeed(byGpu.get(name)),
  };
}

function recordOf(rentals: readonly Rental[] | undefined, now: EpochMs): MachineRecord | undefined {
  if (rentals === undefined) return undefined;
  const served = rentals.flatMap(({ readyAt, endedAt }) => (readyAt === undefined ? [] : [(endedAt ?? now) - readyAt]));
  return {
    startsGood: rentals.filter(({ outcome }) => outcome === 'ready').length,
    startsBad: rentals.filter(({ outcome }) => outcome === 'failed').length,
    losses: rentals.filter(({ readyAt, endReason }) => readyAt !== undefined && endReason?.startsWith('lost: ')).length,
    servedHours: served.reduce((sum, ms) => sum + ms, 0) / 3_600_000,
    tokensPerS: meanSpeed(rentals),
  };
}

function meanSpeed(rentals: readonly Rental[] | undefined): number | undefined {
  const speeds = rentals?.flatMap(({ tokensPerS }) => (tokensPerS === undefined ? [] : [tokensPerS])) ?? [];
  return speeds.length === 0 ? undefined : speeds.reduce((sum, each) => sum + each, 0) / speeds.length;
}
