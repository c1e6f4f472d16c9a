import type { Clock } from '../../core/clock.ts';
import { nextTurn } from '../time-slice.ts';
import type { DirectoryRecord } from './directory.ts';
import type { DiskThread } from './disk-thread.ts';
import type { Journal } from './journal.ts';
import { namesPerRow, numbersPerRow, type DirectoryPage } from './disk-protocol.ts';
import type { Shelf } from './shelf.ts';

/** Rows entered before other work gets its turn: about 1 ms. */
const pageRows = 256;

/** Reads the directory from disk; the thread reads the next page while one is entered here. @throws DiskError */
export async function loadDirectory(deps: {
  readonly disk: DiskThread;
  readonly shelf: Shelf;
  readonly journal: Journal;
  readonly clock: Clock;
}): Promise<void> {
  const { disk, shelf, journal, clock } = deps;
  const { directory } = shelf;
  let page = await disk.call('load', 0, pageRows);
  for (;;) {
    const records = recordsOf(page);
    const last = records.at(-1);
    const next = last && page.rows === pageRows ? disk.call('load', last.seq, pageRows) : undefined;
    next?.catch(() => undefined); // awaited below; a failure before that must not count as unhandled
    for (const record of records) {
      const known = directory.rowOfKey(record.exactKey);
      const row = known === -1 ? directory.rowOfId(record.id) : known;
      if (row !== -1) {
        // A put since the start is newer than what was on disk then; unless it is that very row.
        if (directory.seqAt(row) !== record.seq) journal.remove(record.seq);
      } else if (record.expiresAt <= clock.now()) journal.remove(record.seq);
      else shelf.admit(record);
    }
    if (!next) return;
    // A reply that is there already would be taken in the same turn, and page after page with it.
    await nextTurn();
    page = await next;
  }
}

function recordsOf({ rows, numbers, names }: DirectoryPage): DirectoryRecord[] {
  return Array.from({ length: rows }, (_, row) => {
    const number = (at: number) => numbers[row * numbersPerRow + at]!;
    const name = (at: number) => names[row * namesPerRow + at] ?? undefined;
    return {
      seq: number(0),
      storedAt: number(1),
      expiresAt: number(2),
      bytes: number(3),
      hits: number(4),
      gpuMs: number(5),
      id: name(0),
      exactKey: name(1),
      tenant: name(2),
      model: name(3),
      scope: name(4),
    } as DirectoryRecord;
  });
}
