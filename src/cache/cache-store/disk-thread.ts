import { siblingWorker } from '../../core/sibling-worker.ts';
import { startDiskThread, type DiskThread as Thread } from '../../sqlite/disk-thread.ts';
import type { DiskCalls, DiskSetup, Opened } from './disk-protocol.ts';

/** The disk thread, as promises. */
export type DiskThread = Thread<DiskCalls>;

/** @throws DiskError: damaged beyond setting aside, locked by another process, newer schema, or not writable */
export const startCacheDisk = (setup: DiskSetup) =>
  startDiskThread<{ calls: DiskCalls; opened: Opened }>({
    program: siblingWorker('disk-worker', import.meta.url),
    name: 'cache-disk',
    setup,
    // A page of a list is a few MiB.
    heapMib: { young: 4, old: 256 },
  });
