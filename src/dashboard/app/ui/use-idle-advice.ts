import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { SettingsView, WhatIfReply, WhatIfRequest } from '../../../admin/admin-types.ts';
import { idleAdvice, idleChanges, type IdleAdvice } from '../../model/idle-advice.ts';
import { call } from '../api.ts';

const days = 7;
/** A replay takes seconds of a core, and a week of traffic is the same an hour later. */
const keptMs = 3_600_000;

interface Kept {
  readonly advice: IdleAdvice | undefined;
  readonly turn: number;
  readonly atMs: number;
}

const kept = signal<Kept | undefined>(undefined);
let isAsking = false;

/**
 * Replays the last week with a few idle times, where somebody wants to know.
 * @param turn another one asks again: settings have changed
 * @returns undefined while it is not known
 */
export function useIdleAdvice(isWanted: boolean, turn: number): IdleAdvice | undefined {
  useEffect(() => {
    const old = kept.value;
    const isFresh = old?.turn === turn && performance.now() - old.atMs < keptMs;
    if (!isWanted || isAsking || isFresh) return;
    isAsking = true;
    void replay()
      .then(
        (advice) => (kept.value = { advice, turn, atMs: performance.now() }),
        // Somebody else replays, or nothing is recorded: it goes without.
        () => undefined,
      )
      .finally(() => (isAsking = false));
  }, [isWanted, turn]);
  return isWanted && kept.value?.turn === turn ? kept.value.advice : undefined;
}

async function replay(): Promise<IdleAdvice | undefined> {
  const body: WhatIfRequest = { days, changes: idleChanges };
  const { runTime } = await call<SettingsView>('/api/settings');
  const { reports } = await call<WhatIfReply>('/api/money/whatif', { method: 'POST', body });
  return idleAdvice(reports, runTime.find(({ name }) => name === 'fleet.idleTimeoutMs')?.value);
}
