/** Machines and hosts that are left alone for a while, with the reason: on disk, so that no restart forgets them. */
import type { Clock } from '../core/clock.ts';
import { addMs, type EpochMs } from '../core/units.ts';
import type { Offer } from './fleet-provider.ts';
import type { BenchRow, IntentStore, Rental } from './intent-store.ts';
import { benchHours, hostStrikesMax } from './offers/host-history.ts';

export interface Bench {
  /** One more failure of this machine; `permanent` until an operator takes it off. */
  strike(rental: Pick<Rental, 'machineId' | 'hostId'>, reason: string, how: 'strike' | 'permanent'): void;
  /** By an operator; without `hours` until taken off. */
  block(kind: BenchRow['kind'], id: string, reason: string, hours: number | undefined): void;
  /** @returns false when it was not benched */
  unblock(kind: BenchRow['kind'], id: string): boolean;
  /** Why the offer is not to be taken now; undefined when it may. */
  reasonAgainst(offer: Pick<Offer, 'machineId' | 'hostId'>): string | undefined;
  /** Benched now. */
  rows(): readonly BenchRow[];
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Strikes are forgotten so long after the last one. */
const forgetMs = 30 * dayMs;

export function createBench({ store, clock }: { readonly store: IntentStore; readonly clock: Clock }): Bench {
  // In memory too: a search weighs hundreds of offers.
  const rows = new Map(store.benched().map((row) => [keyOf(row.kind, row.id), row]));
  const put = (row: BenchRow): void => {
    rows.set(keyOf(row.kind, row.id), row);
    store.bench(row);
  };
  const isActive = (row: BenchRow, now: EpochMs) => row.until === undefined || row.until > now;
  const find = (kind: BenchRow['kind'], id: string): BenchRow | undefined => {
    const row = rows.get(keyOf(kind, id));
    return row && row.at + forgetMs > clock.now() ? row : undefined;
  };

  return {
    strike({ machineId, hostId }, reason, how) {
      const now = clock.now();
      const strikes = (find('machine', machineId)?.strikes ?? 0) + 1;
      const until = how === 'permanent' ? undefined : addMs(now, benchHours(strikes) * hourMs);
      put({ kind: 'machine', id: machineId, strikes, until, reason, at: now });
      const struck = new Set(
        store
          .since(addMs(now, -2 * dayMs))
          .filter((each) => each.hostId === hostId && each.outcome === 'failed' && (each.endedAt ?? now) > now - dayMs)
          .map((each) => each.machineId),
      );
      struck.add(machineId);
      const host = find('host', hostId);
      const isBlocked = host !== undefined && host.until === undefined;
      if (hostId === '' || struck.size < hostStrikesMax || isBlocked) return;
      const why = `${struck.size} of its machines failed within a day; last: ${reason}`;
      put({ kind: 'host', id: hostId, strikes: struck.size, until: addMs(now, dayMs), reason: why, at: now });
    },

    block(kind, id, reason, hours) {
      const now = clock.now();
      const until = hours === undefined ? undefined : addMs(now, hours * hourMs);
      put({ kind, id, strikes: find(kind, id)?.strikes ?? 0, until, reason, at: now });
    },

    unblock(kind, id) {
      rows.delete(keyOf(kind, id));
      return store.unbench(kind, id);
    },

    reasonAgainst({ machineId, hostId }) {
      const now = clock.now();
      const row = [find('machine', machineId), find('host', hostId)].find((each) => each && isActive(each, now));
      if (!row) return undefined;
      const until = row.until === undefined ? 'until it is unblocked' : `until ${new Date(row.until).toISOString()}`;
      return `${row.kind} ${row.id} is benched ${until}: ${row.reason}`;
    },

    rows: () => [...rows.values()].filter((row) => isActive(row, clock.now())),
  };
}

const keyOf = (kind: BenchRow['kind'], id: string): string => `${kind} ${id}`;
