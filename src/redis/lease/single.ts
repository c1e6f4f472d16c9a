import type { Lease } from '../lease.ts';

/** With no Redis there is one process, and it leads. */
export function createSingleLease(): Lease {
  let held: { readonly token: number } | undefined = { token: 1 };
  const listeners = new Set<(held: { readonly token: number } | undefined) => void>();
  return {
    name: 'single',
    get held() {
      return held;
    },
    confirm: async () => held,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    status: () => ({ role: held === undefined ? 'follower' : 'leader', leader: undefined, token: held?.token }),
    async close() {
      if (held === undefined) return;
      held = undefined;
      for (const listener of listeners) listener(undefined);
    },
  };
}
