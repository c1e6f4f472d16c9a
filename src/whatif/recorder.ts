import type { CacheWitness } from '../cache/witness.ts';
import type { Clock } from '../core/clock.ts';
import type { FactLog } from '../ledger/facts.ts';
import { encodeComparison } from './recording.ts';

/** Writes down what a replay needs. Nothing of it is text that somebody wrote. */
export function createRecorder({ facts, clock }: { readonly facts: FactLog; readonly clock: Clock }): CacheWitness {
  const write = (kind: string, json: string) => facts.append({ at: clock.now(), kind, json });
  return {
    compared: ({ requestId, ...comparison }) => write('compared', encodeComparison(requestId, comparison)),
    kept: ({ requestId, entryId, storedAt, expiresAt }) =>
      write('kept', JSON.stringify({ r: requestId, e: entryId, s: storedAt, x: expiresAt })),
    removed: (entryId, reason) => write('removed', JSON.stringify({ e: entryId, w: reason })),
    labelled: ({ score, right, drawnWith }) =>
      write('label', JSON.stringify({ p: score, ok: right ? 1 : 0, d: drawnWith })),
  };
}
