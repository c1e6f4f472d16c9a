/** What every lease promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Leadership, Lease } from '../lease.ts';

/** @param open a lease that is free; the suite closes it, then calls `dispose`. */
export function leaseConformance(
  name: string,
  open: () => Promise<{ readonly lease: Lease; readonly dispose: () => Promise<void> }>,
): void {
  const withLease = async (run: (lease: Lease) => Promise<void>): Promise<void> => {
    const { lease, dispose } = await open();
    try {
      await run(lease);
    } finally {
      await lease.close();
      await dispose();
    }
  };

  describe(`${name} lease`, () => {
    it('is held by the only one that asks, with one token', () =>
      withLease(async (lease) => {
        const first = await lease.confirm();
        assert.ok(first !== undefined && first.token > 0);
        assert.deepEqual(lease.held, first);
        assert.deepEqual(await lease.confirm(), first);
        assert.equal(lease.status().role, 'leader');
      }));

    it('is given up when it is closed, and says so once', () =>
      withLease(async (lease) => {
        await lease.confirm();
        const heard: (Leadership | undefined)[] = [];
        lease.onChange((held) => void heard.push(held));
        await lease.close();
        await lease.close();
        assert.equal(lease.held, undefined);
        assert.equal(await lease.confirm(), undefined);
        assert.deepEqual(heard, [undefined]);
      }));
  });
}
