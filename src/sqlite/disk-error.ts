export type DiskFault = 'damaged' | 'locked' | 'newer' | 'failed';

/** Says what kind of trouble the disk has, for the store to act on. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly fault: DiskFault;

  constructor(fault: DiskFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }
}

export function faultOf(error: unknown): DiskFault {
  if (error instanceof DiskError) return error.fault;
  return isDamage(error) ? 'damaged' : 'failed';
}

/** The file is not, or no longer, a sound database: it can be set aside, never repaired in place. */
function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === sqliteCorrupt || code === sqliteNotADatabase;
}

/** Another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === sqliteBusy;
}

const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

/** SQLite's extended codes carry the primary one in their low byte. */
function primaryCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}
