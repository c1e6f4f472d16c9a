import type { DiskFault } from './disk-protocol.ts';
import { isDamage } from './disk-schema.ts';

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
